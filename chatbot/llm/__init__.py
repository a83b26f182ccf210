"""Client for OpenAI-compatible servers: requests, streams, and translation of failures."""
