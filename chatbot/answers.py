"""All answers in progress: each lives on the background loop until it ends.

The page only follows. A reload, a lost connection or a click elsewhere ends a
follower, never an answer; `Answers.stop` does. The text so far is saved about
once a second, and in the end with the reason for the end.
"""

import asyncio
import atexit
import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from chatbot import background, context, local_model, observers, reply
from chatbot.answer import Answer, AnswerElsewhere, Followed, cut_if_abandoned
from chatbot.context import Plan, Spoken
from chatbot.counting import Counting
from chatbot.errors import ChatbotError
from chatbot.fuse import Fuse, Ticket
from chatbot.models import Models
from chatbot.prices import Usage
from chatbot.reply import Controls, Source
from chatbot.saving import Saver
from chatbot.store import Conversation, Message, State, Store, new_id

log = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0

SAVE_SECONDS = 3.0

HISTORY_MESSAGES = 400
"""How far back the model's view of a conversation may reach, besides what is pinned."""


class Answers:
    """All answers that this process is giving."""

    def __init__(self, store: Store, fuse: Fuse | None = None) -> None:
        self._store = store
        self._fuse = fuse
        self._counting = Counting()
        self.models = Models(store)
        self._running: dict[str, Answer] = {}
        """Also those that have ended, until their end is saved."""
        self._saver = Saver(store, self._running)
        atexit.register(self.close)

    def branch(
        self, owner: str, conversation: Conversation | None, limit: int
    ) -> tuple[list[Message], Followed | None]:
        """The newest messages of a conversation as they are now, and its running answer."""
        if conversation is None:
            return [], None
        # One that ends while the branch is read may be read as running, and be let go here.
        before = self._running.copy()
        branch = self._store.messages.branch(owner, conversation.id, limit)
        if not branch:
            return [], None
        last = branch[-1]
        running: Followed | None = self._running.get(last.id) or before.get(last.id)
        if running is not None:
            # What a person has done with it meanwhile is in the store alone.
            last = replace(running.message, rating=last.rating, is_pinned=last.is_pinned)
        else:
            last = cut_if_abandoned(last)
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
        ChatbotError("conflict") or ChatbotError("store") when it could not be saved, and
        ChatbotError("limit_…") when no more may be asked for now.
        """
        last = None if is_new else self._end_at_rest(owner, conversation)
        leaf_id = last.id if last else None
        before = [*self._up_to(owner, conversation, last.parent_id), last] if last else []
        asked = Message(new_id(), conversation.id, leaf_id, "user", question)
        plan = self._plan([*before, asked], controls, source)
        answer = _blank_answer(conversation.id, asked.id, controls, source, plan)
        with self._admitted(owner, answer, plan, source) as ticket:
            if is_new:
                asked, answer = self._store.conversations.add(owner, conversation, [asked, answer])
            else:
                asked, answer = self._store.messages.add(owner, [asked, answer], leaf_id)
        return self._start(owner, answer, plan, controls, source, ticket)

    def ask_again(
        self,
        owner: str,
        conversation: Conversation,
        old_answer: Message,
        controls: Controls,
        source: Source,
        limit_tokens: int | None = None,
    ) -> Answer:
        """Start another answer to the question of `old_answer`, which must end its branch.

        At most `limit_tokens` are sent, even if there seems to be room for more.
        Raises ChatbotError as `ask` does.
        """
        self._expect_end(owner, conversation, old_answer)
        question_id = old_answer.parent_id
        history = self._up_to(owner, conversation, question_id)
        plan = self._plan(history, controls, source, limit_tokens=limit_tokens)
        answer = _blank_answer(conversation.id, question_id, controls, source, plan)
        answer = replace(answer, is_pinned=old_answer.is_pinned)
        with self._admitted(owner, answer, plan, source) as ticket:
            [answer] = self._store.messages.add(owner, [answer], after_leaf_id=old_answer.id)
        return self._start(owner, answer, plan, controls, source, ticket)

    def ask_instead(
        self,
        owner: str,
        conversation: Conversation,
        old_question: Message,
        question: str,
        controls: Controls,
        source: Source,
    ) -> Answer:
        """Ask another version of a question of the branch on screen, which keeps the old one.

        Raises ChatbotError as `ask` does.
        """
        last = self._end_at_rest(owner, conversation)
        messages = self._store.messages
        if not last or messages.count_after(owner, old_question.id) is None:
            raise ChatbotError("conflict")
        parent_id = old_question.parent_id
        before = self._up_to(owner, conversation, parent_id)
        asked = Message(new_id(), conversation.id, parent_id, "user", question)
        asked = replace(asked, is_pinned=old_question.is_pinned)
        plan = self._plan([*before, asked], controls, source)
        answer = _blank_answer(conversation.id, asked.id, controls, source, plan)
        answer = replace(answer, is_pinned=old_question.is_pinned)
        with self._admitted(owner, answer, plan, source) as ticket:
            asked, answer = messages.add(owner, [asked, answer], after_leaf_id=last.id)
        return self._start(owner, answer, plan, controls, source, ticket)

    def go_on(
        self,
        owner: str,
        conversation: Conversation,
        cut_answer: Message,
        controls: Controls,
        source: Source,
    ) -> Answer:
        """Have the answer at the end of the branch written on from where it was cut off.

        Raises ChatbotError as `ask` does.
        """
        self._wait_for_save(cut_answer.id)
        last = self._expect_end(owner, conversation, cut_answer)
        wanted = replace(last, lease=new_id())
        history = self._up_to(owner, conversation, wanted.parent_id)
        plan = self._plan(history, controls, source, begun=wanted.content)
        with self._admitted(owner, wanted, plan, source) as ticket:
            answer = self._store.checkpoints.resume(owner, wanted.id, wanted.lease or "")
        if answer.content != wanted.content:  # its end was saved just now
            plan = self._plan(history, controls, source, begun=answer.content)
        answer = replace(answer, sent_tokens=plan.sent_tokens, first_sent_id=plan.first_sent_id)
        return self._start(owner, answer, plan, controls, source, ticket)

    def delete_turn(self, owner: str, answer: Message) -> None:
        """Delete the question of an answer, and all its answers.

        Raises ChatbotError("still_answering") while one of them runs, and
        ChatbotError("conflict") when they are gone already.
        """
        self._wait_for_save(answer.id)
        self._store.messages.delete_turn(owner, answer.parent_id or "")

    def retry_now(self, owner: str, message_id: str) -> None:
        """Ask at once what a busy endpoint is to be asked again later."""
        answer = self._running.get(message_id)
        if answer and answer.owner == owner:
            background.call(answer.retry_now)

    def stop(self, owner: str, message_id: str) -> None:
        """End an answer and its request; the text so far is kept."""
        answer = self._running.get(message_id)
        if answer and answer.owner == owner:
            answer.end(State.STOPPED, cost=answer.cost_so_far())
            if answer.future:
                answer.future.cancel()
            background.submit(self._saver.save_soon())
            background.submit(self._counting.count(answer))  # it may not even have begun
        else:  # another process gives it, or gave it until it was killed
            self._store.checkpoints.stop(owner, message_id)

    def adopt(self, from_owner: str, to_owner: str) -> None:
        """Give the running answers of one owner to another, as the store does."""
        for answer in list(self._running.values()):
            if answer.owner == from_owner:
                answer.owner = to_owner

    def stop_all(self, owner: str) -> None:
        """End all of an owner's answers and their requests."""
        for message_id, answer in list(self._running.items()):
            if answer.owner == owner:
                self.stop(owner, message_id)

    @property
    def running_count(self) -> int:
        """How many answers are being given."""
        return len(self._running)

    def is_running(self, message_id: str) -> bool:
        """Whether an answer is being given here."""
        answer = self._running.get(message_id)
        return answer is not None and not answer.has_ended

    def latest(self, message: Message) -> Message:
        """A message as it is now: the store may not have the end of its answer yet."""
        answer = self._running.get(message.id)
        return answer.message if answer and answer.has_ended else message

    def is_unsaved(self, message_id: str) -> bool:
        """Whether an answer has ended, but could not be saved so far."""
        answer = self._running.get(message_id)
        return answer is not None and answer.has_ended and self._saver.is_failing

    def save_again(self) -> None:
        """Try at once to save what could not be saved."""
        background.submit(self._saver.save_soon())

    def close(self) -> None:
        """Keep what running answers have so far, and end them: the process ends in good order."""
        atexit.unregister(self.close)
        cut_short = []
        for answer in list(self._running.values()):
            answer.end(State.CUT_SHORT, cost=answer.cost_so_far())
            cut_short.append(answer.message)
        try:
            self._store.checkpoints.save(cut_short)
        except ChatbotError:
            log.exception("Could not save %d running answers at once", len(cut_short))
            for message in cut_short:  # one that cannot be saved must not keep the others
                with contextlib.suppress(ChatbotError):
                    self._store.checkpoints.save([message])
        self._counting.count_all()
        if background.has_begun():
            with contextlib.suppress(TimeoutError):
                background.submit(self._end_all()).result(CLOSE_SECONDS)
        self._counting.close()

    async def _end_all(self) -> None:
        for answer in list(self._running.values()):
            if answer.future:
                answer.future.cancel()
        self._running.clear()
        await self.models.client.close()
        await self._saver.finish()  # its thread cannot be cancelled, and uses the database
        await self._counting.finish()

    def _end_at_rest(self, owner: str, conversation: Conversation) -> Message | None:
        """The last message of a conversation, if it has one.

        Raises ChatbotError("still_answering") if that is being written.
        """
        branch, running = self.branch(owner, conversation, limit=1)
        if running:
            raise ChatbotError("still_answering")
        if not branch:
            return None
        # From now on it is not the last any more, and read from the store.
        with contextlib.suppress(ChatbotError):
            self._wait_for_save(branch[-1].id)
        return branch[-1]

    def _expect_end(self, owner: str, conversation: Conversation, expected: Message) -> Message:
        """The same as it is now, or ChatbotError("conflict") if another one is the last."""
        last = self._end_at_rest(owner, conversation)
        if last is None or last.id != expected.id:
            raise ChatbotError("conflict")
        return last

    def _up_to(self, owner: str, conversation: Conversation, end_id: str | None) -> list[Spoken]:
        """What the model may see of a branch that ends in a message, the pinned turns included."""
        if end_id is None:
            return []
        said = self._store.messages.said(owner, conversation.id, HISTORY_MESSAGES, end_id)
        if len(said) < HISTORY_MESSAGES:
            return [*said]
        if said[0].role != "user":  # the rest of a turn
            said = said[1:]
        return [*self._store.pins.above(owner, conversation.id, said[0].parent_id), *said]

    def _wait_for_save(self, message_id: str) -> None:
        """Wait until an answer that has just ended has done so in the store as well."""
        deadline = time.monotonic() + SAVE_SECONDS
        while (answer := self._running.get(message_id)) and answer.has_ended:
            if self._saver.is_failing or time.monotonic() > deadline:
                raise ChatbotError("store_locked")
            background.submit(self._saver.save_soon())
            time.sleep(0.02)

    def _plan(
        self,
        history: Sequence[Spoken],
        controls: Controls,
        source: Source,
        begun: str = "",
        limit_tokens: int | None = None,
    ) -> Plan:
        """What to send. Not on the loop, where reading a long history would hold up answers."""
        return context.plan(
            history,
            controls.system_prompt,
            controls.max_tokens,
            self.models.window(source, controls.model),
            begun,
            is_told_to_go_on=not source.goes_on_by_itself,
            limit_tokens=limit_tokens,
        )

    @contextlib.contextmanager
    def _admitted(
        self, owner: str, answer: Message, plan: Plan, source: Source
    ) -> Iterator[Ticket | None]:
        """Ask the fuse before an answer is begun; if that fails, it was never asked."""
        if self._fuse is None:
            yield None
            return
        model = self.models.named(source, answer.model)
        most = Usage(plan.tokens, plan.max_tokens)
        kept = (self._store, answer.id)
        ticket = self._fuse.admit(owner, source, model, most, answer.lease or "", kept)
        try:
            yield ticket
        except BaseException:
            ticket.give_back()
            raise

    def _start(
        self,
        owner: str,
        message: Message,
        plan: Plan,
        controls: Controls,
        source: Source,
        ticket: Ticket | None,
    ) -> Answer:
        answer = Answer(message, owner)
        answer.cost_so_far = partial(reply.cost_so_far, answer, source, plan, self.models.measures)
        if ticket:
            self._counting.expect(answer, ticket)
        self._running[message.id] = answer
        seconds = ticket.seconds if ticket else None
        answer.future = background.submit(self._run(answer, source, plan, controls, seconds))
        return answer

    async def _run(
        self,
        answer: Answer,
        source: Source,
        plan: Plan,
        controls: Controls,
        most_seconds: float | None,
    ) -> None:
        observers.tell_began(answer)
        late = asyncio.create_task(self._end_late(answer, most_seconds))
        client, measures = self.models.client, self.models.measures
        try:
            await self._saver.save_soon()  # from here on, about once a second
            await reply.fill(answer, client, measures, source, plan, controls)
            await self._saver.save_soon()
        finally:
            observers.tell_ended(answer)
            late.cancel()
            await self._counting.count(answer)

    async def _end_late(self, answer: Answer, most_seconds: float | None) -> None:
        """End an answer that has taken as long as one may; None is for ever."""
        if most_seconds is None:
            return
        await asyncio.sleep(most_seconds)
        # Without a word, nobody knows whether the question was read.
        cost = await asyncio.to_thread(answer.cost_so_far) if answer.text else None
        state = State.CUT_SHORT if answer.text else State.FAILED
        answer.end(state, error=ChatbotError("too_slow").to_json(), cost=cost)
        if answer.future:
            answer.future.cancel()


def _blank_answer(
    conversation_id: str, question_id: str | None, controls: Controls, source: Source, plan: Plan
) -> Message:
    return Message(
        id=new_id(),
        conversation_id=conversation_id,
        parent_id=question_id,
        role="assistant",
        content="",
        state=State.ANSWERING,
        model=controls.model,
        host=source.host,
        # Whatever becomes of it: an answer of the built-in model costs nothing.
        cost=0.0 if source.host == local_model.NAME else None,
        sent_tokens=plan.sent_tokens,
        first_sent_id=plan.first_sent_id,
        lease=new_id(),
    )
