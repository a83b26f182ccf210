"""A ```markdown fence: contains complete inner fences, and ends where the model meant."""

import pytest
from markdown_it import MarkdownIt

from chatbot.markdown.splitting.blocks import split_blocks
from chatbot.markdown.to_streamlit import to_streamlit
from chatbot.ui.chat.streaming_markdown import GrowingText
from tests.ui.test_streaming_markdown import Page

ANSWER = (
    "Here:\n\n```markdown\n# Title\n\n```bash\npip install x\n```\n\n## Usage\n```\n\n"
    "That is all.\n"
)


def code_blocks(markdown: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [token.content for token in tokens if token.type == "fence"]


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        (ANSWER, ["# Title\n\n```bash\npip install x\n```\n\n## Usage\n"]),
        ("~~~md\n~~~sh\nx\n~~~\n~~~\nText", ["~~~sh\nx\n~~~\n"]),
        ("````md\n```sh\nx\n```\n````\nText", ["```sh\nx\n```\n"]),
        ("```md\n````sh\nx\n````\n```\nText", ["````sh\nx\n````\n"]),
        ("```md\n```sh\nx\n```\n```py\ny\n```\n```\nText", ["```sh\nx\n```\n```py\ny\n```\n"]),
        ("- a\n\n  ```md\n  ```sh\n  x\n  ```\n  ```\n\n- b", ["```sh\nx\n```\n"]),
        ("> ```md\n> ```sh\n> x\n> ```\n> ```\n\nText", ["```sh\nx\n```\n"]),
        ("```md\n# A\n```\n\n```sh\nx\n```\nText", None),
        ("```md\n# A\n```sh\nx\n```\nText", None),
        ("```sh\n```md\nx\n```\nText", None),
        ("```md\n# A\n", None),
    ],
)
def test_each_end_is_that_of_the_fence_opened_last(markdown: str, blocks: list[str] | None) -> None:
    expected = code_blocks(markdown) if blocks is None else blocks
    assert code_blocks(to_streamlit(markdown)) == expected
    if blocks:
        assert "\nText" in to_streamlit(markdown) or "Text" not in markdown


def test_while_it_grows_all_of_it_is_one_block_of_code() -> None:
    begin, end = ANSWER.index("```bash") + 8, ANSWER.index("\n\nThat")
    for place in range(begin, end):
        page = Page()
        growing = GrowingText(page)  # type: ignore[arg-type]
        growing.draw(ANSWER[:place], is_whole=False)
        shown = code_blocks(page.text)
        assert len(shown) == 1, ANSWER[:place]
        assert shown[0].startswith("# Title\n\n```bash\n")
        assert "".join(split_blocks(ANSWER[:place])[0]) in ("", "Here:\n\n")
    growing.draw(ANSWER, is_whole=True)
    assert code_blocks(page.text) == code_blocks(to_streamlit(ANSWER))
    assert page.text.endswith("That is all.")


@pytest.mark.parametrize("fragment", ["```md\n```x\n```\n", "```md\n", "- ```md\n  ```x\n  ```\n"])
def test_fences_without_an_end_are_looked_for_once(fragment: str) -> None:
    assert to_streamlit("```md\n" + fragment * 5_000)
