"""Metrics for Prometheus, without personal data: no ids, no texts, no names.

Served at a separate address, so that the public cannot read them.
"""

import logging
import time

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from chatbot.answers import events
from chatbot.answers.answer import Answer

log = logging.getLogger(__name__)

RUNNING = Gauge("chatbot_answers_running", "Answers being given now")
ENDED = Counter("chatbot_answers_ended", "Answers by how they ended", ["state"])
ERRORS = Counter("chatbot_errors", "Answers that went wrong, by what the page said", ["code"])
REFUSED = Counter("chatbot_questions_refused", "Questions over a limit, by which", ["limit"])
TOKENS = Counter("chatbot_tokens", "Tokens as the endpoint counted them", ["kind"])
FIRST_TOKEN = Histogram(
    "chatbot_first_token_seconds",
    "Time until the first text of an answer",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
DURATION = Histogram(
    "chatbot_answer_seconds",
    "Time until the end of an answer",
    buckets=(1, 2, 5, 10, 20, 40, 80, 160, 320),
)


def serve(address: str | None) -> None:
    """Collect metrics and serve them at `host:port`; do nothing without an address."""
    if not address:
        return
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"))
    except (OSError, OverflowError):  # address in use or not local; the app works without metrics
        log.exception("There are no metrics: http://%s cannot be served", address)
        return
    events.add(_Metrics())
    log.info("Metrics are at http://%s/metrics", address)


class _Metrics:
    def began(self, _answer: Answer) -> None:
        RUNNING.inc()

    def ended(self, answer: Answer) -> None:
        message, before = answer.message, answer.begun_with
        RUNNING.dec()
        ENDED.labels(message.state).inc()
        DURATION.observe(time.monotonic() - answer.began)
        if answer.first_text is not None:
            FIRST_TOKEN.observe(answer.first_text - answer.began)
        if message.error:
            ERRORS.labels(message.error["code"]).inc()
        for kind in ("prompt", "completion"):
            name = f"{kind}_tokens"  # the total, also of a continued answer
            taken = (getattr(message, name) or 0) - (getattr(before, name) or 0)
            TOKENS.labels(kind).inc(max(0, taken))

    def refused(self, code: str) -> None:
        REFUSED.labels(code.removeprefix("limit_")).inc()
