"""Community Cloud without access to it: the app's detection, and the notices on the page."""

import re
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.settings import sources
from chatbot.settings.sources import load_settings
from chatbot.ui.client import local_admin
from tests.conftest import ROOT

GUIDES = [ROOT / "docs" / name for name in ("community-cloud.md", "community-cloud.zh.md")]


@pytest.mark.parametrize(
    ("locale", "sentence"), [("en-US", "until the app is restarted"), ("zh-CN", "重启")]
)
def test_the_page_says_how_long_conversations_last_there(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, locale: str, sentence: str
) -> None:
    page.context = {"locale": locale}
    assert sentence not in page.run().main.caption[0].value
    monkeypatch.setattr(local_admin, "is_on_community_cloud", lambda: True)
    assert sentence in page.run().main.caption[0].value


def test_with_a_database_elsewhere_they_last(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_admin, "is_on_community_cloud", lambda: True)
    monkeypatch.setenv("CHATBOT_DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    sources._load.cache_clear()
    assert "restarted" not in page.run().main.caption[0].value


@pytest.mark.parametrize(
    ("file", "is_there"),
    [
        ("/mount/src/chatbot/chatbot/ui/client/local_admin.py", True),
        ("/home/ada/mount/src/chatbot/chatbot/ui/client/local_admin.py", False),
        ("/opt/chatbot/chatbot/ui/client/local_admin.py", False),
    ],
)
def test_it_is_known_by_where_it_puts_the_source(
    monkeypatch: pytest.MonkeyPatch, file: str, is_there: bool
) -> None:
    monkeypatch.setattr(local_admin, "__file__", file)
    assert local_admin.is_on_community_cloud() is is_there


def test_what_it_reads_is_where_it_looks() -> None:
    """docs.streamlit.io, "File organization for your Community Cloud app"."""
    for name in ("streamlit_app.py", "requirements.txt", "packages.txt", ".streamlit/config.toml"):
        assert (ROOT / name).is_file()
    # What it would take before requirements.txt.
    for name in ("uv.lock", "Pipfile", "environment.yml"):
        assert not (ROOT / name).exists()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_what_the_guide_has_one_paste_can_be_used(guide: Path) -> None:
    [pasted] = re.findall(r"```toml\n(.*?)```", guide.read_text("utf-8"), re.DOTALL)
    loaded = load_settings(tomllib.loads(re.sub(r"(?m)^ +", "", pasted)))
    assert loaded.endpoint and loaded.password_for("visitor")
    assert "mainModule=streamlit_app.py" in guide.read_text("utf-8")


def test_all_that_the_example_shows_can_be_used() -> None:
    example = (ROOT / ".streamlit" / "secrets.toml.example").read_text("utf-8")
    is_shown = re.compile(r"# (?=\[[\w.]+\]$|\w+ = )", re.MULTILINE)
    shown = is_shown.sub("", example).replace('"…"', f'"{"x" * 32}"')
    tables = tomllib.loads(shown)
    assert {"auth", "providers"} < set(tables)
    loaded = load_settings(tables)
    assert loaded.sign_in and loaded.sign_in.providers == ("google",)
    assert loaded.allowed_emails and loaded.admins and loaded.password and loaded.endpoints[1:]
