"""Parser of server-sent events: the JSON of each event, in all framings that servers use.

Follows the HTML standard ("server-sent events"), and accepts what relays really send: events
separated by a single line break, keepalives that are not JSON, a whole JSON body instead of a
stream. The first bytes decide the kind of body, not its content type. Pure; no network.
"""

import codecs
import json
import re
from collections.abc import Callable

from chatbot.errors import ChatbotError
from chatbot.llm.wordings import is_known

_KEEPALIVE = re.compile(rb"\[[\w .:-]*\]|[^{\[].*", re.DOTALL)
"""Data that cannot be JSON with content, such as `ping` or `[KEEPALIVE]`."""

_SAYS_ERROR = re.compile(rb"\W{0,3}(error|exception|failed)\b", re.IGNORECASE)
"""Beginning of an error that a server sends as plain text."""

_EVENT_FIELDS = {"choices", "error", "usage"}
"""Fields of a complete event, which no part of an event's JSON has at its beginning."""

MAX_WORDS_BYTES = 2000
"""Most plain text that is kept, to know an error by its words."""

_NEXT_EVENT = re.compile(r"\s*(?:data:\s*)*")
"""Text between two events in one line, whose line break a relay has lost."""

_NAMED_TWICE = re.compile(rb"(?:data:\s*)+")

_PING = re.compile(r"ping|heart.?beat|keep.?alive", re.IGNORECASE)


class EndpointFault(Exception):
    """A server sent an error instead of an answer. `body` is unchanged and may repeat anything."""

    def __init__(self, body: object) -> None:
        super().__init__()
        self.body = body


class NotAnAnswer(Exception):
    """The body is not an answer of a model server: a web page, or JSON of another kind."""


