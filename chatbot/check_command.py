"""`python -m chatbot.check`: the connection check for whoever has a terminal on the server."""

import argparse
import getpass
import io
import locale
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

from chatbot import background, env_file, local_model, masking
from chatbot.addresses import base_urls, pasted_key
from chatbot.check import Check, configured_at
from chatbot.endpoints import Endpoint, find_choice
from chatbot.errors import ChatbotError, Phrase
from chatbot.findings import Finding, Step
from chatbot.i18n import LANGUAGES, closest_language, translate
from chatbot.settings import SECRETS_FILE, Settings, load_settings

MARKS = {None: "…", True: "✓", False: "✗"}


def main(arguments: list[str] | None = None) -> None:
    """Check what is set, or another address; exit with 0 if it works and with 1 if not."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # not every terminal has a ✓, or Chinese
        sys.stdout.reconfigure(errors="replace")
    wanted = _parser(_system_language()).parse_args(arguments)
    language = wanted.language or _system_language()
    try:
        settings = load_settings(_secrets())
        language = wanted.language or settings.language or language
        checks = _checks(settings, wanted, language)
        works = [
            _print_check(settings, name if len(checks) > 1 else "", check, language)
            for name, check in checks.items()
        ]
    except ChatbotError as error:
        print(error.sentence(language))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if all(works) else 1)


def _checks(settings: Settings, wanted: argparse.Namespace, language: str) -> dict[str, Check]:
    """What is to be checked, by name: all that is set up, or what belongs to an address."""
    typed, model = wanted.base_url or "", wanted.model or ""
    endpoints = _named(settings.endpoints, wanted.provider)
    if typed:
        endpoints = configured_at(endpoints, typed)
    elif not endpoints:
        return {local_model.NAME: Check(local_model.shared(settings.local_model))}
    default = find_choice(settings.endpoints, settings.default_model or "")
    checks = {}
    for one in endpoints:
        usual = default[1] if default and default[0] is one else next(iter(one.models), "")
        checks[one.known_as] = Check(one, typed or one.base_url, model or ("" if typed else usual))
    if checks:
        return checks
    # The keys that are set belong elsewhere.
    address = base_urls(typed)[0]
    prompt = translate(language, "check.key_prompt")
    key = pasted_key(getpass.getpass(prompt)) if sys.stdin.isatty() else None
    masking.hide(key)
    return {address: Check(Endpoint(address, key), typed, model, is_owners_key=False)}


def _named(endpoints: tuple[Endpoint, ...], name: str | None) -> list[Endpoint]:
    """The one of a name, or all without one. Raises ChatbotError("no_provider")."""
    found = [one for one in endpoints if name in (None, one.provider, one.label, one.known_as)]
    if name and not found:
        names = ", ".join(one.provider or one.known_as for one in endpoints)
        raise ChatbotError("no_provider", name=name, names=names or "–")
    return found


def _print_check(settings: Settings, name: str, check: Check, language: str) -> bool:
    """Check one, step by step below its name if it has one; returns whether it works."""
    if name:
        print(f"{name}:", flush=True)
    finding = background.submit(check.run(_print_step(language))).result()
    print(f"\n{_conclusion(settings, finding, language)}{chr(10) if name else ''}", flush=True)
    return finding.error is None


def _print_step(language: str) -> Any:
    def print_step(step: Step) -> None:
        if step.is_good is not None:
            print(f"{MARKS[step.is_good]} {step.sentence(language)}", flush=True)

    return print_step


def _conclusion(settings: Settings, finding: Finding, language: str) -> str:
    """What came of it, and below it the lines of `.env` that must be set for that, if any."""
    sentence = finding.sentence(language, finding.endpoint.base_url)
    if finding.error or finding.endpoint.name == local_model.NAME:
        return sentence
    if provider := finding.endpoint.provider:
        line = f'base_url = "{finding.endpoint.base_url}"'
        return sentence if finding.is_as_given else f"{sentence}\n[providers.{provider}]\n{line}"
    return "\n".join([sentence, *env_file.lines(env_file.changes(settings, finding))])


def _parser(language: str) -> argparse.ArgumentParser:
    def said(name: str) -> str:
        return translate(language, f"check.command.{name}")

    parser = argparse.ArgumentParser("python -m chatbot.check", description=said("description"))
    parser.add_argument("--base-url", metavar="URL", help=said("base_url"))
    parser.add_argument("--provider", metavar="NAME", help=said("provider"))
    parser.add_argument("--model", help=said("model"))
    parser.add_argument("--language", choices=list(LANGUAGES), help=said("language"))
    return parser


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
