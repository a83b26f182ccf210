"""Images and diagrams in a model's text: only those that are safe are drawn."""
