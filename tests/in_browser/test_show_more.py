"""Long messages: shown in steps at a click, but copied and exported whole."""

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.markdown.splitting.parts import SHOWN_CHARACTERS
from chatbot.ui import services
from chatbot.ui.chat.streaming_markdown import GrowingText
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.test_data import ME, another_visitor, opened
from tests.ui.test_page import ask, click, texts
from tests.ui.test_streaming_markdown import Page

LONG = "".join(f"Paragraph {n} of a long answer.\n\n" for n in range(4000))
LAST = "Paragraph 3999 of"


def more(page: AppTest) -> None:
    [button] = [button for button in page.button if str(button.key).startswith("more-")]
    button.click().run()


@pytest.mark.timeout(300)
def test_a_long_message_shows_its_first_part_and_more_at_each_click(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply([LONG])
    ask(opened(page), "Hi!")
    assert not page.exception
    assert len(texts(page)[1]) < 1.1 * SHOWN_CHARACTERS
    page.run()
    shown = texts(page)[1]
    assert SHOWN_CHARACTERS / 2 < len(shown) < 1.1 * SHOWN_CHARACTERS and LAST not in shown
    more(page)
    assert 1.5 * len(shown) < len(texts(page)[1]) < 2.2 * SHOWN_CHARACTERS
    more(page)
    assert LAST in texts(page)[1]
    assert not [button for button in page.button if str(button.key).startswith("more-")]

    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    [share] = services.store().shares.list(ME)
    click(page, "Back to the chat")
    reader = another_visitor(share=share.id)
    assert LAST not in texts(reader)[1]
    more(reader)
    more(reader)
    assert LAST in texts(reader)[1]


def test_a_growing_text_stops_where_its_message_is_full() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    for size in range(0, len(LONG), 5_000):
        growing.draw(LONG[:size], is_whole=False)
        assert growing.drawn_to == size or not growing.is_full
    assert growing.is_full
    drawn, draws = page.text, page.draws
    assert len(drawn) < 1.1 * SHOWN_CHARACTERS
    assert growing.draw(LONG, is_whole=True) == 0
    assert (page.text, page.draws, growing.drawn_to) == (drawn, draws, len(LONG))
    growing.begin_anew()
    growing.draw("Another text.", is_whole=True)
    assert page.text.strip() == "Another text." and not growing.is_full


def test_what_a_click_allows_is_drawn_from_the_beginning() -> None:
    page = Page()
    GrowingText(page, times_shown=3).draw(LONG, is_whole=True)  # type: ignore[arg-type]
    assert LAST in page.text