class EventReader:
    """Parser that calls `take` with each event's JSON; `take` returns True for a completion."""

    def __init__(self, take: Callable[[object], bool]) -> None:
        self._take = take
        self.is_over = False
        """The server has sent the end of the stream."""
        self._unread: list[bytes] = []  # the beginning of a line
        self._is_first_line = True
        self._ended_in_cr = False
        self._data: list[bytes] = []
        """Lines of an event whose JSON is not complete yet."""
        self._body: list[bytes] = []
        """Lines of JSON outside any field."""
        self._body_bytes = self._body_tried_at = 0
        self._says_error = False
        """An event named `error` has begun, and its data has not arrived yet."""
        self._is_same_event = False
        """`_says_error` or `_unknown` belongs to the event that is being read."""
        self._unknown: object = None
        """Data of the event that is being read, if it does not belong to a completion."""
        self._has_taken = self._has_foreign = False
        self._words: list[bytes] = []
        """Plain text outside JSON: keepalives, or an error."""
        self._words_bytes = 0

    def feed(self, piece: bytes) -> None:
        """Read the next bytes, cut anywhere.

        Raises ChatbotError("interrupted") for broken JSON, NotAnAnswer for a web page,
        EndpointFault for an error that the server sent, and all exceptions of `take`.
        """
        if self._ended_in_cr or b"\r" in piece:
            piece = self._with_line_feeds(piece)
        if b"\n" not in piece:
            self._unread.append(piece)
            return
        *lines, rest = b"".join([*self._unread, piece]).split(b"\n")
        self._unread = [rest]
        for line in lines:
            self._read_line(line)
            if self.is_over:
                break

    def close(self) -> None:
        """Read an unfinished last event after the connection has closed.

        Raises as `feed` does, and NotAnAnswer if nothing belonged to an answer.
        """
        if self.is_over:
            return
        self._read_line(b"".join(self._unread))
        self._unread = []
        self._end_event()
        if self._body and not self._try_body(is_last=True):
            if self._body[0].lstrip()[:1] == b"{":
                raise ChatbotError("interrupted")  # an incomplete answer
            self._has_foreign = True
        if self._says_error:
            raise EndpointFault("")
        self._judge_words()
        if self._has_foreign and not self._has_taken:
            raise NotAnAnswer

    def _with_line_feeds(self, piece: bytes) -> bytes:
        """Return the piece with CR, LF and CR LF as a single LF."""
        if self._ended_in_cr and piece[:1] == b"\n":
            piece = piece[1:]
            self._ended_in_cr = False
        if piece:
            self._ended_in_cr = piece[-1:] == b"\r"
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read_line(self, line: bytes) -> None:
        if self._is_first_line and line.strip():
            line = line.removeprefix(codecs.BOM_UTF8)
            if line.lstrip()[:1] == b"<":
                raise NotAnAnswer
            self._is_first_line = False
        if line.startswith(b"data:"):
            if self._body:
                self._end_body()
            self._read_data(line[5:])
        elif not line or line.isspace():
            self._end_event()
        else:
            self._read_other(line)

    def _read_data(self, value: bytes) -> None:
        if self._data:
            if _is_event(value):  # so the event before it will not be complete any more
                raise ChatbotError("interrupted")
            self._data.append(value)
            return
        data = value.strip()
        if data.startswith(b"data:"):
            data = _NAMED_TWICE.sub(b"", data, count=1)
        if data == b"[DONE]":
            self._end()
        elif data:
            try:
                # Decoded first, because `json.loads` spends time on detecting the bytes' encoding.
                chunk = json.loads(data.decode("utf-8", "surrogatepass"))
            except (ValueError, RecursionError):
                self._read_no_json(value, data)
            else:
                self._hand_over(chunk)

    def _read_no_json(self, value: bytes, data: bytes) -> None:
        if data.strip(b'"').upper() == b"[DONE]":
            self._end()
        elif self._says_error or _SAYS_ERROR.match(data):
            raise EndpointFault(data.decode("utf-8", "replace"))
        elif _KEEPALIVE.fullmatch(data):
            self._note_words(data)
        else:
            self._read_joined(data)

    def _read_joined(self, data: bytes) -> None:
        """Read events that follow each other in one line, or the first line of an event."""
        events, rest = _joined(data)
        for event in events:
            self._hand_over(event)
            if self.is_over:
                return
        if rest.upper().startswith(b"[DONE]"):
            self._end()
        elif rest:
            self._data = [rest]  # perhaps JSON in several lines

    def _read_other(self, line: bytes) -> None:
        """Read a line of a field other than `data`, or of no field."""
        name, colon, value = line.partition(b":")
        value = value.strip()
        if colon and name in (b"", b"id", b"retry"):
            return
        if colon and name.strip().lower() == b"data" and not self._data:
            self._end_body()
            self._read_data(value)
            return
        if name == b"event":
            self._end_body()
            self._note_event(value.lower())
        elif name == b"error" and colon:  # llama.cpp's form
            self._end_body()
            self._says_error = self._is_same_event = True
            self._read_data(value)
        elif self._data:
            self._data.append(line)  # only the first line has the field's name
        elif line.strip() == b"[DONE]":
            self._end()
        elif self._body or line.lstrip()[:1] in (b"{", b"["):
            self._read_body(line)
        else:
            self._note_words(line)
            self._has_foreign = True

    def _note_words(self, words: bytes) -> None:
        if self._words_bytes < MAX_WORDS_BYTES:
            self._words.append(words)
            self._words_bytes += len(words)

    def _judge_words(self) -> None:
        """Raise EndpointFault if the body is only an error as plain text."""
        if self._words and not self._has_taken:
            words = b" ".join(self._words)[:MAX_WORDS_BYTES].decode("utf-8", "replace")
            if _SAYS_ERROR.match(b" ".join(self._words)) or is_known(words.lower()):
                raise EndpointFault(words)

    def _end(self) -> None:
        self._judge_words()
        self.is_over = True

    def _note_event(self, name: bytes) -> None:
        if b"error" not in name:
            self._says_error = False
        elif self._unknown is not None:
            raise EndpointFault(self._unknown)  # the data came before the name
        else:
            self._says_error = self._is_same_event = True

    def _end_event(self) -> None:
        if self._data:
            lines, self._data = self._data, []
            try:
                text = b"\n".join(line.removeprefix(b" ") for line in lines)
                # Not strict, so that a line break inside a string is kept as a line break.
                chunk = json.loads(text.decode("utf-8", "surrogatepass"), strict=False)
            except (ValueError, RecursionError) as error:
                raise ChatbotError("interrupted") from error
            self._hand_over(chunk)
        elif self._body:
            self._try_body()
        # `_says_error` stays, because some servers send the data in the next event.
        self._is_same_event = False
        self._unknown = None

    def _hand_over(self, chunk: object) -> None:
        if self._says_error:
            is_answer = isinstance(chunk, dict) and isinstance(chunk.get("choices"), list)
            if self._is_same_event or not is_answer:
                raise EndpointFault(chunk)
            self._says_error = False
        if chunk == "[DONE]":
            self._end()
        elif isinstance(chunk, str):
            self._note_words(chunk.encode("utf-8", "replace"))
        elif self._take(chunk):
            self._has_taken = True
        elif isinstance(chunk, dict) and chunk:
            self._unknown = chunk
            self._has_foreign |= not any(
                isinstance(value, str) and _PING.search(value) for value in chunk.values()
            )

    # JSON outside any field: a whole answer, or an error

    def _read_body(self, line: bytes) -> None:
        self._body.append(line)
        self._body_bytes += len(line)
        if len(self._body) == 1 or line[:1] in (b"}", b"]"):
            self._try_body()

    def _try_body(self, is_last: bool = False) -> bool:
        """Take the body if its JSON is complete. Parsed again only when the size has doubled."""
        if self._body_bytes < 2 * self._body_tried_at and not is_last:
            return False
        self._body_tried_at = self._body_bytes
        data = b"\n".join(self._body)
        try:
            bodies = [json.loads(data.decode("utf-8", "surrogatepass"))]
        except (ValueError, RecursionError):
            bodies, rest = _joined(data) if is_last else ([], b"")
            if not bodies or rest.upper() not in (b"", b"[DONE]"):
                return False
        self._drop_body()
        for body in bodies:
            self._has_foreign |= not isinstance(body, dict)
            self._hand_over(body)
        return True

    def _end_body(self) -> None:
        """Take or skip the body, because another event begins."""
        if self._body and not self._try_body(is_last=True):
            self._has_foreign = True
            self._drop_body()

    def _drop_body(self) -> None:
        self._body, self._body_bytes, self._body_tried_at = [], 0, 0


def _joined(data: bytes) -> tuple[list[object], bytes]:
    """Return the JSON values at the beginning of data, and the data after them."""
    values: list[object] = []
    decoder = json.JSONDecoder()
    place = 0
    try:
        text = data.decode("utf-8", "surrogatepass")
        while text.startswith(("{", '"'), place):
            value, end = decoder.raw_decode(text, place)
            values.append(value)
            place = _NEXT_EVENT.match(text, end).end()  # type: ignore[union-attr]  # matches ""
    except (ValueError, RecursionError):
        pass
    return values, text[place:].encode("utf-8", "surrogatepass") if values else data


def _is_event(value: bytes) -> bool:
    """Return True for a line of data that is an event of its own, or the end of the stream."""
    data = value.strip()
    if data == b"[DONE]":
        return True
    if not (data.startswith(b"{") and data.endswith(b"}")):
        return False
    try:
        chunk = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return False
    return not _EVENT_FIELDS.isdisjoint(chunk)
