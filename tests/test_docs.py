"""The documentation: names only what exists, and all settings, in both languages."""

import re
from pathlib import Path

import pytest

from chatbot.settings.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMAND = re.compile(r"^.*streamlit run streamlit_app\.py.*$|^.*bin/pytest$", re.MULTILINE)


@pytest.mark.parametrize("name", ["docs/settings.md", "docs/settings.zh.md", ".env.example"])
def test_every_setting_is_described(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    settings = {str(field.alias) for field in Settings.model_fields.values()}
    settings = {name for name in settings if name.isupper()}
    assert {setting for setting in settings if not re.search(rf"\b{setting}\b", text)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    targets += re.findall(r'src="([^":]+)"', page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_both_readmes_give_the_same_commands() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    commands = COMMAND.findall(english.read_text("utf-8"))
    assert len(commands) >= 2
    assert COMMAND.findall(chinese.read_text("utf-8")) == commands


def test_every_file_and_name_in_the_architecture_exists() -> None:
    words = re.findall(r"`([^`\n]+)`", (ROOT / "docs/architecture.md").read_text("utf-8"))
    folders = [ROOT / name for name in ("chatbot", "docs", "tests")]
    paths = [*ROOT.glob("*"), *(path for folder in folders for path in folder.rglob("*"))]
    named = [word for word in words if re.fullmatch(r"[\w./]+(/|\.(py|js|css|toml|md))", word)]
    missing = [
        word
        for word in named
        if not any(f"/{path.as_posix()}".endswith(f"/{word.rstrip('/')}") for path in paths)
    ]
    assert len(named) > 50 and missing == ["i18n/xx.toml"]  # the language that somebody adds

    code = "\n".join(path.read_text("utf-8") for path in paths if path.suffix == ".py")
    names = [word for word in words if word.isidentifier()]
    assert len(names) > 5
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []
