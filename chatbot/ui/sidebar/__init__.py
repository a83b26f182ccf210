"""The sidebar: the list of conversations, search and the answer settings."""
