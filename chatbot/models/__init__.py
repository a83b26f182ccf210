"""Facts about each model: name in lists, context window, token counts and prices."""
