"""Reading of events from bytes, however a server frames them."""

import json
from typing import Any

import pytest

from chatbot.errors import ChatbotError
from chatbot.llm.stream.sse import EndpointFault, EventReader, NotAnAnswer

ONE, TWO = {"choices": [{"n": 1}]}, {"choices": [{"n": 2}]}
A, B = json.dumps(ONE), json.dumps(TWO)
PRETTY = json.dumps(ONE, indent=1)
LINES = "".join(f"data: {line}\n" for line in PRETTY.splitlines())


def read(*pieces: str) -> list[object]:
    """All the chunks of a body that comes in these pieces."""
    chunks: list[object] = []

    def take(chunk: object) -> bool:
        chunks.append(chunk)
        return isinstance(chunk, dict) and "choices" in chunk

    reader = EventReader(take)
    for piece in pieces:
        reader.feed(piece.encode())
        if reader.is_over:
            break
    reader.close()
    return chunks


BODIES = {
    "one line break between": f"data: {A}\ndata: {B}\n",
    "one line break and a ping": f"data: {A}\ndata: ping\ndata: {B}\n",
    "carriage returns alone": f"data: {A}\r\rdata: {B}\r\r",
    "both": f"data: {A}\r\n\r\ndata: {B}\r\n\r\n",
    "no blank after the colon": f"data:{A}\n\ndata:{B}\n\n",
    "several lines": f"{LINES}\ndata: {B}\n\n",
    "several lines, CR": f"{LINES}\ndata: {B}\n\n".replace("\n", "\r"),
    "only the first line named": f"data: {PRETTY}\n\ndata: {B}\n\n",
    "a mark of the byte order": f"\ufeffdata: {A}\n\ndata: {B}\n\n",
    "a mark and JSON": f"\ufeff{A}\n{B}\n",
    "comments and names": f": hi\n\nevent: x\nid: 1\nretry: 5\ndata: {A}\n\ndata: {B}\n\n",
    "JSON lines": f"{A}\n{B}\n",
    "JSON in many lines": f"{PRETTY}\n{B}",
    "JSON in many lines with blank ones": PRETTY.replace("\n", "\n\n") + f"\n\ndata: {B}\n\n",
    "a bare mark of the end": f"data: {A}\n\ndata: {B}\n\n[DONE]\ndata: {A}\n\n",
    "a quoted mark of the end": f'data: {A}\n\ndata: {B}\n\ndata: "[DONE]"\n\ndata: {A}\n\n',
    "a small mark of the end": f"data: {A}\n\ndata: {B}\n\ndata: [done]\n\ndata: {A}\n\n",
    "no end": f"data: {A}\n\ndata: {B}",
    "one line": f"data: {A}data: {B}\n\n",
    "one line, with the end": f"data: {A} data:{B}data: [DONE]\n\ndata: {A}\n\n",
    "one line, without names": f"data: {A}{B}[DONE]\n\ndata: {A}\n\n",
    "one line, the second goes on": f"data: {A}data: {PRETTY}\n\n".replace('"n": 1\n', '"n": 2\n'),
    "JSON in one line": f"{A}{B}\n",
    "named twice": f"data: data: {A}\n\ndata:data:{B}\n\ndata: data: [DONE]\n\n",
    "a capital name": f"Data: {A}\n\n DATA: {B}\n\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_stream_is_read_however_its_events_are_framed(body: str) -> None:
    assert read(body) == read(*body) == [ONE, TWO]
    for place in range(len(body)):
        assert read(body[:place], body[place:]) == [ONE, TWO]


@pytest.mark.parametrize(
    "keepalive",
    [
        "data: ping", "data: [KEEPALIVE]", "data: [PING]", "data: keep-alive", "data:", "data: .",
        ": ping", "ping", "event: ping", "event: heartbeat\ndata:", "retry: 3000", "id",
        "data: OPENROUTER PROCESSING", "data: [heart beat]",
    ],
)  # fmt: skip
def test_what_only_keeps_the_connection_alive_is_passed_over(keepalive: str) -> None:
    for after in ("\n", "\n\n"):
        body = f"{keepalive}{after}data: {A}\n\n{keepalive}{after}data: {B}\n\n{keepalive}{after}"
        assert read(body) == [ONE, TWO]


def test_a_line_break_within_a_text_is_one_of_the_text() -> None:
    assert read('data: {"choices": "a\ndata: b"}\n\n') == [{"choices": "a\nb"}]


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ('event: error\ndata: {"message": "x"}\n\n', {"message": "x"}),
        ('event: error\n\ndata: {"message": "x"}\n\n', {"message": "x"}),
        ('data: {"message": "x"}\nevent: error\n\n', {"message": "x"}),
        (f"event: error\ndata: {A}\n\n", ONE),
        ("event: error\ndata: Overloaded\n\n", "Overloaded"),
        ("event: error\n\n", ""),
        ('error: {"message": "x"}\n\n', {"message": "x"}),
        ("error: Overloaded\n\n", "Overloaded"),
        ('error: {"message":\ndata: "x"}\n\n', None),
    ],
)
def test_an_event_named_error_is_one(body: str, reported: object) -> None:
    with pytest.raises(EndpointFault) as caught:
        read(f"data: {B}\n\n{body}")
    assert reported is None or caught.value.body == reported


