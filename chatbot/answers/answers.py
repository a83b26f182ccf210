"""Ways to ask: a new question, another answer, an edited question, the rest of a cut answer."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from chatbot.answers import prompt
from chatbot.answers.answer import Answer
from chatbot.answers.prompt import AnyMessage, Plan
from chatbot.answers.running import RunningAnswers
from chatbot.builtin import model as builtin_model
from chatbot.errors import ChatbotError
from chatbot.limits.budget import Budget, Reservation
from chatbot.llm.request import Controls
from chatbot.models.pricing import Usage
from chatbot.models.source import Source
from chatbot.store import Conversation, Message, State, Store, new_id

HISTORY_MESSAGES = 400
"""Most messages of a conversation that the model may see, besides pinned turns."""


@dataclass(frozen=True)
class Turn:
    """A requested answer."""

    answer: Message
    history: Sequence[AnyMessage]
    """The messages before the answer that the model may see, with the question last."""
    save: Callable[[Message], Message]
    """Saves the answer, and the question if it is new, and returns the saved answer."""
    limit_tokens: int | None = None
    """Most tokens to send, even if there seems to be room for more."""


class Answers(RunningAnswers):
    """Starts answers. All methods that ask raise the same ChatbotErrors.

    "still_answering" while the conversation's last answer is running, "conflict" if the
    conversation has changed meanwhile, "store…" if nothing could be saved, and "limit_…" if a
    limit is reached.
    """

    def __init__(self, store: Store, budget: Budget | None = None) -> None:
        super().__init__(store)
        self._budget = budget

    def ask(
        self,
        owner: str,
        conversation: Conversation,
        question: str,
        controls: Controls,
        source: Source,
        is_new: bool = False,
    ) -> Answer:
        """Ask a question at the end of a conversation; a new conversation is saved as well."""
        last = None if is_new else self._end_at_rest(owner, conversation)
        leaf_id = last.id if last else None
        before = [*self._up_to(owner, conversation, last.parent_id), last] if last else []
        asked = Message(new_id(), conversation.id, leaf_id, "user", question)

        def save(answer: Message) -> Message:
            if is_new:
                return self._store.conversations.add(owner, conversation, [asked, answer])[-1]
            return self._store.messages.add(owner, [asked, answer], leaf_id)[-1]

        answer = _blank_answer(conversation.id, asked.id, controls, source)
        return self._begin(owner, Turn(answer, [*before, asked], save), controls, source)

    def ask_again(
        self,
        owner: str,
        conversation: Conversation,
        old_answer: Message,
        controls: Controls,
        source: Source,
        limit_tokens: int | None = None,
    ) -> Answer:
        """Start another answer to the question of `old_answer`, the last message of its branch.

        At most `limit_tokens` are sent, even if there seems to be room for more.
        """
        self._expect_end(owner, conversation, old_answer)
        question_id = old_answer.parent_id
        history = self._up_to(owner, conversation, question_id)

        def save(answer: Message) -> Message:
            return self._store.messages.add(owner, [answer], after_leaf_id=old_answer.id)[-1]

        answer = _blank_answer(conversation.id, question_id, controls, source)
        answer = replace(answer, is_pinned=old_answer.is_pinned)
        return self._begin(owner, Turn(answer, history, save, limit_tokens), controls, source)

    def ask_instead(
        self,
        owner: str,
        conversation: Conversation,
        old_question: Message,
        question: str,
        controls: Controls,
        source: Source,
    ) -> Answer:
        """Ask an edited version of a question of the branch on screen; the old version stays."""
        last = self._end_at_rest(owner, conversation)
        if not last or self._store.messages.count_after(owner, old_question.id) is None:
            raise ChatbotError("conflict")
        leaf_id, parent_id = last.id, old_question.parent_id
        before = self._up_to(owner, conversation, parent_id)
        asked = Message(new_id(), conversation.id, parent_id, "user", question)
        asked = replace(asked, is_pinned=old_question.is_pinned)

        def save(answer: Message) -> Message:
            return self._store.messages.add(owner, [asked, answer], after_leaf_id=leaf_id)[-1]

        answer = _blank_answer(conversation.id, asked.id, controls, source)
        answer = replace(answer, is_pinned=old_question.is_pinned)
        return self._begin(owner, Turn(answer, [*before, asked], save), controls, source)

    def go_on(
        self,
        owner: str,
        conversation: Conversation,
        cut_answer: Message,
        controls: Controls,
        source: Source,
    ) -> Answer:
        """Continue the last answer of the branch from where it was cut off."""
        self._wait_for_save(cut_answer.id)
        last = self._expect_end(owner, conversation, cut_answer)
        history = self._up_to(owner, conversation, last.parent_id)

        def save(answer: Message) -> Message:
            return self._store.checkpoints.resume(owner, answer.id, answer.lease or "")

        answer = replace(last, lease=new_id())
        return self._begin(owner, Turn(answer, history, save), controls, source)

    def delete_turn(self, owner: str, answer: Message) -> None:
        """Delete the question of an answer, and all answers to this question.

        Raises ChatbotError("still_answering") while one of the answers is running, and
        ChatbotError("conflict") if the question is already deleted.
        """
        self._wait_for_save(answer.id)
        self._store.messages.delete_turn(owner, answer.parent_id or "")

    def _begin(self, owner: str, turn: Turn, controls: Controls, source: Source) -> Answer:
        """Plan the prompt, reserve its budget, save the answer and start the answer."""
        wanted = turn.answer
        plan = self._plan(turn, wanted.content, controls, source)
        with self._admitted(owner, wanted, plan, source) as reservation:
            answer = turn.save(_with_plan(wanted, plan))
        if answer.content != wanted.content:  # the end of a cut answer was saved just now
            plan = self._plan(turn, answer.content, controls, source)
        return self._start(owner, _with_plan(answer, plan), plan, controls, source, reservation)

    def _plan(self, turn: Turn, begun: str, controls: Controls, source: Source) -> Plan:
        """Plan the prompt. Not on the loop, which counting a long history would block."""
        return prompt.plan(
            turn.history,
            controls.system_prompt,
            controls.max_tokens,
            self.models.window(source, controls.model),
            begun,
            is_told_to_go_on=not source.supports_prefill,
            limit_tokens=turn.limit_tokens,
        )

    @contextlib.contextmanager
    def _admitted(
        self, owner: str, answer: Message, plan: Plan, source: Source
    ) -> Iterator[Reservation | None]:
        """Reserve the budget before an answer starts; release it if the start fails."""
        if self._budget is None:
            yield None
            return
        model = self.models.named(source, answer.model)
        most = Usage(plan.tokens, plan.max_tokens)
        kept = (self._store, answer.id)
        reservation = self._budget.admit(owner, source, model, most, answer.lease or "", kept)
        try:
            yield reservation
        except BaseException:
            reservation.give_back()
            raise

    def _end_at_rest(self, owner: str, conversation: Conversation) -> Message | None:
        """Return the last message of a conversation, if any.

        Raises ChatbotError("still_answering") if the last message is being written.
        """
        branch, running = self.branch(owner, conversation, limit=1)
        if running:
            raise ChatbotError("still_answering")
        if not branch:
            return None
        # A new message will follow this one, which is then read from the store.
        with contextlib.suppress(ChatbotError):
            self._wait_for_save(branch[-1].id)
        return branch[-1]

    def _expect_end(self, owner: str, conversation: Conversation, expected: Message) -> Message:
        """Return the current state of `expected`. Raises ChatbotError("conflict") if not last."""
        last = self._end_at_rest(owner, conversation)
        if last is None or last.id != expected.id:
            raise ChatbotError("conflict")
        return last

    def _up_to(
        self, owner: str, conversation: Conversation, end_id: str | None
    ) -> list[AnyMessage]:
        """Return the messages of a branch that the model may see, pinned turns included."""
        if end_id is None:
            return []
        spoken = self._store.messages.prompt_messages(
            owner, conversation.id, HISTORY_MESSAGES, end_id
        )
        if len(spoken) < HISTORY_MESSAGES:
            return [*spoken]
        if spoken[0].role != "user":  # an answer without its question
            spoken = spoken[1:]
        return [*self._store.pins.above(owner, conversation.id, spoken[0].parent_id), *spoken]


def _with_plan(answer: Message, plan: Plan) -> Message:
    return replace(answer, sent_tokens=plan.sent_tokens, first_sent_id=plan.first_sent_id)


def _blank_answer(
    conversation_id: str, question_id: str | None, controls: Controls, source: Source
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
        # An answer of the built-in model costs nothing, however it ends.
        cost=0.0 if source.host == builtin_model.NAME else None,
        lease=new_id(),
    )
