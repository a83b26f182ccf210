"""Reading of a streamed completion, even if cut, repeated, reordered or corrupted."""

import itertools
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import ChatbotError
from chatbot.llm.stream import completion
from chatbot.llm.stream.completion import Completion, CompletionReader
from chatbot.llm.stream.sse import EndpointFault, NotAnAnswer
from chatbot.llm.stream.token_counts import TokenCounts
from chatbot.llm.stream.whole_message import WholeMessage
from tests.servers.endpoint import chunk

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
    usage: dict[str, object], counts: TokenCounts
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
        text, _ = read(*pieces)
    except (EndpointFault, NotAnAnswer, ChatbotError):
        return
    text.encode()  # no halves of characters


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
    monkeypatch.setattr(completion, "MAX_BYTES_WITHOUT_TEXT", 20_000)
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
    monkeypatch.setattr(completion, "MAX_REPLY_CHARACTERS", 1000)
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


@pytest.mark.parametrize("reason", ["stop\0", "x" * 41, "出错", ""])
def test_a_reason_for_the_end_that_is_no_word_is_an_end_without_one(reason: str) -> None:
    reader = CompletionReader(lambda _: None)
    reader.take({"choices": [{"delta": {"content": "Hi"}, "finish_reason": reason}]})
    assert reader.has_ended
    assert reader.completion == Completion("")


def event(choice: dict[str, object], **chunk: object) -> bytes:
    return f"data: {json.dumps({'choices': [choice], **chunk})}\n\n".encode()


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (b"data: [DONE]\n\n", ""),
        (event({"delta": {}, "finish_reason": ""}), ""),
        (event({"delta": {}, "finishReason": "stop"}), "stop"),
        (event({"delta": {}, "finish_reason": "null"}), None),
        (event({"delta": {}, "finishReason": "MAX_TOKENS"}), "length"),
        (event({"delta": {}, "finish_reason": "sensitive"}), "content_filter"),
        (b"", None),
    ],
)
def test_each_way_to_end_is_an_end(last: bytes, reason: str | None) -> None:
    assert read(chunk("Hi").encode(), last) == ("Hi", Completion(reason))


def test_a_reason_in_every_chunk_is_no_end_by_itself() -> None:
    reader = CompletionReader(lambda _: None)
    for text in ("", "Hel", "lo"):
        reader.feed(chunk(text, "stop").encode())
        assert not reader.is_waiting_for_little  # for what may follow, the whole patience is due
    assert reader.may_have_ended  # if nothing follows
    assert not reader.has_ended  # but if the connection breaks, it has broken in the middle
    reader.feed(chunk(None, "stop").encode())
    assert reader.has_ended


def test_a_reason_after_the_text_is_an_end_until_text_follows() -> None:
    reader = CompletionReader(lambda _: None)
    reader.feed(chunk("Hel").encode())
    reader.feed(chunk(None, "stop").encode())
    assert reader.is_waiting_for_little
    assert reader.feed(chunk("lo").encode())
    assert not reader.is_waiting_for_little
    assert not reader.has_ended
    reader.feed(chunk(None, "stop").encode())
    assert reader.has_ended


def test_an_answer_that_went_on_beside_a_reason_may_go_on_again() -> None:
    reader = CompletionReader(lambda _: None)
    for reason in (None, "stop", "stop"):
        reader.feed(chunk("Hel", reason).encode())
    assert not reader.is_waiting_for_little
    reader.feed(chunk(None, "stop").encode())
    assert reader.is_waiting_for_little


def test_a_whole_answer_need_not_give_a_reason_for_its_end() -> None:
    message: dict[str, object] = {"message": {"content": "Hello"}, "finish_reason": None}
    whole = event(message, object="chat.completion")
    assert read(whole) == ("Hello", Completion(""))
    assert read(event(message, object="chat.completion.chunk"))[1] == Completion(None)
    assert read(whole, event({"message": {"content": "Hello, you"}}))[1] == Completion(None)


def test_an_error_without_anything_in_it_beside_an_answer_is_none() -> None:
    answer = event({"delta": {"content": "Hi"}}, error={"code": 0, "message": "", "type": None})
    assert read(answer)[0] == "Hi"


