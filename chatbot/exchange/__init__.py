"""Export and import of conversations: Markdown, JSON, zip, and other apps' exports.

Nothing here draws. Imported files are untrusted, so every value is checked, every tree is
repaired, and a file is read to its end before anything is stored.
"""

from chatbot.exchange.export import (
    branch_on_screen,
    file_name,
    shown_time,
    to_json,
    to_markdown,
    write_zip,
    write_zips,
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
    "write_zips",
]
