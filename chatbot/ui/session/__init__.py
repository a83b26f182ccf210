"""One session: its state, its widgets' values, the parameters of its address, its language."""
