"""The chat pages that are measured: this one, and four others as their makers show them.

The others live in environments of their own, which are made when they are first asked for.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT, free_port

PEERS = Path(__file__).parent / "peers"

START_SECONDS = 180
"""Open WebUI prepares its database at its first start."""


@dataclass(frozen=True)
class Chat:
    """How a chat page is started, and where on it one types and reads.

    `command` follows the environment's `python`; `{port}` stands for the port.
    """

    name: str
    command: tuple[str, ...]
    composer: str
    message: str
    """What holds an answer's text, as a CSS selector; the last of them is the newest."""
    packages: tuple[str, ...] = ()
    """What its environment needs; none for the environment that this runs in."""
    settings: dict[str, str] = field(default_factory=dict)
    config: Path | None = None
    """A folder that it wants to find where it is started."""


_STREAMLIT = ("-m", "streamlit", "run")
_QUIET = ("--server.address", "127.0.0.1", "--server.headless", "true")
_PORT = ("--server.port", "{port}")

OURS = Chat(
    "ours",
    (*_STREAMLIT, str(ROOT / "streamlit_app.py"), *_QUIET, *_PORT),
    composer="[data-testid=stChatInputTextArea]",
    message="[data-testid=stChatMessage]",
    settings={
        "CHATBOT_MODEL": "test-model",
        # Counting each question is part of what is measured; being refused is not.
        "CHATBOT_VISITOR_LIMITS": "off",
        "CHATBOT_SITE_LIMITS": "100k questions per minute",
    },
    config=ROOT / ".streamlit",
)

OTHERS = (
    Chat(
        "Streamlit's tutorial",
        (*_STREAMLIT, str(PEERS / "streamlit_tutorial.py"), *_QUIET, *_PORT),
        composer="[data-testid=stChatInputTextArea]",
        message="[data-testid=stChatMessage]",
    ),
    Chat(
        "Open WebUI",
        (
            "-c",
            "from open_webui import app; app()",
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
        ),
        composer="#chat-input",
        message=".chat-assistant",
        packages=("torch==2.13.0", "open-webui"),
        settings={
            "WEBUI_AUTH": "False",
            "ENABLE_OLLAMA_API": "False",
            "OFFLINE_MODE": "True",
            # Each of these asks the model further questions after an answer.
            "ENABLE_TITLE_GENERATION": "False",
            "ENABLE_TAGS_GENERATION": "False",
            "ENABLE_FOLLOW_UP_GENERATION": "False",
        },
    ),
    Chat(
        "Gradio",
        (str(PEERS / "gradio_chat.py"),),
        composer="textarea",
        message=".message.bot",
        packages=("gradio", "openai"),
        settings={"GRADIO_ANALYTICS_ENABLED": "False"},
    ),
    Chat(
        "Chainlit",
        (
            "-m",
            "chainlit",
            "run",
            str(PEERS / "chainlit_chat.py"),
            "--headless",
            "--port",
            "{port}",
        ),
        composer="#chat-input",
        message=".ai-message",
        packages=("chainlit", "openai"),
    ),
)


@dataclass(frozen=True)
class Running:
    """A chat page that answers."""

    port: int
    process: subprocess.Popen[bytes]
    start_seconds: float


@contextmanager
def running(chat: Chat, base_url: str, folder: Path, environments: Path) -> Iterator[Running]:
    """Start a chat page that asks the endpoint at `base_url`, and stop it in the end."""
    python = _python(chat, environments)
    if chat.config:
        shutil.copytree(chat.config, folder / chat.config.name)
    port = free_port()
    settings = {
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_BASE_URL": base_url,
        "OPENAI_API_KEY": "sk-none",
        "CHATBOT_DATABASE_URL": f"sqlite:///{folder}/chatbot.db",
        "DATA_DIR": str(folder),
        "HOME": str(folder),
        "PORT": str(port),
        # Modules are compiled once and kept, as for anybody who starts a chat page again.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    started = time.monotonic()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python, *(part.format(port=port) for part in chat.command)],
            cwd=folder,
            env={**os.environ, **settings, **chat.settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > started + START_SECONDS:
                raise RuntimeError((folder / "server.log").read_text("utf-8", "replace"))
            time.sleep(0.05)
        yield Running(port, process, time.monotonic() - started)
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, end)
                process.wait(10)


def _python(chat: Chat, environments: Path) -> str:
    """The interpreter that has what a chat page needs; installs that once."""
    if not chat.packages:
        return sys.executable
    folder = environments / chat.name.lower().replace(" ", "")
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing {chat.name} into {folder} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for package in chat.packages:  # one after the other: the first decides about the next
            subprocess.run([python, "-m", "pip", "install", "-q", package], check=True)
    return str(python)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False
