"""Text as words to search for: the same for SQLite and PostgreSQL. Pure functions.

Neither finds a part of a Chinese sentence by itself, since nothing separates
its words. So each Chinese, Japanese or Korean character is made a word, and
what a person looks for becomes a phrase of such words.
"""

import re
from collections.abc import Sequence

_SCRIPTS_WITHOUT_SPACES = (
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7af"  # Hangul, whose words take endings
    "\u0e00-\u0eff"  # Thai and Lao
)
_WORD = re.compile(rf"[{_SCRIPTS_WITHOUT_SPACES}]|[^\W_{_SCRIPTS_WITHOUT_SPACES}]+")


def words(text: str) -> str:
    """The words of a text in small letters, with blanks between them."""
    return " ".join(_WORD.findall(text.casefold()))


def phrases(query: str) -> list[str]:
    """What must be found, each as consecutive words: what a person wrote without a blank."""
    return [phrase for phrase in map(words, query.split()) if phrase]


def sqlite_query(wanted: Sequence[str]) -> str:
    """What to MATCH in FTS5: all the phrases, the last as the beginning of a word."""
    return " AND ".join(f'"{phrase}"' for phrase in wanted) + "*"


def postgresql_query(wanted: Sequence[str]) -> str:
    """For `to_tsquery('simple', …)`: all the words in any order, the last perhaps only begun."""
    return " & ".join(f"'{word}'" for word in " ".join(wanted).split()) + ":*"


def passage(text: str, query: str, characters: int) -> str:
    """The part of a text around the first place where something of the query is found."""
    flat = " ".join(text.split())
    folded = flat.casefold()
    places = [folded.find(word) for word in query.casefold().split()]
    first = min((place for place in places if place >= 0), default=0)
    begin = max(0, first - characters // 3)
    cut = flat[begin : begin + characters]
    return ("…" if begin else "") + cut + ("…" if begin + characters < len(flat) else "")
