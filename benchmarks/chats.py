"""The chat pages to measure: this app, and four others in their default configuration.

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
    """A chat page: how to start it, and selectors for typing and reading.

    `command` follows the environment's `python`; `{port}` stands for the port.
    """

    name: str
    command: tuple[str, ...]
    composer: str
    message: str
    """CSS selector of answers; the last match is the newest answer."""
    packages: tuple[str, ...] = ()
    """Packages for the page's own environment; none for the current environment."""
    settings: dict[str, str] = field(default_factory=dict)
    config: Path | None = None
    """A folder that must exist where the page is started."""


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
        # Accounting is measured too, so the limits are set, but too high to refuse a question.
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
            # Each of these options makes the model answer further questions after an answer.
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
    """A running chat page."""

    port: int
    process: subprocess.Popen[bytes]
    start_seconds: float


@contextmanager
def running(chat: Chat, base_url: str, folder: Path, environments: Path) -> Iterator[Running]:
    """Start a chat page with the endpoint at `base_url`, and stop it at the end."""
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
        # Compiled modules are kept, as for every later start of a chat page.
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
    """Return the interpreter for a chat page, after installing its packages once."""
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
