"""An answer in pieces: looks at every moment like the same answer in one piece."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from streamlit.string_util import clean_text

from benchmarks import answer
from chatbot.markdown.splitting import segments
from chatbot.markdown.splitting.segments import Pieces
from chatbot.markdown.syntax.emphasis import MARK
from chatbot.markdown.to_streamlit import to_streamlit

READER = (
    MarkdownIt("commonmark")
    .enable(["table", "strikethrough"])
    .use(footnote_plugin)
    .use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False)
)

BLOCKS = [
    "A paragraph of *two*\nlines with `code` and 中文，还有标点。",
    "第二段：**重点**在这里。\n下一行",
    "# Heading",
    "Setext\n---",
    "---",
    "- tight\n- list\n  - nested",
    "- loose\n\n- list\n\n  of paragraphs",
    "3. three\n4. four\n\n   ```py\n   in a list\n\n   ```",
    "* stars\n* [used][one]",
    "> quote\n> > twice\n\n> again",
    "> ```\n> quoted code",
    "```py\ncode\n\n  \n# no heading\n```",
    "~~~~md\n```\nnested\n```\n~~~~",
    "    indented\n\n    code",
    "| a | b |\n|---|--:|\n| 1 | [used][one] |",
    "$$\nx = 1\n\ny\n$$",
    r"\[ a^2 \] and \(b\), not $5 or $6",
    "<div>\n<b>html</b>\n</div>",
    "<!-- a comment\n\nof two -->",
    "<pre>\nraw\n\nlines\n</pre>",
    "A [link][one], a [second one] and [third][].",
    "[one]: https://example.org/1?a=1&b=2 'It is \"one\"'\n[Second One]: <b c>",
    "> [third]: /three",
    "[one]: /too-late",
    "A note[^1] and another[^b].",
    "[^1]: The note.\n\n    More of it.",
    "[^b]: Another, with a [link][one].",
    "https://example.org/x:y and :smile: a -> b",
    "Hard  \nbreak\\\nend",
]


def html(markdown: str) -> str:
    """Return the text as a reader sees it."""
    drawn = str(READER.render(clean_text(to_streamlit(markdown)))).replace(MARK, "")
    return re.sub(r"\s+(</code>)|\n", r"\1", drawn)


class Screen:
    """Draws what changes, and nothing else."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self.elements: dict[int, str] = {}

    def draw(self, text: str, is_whole: bool) -> int:
        """Returns the number of characters drawn."""
        changes = self.pieces.changes(text, is_whole)
        self.elements.update(changes)
        return sum(len(markdown) for _, markdown in changes)

    @property
    def html(self) -> str:
        shown = [self.elements[number] for number in sorted(self.elements)]
        return "".join(html(markdown) for markdown in shown if markdown)


@st.composite
def growing_answers(draw: st.DrawFn) -> tuple[str, list[int]]:
    """A text, and the lengths at which it is drawn."""
    blocks = draw(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=7))
    text = blocks[0]
    for before, block in pairwise(blocks):
        # This reader, other than the browser's, begins no formula within a paragraph and knows
        # no lazy line after a definition.
        is_apart = block.startswith("$$") or "]:" in before
        breaks = ["\n\n", "\n\n\n"] if is_apart else ["\n\n", "\n", "\n\n\n"]
        text += draw(st.sampled_from(breaks)) + block
    return text, sorted(draw(st.sets(st.integers(1, len(text)), max_size=15)))


@pytest.fixture(scope="module")
def every_block_is_a_piece() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(segments, "PIECE_CHARACTERS", 1)
        yield


@pytest.mark.usefixtures("every_block_is_a_piece")
@given(growing_answers())
def test_pieces_look_like_the_whole_at_every_moment(answer: tuple[str, list[int]]) -> None:
    text, cuts = answer
    screen = Screen()
    for cut in cuts:
        screen.draw(text[:cut], is_whole=False)
        if "]:" not in text[:cut]:  # a definition counts once it is finished
            assert screen.html == html(text[:cut])
    screen.draw(text, is_whole=True)
    assert screen.html == html(text)


@pytest.mark.usefixtures("every_block_is_a_piece")
@pytest.mark.parametrize("block", BLOCKS)
def test_pieces_look_like_the_whole_wherever_it_is_cut(block: str) -> None:
    text = f"Before.\n\n{block}\n\nAfter [third]."
    screen = Screen()
    for cut in range(1, len(text)):
        screen.draw(text[:cut], is_whole=False)
        if "]:" not in text[:cut]:
            assert screen.html == html(text[:cut])
        ended = Screen()
        ended.draw(text[: cut // 2], is_whole=False)
        ended.draw(text[:cut], is_whole=True)
        assert ended.html == html(text[:cut])


@pytest.mark.usefixtures("every_block_is_a_piece")
def test_a_definition_that_comes_late_reaches_what_was_drawn() -> None:
    screen = Screen()
    screen.draw("See [the docs][d].\n\nMore.\n\n", is_whole=False)
    assert "<a" not in screen.html
    screen.draw("See [the docs][d].\n\nMore.\n\n[d]: https://example.org\n\nX\n", is_whole=False)
    assert '<a href="https://example.org">the docs</a>' in screen.html


@pytest.mark.usefixtures("every_block_is_a_piece")
def test_nothing_is_drawn_twice() -> None:
    screen = Screen()
    assert screen.draw("One.\n\nTwo.\nThree", is_whole=False) > 0
    assert screen.draw("One.\n\nTwo.\nThree", is_whole=True) == 0
    assert screen.draw("One.\n\nTwo.\nThree.", is_whole=True) == len("Two.\nThree.")


def test_an_answer_costs_no_more_than_a_few_times_its_length() -> None:
    screen = Screen()
    text = answer.text()
    drawn = [screen.draw(text[:size], is_whole=False) for size in range(60, len(text), 60)]
    drawn.append(screen.draw(text, is_whole=True))
    assert sum(drawn) < 4.5 * len(text)
    assert len(screen.elements) < len(text) / segments.PIECE_CHARACTERS


@pytest.mark.parametrize(
    "line",
    ["words without an end ", "    code = 1\n", "- an item\n", "| a | b |\n|---|---|\n"],
)
def test_one_block_however_long_costs_in_proportion(line: str) -> None:
    def draws(text: str) -> int:
        screen, drawn, size = Screen(), 0, 0
        while size < len(text):
            # As in ui/chat/live.py, where a long tail waits for longer, at 400 characters/s.
            size += max(60, int(size * 400 / 6000))
            drawn += screen.draw(text[:size], is_whole=size >= len(text))
        return drawn

    short, long = (line * (size // len(line)) for size in (3_000, 12_000))
    assert draws(long) / len(long) < 1.5 * draws(short) / len(short)
