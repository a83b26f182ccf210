"""The built-in model: downloaded once, served on loopback by a separate process."""
