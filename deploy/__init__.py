"""The app as a public server: security headers, logs, metrics, and deployment files."""
