"""Import of conversations: the whole file is read and checked before anything is stored."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from chatbot.errors import ChatbotError, Phrase
from chatbot.exchange import apps, kinds
from chatbot.exchange.formats import chatgpt, native
from chatbot.exchange.json_stream import LongConversation, conversations_in, in_small_file
from chatbot.exchange.keeping import Batch
from chatbot.exchange.validation import ReadConversation, Unreadable
from chatbot.limits.policy import Limits
from chatbot.limits.storage import Room
from chatbot.store import Store

NO_LIMITS = Limits()


@dataclass
class Summary:
    """Result of an import."""

    added: int = 0
    already_there: int = 0
    empty: int = 0
    unreadable: int = 0
    no_room: int = 0
    """New conversations that were not stored, because the storage limit was reached."""
    refusal: ChatbotError | None = None
    """The storage limit that was reached, if any."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Content types that were omitted or replaced by a placeholder, with their numbers."""


@dataclass
class _Unusable:
    """Values of a file that are not readable conversations."""

    kind: str = ""
    """Kind of the first such value: a catalogue key below `import.kind`."""


def import_file(
    store: Store,
    owner: str,
    file: IO[bytes],
    language: str,
    report: Callable[[float], None],
    allowed: Limits = NO_LIMITS,
) -> Summary:
    """Import a file: this app's own JSON or zip, or an export of another app.

    `report` gets the progress, from 0 to 1. Raises ChatbotError("import_damaged"),
    ("import_too_large"), ("import_nothing"), ("import_other") or ("import_locked") before
    anything is stored, and ChatbotError("store…") if the database fails meanwhile. Conversations
    stored before that stay, and importing the same file again adds the rest. The same holds when
    a storage limit of `allowed` is reached.
    """
    _check(file, language, lambda part: report(part / 2))
    summary = Summary()
    origins = store.conversations.origins(owner)
    batch = Batch(store, owner, Room(store, owner, allowed))
    for read in _conversations(file, language, lambda part: report(0.5 + part / 2), _Unusable()):
        if read is None:
            summary.unreadable += 1
        elif not isinstance(read, LongConversation) and not read.messages:
            summary.empty += 1
        elif (origin := _origin(read)) in origins:
            summary.already_there += 1
        elif summary.refusal or not _add(read, batch, summary):
            summary.no_room += 1
        else:
            origins.add(origin)
            summary.added += 1
    batch.keep()
    if summary.added:
        store.conversations.order_by_time(owner)
    return summary


def _add(read: ReadConversation | LongConversation, batch: Batch, summary: Summary) -> bool:
    """Add a conversation to the batch; return False if a storage limit refuses it.

    Then no more conversations are imported; importing the file again can add the rest.
    """
    try:
        batch.add(read)
    except ChatbotError as error:
        if not error.code.startswith("storage_"):
            raise
        summary.refusal = error
        return False
    if isinstance(read, ReadConversation):
        summary.left_out += read.left_out
    return True


def _origin(read: ReadConversation | LongConversation) -> str:
    """Return the identity of a conversation, the same each time its file is imported."""
    if isinstance(read, LongConversation):
        conversation = native.LongReading(read.head).conversation
    else:
        conversation = read.conversation
    return conversation.origin or conversation.id


def _check(file: IO[bytes], language: str, report: Callable[[float], None]) -> None:
    """Read a file to its end. Raises the ChatbotError that names the problem, if any."""
    unusable = _Unusable()
    readable = 0
    try:
        for read in _conversations(file, language, report, unusable):
            if isinstance(read, LongConversation):
                reading = native.LongReading(read.head)
                for raw in read.messages:
                    reading.message(raw)
            readable += read is not None
    except (ChatbotError, Unreadable) as error:
        if isinstance(error, Unreadable):
            error = ChatbotError("import_damaged")
        kind = kinds.of_file(file)
        if error.code != "import_damaged" or not kind:
            raise error from None
        raise _other(kind) from error
    if not readable:
        kind = kinds.of_zip(file) or unusable.kind
        raise _other(kind) if kind else ChatbotError("import_nothing")


def _other(kind: str) -> ChatbotError:
    if kind == "locked":
        return ChatbotError("import_locked")
    return ChatbotError(
        "import_other", kind=Phrase(f"import.kind.{kind}"), apps=Phrase("import.apps")
    )


def _conversations(
    file: IO[bytes], language: str, report: Callable[[float], None], unusable: _Unusable
) -> Iterator[ReadConversation | LongConversation | None]:
    """Yield each conversation of a file; None for an invalid one."""
    feedback = in_small_file(file, chatgpt.FEEDBACK_FILE)
    for value in conversations_in(file, report):
        for raw in [value] if isinstance(value, LongConversation) else apps.conversations_in(value):
            try:
                if isinstance(raw, LongConversation):
                    native.LongReading(raw.head)
                    yield raw
                    continue
                if feedback and isinstance(raw, dict):
                    chatgpt.rate(raw, feedback)
                yield apps.read(raw, language)
            except Unreadable:
                unusable.kind = unusable.kind or kinds.of_value(raw)
                yield None
