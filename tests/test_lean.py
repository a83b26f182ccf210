"""The openai library is loaded without what is never asked for, and has it when it is."""

import subprocess
import sys

from tests.conftest import ROOT

PREPARE = "import sys; from chatbot.lean import load_openai; load_openai(); import openai; "


def said_by(script: str) -> str:
    command = [sys.executable, "-c", PREPARE + script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_the_client_uses_leaves_the_gathering_packages_unread() -> None:
    used = "client = openai.AsyncOpenAI(api_key='none'); client.chat.completions; client.models; "
    count = "print(sum(name.startswith('openai.types.responses.') for name in sys.modules))"
    assert int(said_by(used + count)) < 10


def test_a_name_in_an_unread_package_is_there_when_it_is_asked_for() -> None:
    names = "openai.types.Model.__name__, openai.types.responses.Response.__name__"
    assert said_by(f"print({names})") == "Model Response"
    assert said_by("from openai.types import Batch; print(Batch.__name__)") == "Batch"


def test_a_name_that_is_nowhere_is_an_attribute_error() -> None:
    assert said_by("print(hasattr(openai.types, 'Nothing'), hasattr(openai.types, '__all__'))") == (
        "False False"
    )
