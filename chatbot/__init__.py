"""Chatbot: a chat page for any OpenAI-compatible model, with one built in."""

__version__ = "0.1.0"

SOURCE_URL = "https://github.com/chatbot-app/chatbot"
"""Address of the source code; `CHATBOT_SOURCE_URL` replaces it for a fork."""
