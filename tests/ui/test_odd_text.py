"""Odd text from people and models: unchanged or repaired, never a crash."""

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.access import visitor
from chatbot.markdown.escape import plain_sentence
from chatbot.ui import services
from tests.conftest import page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.test_page import ask, said, texts

ODD = {
    "right to left": "\u202egnp.exe\u202c and \u2067שלום\u2069",
    "zero width": "a\u200bb\u200dc\ufeffd\u2060",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇨🇳👍🏽1️⃣",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
    "separators": "one\u2028two\u2029three\x0bfour\x0cfive\x85six",
    "controls": "bell\x07 escape\x1b[31m tab\t end",
    "beyond the first plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠮷野家",
    "private and unassigned": "\ue000\uffff\U0010ffff",
    "half a pair": "cut \ud83d here",
    "nul": "a\0b",
    "one long word": "長" * 5000 + "x" * 5000,
}
REPAIRED = {"half a pair": "cut \ufffd here", "nul": "ab"}


@pytest.mark.parametrize("name", ODD)
def test_odd_text_goes_to_the_model_and_back_unchanged_or_repaired(
    page: AppTest, endpoint: FakeEndpoint, name: str
) -> None:
    expected = REPAIRED.get(name, ODD[name])
    endpoint.default_reply = Reply([ODD[name][:7], ODD[name][7:], "."])
    # The live connection is UTF-8: a half can only come from a model.
    ask(page.run(), ODD[name].replace("\ud83d", "\ufffd"))
    assert not page.exception
    assert texts(page)[0] == expected
    [request] = endpoint.requests
    assert request["messages"] == [{"role": "user", "content": expected}]
    store = services.store()
    [conversation] = store.conversations.page(owner(page), 9)
    # The page shows an answer's end before it is saved.
    wait_until(lambda: not store.messages.branch(owner(page), conversation.id, 9)[-1].is_running)
    question, answer = store.messages.branch(owner(page), conversation.id, 9)
    assert (question.content, answer.content) == (expected, expected + ".")
    page.run()
    assert texts(page)[0] == expected


def test_what_is_far_too_long_is_refused_with_a_sentence_and_stays_in_the_composer(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    pasted = "一二三四五六七八九十" * 100_000
    ask(page.run(), pasted)
    assert "100,000" in said(page.warning[0].value)
    assert page.chat_input[0].value == pasted
    assert endpoint.requests == []
    assert services.store().conversations.page(owner(page), 9) == []


def owner(page: AppTest) -> str:
    return visitor.owner_of(page_state(page).visitor_token)


def test_an_address_in_a_sentence_is_no_link() -> None:
    said = plain_sentence("One looks like this: HTTPS://Bücher.example:1/v1, as *here*.")
    assert said == "One looks like this\\: `HTTPS://Bücher.example:1/v1`\\, as \\*here\\*\\."
    assert plain_sentence("地址应为 http://[::1]:8000/v1。") == "地址应为 `http://[::1]:8000/v1`。"
    assert plain_sentence("See www.example.org!") == "See `www.example.org`\\!"
