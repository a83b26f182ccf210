"""Text as words to search for: the same for SQLite and PostgreSQL. Pure functions.

Neither finds a part of a Chinese sentence by itself, since nothing separates
its words. So each Chinese, Japanese or Korean character is made a word, and
what a person looks for becomes a phrase of such words.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence

from chatbot.images import without_images

MAX_WORD_BYTES = 400_000
"""The most that stays below 1 MB whatever the words are: each costs up to 8 bytes more."""

_SCRIPTS_WITHOUT_SPACES = (
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7af"  # Hangul, whose words take endings
    "\u0e00-\u0eff"  # Thai and Lao
)
_WORD = re.compile(rf"[{_SCRIPTS_WITHOUT_SPACES}]|[^\W_{_SCRIPTS_WITHOUT_SPACES}]+")


def words(text: str) -> str:
    """The words of a text in small letters, with blanks between them.

    Of a very long text only the first: PostgreSQL indexes at most 1 MB of a row.
    """
    found = " ".join(_WORD.findall(without_images(text).casefold()))
    return found.encode()[:MAX_WORD_BYTES].decode(errors="ignore")


def phrases(query: str) -> list[str]:
    """What must be found, each as consecutive words: what a person wrote without a blank."""
    return [phrase for phrase in map(words, query.split()) if phrase]


def sqlite_query(wanted: Sequence[str]) -> str:
    """What to MATCH in FTS5: all the phrases, the last as the beginning of a word."""
    return " AND ".join(f'"{phrase}"' for phrase in wanted) + "*"


def postgresql_query(wanted: Sequence[str]) -> str:
    """For `to_tsquery('simple', …)`: all the words in any order, the last perhaps only begun."""
    return " & ".join(f"'{word}'" for word in " ".join(wanted).split()) + ":*"


def passage(text: str, query: str, characters: int) -> list[tuple[str, bool]]:
    """The part of a text around the first place where something of a query is found.

    Comes in pieces, each with whether it is what was looked for. Such a piece
    begins and ends with a letter or digit.
    """
    flat = " ".join(text.split())
    wanted = [phrase.split() for phrase in phrases(query)]
    first = next(_places(flat, wanted), (0, 0))
    begin = max(0, first[0] - characters // 3)
    if begin and (blank := flat.find(" ", begin, first[0])) >= 0:
        begin = blank + 1  # not in the middle of a word, where there are blanks
    end = begin + max(characters, first[1] - begin)
    pieces: list[tuple[str, bool]] = [("…", False)] if begin else []
    shown_to = begin
    for start, stop in _places(flat[:end], wanted, begin):
        pieces += [(flat[shown_to:start], False), (flat[start:stop], True)]
        shown_to = stop
    pieces.append((flat[shown_to:end] + ("…" if end < len(flat) else ""), False))
    return [piece for piece in pieces if piece[0]]


def _places(
    text: str, wanted: Sequence[Sequence[str]], begin: int = 0
) -> Iterator[tuple[int, int]]:
    """Where each phrase is found, from left to right, the last one perhaps only begun."""
    longest = max(map(len, wanted), default=0)
    window: deque[tuple[str, int, int]] = deque(maxlen=longest)
    taken_to = begin
    for match in _WORD.finditer(text, begin):
        # A letter may be several small ones, and of those some no letters: "İ".
        for word in words(match[0]).split():
            window.append((word, match.start(), match.end()))
            for number, phrase in enumerate(wanted):
                seen = list(window)[-len(phrase) :]
                is_last = number == len(wanted) - 1
                if seen[0][1] >= taken_to and _is_phrase([one[0] for one in seen], phrase, is_last):
                    taken_to = match.end()
                    yield seen[0][1], taken_to
                    break


def _is_phrase(seen: Sequence[str], phrase: Sequence[str], is_last: bool) -> bool:
    if is_last and len(seen) == len(phrase):
        return [*seen[:-1]] == [*phrase[:-1]] and seen[-1].startswith(phrase[-1])
    return [*seen] == [*phrase]
