"""The views beside the chat: what they have in common."""

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.ui import access
from tests.conftest import go_to


@pytest.mark.parametrize(
    ("view", "titles", "main_action"),
    [
        ("data", {"en": "Your data", "zh": "您的数据"}, None),
        ("check", {"en": "Check the connection", "zh": "检查连接"}, "check_start"),
        ("usage", {"en": "Usage", "zh": "用量"}, None),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_view_has_the_way_back_one_title_and_at_most_one_main_action(
    page: AppTest,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    view: str,
    titles: dict[str, str],
    main_action: str | None,
) -> None:
    monkeypatch.setattr(access, "is_admin", lambda: True)
    go_to(page, view=view, lang=language)
    assert not page.exception
    assert [one.value for one in page.title] == [titles[language]]
    assert not page.subheader  # a heading of the third level, below none of the second
    assert page.main.button[0].key == "back"
    assert [one.key for one in page.main.button if one.proto.type == "primary"] == (
        [main_action] if main_action else []
    )
    page.button(key="back").click().run()
    assert "view" not in page.query_params and page.chat_input


def test_an_import_is_one_button_that_is_there_once_a_file_is_chosen(page: AppTest) -> None:
    go_to(page, view="data")
    assert "import" not in [one.key for one in page.button]
    page.file_uploader[0].set_value(("empty.json", b"{}", "application/json")).run()
    assert [one.key for one in page.main.button if one.proto.type == "primary"] == ["import"]


def test_the_field_for_the_word_that_deletes_everything_looks_empty(page: AppTest) -> None:
    go_to(page, view="data")
    field = page.text_input(key="delete_word")
    assert field.label == "Type “delete” to confirm"
    assert field.value == "" and field.placeholder == ""
