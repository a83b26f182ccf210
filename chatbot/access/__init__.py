"""Access to the app: visitors' tokens, the shared password, and people who have signed in."""
