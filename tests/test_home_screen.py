"""The app on a phone's home screen: its manifest and icons, and what says where they are."""

import json
import re
from urllib.parse import urljoin

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from streamlit import config
from streamlit.testing.v1 import AppTest

from deploy.index_page import IndexPage
from tests.conftest import ROOT, go_to

STATIC = ROOT / "static"
MANIFEST = json.loads((STATIC / "manifest.json").read_text("utf-8"))


def size(name: str) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    data = (STATIC / name).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def test_the_manifest_opens_the_chat_without_the_browsers_bars() -> None:
    assert MANIFEST["name"] == "Chatbot" and MANIFEST["display"] == "standalone"
    for base in ("https://example.org/", "https://example.org/chat/"):
        address = urljoin(base, "app/static/manifest.json")
        assert urljoin(address, MANIFEST["start_url"]) == base
        assert urljoin(address, MANIFEST["scope"]) == base


def test_the_icons_are_of_the_sizes_that_phones_ask_for() -> None:
    for icon in MANIFEST["icons"]:
        width, height = size(icon["src"])
        assert icon["sizes"] == f"{width}x{height}"
        assert (STATIC / icon["src"]).stat().st_size < 20_000
    kinds = {(icon["sizes"], icon.get("purpose", "any")) for icon in MANIFEST["icons"]}
    assert kinds >= {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    assert size("apple-touch-icon.png") == (180, 180)


def test_the_server_says_so_in_the_head_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = {"theme.light.backgroundColor": "#fefefe", "theme.dark.backgroundColor": "#010101"}
    monkeypatch.setattr(config, "get_option", colours.get)

    async def elsewhere(scope: Request, receive: object, send: object) -> None:
        await PlainTextResponse("elsewhere")(scope, receive, send)  # type: ignore[arg-type]

    client = TestClient(IndexPage(elsewhere))  # type: ignore[arg-type]
    head = client.get("/").text.partition("</head>")[0]
    assert '<link rel="manifest" href="./app/static/manifest.json" />' in head
    assert '<link rel="apple-touch-icon" href="./app/static/apple-touch-icon.png" />' in head
    assert "viewport-fit=cover" in head and "<title>Chatbot</title>" in head
    assert re.findall(r'theme-color" content="(\S+)" media="\(\S+: (\w+)', head) == [
        ("#fefefe", "light"),
        ("#010101", "dark"),
    ]
    assert client.get("/app/static/manifest.json").text == "elsewhere"


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "from the home screen"), ("zh", "添加到主屏幕")]
)
def test_a_page_on_the_home_screen_says_how_conversations_come_to_it(
    page: AppTest, language: str, sentence: str
) -> None:
    go_to(page, view="data", lang=language)
    assert sentence in page.main.info[0].value
