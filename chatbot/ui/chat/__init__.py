"""The conversation on the page: messages, the live answer, the composer and their actions."""
