"""Separate process that asks one question after the other until it is killed.

    python -m tests.answers.asking DATABASE_URL BASE_URL

Prints one JSON object a line: each question that the store has acknowledged, and the
number of characters of the answer that had been received at a given time.
"""

import json
import sys
import time

from chatbot.answers.answers import Answers
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import Controls
from chatbot.store import Store, new_conversation

OWNER = "me"
LOOK_SECONDS = 0.05


def main(database_url: str, base_url: str) -> None:
    """Ask questions without end, each in a new conversation."""
    answers = Answers(Store(database_url))
    endpoint = Endpoint(base_url, None, 5, 5)
    controls = Controls("test-model", 0.8, 2048, "")
    while True:
        conversation = new_conversation("Question", {})
        answer = answers.ask(OWNER, conversation, "Question", controls, endpoint, is_new=True)
        say(conversation=conversation.id)
        while not answer.has_ended:
            say(answer=answer.message.id, characters=len(answer.text), at=time.time())
            answer.wait_for_more(1_000_000, LOOK_SECONDS)


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
