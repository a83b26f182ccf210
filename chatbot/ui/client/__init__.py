"""What the server knows of a client, which may be no browser, and accepts from it."""
