"""Words for searching, the same for SQLite and PostgreSQL. Pure functions.

Neither database finds a part of a Chinese sentence, because no spaces separate the words. So each
Chinese, Japanese or Korean character becomes a word, and the query becomes a phrase of such words.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence

from chatbot.markdown.pictures.images import without_images

MAX_WORD_BYTES = 400_000
"""Most bytes of words that stay below PostgreSQL's 1 MB with up to 8 more bytes per word."""

_SCRIPTS_WITHOUT_SPACES = (
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7af"  # Hangul, whose words take endings
    "\u0e00-\u0eff"  # Thai and Lao
)
_WORD = re.compile(rf"[{_SCRIPTS_WITHOUT_SPACES}]|[^\W_{_SCRIPTS_WITHOUT_SPACES}]+")


def words(text: str) -> str:
    """Return the words of a text in lower case, separated by spaces.

    A very long text is cut off, because PostgreSQL indexes at most 1 MB per row.
    """
    words = " ".join(_WORD.findall(without_images(text).casefold()))
    return words.encode()[:MAX_WORD_BYTES].decode(errors="ignore")


def phrases(query: str) -> list[str]:
    """Split a query at spaces into phrases; each must be found as consecutive words."""
    return [phrase for phrase in map(words, query.split()) if phrase]


def sqlite_query(query_phrases: Sequence[str]) -> str:
    """Build the FTS5 query: all phrases, the last one as the beginning of a word."""
    return " AND ".join(f'"{phrase}"' for phrase in query_phrases) + "*"


def postgresql_query(query_phrases: Sequence[str]) -> str:
    """Build a text for `to_tsquery('simple', …)`: all words, the last one as a prefix."""
    return " & ".join(f"'{word}'" for word in " ".join(query_phrases).split()) + ":*"


def passage(text: str, query: str, characters: int) -> list[tuple[str, bool]]:
    """Return the part of a text around the first match of a query.

    The part is split into pieces, each with True for a match. A match begins and ends with a
    letter or digit.
    """
    flat = " ".join(text.split())
    query_phrases = [phrase.split() for phrase in phrases(query)]
    first = next(_places(flat, query_phrases), (0, 0))
    begin = max(0, first[0] - characters // 3)
    if begin and (blank := flat.find(" ", begin, first[0])) >= 0:
        begin = blank + 1  # not in the middle of a word
    end = begin + max(characters, first[1] - begin)
    pieces: list[tuple[str, bool]] = [("…", False)] if begin else []
    shown_to = begin
    for start, stop in _places(flat[:end], query_phrases, begin):
        pieces += [(flat[shown_to:start], False), (flat[start:stop], True)]
        shown_to = stop
    pieces.append((flat[shown_to:end] + ("…" if end < len(flat) else ""), False))
    return [piece for piece in pieces if piece[0]]


def _places(
    text: str, query_phrases: Sequence[Sequence[str]], begin: int = 0
) -> Iterator[tuple[int, int]]:
    """Yield the places of all matches from left to right; the last phrase may be a prefix."""
    if not query_phrases:
        return
    by_last_word: dict[str, list[Sequence[str]]] = {}
    for phrase in query_phrases:
        by_last_word.setdefault(phrase[-1], []).append(phrase)
    window: deque[tuple[str, int, int]] = deque(maxlen=max(map(len, query_phrases)))
    taken_to = begin
    for match in _WORD.finditer(text, begin):
        word = match[0].casefold()
        # In lower case a letter may become several characters, some of them not letters: "İ".
        for part in [word] if word.isalnum() else words(word).split():
            window.append((part, match.start(), match.end()))
            ended = by_last_word.get(part, [])
            for phrase in (
                [*ended, query_phrases[-1]] if part.startswith(query_phrases[-1][-1]) else ended
            ):
                seen = list(window)[-len(phrase) :]
                before = [each[0] for each in seen[:-1]]
                if before == [*phrase[:-1]] and seen[0][1] >= taken_to:
                    taken_to = match.end()
                    yield seen[0][1], taken_to
                    break
