"""Running the app for others: a server with its doors shut, and what surrounds it."""
