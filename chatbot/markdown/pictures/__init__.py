"""Images and diagrams: which of them are safe to draw."""
