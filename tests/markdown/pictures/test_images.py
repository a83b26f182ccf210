"""Images in answers: drawn and stored, but neither counted nor sent as text."""

import base64
import json
import re
import struct
import threading
import zlib
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatbot.answers.prompt import plan
from chatbot.llm.stream.completion import CompletionReader
from chatbot.markdown.pictures.images import in_part, without_images, without_open_image
from chatbot.markdown.to_streamlit import to_streamlit
from chatbot.models.tokens import Window, count
from chatbot.store import Message, Store
from chatbot.ui.chat.streaming_markdown import GrowingText
from tests.browser import PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import RunningApp, start_conversation
from tests.servers.endpoint import FakeEndpoint, Reply, chunk


def png(side: int) -> str:
    """A gradient, as an address that holds it."""
    rows = b"".join(
        b"\0" + bytes(value for x in range(side) for value in (x % 256, y % 256, 99))
        for y in range(side)
    )
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


ADDRESS = png(64)
IMAGE = f"![a cat]({ADDRESS})"


@pytest.mark.parametrize(
    "not_drawn",
    [
        "![a](data:image/svg+xml;base64,AAAA)",
        "![a](data:text/html;base64,AAAA)",
        "![a](data:image/png,AAAA)",
        "![a](data:image/png;base64,AA\nAA)",
        "![a](data:image/png;base64,AAAA https://example.org/x)",
        "![a](https://example.org/data:image/png;base64,AAAA)",
    ],
)
def test_only_what_holds_the_image_itself_is_drawn_as_one(not_drawn: str) -> None:
    assert to_streamlit(f"{IMAGE} and\n\n| {IMAGE} |\n|---|").count(IMAGE) == 2
    assert "![" not in to_streamlit(not_drawn)


@pytest.mark.parametrize("name", ['x:a{b="', "x:a{b='", "x:red", "a|b", "a ^ * _ ~ # @"])
def test_the_name_of_an_image_is_words_alone(name: str) -> None:
    drawn = to_streamlit(f'![{name}](data:image/png;base64,AAAA)"}}](http://example.org/x.png)')
    assert re.match(r"!\[[\w ]*\]\(data:image/png;base64,AAAA\)", drawn)
    assert drawn.count("![") == 1


def test_an_image_that_was_cut_off_is_neither_drawn_nor_sent() -> None:
    cut = f"Here:\n\n{IMAGE[:-50]}"
    assert to_streamlit(cut) == "Here:\n\n🖼"
    assert count(cut) == count("Here:\n\n[a cat]")
    gone_on = f"{cut} and a line. !{IMAGE[:-1]}[x](https://example.org)"
    assert to_streamlit(gone_on) == "Here:\n\n🖼 and a line. !🖼[x](https://example.org)"
    assert without_images(gone_on).endswith("and a line. ![a cat][x](https://example.org)")


def test_images_of_one_and_a_half_megabytes_are_taken() -> None:
    address = "data:image/png;base64," + base64.b64encode(bytes(1_500_000)).decode()
    texts: list[str] = []
    delta = {"content": "Here:", "images": [{"image_url": {"url": address}}]}
    event = f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode()
    reader = CompletionReader(texts.append)
    for at in range(0, len(event), 65_536):
        reader.feed(event[at : at + 65_536])
    assert without_images("".join(texts)).strip() == "Here:\n\n[image]"


def test_what_follows_an_image_is_drawn_as_soon_as_what_follows_words() -> None:
    class Place:
        def markdown(self, _: str) -> "Place":
            return self

    growing = GrowingText(Place())  # type: ignore[arg-type]
    assert growing.draw(f"{IMAGE}\nand a line", is_whole=False) < 100


def test_what_is_counted_sent_and_searched_has_a_word_in_its_place(store: Store) -> None:
    assert without_images(f"See {IMAGE} and ![]({ADDRESS}).") == "See [a cat] and [image]."
    assert count(f"See {IMAGE}") == count("See [a cat]")
    conversation = start_conversation(store, "me", "Draw", {})
    question = Message("1" * 32, conversation.id, None, "user", "Draw a cat")
    answer = Message("2" * 32, conversation.id, question.id, "assistant", f"Here: {IMAGE}")
    again = Message("3" * 32, conversation.id, answer.id, "user", "Another")
    store.messages.add("me", [question, answer], None)
    planned = plan([question, answer, again], "", 100, Window())
    assert [one["content"] for one in planned.messages] == [
        "Draw a cat",
        "Here: [a cat]",
        "Another",
    ]
    assert [found.message_id for found in store.search.find("me", "here a cat", 9)] == [answer.id]
    assert store.search.find("me", ADDRESS[30:50], 9) == []


def test_of_a_growing_text_an_image_that_is_not_whole_is_left_out() -> None:
    text = f"Here:\n\n{IMAGE}"
    begin = text.index("![")
    for end in range(len("Here:\n\n![a cat](data:image/"), len(text)):
        assert without_open_image(text[:end]) == text[:begin]
    assert without_open_image(text) == text
    assert without_open_image("![a cat](https://example.org") == "![a cat](https://example.org"


@pytest.mark.parametrize(
    "delta",
    [
        {"images": [{"type": "image_url", "image_url": {"url": ADDRESS}}]},
        {"images": [{"image_url": ADDRESS}], "content": ""},
        {"content": [{"type": "image_url", "image_url": {"url": ADDRESS}}]},
        {"content": [{"type": "text", "text": "\n"}, {"image_url": {"url": ADDRESS}}]},
    ],
)
def test_images_in_fields_of_their_own_are_a_part_of_the_answer(delta: dict[str, Any]) -> None:
    texts: list[str] = []
    reader = CompletionReader(texts.append)
    reader.feed(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode())
    assert "".join(texts).strip() == f"![image]({ADDRESS})"


@pytest.mark.parametrize(
    "part",
    [
        None,
        "x",
        3,
        {},
        {"image_url": {"url": "a)b"}},
        {"image_url": "data:image/svg+xml;base64,AA"},
    ],
)
def test_what_is_no_image_is_none(part: object) -> None:
    assert in_part(part) == ""


@pytest.mark.browser
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}])
def test_an_image_is_seen_where_the_model_put_it(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    image, release = f"![a cat]({png(400)})", threading.Event()
    pieces = ["Here it is:\n\n", image[:3000], image[3000:], "\n\nDo you like it?"]
    endpoint.replies = [Reply(pieces, hold=release)]
    page = open_page(app.url, viewport=viewport)
    ask(page, "Draw a cat")
    expect(page.get_by_text("Here it is:")).to_be_visible()
    release.set()
    expect_answer(page, "Do you like it?")
    expect_image(page, "a cat")
    page.reload()
    expect_image(page, "a cat")
    delta = json.dumps([{"image_url": {"url": png(300)}}])
    event = chunk("PUT").replace('"content": "PUT"', f'"images": {delta}')
    endpoint.replies = [Reply(raw_events=[event, chunk(None, "stop"), "data: [DONE]\n\n"])]
    ask(page, "Another one")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "")
    expect_image(page, "image")
    sent = [one["content"] for one in endpoint.requests[-1]["messages"]]
    assert sent[1] == "Here it is:\n\n[a cat]\n\nDo you like it?"


def expect_image(page: Page, name: str) -> None:
    image = messages(page).last.get_by_role("img", name=name, exact=True)
    expect(image).to_be_in_viewport()
    assert image.evaluate("image => image.complete && image.naturalWidth > 200")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
