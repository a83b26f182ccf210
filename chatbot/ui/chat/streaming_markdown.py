"""A growing text on the page: each finished segment is drawn once, and only the last again."""

from streamlit.delta_generator import DeltaGenerator

from chatbot.markdown.incomplete import close_open_markers
from chatbot.markdown.pictures.images import without_images, without_open_image
from chatbot.markdown.splitting.parts import is_short, shown_parts
from chatbot.markdown.splitting.segments import Pieces
from chatbot.markdown.syntax.footnotes import add_numbers
from chatbot.markdown.to_streamlit import to_streamlit

FEW_CHARACTERS = 125
"""A new last segment shorter than this waits for the next draw, if this draw has another segment.

Each drawn segment is a message to the browser with 110 extra bytes. With this wait, an answer of
8 kB takes 63 kB instead of 68 kB; with 100 visitors, 29.5 kB instead of 32.3 kB.
"""


class GrowingText:
    """Display of a growing text in `body`; each draw adds the text that has arrived."""

    def __init__(self, body: DeltaGenerator, times_shown: int = 1) -> None:
        self._body = body
        self._times_shown = times_shown
        self.is_full = False
        """The text is longer than a message may show, so no more of it is drawn."""
        self._pieces = Pieces()
        self._elements: list[DeltaGenerator] = []
        self._waiting: dict[int, str] = {}
        """By number, the segment that waits for the next draw."""
        self._closed: dict[int, str] = {}
        """By number, the segment drawn with its open markers closed; redrawn when it changes."""
        self._notes: dict[str, int] = {}
        """Numbers of the references to footnotes, by name."""
        self.drawn_to = 0
        """Number of the text's characters on the page."""

    def draw(self, text: str, is_whole: bool) -> int:
        """Draw the new text; returns the number of characters of the longest changed segment.

        Images do not count, because they take no time to draw. `is_whole` says that the text is
        complete.
        """
        if self.is_full:
            self.drawn_to = len(text)
            return 0
        if not is_short(text, self._times_shown):
            _, end = shown_parts(text, self._times_shown)
            longest = self._draw_all(text[: max(end, self.drawn_to)], is_whole=True)
            self.is_full, self.drawn_to = True, len(text)
            return longest
        return self._draw_all(text, is_whole)

    def _draw_all(self, text: str, is_whole: bool) -> int:
        """Draw the new part of a text that is short enough to show; returns as `draw` does."""
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
            as_shown = close_open_markers(markdown) if number == last and not is_whole else markdown
            if as_shown != markdown:
                self._closed[number] = markdown
            if as_shown or not markdown:  # else an empty text would replace "waiting"
                add_numbers(as_shown, self._notes)
                self._show(number, to_streamlit(as_shown, self._notes))
            longest = max(longest, len(without_images(markdown)))
        self.drawn_to = len(text) - len(self._waiting.get(last, ""))
        return longest

    def begin_anew(self) -> None:
        """Remove the drawn text, because the answer starts again with another text."""
        for element in self._elements:
            element.empty()
        self._pieces, self._waiting, self._closed, self._notes = Pieces(), {}, {}, {}
        self.is_full, self.drawn_to = False, 0

    def say_instead(self, markdown: str) -> None:
        """Show a notice in place of a text that has not begun; "" removes the notice."""
        self._show(0, markdown)

    def _show(self, number: int, markdown: str) -> None:
        # Not into `st.empty()`: when a click redraws the text from the start, that would go blank.
        place = self._elements[number] if number < len(self._elements) else self._body
        element = place.markdown(markdown) if markdown else place.empty()
        if place is self._body:
            self._elements.append(element)
