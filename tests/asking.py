"""A process of its own that asks one question after the other, until it is killed.

    python -m tests.asking DATABASE_URL BASE_URL

Prints what it knows to be kept, a JSON object a line: each question as soon as it
was acknowledged, and how many characters of the answer had come at which time.
"""

import json
import sys
import time

from chatbot.answers import Answers
from chatbot.endpoints import Endpoint
from chatbot.reply import Controls
from chatbot.store import Store, new_conversation

OWNER = "me"
LOOK_SECONDS = 0.05


def main(database_url: str, base_url: str) -> None:
    """Ask for ever, each question in a conversation of its own."""
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
