"""Import of 20,000 tiny conversations: duration, and frequency of progress reports.

    .venv/bin/python -m benchmarks.importing [postgresql://…]

Each has a question and an answer of a few words, in this app's own JSON. The benchmark prints the
total seconds and CPU seconds, the number of progress reports, and the longest time between two.
"""

import argparse
import io
import itertools
import json
import tempfile
import time

from chatbot.exchange import import_file, to_json
from chatbot.store import Message, Store, new_conversation, new_id

CONVERSATIONS = 20_000


def main() -> None:
    """Write a file and import it twice; the second import adds nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", help="a PostgreSQL database; default: SQLite")
    url = parser.parse_args().url
    data = _file()
    print(f"{CONVERSATIONS:,} conversations, {len(data) / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(url or f"sqlite:///{folder}/store.db")
        owner = new_id()
        for _ in range(2):
            cpu = time.process_time()
            reports = [time.perf_counter()]
            summary = import_file(
                store,
                owner,
                io.BytesIO(data),
                "en",
                lambda _, reports=reports: reports.append(time.perf_counter()),  # type: ignore[misc]
            )
            reports.append(time.perf_counter())
            cpu = time.process_time() - cpu
            silence = max(later - earlier for earlier, later in itertools.pairwise(reports))
            print(
                f"{summary.added:6} came in: {reports[-1] - reports[0]:.1f} s, {cpu:.1f} s of CPU,"
                f" {len(reports) - 2} reports, at most {silence:.2f} s apart"
            )
        store.close()


def _file() -> bytes:
    written = []
    for number in range(CONVERSATIONS):
        conversation = new_conversation(f"Question {number}", {})
        asked = Message(
            new_id(), conversation.id, None, "user", "And now?", sequence=1, created_at=1e9
        )
        answer = Message(
            new_id(), conversation.id, asked.id, "assistant", "Now.", sequence=2, created_at=1e9
        )
        written.append(json.loads(to_json(conversation, [asked, answer])))
    return json.dumps(written).encode()


if __name__ == "__main__":
    main()
