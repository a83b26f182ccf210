"""A growing text: drawn in as few messages as possible, and completely."""

from benchmarks import answer
from chatbot.ui.chat.streaming_markdown import FEW_CHARACTERS, GrowingText


class Element:
    """A place on a page, which notes what is drawn in it."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self.shown = ""

    def markdown(self, body: str) -> None:
        self._page.draws += 1
        self._page.has_shrunk |= len(body) < len(self.shown)
        self.shown = body

    def empty(self) -> None:
        self._page.draws += 1
        self.shown = ""


class Page:
    """A container with the methods that streaming Markdown uses."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.draws = 0
        self.has_shrunk = False

    def markdown(self, body: str) -> Element:
        self.elements.append(Element(self))
        self.elements[-1].markdown(body)
        return self.elements[-1]

    def empty(self) -> Element:
        return self.markdown("")

    @property
    def text(self) -> str:
        return "\n\n".join(element.shown for element in self.elements)


FIRST = "word " * 60 + "end.\n\n"
BEGUN = "A begun one.\n"


def begun() -> tuple[Page, GrowingText]:
    """A page on which a piece has been finished just now, and another begun."""
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    growing.draw(FIRST[:100], is_whole=False)
    growing.draw(FIRST + BEGUN, is_whole=False)
    return page, growing


def test_a_short_beginning_waits_for_the_next_draw() -> None:
    page, growing = begun()
    assert page.draws == 2
    assert "begun" not in page.text
    assert growing.drawn_to < len(FIRST + BEGUN)  # so that somebody comes to draw it
    growing.draw(FIRST + BEGUN, is_whole=False)
    assert page.draws == 3
    assert page.text.endswith("A begun one.")
    assert growing.drawn_to == len(FIRST + BEGUN)


def test_at_the_end_nothing_waits() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    growing.draw(FIRST[:100], is_whole=False)
    growing.draw(FIRST + BEGUN, is_whole=True)
    assert page.text.endswith("A begun one.")


def test_what_is_long_enough_does_not_wait() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    growing.draw(FIRST[:100], is_whole=False)
    growing.draw(FIRST + "b" * FEW_CHARACTERS, is_whole=False)
    assert page.text.endswith("b" * FEW_CHARACTERS)


def test_an_answer_takes_few_messages() -> None:
    text, page = answer.text(), Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    ends = range(60, len(text), 60)  # at 100 chunks of four characters a second
    for end in ends:
        growing.draw(text[:end], is_whole=False)
        assert len(text[:end]) - growing.drawn_to < FEW_CHARACTERS
    growing.draw(text, is_whole=True)
    assert len(page.elements) > 20
    assert page.draws < len(ends) + 5  # about one each time, although pieces begin meanwhile


def test_nothing_moves_from_one_element_to_another() -> None:
    paragraphs = [f"Paragraph {number}. " + "Some words. " * 30 for number in range(9)]
    for text in ("\n\n".join(paragraphs), "\n\n## ".join(paragraphs), "\n\n- ".join(paragraphs)):
        page = Page()
        growing = GrowingText(page)  # type: ignore[arg-type]
        for end in range(7, len(text), 7):
            growing.draw(text[:end], is_whole=False)
        growing.draw(text, is_whole=True)
        assert not page.has_shrunk


def test_another_text_takes_the_place_of_what_was_drawn() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    growing.draw(FIRST + FIRST + BEGUN, is_whole=False)
    count = len(page.elements)
    growing.begin_anew()
    assert page.text.strip() == ""
    assert growing.drawn_to == 0
    growing.draw("Another text.", is_whole=False)
    growing.draw("Another text.", is_whole=True)
    assert page.text.strip() == "Another text."
    assert len(page.elements) == count


def test_a_named_note_is_a_number_until_it_comes() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    text = f"One[^first].\n\n{FIRST}Two[^second] and more.\n\n"
    for end in range(40, len(text), 40):
        growing.draw(text[:end], is_whole=False)
    growing.draw(text, is_whole=False)
    assert "One¹." in page.text
    assert "Two² and" in page.text
    growing.draw(f"{text}[^first]: A note.", is_whole=False)
    assert "One[^first]." in page.text
    assert "Two² and" in page.text
    growing.draw(f"{text}[^first]: A note.\n\n[^second]: Another.", is_whole=True)
    assert "Two[^second] and" in page.text


def test_a_named_note_that_never_comes_stays_a_number() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    for is_whole in (False, True):
        growing.draw("One[^first]. Two[^second].", is_whole)
        assert page.text == "One¹. Two²."
