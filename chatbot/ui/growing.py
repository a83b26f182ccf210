"""A growing text on the page: its finished pieces are drawn once, only the open one again."""

from streamlit.delta_generator import DeltaGenerator

from chatbot.dialect import to_streamlit
from chatbot.pieces import Pieces


class Growing:
    """Draws one text into `body`, each time as far as it has come."""

    def __init__(self, body: DeltaGenerator) -> None:
        self._body = body
        self._pieces = Pieces()
        self._elements = [body.empty()]
        self.drawn_to = 0
        """How many characters of it are on the page."""

    def draw(self, text: str, is_whole: bool) -> int:
        """Draw what is new; returns how many characters the longest changed piece has.

        `is_whole` says that nothing will be added any more.
        """
        longest = 0
        for number, markdown in self._pieces.changes(text, is_whole):
            if number == len(self._elements):
                self._elements.append(self._body.empty())
            if markdown:
                self._elements[number].markdown(to_streamlit(markdown))
            else:
                self._elements[number].empty()
            longest = max(longest, len(markdown))
        self.drawn_to = len(text)
        return longest

    def say_instead(self, markdown: str) -> None:
        """Say something in the place of a text that has not begun; "" takes it away."""
        if markdown:
            self._elements[0].markdown(markdown)
        else:
            self._elements[0].empty()
