"""Settings: their sources, and the errors for values that are not valid."""
