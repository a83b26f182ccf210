"""What one session remembers: its state, its widgets' values, its address and its language."""
