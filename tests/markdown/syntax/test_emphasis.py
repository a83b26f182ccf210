"""Bold, italic and struck-out text beside scripts that put no spaces between words."""

import pytest

from chatbot.markdown.incomplete import close_open_markers
from chatbot.markdown.syntax.emphasis import MARK, with_emphasis
from chatbot.markdown.to_streamlit import to_streamlit
from tests.markdown.splitting.test_segments import html

DRAWN = {
    "**你好。**世界": "<strong>你好。</strong>世界",
    "**“公开文档”**是原则": "<strong>“公开文档”</strong>是原则",
    "前**“公开文档”**是": "前<strong>“公开文档”</strong>是",
    "**“공개 문서는 점검한다”**는": "<strong>“공개 문서는 점검한다”</strong>는",
    "**글리프(Glyph)**는": "<strong>글리프(Glyph)</strong>는",
    "**マークダウン(Markdown)**の": "<strong>マークダウン(Markdown)</strong>の",
    "*斜体。*后面": "<em>斜体。</em>后面",
    "이것은*‘기울임’*입니다": "이것은<em>‘기울임’</em>입니다",
    "~~删除。~~后面": "<s>删除。</s>后面",
    "~~(삭제)~~는": "<s>(삭제)</s>는",
    "***粗斜。***后面": "<em><strong>粗斜。</strong></em>后面",
    "**~~两者。~~**后面": "<strong><s>两者。</s></strong>后面",
    "前~~**旧价。**~~新": "前<s><strong>旧价。</strong></s>新",
    "，~~**旧价**~~新": "，<s><strong>旧价</strong></s>新",
    "前~~*旧。*~~新": "前<s><em>旧。</em></s>新",
    "**`code`**是": "<strong><code>code</code></strong>是",
    "**✅完成**后**❌失败**": "<strong>✅完成</strong>后<strong>❌失败</strong>",
    "**$x$**是": '<strong><span class="math inline">x</span></strong>是',
    "**关键词：**说明**注意！**不要": "<strong>关键词：</strong>说明<strong>注意！</strong>不要",
    "（**重点。**）和（**再。**）": "（<strong>重点。</strong>）和（<strong>再。</strong>）",
    "**粗体。**abc": "<strong>粗体。</strong>abc",
    "**全角Ａ）**Ｂ": "<strong>全角Ａ）</strong>Ｂ",
    "__下划线。__后面": "<strong>下划线。</strong>后面",
    "前__下划线__后": "前<strong>下划线</strong>后",
    "_斜体。_后面": "<em>斜体。</em>后面",
    "**_混合。_**后": "<strong><em>混合。</em></strong>后",
    "_**混合。**_后": "<em><strong>混合。</strong></em>后",
    "___都有。___后": "<em><strong>都有。</strong></em>后",
}

AS_WRITTEN = [
    "使用__init__方法和__call__方法",
    "用户_名称_表",
    "文件名是 a_b_c，或者 用户_id",
    "乘法 2 * 3 * 4，指针 **p 和 *q",
    "２ ** ３。** ４",
    r"\*\*你好。\*\*世界",
]


@pytest.mark.parametrize(("markdown", "drawn"), DRAWN.items())
def test_markers_are_read_as_they_were_meant(markdown: str, drawn: str) -> None:
    assert html(markdown) == f"<p>{drawn}</p>"


@pytest.mark.parametrize("markdown", AS_WRITTEN)
def test_other_marks_stand_as_written(markdown: str) -> None:
    assert html(markdown) == "<p>" + markdown.replace("\\", "") + "</p>"


@pytest.mark.parametrize("markdown", ["**a**b", "*a.*b", "a_b_c", "~~a.~~b"])
def test_text_of_ascii_letters_stays(markdown: str) -> None:
    assert with_emphasis(markdown) == to_streamlit(markdown) == markdown


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("年龄(1~3)，身高(80~100)。", r"年龄(1\~3)，身高(80\~100)。"),
        ("喵呜~这就来啦~", r"喵呜\~这就来啦\~"),
        ("Use ~/.config and ~/.cache.", r"Use \~/.config and \~/.cache."),
        ("About ~50% to ~60%", r"About \~50% to \~60%"),
        ("Real ~~deleted~~ text", "Real ~~deleted~~ text"),
        ("~~a ~5 b~~", r"~~a \~5 b~~"),
        ("| a |\n|---|\n| 1~2 | ~3~ |", "| a |\n|---|\n| 1\\~2 | \\~3\\~ |"),
        ("`~a~` and https://example.org/~a/~b", "`~a~` and https://example.org/~a/~b"),
        ("[a](http://example.org/~b~)", "[a](http://example.org/~b~)"),
        (r"\~a\~", r"\~a\~"),
    ],
)
def test_only_two_tildes_strike_out(markdown: str, drawn: str) -> None:
    assert to_streamlit(markdown) == drawn


def test_what_is_left_open_in_a_growing_text_is_closed_there_too() -> None:
    assert close_open_markers("前**“引") == "前**“引**"
    assert close_open_markers("*斜体。*后~~删") == "*斜体。*后~~删~~"
    assert close_open_markers("__下划线") == "__下划线__"
    assert close_open_markers("约1~3") == "约1~3"


@pytest.mark.parametrize("fragment", ["**字。", "__字", "~~字。", "*字", "_。字", "~"])
def test_any_number_of_markers_is_settled(fragment: str) -> None:
    text = fragment * 20_000
    assert to_streamlit(text).replace(MARK, "").replace("\\", "").replace("_", "*") == (
        text.replace("_", "*")
    )