def test_an_answer_that_follows_an_empty_error_is_an_answer() -> None:
    assert read(f"event: error\n\ndata: {A}\n\nevent: message\ndata: {B}\n\n") == [ONE, TWO]


@pytest.mark.parametrize(
    "body", ["<html>", "\ufeff \n<!doctype html>\n", "Welcome", "[1, 2]", '{"a": 1}', "[oops"]
)
def test_what_is_of_another_kind_is_no_answer(body: str) -> None:
    with pytest.raises(NotAnAnswer):
        read(body)


@pytest.mark.parametrize("body", ["", "\n\n", ": hi\n\n", "data: ping\n\n", "data: [DONE]\n\n"])
def test_a_stream_without_anything_is_none_of_another_kind(body: str) -> None:
    assert read(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "Too many requests\n",
        "data: Too many requests\n\n",
        "data: Too many requests\n\ndata: [DONE]\n\n",
        '"Too many requests"',
        'data: "Too many requests"\n\n',
        "Error: too many requests",
        "data: [ERROR] too many requests\n\n",
    ],
)
def test_an_error_as_plain_text_is_one(body: str) -> None:
    with pytest.raises(EndpointFault) as caught:
        read(body)
    assert "oo many requests" in str(caught.value.body)


def test_plain_text_in_an_answer_is_an_error_only_if_it_says_so() -> None:
    assert read(f"data: {A}\n\ndata: upstream is slow\n\ndata: {B}\n\n") == [ONE, TWO]
    with pytest.raises(EndpointFault):
        read(f"data: {A}\n\ndata: Error: upstream is slow\n\ndata: {B}\n\n")


@pytest.mark.parametrize("after", [B, "[DONE]"])
def test_a_broken_event_ends_at_the_next_one(after: str) -> None:
    reader = EventReader(lambda _: True)
    reader.feed(f"data: {A}\ndata: {A[:-3]}\n".encode())
    with pytest.raises(ChatbotError) as caught:
        reader.feed(f"data: {after}\n".encode())
    assert caught.value.code == "interrupted"


@pytest.mark.parametrize(
    "body", ['data: {"a": \n\n', '{"choices": [{"mess', 'data: {"a": "b\n\ndata: {}\n\n']
)
def test_json_that_is_cut_is_a_fault(body: str) -> None:
    with pytest.raises(ChatbotError) as caught:
        read(body)
    assert caught.value.code == "interrupted"


@pytest.mark.parametrize(
    "body", ["data: {\n" + "data: \n" * 3000, '{"a": [\n' + "}\n" * 3000, "{\n" + "\n" * 3000]
)
def test_json_in_many_lines_is_parsed_a_few_times(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = 0

    def counting(text: str, **options: Any) -> object:
        nonlocal parsed
        parsed += len(text)
        return json.JSONDecoder(**options).decode(text)

    monkeypatch.setattr("chatbot.llm.stream.sse.json.loads", counting)
    with pytest.raises(ChatbotError):
        read(*(body[at : at + 100] for at in range(0, len(body), 100)))
    assert parsed < 5 * len(body)
