"""A streamed completion read from bytes: events, text, reasoning and token counts."""
