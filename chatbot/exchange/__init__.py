"""Taking conversations away and bringing them in: Markdown, JSON, zip, and ChatGPT's export.

Nothing here draws. What comes in was written by somebody else, so every value is
checked, every tree mended, and a file is read to its end before anything is kept.
"""

from chatbot.exchange.export import (
    branch_on_screen,
    file_name,
    shown_time,
    to_json,
    to_markdown,
    write_zip,
)
from chatbot.exchange.importing import Summary, import_file

__all__ = [
    "Summary",
    "branch_on_screen",
    "file_name",
    "import_file",
    "shown_time",
    "to_json",
    "to_markdown",
    "write_zip",
]
