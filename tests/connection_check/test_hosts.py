"""Host names that every program reads in the same way, and names that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.connection_check.hosts import is_host


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "nas", "my_model", "api.openai.com", "API.OpenAI.com", "a-b.example.org"),
        *("127.0.0.1", "8.8.8.8", "[::1]", "[2001:db8::1]", "[FE80::1]", "[::ffff:127.0.0.1]"),
        *(
            "中文.com",
            "中文.中国",
            "bücher.example",
            "Bücher.example",
            "пример.рф",
            "xn--fiq228c.com",
        ),
        *("3com.example", "0x.example", "1.example"),
    ],
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("0177.0.0.1", "2130706433", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "127.0.0.0x1"),
        *("017700000001", "127.0.0.01", "256.1.1.1", "1.2.3.4.5", "127.0.0.1.", "0x", "a.0x1"),
        *("①②⑦.0.0.1", "127。0。0。1", "127.0.0。1", "１２７．０．０．１", "a.١"),
        *("ｌocalhost", "ⓛocalhost", "locaLhost\u212a", "exa\u200bmple.org", "exa\u00admple.org"),
        *("\u2060localhost", "a\u200db.com", "exa\u202emple.org", "a\ufe0f.com", "中\u3164文.com"),
        *("%6cocalhost", "127.0.0.%31", "ex ample.org", "a..b", ".a", "a.", "-a.com", "a-.com"),
        *("a,b", "me@host", "a\\b", "[::1", "::1", "[127.0.0.1]", "[::1%25]x", "[]", "", "."),
        *("a" * 64, ".".join(["a" * 60] * 5), "💬.com"),
    ],
)
def test_what_programs_read_in_two_ways_is_no_host(host: str) -> None:
    assert not is_host(host)


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    assert is_host(text) in (True, False)
