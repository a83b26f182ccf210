"""The views beside the chat: your data, usage, connection, shared copies and sign-in."""
