"""Styles, scripts and small components that run in the browser."""
