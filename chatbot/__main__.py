"""`python -m chatbot`: commands for a terminal on the server.

python -m chatbot check            check that a model server works
python -m chatbot hash-password    print the settings line with the hash of a password
"""

import argparse
import getpass
import io
import locale
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatbot import background, redaction
from chatbot.access.password import LONGEST_PASSWORD, SHORTEST_PASSWORD, line_for
from chatbot.builtin import model as builtin_model
from chatbot.connection_check.probe import Check, configured_at
from chatbot.connection_check.report import Report, Step
from chatbot.connection_check.url_candidates import base_urls, pasted_key
from chatbot.errors import ChatbotError, Phrase
from chatbot.i18n import LANGUAGES, closest_language, translate
from chatbot.llm.endpoint import Endpoint, find_choice
from chatbot.settings import env_file
from chatbot.settings.settings import Settings
from chatbot.settings.sources import SECRETS_FILE, load_settings

MARKS = {None: "…", True: "✓", False: "✗"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that `arguments` name (default: the process's own), then exit.

    The exit code is 0 on success, 1 on failure, 2 for wrong arguments and 130 after Ctrl+C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # some terminals cannot show ✓ or Chinese
            stream.reconfigure(errors="replace")
    options = _parser(_system_language()).parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)


def run_as_before(command: str) -> None:
    """Run a command by its former name, such as `python -m chatbot.check`, and name the new one."""
    print(f"Next time: python -m chatbot {command}", file=sys.stderr)
    main([command, *sys.argv[1:]])


def _parser(language: str) -> argparse.ArgumentParser:
    def say(key: str) -> str:
        return translate(language, key)

    parser = argparse.ArgumentParser("python -m chatbot")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check", help=say("command.check"), description=say("command.check_description")
    )
    check.add_argument("--base-url", metavar="URL", help=say("command.base_url"))
    check.add_argument("--provider", metavar="NAME", help=say("command.provider"))
    check.add_argument("--model", help=say("command.model"))
    check.add_argument("--language", choices=list(LANGUAGES), help=say("command.language"))
    check.set_defaults(run=_check)
    hashing = say("command.hash_password")
    hash_password = commands.add_parser("hash-password", help=hashing, description=hashing)
    hash_password.set_defaults(run=_hash_password)
    return parser


def _check(options: argparse.Namespace) -> int:
    """Check all servers in the settings, or the given address; return the exit code."""
    language = options.language or _system_language()
    try:
        settings = load_settings(_secrets())
        language = options.language or settings.language or language
        checks = _checks(settings, options, language)
        works = [
            _print_check(settings, name if len(checks) > 1 else "", check, language)
            for name, check in checks.items()
        ]
    except ChatbotError as error:
        print(error.sentence(language))
        return 1
    return 0 if all(works) else 1


def _checks(settings: Settings, options: argparse.Namespace, language: str) -> dict[str, Check]:
    """Return the checks to run by name: of all servers in the settings, or of the address."""
    typed, model = options.base_url or "", options.model or ""
    endpoints = _named(settings.endpoints, options.provider)
    if typed:
        endpoints = configured_at(endpoints, typed)
    elif not endpoints:
        return {builtin_model.NAME: Check(builtin_model.shared(settings.local_model))}
    default = find_choice(settings.endpoints, settings.default_model or "")
    checks = {}
    for endpoint in endpoints:
        usual = (
            default[1] if default and default[0] is endpoint else next(iter(endpoint.models), "")
        )
        checks[endpoint.display_name] = Check(
            endpoint, typed or endpoint.base_url, model or ("" if typed else usual)
        )
    if checks:
        return checks
    # The keys in the settings belong to other addresses.
    address = base_urls(typed)[0]
    prompt = translate(language, "check.key_prompt")
    key = pasted_key(getpass.getpass(prompt)) if sys.stdin.isatty() else None
    redaction.hide(key)
    return {address: Check(Endpoint(address, key), typed, model, is_owners_key=False)}


def _named(endpoints: tuple[Endpoint, ...], name: str | None) -> list[Endpoint]:
    """Return the endpoints called `name`, or all for None. Raises ChatbotError("no_provider")."""
    named = [
        endpoint
        for endpoint in endpoints
        if name in (None, endpoint.provider, endpoint.label, endpoint.display_name)
    ]
    if name and not named:
        names = ", ".join(endpoint.provider or endpoint.display_name for endpoint in endpoints)
        raise ChatbotError("no_provider", name=name, names=names or "–")
    return named


def _print_check(settings: Settings, name: str, check: Check, language: str) -> bool:
    """Run a check, print its name if it has one and its steps; return True if all works."""
    if name:
        print(f"{name}:", flush=True)
    report = background.submit(check.run(_print_step(language))).result()
    print(f"\n{_conclusion(settings, report, language)}{chr(10) if name else ''}", flush=True)
    return report.error is None


def _print_step(language: str) -> Any:
    def print_step(step: Step) -> None:
        if step.is_good is not None:
            print(f"{MARKS[step.is_good]} {step.sentence(language)}", flush=True)

    return print_step


def _conclusion(settings: Settings, report: Report, language: str) -> str:
    """Return the check's result as a sentence, with the lines to write into `.env`."""
    sentence = report.sentence(language, report.endpoint.base_url)
    if report.error or report.endpoint.name == builtin_model.NAME:
        return sentence
    if provider := report.endpoint.provider:
        line = f'base_url = "{report.endpoint.base_url}"'
        return sentence if report.is_as_given else f"{sentence}\n[providers.{provider}]\n{line}"
    return "\n".join([sentence, *env_file.lines(env_file.changes(settings, report))])


def _system_language() -> str:
    return closest_language(os.environ.get("CHATBOT_LANGUAGE"), locale.getlocale()[0])


def _secrets() -> dict[str, Any]:
    try:
        return tomllib.loads(Path(SECRETS_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        expected = Phrase("setting.secrets_file")
        raise ChatbotError("file", name=SECRETS_FILE, expected=expected) from None


def _hash_password(_wanted: argparse.Namespace) -> int:
    """Ask for a password twice, or read a line from a pipe, and print the settings line."""
    language = _system_language()

    def say(name: str, **details: object) -> str:
        return translate(language, f"password_command.{name}", **details)

    password = _asked(say("ask"))
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        sys.exit(say("length", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD))
    if sys.stdin.isatty() and _asked(say("again")) != password:
        sys.exit(say("differ"))
    print(say("done"), file=sys.stderr)
    print(f"CHATBOT_PASSWORD={line_for(password)}")
    return 0


def _asked(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    main()
