"""Bare addresses: they end where words in another script begin."""

import pytest

from chatbot.markdown.to_streamlit import to_streamlit


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("https://example.com/docs（中文说明）", "<https://example.com/docs>（中文说明）"),
        ("访问https://example.com/a?b=1，谢谢。", "访问<https://example.com/a?b=1>，谢谢。"),
        ("“https://example.com/x”和", "“<https://example.com/x>”和"),
        ("《https://example.com/y》。", "《<https://example.com/y>》。"),
        ("(https://example.com/a_(b))。", "(<https://example.com/a_(b)>)。"),
        ("https://example.com/a.。", "<https://example.com/a>.。"),
        ("https://例え.jp/パス。", "<https://例え.jp/>パス。"),
        ("https://www.中文.com看", "<https://www.中文.com>看"),
        ("https://中文.中国/a，好", "<https://中文.中国/a>，好"),
        ("https://example.com을 보세요", "<https://example.com>을 보세요"),
        ("https://example.com你好", "<https://example.com>你好"),
        ("www.example.com你好", "[www\\.example\\.com](<http://www.example.com>)你好"),
        ("https://example.com你好.md x", "<https://example.com>你好.md x"),
        ("https://a.io和https://b.io。", "<https://a.io>和<https://b.io>。"),
        ("https://api.a.io的b.cn文档", "<https://api.a.io>的b.cn文档"),
        ("https://m.中文.com看", "<https://m.中文.com>看"),
        ("http://localhost你好", "<http://localhost>你好"),
        ("http://localhost:8501，http://[::1]/a。", "<http://localhost:8501>，<http://[::1]/a>。"),
        ("www.example.com。好", "[www\\.example\\.com](<http://www.example.com>)。好"),
        ("HTTPS://EXAMPLE.COM/A。好", "<HTTPS://EXAMPLE.COM/A>。好"),
        ("Www.example.com。", "[Www\\.example\\.com](<http://Www.example.com>)。"),
        ("见www.example.com", "见[www\\.example\\.com](<http://www.example.com>)"),
        ("**https://example.com/**是", "**\u2060\u2060<https://example.com/>\u2060\u2060**是"),
        ("- a\n\n| x |\n|---|\n| https://a.io、b |", "- a\n\n| x |\n|---|\n| <https://a.io>、b |"),
    ],
)
def test_an_address_ends_before_full_width_marks_and_letters(markdown: str, drawn: str) -> None:
    shown = to_streamlit(markdown)
    assert shown.replace("\u2060\u2060**是", "**是").replace("\u2060\u2060", "") == drawn.replace(
        "\u2060\u2060", ""
    )


@pytest.mark.parametrize(
    "markdown",
    [
        "https://example.org/x:y and www.example.org.",
        "https://пример.рф/é and https://example.org/~a",
        "<https://example.com/（>",
        "`https://example.com/（`",
        "[文档](https://example.com/（说明）)",
        "[https://example.com/（说明）](https://example.com/)",
        "[a][b]\n\n[b]: https://example.com/（说明）",
        "http://，www.，https://。",
        "me@example.com，谢谢",
    ],
)
def test_all_else_stays(markdown: str) -> None:
    assert to_streamlit(markdown) == markdown


@pytest.mark.parametrize(
    "fragment",
    [
        "https://a.b/（",
        "www.a.bc你",
        "中.",
        "a.中.",
        "www.a.b）",
        "https://a)",
        "[https://a.b（](",
        ")",
    ],
)
def test_any_number_of_addresses_is_read(fragment: str) -> None:
    assert to_streamlit("https://a.b/" + fragment * 10_000 + "。")
