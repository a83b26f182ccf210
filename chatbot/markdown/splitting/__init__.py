"""Splitting of a text, complete or growing, into pieces that can be drawn separately."""
