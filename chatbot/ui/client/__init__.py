"""Trust in clients, which may be no browsers: where they are, and what they may send."""
