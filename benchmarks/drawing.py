"""CPU time of drawing hostile texts: does it grow faster than the text, or exceed a plain parse?

    .venv/bin/python -m benchmarks.drawing

Each text repeats one of the fragments of `tests/markdown/test_drawing_cost.py`, or is a wide table.
As on the page, drawing splits a text into pieces, closes the open markup of each, and converts it;
but the page draws at most 60 kB of a message at a time. The benchmark prints the CPU time for 20 kB
and 200 kB, their ratio (the aim is at most 12), and the ratio to one parse by plain markdown-it (at
most 3).
"""

import argparse
import time
from collections.abc import Callable

from markdown_it import MarkdownIt

from chatbot.markdown.incomplete import close_open_markers
from chatbot.markdown.splitting.segments import Pieces
from chatbot.markdown.to_streamlit import to_streamlit
from tests.markdown.test_drawing_cost import MARKS, growing, repeated, table

SMALL, LARGE = 20_000, 200_000


def main() -> None:
    """Measure all shapes, and print those beyond an aim; with `--all`, every one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", help="print every shape")
    prints_all = parser.parse_args().all
    plain = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    beyond = 0
    print(f"{'20 kB':>8} {'200 kB':>8} {'growth':>7} {'x parse':>7}")
    for name, text_of in shapes().items():
        small, large = (cpu_seconds(draw, text_of(size)) for size in (SMALL, LARGE))
        growth, times = large / small, large / cpu_seconds(plain.parse, text_of(LARGE))
        beyond += growth > 12 or times > 3
        if prints_all or growth > 12 or times > 3:
            print(f"{small:7.3f}s {large:7.3f}s {growth:7.1f} {times:7.1f} {name}", flush=True)
    print(f"{beyond} of {len(shapes())} beyond an aim")


def shapes() -> dict[str, Callable[[int], str]]:
    """Return each hostile text by its name, as a function of its length in characters."""
    texts = {repr(mark): repeated(mark) for mark in MARKS}
    texts |= {f"{columns} columns": table(columns) for columns in (1, 100, 1000)}
    texts |= {f"growing {mark!r}": growing(mark) for mark in "`[<*_~$>!:#|(\\"}
    return texts


def draw(text: str) -> None:
    """Convert a whole text for Streamlit, piece by piece."""
    for _, piece in Pieces().changes(text, is_whole=True):
        to_streamlit(close_open_markers(piece))


def cpu_seconds(function: Callable[[str], object], text: str) -> float:
    """Return the least CPU time of three calls with a text, in seconds; of one, if it is slow."""
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        function(text)
        least = min(least, time.process_time() - began)
        if least > 0.3:
            break
    return least


if __name__ == "__main__":
    main()
