"""`python -m chatbot.password`: asks for a password and prints the line that stands for it."""

import getpass
import io
import locale
import os
import sys

from chatbot.i18n import closest_language, translate
from chatbot.password import LONGEST_PASSWORD, SHORTEST_PASSWORD, line_for


def main() -> None:
    """Ask twice, or read one line where there is no terminal; exit with 1 if it will not do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal has Chinese
            stream.reconfigure(errors="replace")
    language = closest_language(os.environ.get("CHATBOT_LANGUAGE"), locale.getlocale()[0])

    def said(name: str, **details: object) -> str:
        return translate(language, f"password_command.{name}", **details)

    try:
        password = _asked(said("ask"))
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            sys.exit(said("length", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD))
        if sys.stdin.isatty() and _asked(said("again")) != password:
            sys.exit(said("differ"))
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
    print(said("done"), file=sys.stderr)
    print(f"CHATBOT_PASSWORD={line_for(password)}")


def _asked(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\r\n")
