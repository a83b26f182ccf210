"""Bold, italic and struck-out text beside Chinese, Japanese and Korean. Pure functions.

CommonMark expects a space or a punctuation mark between a marker and the next word, so it
finds no end of the bold text in `**粗体。**后面` or `**글리프(Glyph)**는`. Here a character of
these scripts counts as a space; other rules are as in spec.commonmark.org, "Emphasis and strong
emphasis". Where the results differ, an invisible `MARK` is added, so that a plain CommonMark
parser gets the result of this module.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

MARK = "\u2060\u2060"
"""Invisible word joiners; `chatbot/ui/frontend/page/copying.js` removes them from copied text."""

LETTER = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3040-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
"""Letters of scripts that put no space between a marker and a word, for a regex's class."""

STOP = (
    "\u00b7\u2014\u2018\u2019\u201c\u201d\u2026\u3000-\u303f\u30fb\ufe10-\ufe1f\ufe30-\ufe6f"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffee"
)
"""Punctuation marks of these scripts, for a regex's class."""

_LETTER = re.compile(f"[{LETTER}]")
_STOP = re.compile(f"[{STOP}]")

_RUN = re.compile(r"\\.|(\*+|_+|~~+)", re.DOTALL)


class Run(NamedTuple):
    """A row of equal markers, and the characters before and after; "" at the ends of the text."""

    marker: str
    before: str
    after: str


def run_at(text: str, begin: int, end: int) -> Run:
    """Return the markers between two positions of a text."""
    return Run(text[begin:end], text[max(0, begin - 1) : begin], text[end : end + 1])


def resolved_markers(runs: Iterable[Run]) -> list[str]:
    """Rewrite the markers of a block's text so that plain CommonMark reads them as meant."""
    runs = list(runs)
    written = [run.marker for run in runs]
    for number in _underscores_as_asterisks(runs):
        written[number] = "*" * len(written[number])
    return [
        _marked(run, marker, before, after) if run.marker[0] != "_" or marker[0] == "*" else marker
        for run, marker, (before, after) in zip(runs, written, _around(runs), strict=True)
    ]


def _around(runs: list[Run]) -> list[tuple[str, str]]:
    """Return the characters around each run; runs that touch, as in `**~~`, count as one run."""
    before = [run.before for run in runs]
    after = [run.after for run in runs]
    touching = [
        number
        for number, (run, following) in enumerate(pairwise(runs))
        if run.after == following.marker[0] and following.before == run.marker[0]
    ]
    for number in touching:
        before[number + 1] = before[number]
    for number in reversed(touching):
        after[number] = after[number + 1]
    return list(zip(before, after, strict=True))


def with_emphasis(text: str) -> str:
    """Rewrite all markers of a block's text with `resolved_markers`, including markers in code."""
    if text.isascii():
        return text
    matches = [match for match in _RUN.finditer(text) if match[1]]
    markers = resolved_markers(run_at(text, *match.span()) for match in matches)
    parts, place = [], 0
    for match, marker in zip(matches, markers, strict=True):
        parts += [text[place : match.start()], marker]
        place = match.end()
    return "".join([*parts, text[place:]])


def _marked(run: Run, marker: str, before: str, after: str) -> str:
    """Return a marker, with a mark where plain CommonMark would not read it as meant."""
    begins, ends = _begins_by_commonmark(before, after), _begins_by_commonmark(after, before)
    if marker[0] == "~":  # for the parser in the browser, `*` beside `~~` is punctuation
        begins = begins and _begins_by_commonmark(run.before, run.after)
        ends = ends and _begins_by_commonmark(run.after, run.before)
    if not begins and _begins(before, after):
        return marker + MARK
    return MARK + marker if not ends and _ends(before, after) else marker


def _begins(before: str, after: str) -> bool:
    if _begins_by_commonmark(before, after):
        return True
    if _is_space(after) or unicodedata.category(after) in ("Pe", "Pf"):
        return False
    return _LETTER.match(before) is not None or _STOP.match(after) is not None


def _ends(before: str, after: str) -> bool:
    if _begins_by_commonmark(after, before):
        return True
    if _is_space(before) or unicodedata.category(before) in ("Ps", "Pi"):
        return False
    return _LETTER.match(after) is not None or _STOP.match(before) is not None


def _begins_by_commonmark(before: str, after: str) -> bool:
    """Return True for a left-flanking marker; with arguments exchanged, a right-flanking one."""
    if _is_space(after):
        return False
    return not _is_punctuation(after) or _is_space(before) or _is_punctuation(before)


def _underscores_as_asterisks(runs: list[Run]) -> list[int]:
    """Return the numbers of the runs of `_` that must be written as `*` to have an effect.

    CommonMark ignores `__bold__` between letters, even between letters without spaces. Because many
    names contain `_`, a single `_` counts only if a punctuation mark is on its inner side, and
    only Chinese, Japanese or Korean letters may be on the outer side.
    """
    found: list[int] = []
    opened: list[tuple[int, bool]] = []
    for number, (run, (before, after)) in enumerate(zip(runs, _around(runs), strict=True)):
        marker = run.marker
        if marker[0] != "_" or len(marker) > 3:
            continue
        is_left, is_right = _begins(before, after), _ends(before, after)
        begins = is_left and (not is_right or _is_punctuation(before))
        ends = is_right and (not is_left or _is_punctuation(after))
        may_begin = begins or (is_left and _touches(outside=before, inside=after, marker=marker))
        may_end = ends or (is_right and _touches(outside=after, inside=before, marker=marker))
        begins &= _begins_by_commonmark(before, after)
        ends &= _begins_by_commonmark(after, before)
        if may_end and opened and len(runs[opened[-1][0]].marker) == len(marker):
            opener, begins_anyhow = opened.pop()
            if not (ends and begins_anyhow):
                found += [opener, number]
        elif may_begin:
            opened.append((number, begins))
    return found


def _touches(outside: str, inside: str, marker: str) -> bool:
    if not _LETTER.match(outside):
        return False
    return _is_punctuation(inside) or (len(marker) > 1 and _LETTER.match(inside) is not None)


def _is_space(character: str) -> bool:
    return not character or character.isspace()


def _is_punctuation(character: str) -> bool:
    return character != "" and unicodedata.category(character)[0] in "PS"
