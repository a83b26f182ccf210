"""Answers in progress: each lives on the background loop until it ends.

The page only follows. A reload, a lost connection or a click elsewhere ends a
follower, never an answer; `Answers.stop` does. The text so far is saved about
once a second, and in the end with the reason for the end.
"""

import asyncio
import atexit
import contextlib
import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from chatbot import background, local_model
from chatbot.client import Client, Completion, ReplyRequest
from chatbot.context import messages_to_send
from chatbot.errors import ChatbotError
from chatbot.local_model import LocalModel
from chatbot.settings import Endpoint
from chatbot.store import Conversation, Message, State, Store, new_id

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0

CLOSE_SECONDS = 2.0

HISTORY_MESSAGES = 400
"""How far back the model's view of a conversation may reach."""


@dataclass(frozen=True)
class Controls:
    """How to answer. `model` None leaves the choice to the endpoint's list."""

    model: str | None
    temperature: float
    max_tokens: int
    system_prompt: str

    def to_json(self) -> dict[str, Any]:
        """The form in which the store keeps them."""
        return asdict(self)


Source = Endpoint | LocalModel
"""What answers: a server, or the model of our own that may have to be started first."""


class Followed(Protocol):
    """An answer in progress, wherever it runs, as the page sees it."""

    message: Message

    @property
    def text(self) -> str:
        """The answer so far."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be added to the text any more."""

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Block until there is more text than `seen_characters`, or the end, or the time is up."""


class Answer:
    """One answer in progress, read by any number of followers on their own threads."""

    def __init__(self, message: Message, source: Source) -> None:
        self.message = message
        """As it was last known apart from its text; final once it is not answering any more."""
        self.source = source
        self._pieces: list[str] = []
        self._characters = 0
        self._followers_waiting = 0
        self._changed = threading.Condition()
        self.future: Future[None] | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be added to the text any more."""
        return self.message.state is not State.ANSWERING

    def snapshot(self) -> Message:
        """The message as it is now, text included."""
        message = self.message
        return message if self.has_ended else replace(message, content=self.text)

    def append(self, text: str) -> None:
        """Add a piece and wake the followers. Called on the background loop only."""
        if self.has_ended:
            return
        self._pieces.append(text)
        self._characters += len(text)
        if self._followers_waiting:
            self._wake()

    def end(self, state: State, **outcome: Any) -> None:
        """Take no more text; `outcome` are further fields of the message. The first end counts."""
        with self._changed:
            if not self.has_ended:
                self.message = replace(self.message, state=state, content=self.text, **outcome)
            self._changed.notify_all()

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Block until there is more text than `seen_characters`, or the end, or the time is up."""
        with self._changed:
            self._followers_waiting += 1
            try:
                self._changed.wait_for(
                    lambda: self.has_ended or self._characters > seen_characters, timeout_seconds
                )
            finally:
                self._followers_waiting -= 1

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class AnswerElsewhere:
    """An answer that another process is giving, seen through its checkpoints in the store."""

    def __init__(self, store: Store, owner: str, message: Message) -> None:
        self.message = message
        self._store = store
        self._owner = owner
        self._next_look = 0.0

    @property
    def text(self) -> str:
        """The answer as of its last checkpoint."""
        return self.message.content

    @property
    def has_ended(self) -> bool:
        """Whether it is finished, or its process has gone."""
        return self.message.state is not State.ANSWERING

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Look at the store again once a checkpoint may have been made."""
        if len(self.text) > seen_characters or self.has_ended:
            return
        time.sleep(timeout_seconds)
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + CHECKPOINT_SECONDS
        seen = self._store.messages.get(self._owner, self.message.id)
        self.message = _cut_if_abandoned(seen or replace(self.message, state=State.CUT_SHORT))


def _cut_if_abandoned(message: Message) -> Message:
    """An answer whose process has gone will never end by itself."""
    return replace(message, state=State.CUT_SHORT) if message.is_abandoned else message


