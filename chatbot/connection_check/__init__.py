"""Connection check: finds a working base URL, and explains each failure."""
