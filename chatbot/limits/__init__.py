"""Limits on what visitors and the whole site may use."""