class Unjoined:
    """Pieces that are kept, but must not be looked at."""

    def append(self, piece: str) -> None:
        """Keep nothing."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError


def test_an_answer_is_not_joined_for_each_piece_of_it_that_is_called_a_message() -> None:
    message = WholeMessage()
    message.new_in("word " * 10)
    message._pieces = Unjoined()  # type: ignore[assignment]
    assert message.new_in("word") == "word"


MESSAGES = {
    "repeated": ([{"delta": {"content": "Hel"}}, {"delta": {"content": "lo"}}], "Hello", "Hello"),
    "repeated, trimmed": ([{"delta": {"content": " Hello\n"}}], "Hello", " Hello\n"),
    "repeated without thoughts": (
        [{"delta": {"content": "<think>x</think>Hello"}}],
        "Hello",
        "Hello",
    ),
    "longer": ([{"delta": {"content": "Hel"}}], "Hello", "Hello"),
    "cumulative": (
        [{"message": {"content": "H"}}, {"message": {"content": "Hell"}}],
        "Hello",
        "Hello",
    ),
    "in pieces": (
        [{"message": {"content": piece}} for piece in ("ha", " h", "a", " ", "h")],
        "a",
        "ha ha ha",
    ),
    "alone": ([], "Hello", "Hello"),
    "in equal pieces": ([{"message": {"content": "1"}}, {"message": {"content": "1"}}], ".", "11."),
    "in equal pieces alone": ([{"message": {"content": "1"}}] * 3, "", "111"),
    "cumulative with a pause": (
        [{"message": {"content": piece}} for piece in ("1", "1", "1, ")],
        "1, 2",
        "1, 2",
    ),
    "repeated once": ([{"message": {"content": "1"}}], "1", "1"),
    "repeated before its end": ([{"message": {"content": "Hello there"}}] * 2, "", "Hello there"),
}


@pytest.mark.parametrize(("choices", "last", "text"), MESSAGES.values(), ids=MESSAGES)
def test_a_whole_message_adds_only_what_has_not_come(
    choices: list[dict[str, object]], last: str, text: str
) -> None:
    final = event({"message": {"content": last}, "finish_reason": "stop"}, object="chat.completion")
    assert read(*map(event, choices), final) == (text, Completion("stop"))


def test_a_cumulative_message_counts_once_for_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MAX_REPLY_CHARACTERS", 300)
    whole = "word " * 40
    events = [event({"message": {"content": whole[:end]}}) for end in range(5, 201, 5)]
    assert read(*events)[0] == whole


def test_cumulative_reasoning_is_followed_too() -> None:
    thoughts: list[str] = []
    reader = CompletionReader(lambda _: None, thoughts.append)
    for thought in ("H", "Hm", "Hm, hm"):
        reader.feed(event({"message": {"content": "", "reasoning_content": thought}}))
    assert "".join(thoughts) == "Hm, hm"


FIELDS = [
    # the reasoning's field, the text, what is reasoning, what is the answer
    (["<think>Hm", "</think>"], ["Yes."], "Hm", "Yes."),
    (["<THINK >", "\nHm\n"], ["Yes."], "Hm\n", "Yes."),
    (["Hm\n</think>\n\n", "Yes", "."], [], "Hm", "Yes."),
    (["Hm", "</thi", "nk>"], ["Yes."], "Hm", "Yes."),
    (["Say `</think>`", " at the end."], ["Yes."], "Say `</think>` at the end.", "Yes."),
    (["<|channel|>analysis<|message|>Hm<|end|>"], ["Yes."], "Hm", "Yes."),
    (["1 <", " 2"], ["Yes."], "1 < 2", "Yes."),
]


@pytest.mark.parametrize(("fields", "texts", "reasoning", "answer"), FIELDS)
def test_tags_in_a_field_for_reasoning_are_no_part_of_it(
    fields: list[str], texts: list[str], reasoning: str, answer: str
) -> None:
    thoughts: list[str] = []
    said: list[str] = []
    reader = CompletionReader(said.append, thoughts.append)
    for field in fields:
        reader.feed(chunk(field, name="reasoning_content").encode())
    for text in texts:
        reader.feed(chunk(text).encode())
    reader.feed(chunk("After", name="reasoning_content").encode())
    reader.hand_over()
    is_split = not texts
    assert "".join(thoughts) == reasoning + ("" if is_split else "After")
    assert "".join(said) == answer + ("After" if is_split else "")


def test_text_in_the_form_of_the_older_protocol_is_the_answer() -> None:
    events = (event({"text": "Hel"}), event({"text": "lo", "finish_reason": "stop"}))
    assert read(*events) == ("Hello", Completion("stop"))


def test_a_refusal_is_the_answer() -> None:
    pieces = ({"refusal": "I am sorry, "}, {"content": None, "refusal": "no."})
    final = event({"message": {"content": None, "refusal": "I am sorry, no."}})
    assert read(*(event({"delta": piece}) for piece in pieces), final)[0] == "I am sorry, no."
    assert read(final)[0] == "I am sorry, no."


@pytest.mark.parametrize(
    ("delta", "tools"),
    [
        ({"tool_calls": [{"function": {"name": "web_search", "arguments": ""}}]}, ("web_search",)),
        ({"tool_calls": [{"function": {"arguments": "{}"}}]}, ()),
        ({"function_call": {"name": "web_search"}}, ("web_search",)),
        ({"tool_calls": [{"function": {"name": n}} for n in "abcda"]}, ("a", "b", "c")),
        ({"tool_calls": [{"function": {"name": "<b>\n"}}, 7, {"function": [1]}]}, ("?",)),
        ({"tool_calls": "x"}, ()),
    ],
)
def test_the_tools_that_a_model_asks_for_are_named(
    delta: dict[str, object], tools: tuple[str, ...]
) -> None:
    assert read(event({"delta": delta}))[1].tools == tools
    assert read(event({"message": delta}))[1].tools == tools


def test_text_that_turns_out_to_be_reasoning_is_taken_back() -> None:
    texts: list[str] = []
    late: list[str] = []
    reader = CompletionReader(texts.append, on_late_reasoning=late.append)
    for text in ("The user ", "greets.\n", "</thi"):
        reader.feed(chunk(text).encode())
    assert reader.has_text
    reader.feed(chunk("nk>\n\n").encode())
    assert (late, reader.has_text) == (["The user greets."], False)
    reader.feed(chunk("Hello!", "stop").encode())
    reader.hand_over()
    assert (texts[-1], reader.has_text) == ("Hello!", True)


@pytest.mark.parametrize(
    "report",
    [
        {"error": "x"},
        {"object": "error", "message": "x"},
        {"choices": [], "base_resp": {"status_code": 1008, "status_msg": "x"}},
        {"choices": [{"delta": {"content": ""}}], "base_resp": {"status_code": 1002}},
        {"choices": [{"delta": {}, "finish_reason": "error"}]},
        [{"error": {"message": "x"}}],
        {"code": "InvalidParameter", "message": "x"},
    ],
)
@pytest.mark.parametrize("field", ["data: ", ""])
def test_an_error_is_read_as_one(report: object, field: str) -> None:
    with pytest.raises(EndpointFault) as caught:
        read(f"{field}{json.dumps(report)}\n\n".encode())
    assert caught.value.body == (report[0] if isinstance(report, list) else report)


@pytest.mark.parametrize("name", ["data", "result", "response"])
def test_chunks_in_the_envelope_of_a_relay_are_read(name: str) -> None:
    chunks = [
        {"choices": [{"delta": {"content": "Hel"}}]},
        {"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 7}},
    ]
    events = [{"code": 0, "msg": "ok", name: chunk} for chunk in chunks]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    assert read(body.encode()) == ("Hello", Completion("stop", 7))
    with pytest.raises(EndpointFault):
        read(f'data: {{"{name}": {{"error": {{"message": "x"}}}}}}\n\n'.encode())


def test_a_stream_as_one_list_is_read() -> None:
    chunks = [
        {"choices": [{"delta": {"content": "Hel"}}]},
        {"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]},
    ]
    assert read(json.dumps(chunks, indent=1).encode()) == ("Hello", Completion("stop"))


@pytest.mark.parametrize("field", ["data: ", ""])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_answer_that_came_whole_is_read(field: str, indent: int | None) -> None:
    message = {"role": "assistant", "reasoning_content": "Hm", "content": "Hello"}
    whole = {
        "object": "chat.completion",
        "choices": [{"message": message, "finish_reason": "stop"}],
    }
    body = json.dumps(whole, indent=indent)
    assert read(f"{field}{body}".encode()) == ("Hello", Completion("stop"))