class Answers:
    """All answers that this process is giving."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client = Client()
        self._running: dict[str, Answer] = {}
        """Also those that have ended, until their end is saved."""
        self._saver: asyncio.Task[None] | None = None
        self._save_now = asyncio.Event()
        atexit.register(self.close)

    def branch(
        self, owner: str, conversation: Conversation | None, limit: int
    ) -> tuple[list[Message], Followed | None]:
        """The newest messages of a conversation as they are now, and its running answer."""
        if conversation is None:
            return [], None
        branch = self._store.messages.branch(owner, conversation.id, limit)
        if not branch:
            return [], None
        last = branch[-1]
        running: Followed | None = self._running.get(last.id)
        if running is not None:
            last = running.message
        else:
            last = _cut_if_abandoned(last)
            running = AnswerElsewhere(self._store, owner, last)
        return [*branch[:-1], last], None if running.has_ended else running

    def ask(
        self,
        owner: str,
        conversation: Conversation,
        question: str,
        controls: Controls,
        source: Source,
        is_new: bool = False,
    ) -> Answer:
        """Save a question, and its conversation if that is new, then start the answer.

        Raises ChatbotError("still_answering") while the last answer still runs,
        ChatbotError("conflict") or ChatbotError("store") when it could not be saved.
        """
        branch, running = self.branch(owner, None if is_new else conversation, HISTORY_MESSAGES)
        if running:
            raise ChatbotError("still_answering")
        leaf_id = branch[-1].id if branch else None
        asked = Message(new_id(), conversation.id, leaf_id, "user", question)
        answer = self._blank_answer(conversation.id, asked.id, controls, source)
        if is_new:
            asked, answer = self._store.conversations.add(owner, conversation, [asked, answer])
        else:
            asked, answer = self._store.messages.add(owner, [asked, answer], after_leaf_id=leaf_id)
        return self._start(answer, [*branch, asked], controls, source)

    def ask_again(
        self,
        owner: str,
        conversation: Conversation,
        old_answer: Message,
        controls: Controls,
        source: Source,
    ) -> Answer:
        """Start another answer to the question of `old_answer`, which must end its branch.

        Raises ChatbotError as `ask` does.
        """
        branch, running = self.branch(owner, conversation, HISTORY_MESSAGES)
        if running:
            raise ChatbotError("still_answering")
        if not branch or branch[-1].id != old_answer.id:
            raise ChatbotError("conflict")
        question_id = old_answer.parent_id
        answer = self._blank_answer(old_answer.conversation_id, question_id, controls, source)
        [answer] = self._store.messages.add(owner, [answer], after_leaf_id=old_answer.id)
        return self._start(answer, branch[:-1], controls, source)

    def list_models(self, endpoint: Endpoint) -> Future[list[str]]:
        """Ask an endpoint for its models, over the connection that answers will use.

        The future raises ChatbotError when there is no list.
        """
        return background.submit(self._client.list_models(endpoint))

    def stop(self, owner: str, message_id: str) -> None:
        """End an answer and its request; the text so far is kept."""
        answer = self._running.get(message_id)
        if answer:
            answer.end(State.STOPPED)
            if answer.future:
                answer.future.cancel()
            background.submit(self._save_soon())
        elif message := self._store.messages.get(owner, message_id):
            # Another process gives it, or gave it until it was killed.
            self._store.messages.save_answers([replace(message, state=State.STOPPED)])

    def close(self) -> None:
        """Keep what running answers have so far, and end them: the process ends in good order."""
        atexit.unregister(self.close)
        cut_short = []
        for answer in list(self._running.values()):
            answer.end(State.CUT_SHORT)
            cut_short.append(answer.message)
        try:
            self._store.messages.save_answers(cut_short)
        except ChatbotError:
            log.exception("Could not save %d running answers", len(cut_short))
        with contextlib.suppress(TimeoutError):
            background.submit(self._end_all()).result(CLOSE_SECONDS)

    async def _end_all(self) -> None:
        for answer in list(self._running.values()):
            if answer.future:
                answer.future.cancel()
        if self._saver:
            self._saver.cancel()
        self._running.clear()
        await self._client.close()

    def _blank_answer(
        self, conversation_id: str, question_id: str | None, controls: Controls, source: Source
    ) -> Message:
        return Message(
            id=new_id(),
            conversation_id=conversation_id,
            parent_id=question_id,
            role="assistant",
            content="",
            state=State.ANSWERING,
            model=controls.model,
            host=source.host if isinstance(source, Endpoint) else local_model.NAME,
        )

    def _start(
        self, message: Message, history: list[Message], controls: Controls, source: Source
    ) -> Answer:
        answer = Answer(message, source)
        self._running[message.id] = answer
        answer.future = background.submit(self._run(answer, history, controls))
        return answer

    async def _run(self, answer: Answer, history: list[Message], controls: Controls) -> None:
        await self._save_soon()  # from here on, about once a second
        try:
            state, outcome = _outcome(await self._reply(answer, history, controls), answer)
        except asyncio.CancelledError:
            answer.end(State.STOPPED)
        except Exception as error:
            if not isinstance(error, ChatbotError):
                log.exception("An answer failed unexpectedly")
                error = ChatbotError("unexpected")
            # A cause's own words may hold what the endpoint echoed, so only its kind is logged.
            kind = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
            log.warning("An answer failed: %s%s", error, kind)
            state = State.CUT_SHORT if answer.text else State.FAILED
            answer.end(state, error=error.to_json())
        else:
            answer.end(state, **outcome)
        await self._save_soon()

    async def _reply(
        self, answer: Answer, history: list[Message], controls: Controls
    ) -> Completion:
        if isinstance(answer.source, LocalModel):
            # Loading the client takes as long as starting the model: both at once.
            start = background.in_thread(answer.source.start)
            endpoint, _ = await asyncio.gather(start, self._client.load())
            model = answer.source.model_name
        else:
            endpoint = answer.source
            model = controls.model or await self._first_model(endpoint)
        answer.message = replace(answer.message, model=model)
        window = endpoint.context_window_tokens
        # An answer may take half of the window at most, or it would leave no room for the question.
        max_tokens = min(controls.max_tokens, window // 2) if window else controls.max_tokens
        request = ReplyRequest(
            model=model,
            messages=messages_to_send(
                history, controls.system_prompt, window - max_tokens if window else None
            ),
            temperature=controls.temperature,
            max_tokens=max_tokens,
        )
        return await self._client.stream_reply(endpoint, request, answer.append)

    async def _first_model(self, endpoint: Endpoint) -> str:
        try:
            models = await self._client.list_models(endpoint)
        except ChatbotError as error:
            if error.code not in ("wrong_address", "not_an_api"):
                raise
            models = []  # many servers have no list, or one of another form
        if not models:
            raise ChatbotError("no_models", host=endpoint.host)
        return models[0]

    async def _save_soon(self) -> None:
        """Have all answers saved now, and every second as long as one runs.

        On the loop and without a pause in it, so that the saver cannot just be ending.
        """
        self._save_now.set()
        if self._saver is None:
            self._saver = asyncio.get_running_loop().create_task(self._save_while_running())

    async def _save_while_running(self) -> None:
        while self._running:
            self._save_now.clear()
            unsaved = [answer.snapshot() for answer in list(self._running.values())]
            if not await self._save(unsaved) and len(unsaved) > 1:
                for message in unsaved:  # one that cannot be saved must not keep the others
                    await self._save([message])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._save_now.wait(), CHECKPOINT_SECONDS)
        self._saver = None

    async def _save(self, messages: list[Message]) -> bool:
        try:
            await asyncio.to_thread(self._store.messages.save_answers, messages)
        except Exception:
            log.exception("Could not save %d answers; trying again", len(messages))
            return False
        for message in messages:
            if message.state is not State.ANSWERING:
                self._running.pop(message.id, None)
        return True


def _outcome(completion: Completion, answer: Answer) -> tuple[State, dict[str, Any]]:
    """The state in which a stream that ended by itself leaves its answer."""
    outcome = asdict(completion)
    error = None
    state = State.COMPLETE
    if completion.finish_reason == "content_filter":
        state, error = State.CUT_SHORT, ChatbotError("filtered")
    elif not answer.text and completion.finish_reason == "length":
        error = ChatbotError("no_room")
    elif not answer.text:
        error = ChatbotError("empty", host=answer.message.host or "")
    elif completion.finish_reason is None:
        # Every endpoint says why it stopped; the connection was closed before that.
        state, error = State.CUT_SHORT, ChatbotError("interrupted")
    if not answer.text:
        state = State.FAILED
    return state, {**outcome, "error": error.to_json() if error else None}
