"""Reading a streamed completion, however it is cut, repeated, reordered or corrupted."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import sse
from chatbot.errors import ChatbotError
from chatbot.sse import Completion, CompletionReader, EndpointFault
from tests.endpoint import chunk

USAGE = 'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}\n\n'
GOOD = [chunk("Grüße, "), chunk("世界"), ": ping\n\n", chunk(" 🌍."), chunk(None, "stop"), USAGE]
STREAM = [*GOOD, "data: [DONE]\n\n"]


def read(*pieces: bytes) -> tuple[str, Completion]:
    texts: list[str] = []
    reader = CompletionReader(texts.append)
    for piece in pieces:
        reader.feed(piece)
        if reader.is_over:
            break
    else:
        reader.close()
    reader.hand_over()
    return "".join(texts), reader.completion


def encoded(*events: str) -> bytes:
    return "".join(events).encode()


@given(st.lists(st.integers(0, len(encoded(*STREAM))), max_size=40))
def test_a_stream_reads_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    whole = encoded(*STREAM)
    places = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(places)]
    assert read(*pieces) == ("Grüße, 世界 🌍.", Completion("stop", 7, 3))


THOUGHTFUL = [
    chunk("Hm", name="reasoning_content"),
    chunk(" 🤔", name="reasoning"),
    chunk("<th"),
    chunk("ink> hm</think>\n\n世"),
    chunk("界"),
    chunk(None, "stop"),
]


@given(st.lists(st.integers(0, len(encoded(*THOUGHTFUL))), max_size=40))
def test_reasoning_is_no_part_of_the_text_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    whole = encoded(*THOUGHTFUL)
    thoughts: list[str] = []
    texts: list[str] = []
    reader = CompletionReader(texts.append, thoughts.append)
    places = [0, *sorted(cuts), len(whole)]
    for start, end in itertools.pairwise(places):
        reader.feed(whole[start:end])
    reader.close()
    reader.hand_over()
    assert ("".join(thoughts), "".join(texts)) == ("Hm 🤔hm", "世界")


def test_a_stream_that_breaks_off_within_a_tag_loses_nothing() -> None:
    texts: list[str] = []
    reader = CompletionReader(texts.append)
    reader.feed(encoded(chunk("<thi")))
    assert not reader.has_text
    reader.hand_over()
    assert texts == ["<thi"]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {
                "prompt_tokens": 7,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            (7, 3, 5, 2),
        ),
        (
            {"prompt_tokens": 7, "completion_tokens": 3, "prompt_cache_hit_tokens": 5},
            (7, 3, 5, None),
        ),
        (  # xAI's
            {
                "prompt_tokens": 12,
                "completion_tokens": 1,
                "total_tokens": 399,
                "completion_tokens_details": {"reasoning_tokens": 386},
            },
            (12, 387, None, 386),
        ),
        (  # Gemini's
            {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623},
            (20, 603, None, 405),
        ),
        (  # of a relay that has what was cached in the total alone
            {
                "prompt_tokens": 20,
                "completion_tokens": 10,
                "total_tokens": 530,
                "prompt_tokens_details": {"cached_tokens": 500},
            },
            (20, 10, 500, None),
        ),
        ({"prompt_tokens_details": None, "completion_tokens_details": [7]}, (None,) * 4),
        (
            {"prompt_tokens": -1, "completion_tokens_details": {"reasoning_tokens": "2"}},
            (None,) * 4,
        ),
    ],
)
def test_what_was_cached_and_what_was_reasoning_is_counted(
    usage: dict[str, object], counts: tuple[int | None, ...]
) -> None:
    event = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
    assert read(encoded(event))[1] == Completion(None, *counts)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "event: message\n", "id: 1\n: hello\n"])
def test_a_stream_reads_the_same_however_its_lines_end_and_begin(newline: str, start: str) -> None:
    text = (start + "".join(STREAM)).replace("\n", newline)
    assert read(text.encode())[0] == "Grüße, 世界 🌍."


def test_a_last_line_need_not_be_ended() -> None:
    assert read(encoded(*GOOD).rstrip())[1] == Completion("stop", 7, 3)


def test_what_python_takes_for_the_end_of_a_line_may_be_in_a_text() -> None:
    text = "a\u2028b\u2029c\x85d"
    raw = json.dumps({"choices": [{"delta": {"content": text}}]}, ensure_ascii=False)
    assert read(f"data: {raw}\n\n".encode())[0] == text


NAMES = st.sampled_from(
    [
        "choices",
        "delta",
        "content",
        "role",
        "finish_reason",
        "usage",
        "error",
        "object",
        "message",
        "text",
        "index",
        "prompt_tokens",
        "completion_tokens",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "thinking",
        "type",
        "prompt_progress",
        "total",
        "cache",
        "processed",
    ]
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
EVENTS = st.one_of(
    st.sampled_from(STREAM).map(str.encode),
    ODD.map(lambda data: b"data: " + json.dumps(data).encode("utf-8", "surrogatepass") + b"\n\n"),
    st.builds(lambda delta: {"choices": [{"delta": delta}]}, ODD).map(
        lambda data: b"data: " + json.dumps(data).encode() + b"\n\n"
    ),
    st.sampled_from([b"event: error\n", b"error: ", b"data:", b"\n", b"\r", b"\0", b"data: [[[["]),
    st.binary(max_size=30),
)


def ends_as_it_may(pieces: list[bytes]) -> None:
    """In a completion, or in one of the two ways to fail; anything else is raised."""
    try:
        text, completion = read(*pieces)
    except (EndpointFault, ChatbotError):
        return
    text.encode()  # no halves of characters
    assert completion.finish_reason is None or completion.finish_reason


@given(st.lists(EVENTS, max_size=12))
def test_any_events_in_any_order_end_as_a_stream_may(pieces: list[bytes]) -> None:
    ends_as_it_may(pieces)


@given(st.data())
def test_a_corrupted_stream_ends_as_a_stream_may(data: st.DataObject) -> None:
    events = data.draw(st.permutations([*STREAM, *STREAM[:3]]))
    whole = bytearray(encoded(*events))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        whole[place] = data.draw(st.integers(0, 255))
    ends_as_it_may([bytes(whole[: data.draw(st.integers(0, len(whole)))])])


def test_a_deeply_nested_event_is_no_trap() -> None:
    with pytest.raises(ChatbotError):
        read(b"data: " + b"[" * 200_000 + b"\n\n")


def feed_often(reader: CompletionReader, piece: bytes) -> None:
    for _ in range(100):
        reader.feed(piece)


@pytest.mark.parametrize(
    "piece",
    [b"data: " + b"x" * 1000, b": ping\n\n" * 100, b"\0" * 1000, b"\n" * 1000, b"data: 7\n\n" * 90],
)
def test_what_adds_nothing_is_read_up_to_a_limit(
    piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_BYTES_WITHOUT_TEXT", 20_000)
    reader = CompletionReader(lambda _: None)
    with pytest.raises(ChatbotError) as caught:
        feed_often(reader, piece)
    assert caught.value.code == "too_much"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content", "x" * 90),
        ("content", [{"type": "text", "text": "x" * 90}]),
        ("reasoning_content", "x" * 90),
        ("reasoning_details", [{"type": "reasoning.text", "text": "x" * 90}]),
        ("tool_calls", "x" * 90),
    ],
)
def test_an_answer_is_read_up_to_a_limit(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_REPLY_CHARACTERS", 1000)
    texts: list[str] = []
    reader = CompletionReader(texts.append, texts.append)
    piece = f"data: {json.dumps({'choices': [{'delta': {name: value}}]})}\n\n".encode()
    with pytest.raises(ChatbotError) as caught:
        feed_often(reader, piece)
    assert caught.value.code == "too_much"
    assert len("".join(texts)) <= 1100


@pytest.mark.parametrize(
    ("event", "is_at_work"),
    [(chunk("x"), True), (": ping\n\n", False), (chunk(""), False), (chunk(None, "stop"), False)],
)
def test_only_what_comes_of_the_model_is_work(event: str, is_at_work: bool) -> None:
    assert CompletionReader(lambda _: None).feed(event.encode()) is is_at_work


@pytest.mark.parametrize(
    ("progress", "parts"),
    [
        ({"total": 4000, "cache": 0, "processed": 0}, [0]),
        ({"total": 4000, "cache": 2000, "processed": 2500}, [0.25]),
        ({"total": 4000, "cache": 0, "processed": 4000}, [1]),
        ({"total": 4000, "cache": 0, "processed": 9000}, [1]),
        ({"total": 4000, "cache": 3900, "processed": 3950}, []),  # that takes no time
        ({"total": "4000", "cache": None}, []),
        (7, []),
    ],
)
def test_how_much_of_a_long_prompt_is_read_is_told(progress: object, parts: list[float]) -> None:
    told: list[float] = []
    event = {"choices": [{"delta": {"content": None}}], "prompt_progress": progress}
    reader = CompletionReader(lambda _: None, on_reading=told.append)
    assert not reader.feed(f"data: {json.dumps(event)}\n\n".encode())
    assert told == parts


def test_text_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, 7, {"type": "text", "text": "b"}]
    event = {"choices": [{"delta": {"content": parts}}]}
    assert read(f"data: {json.dumps(event)}\n\n".encode())[0] == "ab"


def test_a_whole_message_beside_an_empty_delta_is_not_read_twice() -> None:
    last = {"choices": [{"delta": {}, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert read(chunk("Hi").encode(), f"data: {json.dumps(last)}\n\n".encode())[0] == "Hi"


@pytest.mark.parametrize("reason", ["stop\0", "x" * 41, "出错"])
def test_a_reason_for_the_end_that_is_no_word_is_none(reason: str) -> None:
    reader = CompletionReader(lambda _: None)
    reader.take({"choices": [{"delta": {"content": "Hi"}, "finish_reason": reason}]})
    assert not reader.has_ended
