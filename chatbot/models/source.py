"""Sources of answers: a server, or the built-in model."""

from chatbot.builtin.model import LocalModel
from chatbot.llm.endpoint import Endpoint

Source = Endpoint | LocalModel
"""A server, or the built-in model, which may have to be started first."""
