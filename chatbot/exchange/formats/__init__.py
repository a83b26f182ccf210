"""Readers of other apps' exports, one module per app."""
