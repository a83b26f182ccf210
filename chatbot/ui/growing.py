"""A growing text on the page: its finished pieces are drawn once, only the open one again."""

from streamlit.delta_generator import DeltaGenerator

from chatbot.dialect import to_streamlit
from chatbot.images import without_images, without_open_image
from chatbot.pieces import Pieces
from chatbot.unfinished import closed

FEW_CHARACTERS = 125
"""A piece that has only so much of it waits for the next draw, if another is drawn in this one.
Each message adds 110 bytes: 8 kB take 63 kB instead of 68, with 100 people 29.5 and not 32.3."""


class Growing:
    """Draws one text into `body`, each time as far as it has come."""

    def __init__(self, body: DeltaGenerator) -> None:
        self._body = body
        self._pieces = Pieces()
        self._elements: list[DeltaGenerator] = []
        self._waiting: dict[int, str] = {}
        """A piece that is on the page with the next draw."""
        self._closed: dict[int, str] = {}
        """A piece that stands on the page otherwise than it is, for it goes on."""
        self.drawn_to = 0
        """How many characters of it are on the page."""

    def draw(self, text: str, is_whole: bool) -> int:
        """Draw what is new; returns how many characters the longest changed piece has.

        Its images do not count, for they take no time to draw. `is_whole` says that nothing will
        be added any more.
        """
        shown = text if is_whole else without_open_image(text)
        new = dict(self._pieces.changes(shown, is_whole))
        changes = {**self._closed, **self._waiting, **new}
        self._waiting, self._closed = {}, {}
        last = max(changes, default=0)
        is_begun = last >= max(1, len(self._elements)) and len(changes) > 1
        if is_begun and not is_whole and len(changes[last]) < FEW_CHARACTERS:
            self._waiting = {last: changes.pop(last)}
        longest = 0
        for number, markdown in changes.items():
            as_shown = closed(markdown) if number == last and not is_whole else markdown
            if as_shown != markdown:
                self._closed[number] = markdown
            if as_shown or not markdown:  # or the sign that it is on its way would vanish
                self._show(number, to_streamlit(as_shown))
            longest = max(longest, len(without_images(markdown)))
        self.drawn_to = len(text) - len(self._waiting.get(last, ""))
        return longest

    def say_instead(self, markdown: str) -> None:
        """Say something in the place of a text that has not begun; "" takes it away."""
        self._show(0, markdown)

    def _show(self, number: int, markdown: str) -> None:
        # Not in an empty place: drawn again from the beginning, after a click, it would go blank.
        place = self._elements[number] if number < len(self._elements) else self._body
        element = place.markdown(markdown) if markdown else place.empty()
        if place is self._body:
            self._elements.append(element)
