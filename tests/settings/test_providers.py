"""Several servers at once: one list of models, and the right key for each server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.access import visitor
from chatbot.llm.endpoint import Endpoint
from chatbot.settings import sources
from chatbot.ui import model_choice, services
from tests.conftest import CANARY_KEY, ROOT, go_to, page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.test_actions import details
from tests.ui.test_page import ask, said, texts

OTHER_KEY = "sk-canary-other-77"


@pytest.fixture
def other() -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint()
    endpoint.models = ["deep-1", "deep-2"]
    endpoint.default_reply = Reply(["From the other one."])
    endpoint.start()
    yield endpoint
    endpoint.stop()


def write_secrets(*providers: tuple[str, str, str]) -> None:
    Path(".streamlit").mkdir(exist_ok=True)
    tables = [
        f'[providers.{name}]\nbase_url = "{url}"\napi_key = "{OTHER_KEY}"\n{more}\n'
        for name, url, more in providers
    ]
    Path(".streamlit/secrets.toml").write_text("\n".join(tables), "utf-8")
    sources._load.cache_clear()


def texts_of_captions(page: AppTest) -> list[str]:
    return [said(str(caption.value)) for caption in page.caption]


def options(page: AppTest) -> list[str]:
    return list(page.run().selectbox[0].options)


ALL = ["test-model", "other-model", "Deep Co · deep-1", "Deep Co · deep-2"]


def test_the_models_of_all_servers_stand_in_one_list(page: AppTest, other: FakeEndpoint) -> None:
    write_secrets(("deep", other.base_url, 'label = "Deep Co"'))
    wait_until(lambda: options(page) == ALL)
    assert page.selectbox[0].value == "test-model"
    assert CANARY_KEY not in str(page.sidebar) and OTHER_KEY not in str(page.sidebar)


def test_a_name_typed_before_the_lists_come_is_that_of_the_server_that_has_it(
    page: AppTest, other: FakeEndpoint
) -> None:
    write_secrets(("deep", other.base_url, 'label = "Deep Co"'))
    choice = page.run().selectbox[0]
    choice.options.append("deep-2")
    choice.set_value("deep-2").run()
    wait_until(lambda: set(ALL) <= set(options(page)))
    assert page.run().selectbox[0].value == "deep · deep-2"
    ask(page, "Hi!")
    assert other.requests[0]["model"] == "deep-2"


def test_each_server_is_asked_for_its_own_models_with_its_own_key(
    page: AppTest, endpoint: FakeEndpoint, other: FakeEndpoint
) -> None:
    write_secrets(("deep", other.base_url, 'label = "Deep Co"'))
    wait_until(lambda: options(page) == ALL)
    page.selectbox[0].set_value("deep · deep-2").run()
    assert said(page.caption[-1].value).startswith("deep-2 · Deep Co")
    ask(page, "Hi!")
    assert "· deep-2 · Deep Co ·" in details(page.run())
    assert texts(page) == ["Hi!", "From the other one."]
    [request] = other.requests
    assert request["model"] == "deep-2"
    assert endpoint.requests == []
    assert other.headers[0]["Authorization"] == f"Bearer {OTHER_KEY}"
    owner = visitor.owner_of(page_state(page).visitor_token)
    answer = services.store().messages.branch(owner, page.query_params["c"], 1)[-1]
    assert (answer.host, answer.model) == (other.base_url.split("/")[2], "deep-2")
    ask(page, "Again")  # the conversation keeps its model
    assert len(other.requests) == 2
    again = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page_state(again).visitor_token = page_state(page).visitor_token
    page_state(again).visitor_is_known = True
    again.query_params["c"] = page.query_params["c"]
    wait_until(lambda: options(again) == ALL)
    assert again.selectbox[0].value == "deep · deep-2"


def test_an_answer_says_which_of_two_at_one_address_gave_it_if_that_is_known(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    write_secrets(("second", endpoint.base_url, 'models = ["deep-1", "test-model"]'))
    wait_until(lambda: len(options(page)) == 4)
    for model, named in (("second · deep-1", "deep-1 · second"), ("test-model", "test-model")):
        page.selectbox[0].set_value(model).run()
        ask(page, "Hi!")
        assert f" · {named} · 7 + 3 tokens" in details(page.run())


def test_the_check_says_which_of_several_servers_it_is_about(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.ui.client.local_admin.is_at_the_machine", lambda: False)
    write_secrets(("second", endpoint.base_url, 'label = "Deep Co"\nmodels = ["deep-1"]'))
    wait_until(lambda: len(options(page)) == 3)
    page.selectbox[0].set_value("second · deep-1").run()
    go_to(page, view="check")
    assert any("is checked: Deep Co" in said(one.value) for one in page.caption)


def test_an_answer_is_given_again_by_another_servers_model(
    page: AppTest, endpoint: FakeEndpoint, other: FakeEndpoint
) -> None:
    write_secrets(("deep", other.base_url, 'label = "Deep Co"'))
    wait_until(lambda: options(page) == ALL)
    ask(page, "Hi!")
    menu = page.main.menu_button[-1]
    offered = [said(option) for option in menu.options]
    assert "Regenerate with Deep Co · deep-2" in offered
    assert "Regenerate with test-model" not in offered
    menu.click_index(offered.index("Regenerate with Deep Co · deep-2")).run()
    page.run()
    assert texts(page) == ["Hi!", "From the other one."]
    assert [request["model"] for request in other.requests] == ["deep-2"]
    assert page.selectbox[0].value == "test-model"  # for this answer alone


def test_what_is_typed_finds_the_server_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Endpoint("http://first/v1", None)
    deep = Endpoint("http://deep/v1", None, provider="deep", label="Deep Co")
    fixed = Endpoint("http://fixed/v1", None, provider="fixed", models=("cheap",))
    lists = {first: ["gpt", "both"], deep: ["deep-1", "both"], fixed: ["cheap"]}
    monkeypatch.setattr(services, "endpoints", lambda: (first, deep, fixed))
    monkeypatch.setattr(services, "known_models", lambda: lists)
    monkeypatch.setattr(services, "settings", lambda: sources.load_settings({}))
    for typed, found in {
        "gpt": (first, "gpt"),
        "deep-1": (deep, "deep-1"),
        "both": (first, "both"),
        "unlisted": (first, "unlisted"),
        "deep · unlisted": (deep, "unlisted"),
        "deep co · deep-1": (deep, "deep-1"),
        "fixed · cheap": (fixed, "cheap"),
        "fixed · expensive": (first, "gpt"),
        "gone · gpt": (first, "gpt"),
    }.items():
        assert model_choice.resolve(typed) == found
    assert model_choice.choices() == [
        *("gpt", "both", "deep · deep-1", "deep · both", "fixed · cheap"),
    ]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_fault_names_the_setting_of_the_server_that_has_it(
    page: AppTest, other: FakeEndpoint, locale: str
) -> None:
    page.context = {"locale": locale}
    other.default_reply = Reply(status=401, error={"message": f"Bad key {OTHER_KEY}"})
    write_secrets(("deep", other.base_url, 'models = ["deep-1"]'))
    wait_until(lambda: len(options(page)) == 3)
    page.selectbox[0].set_value("deep · deep-1").run()
    ask(page, "Hi!")
    sentence = said(page.warning[0].value)
    assert "providers.deep.api_key" in sentence and "OPENAI_API_KEY" not in sentence
    assert OTHER_KEY not in str(page.main)


def test_a_server_that_is_down_takes_nothing_from_the_others(
    page: AppTest, other: FakeEndpoint
) -> None:
    write_secrets(("dead", "http://127.0.0.1:9/v1", ""), ("deep", other.base_url, ""))
    wait_until(lambda: len(options(page)) == 4)
    assert "deep · deep-1" in page.selectbox[0].options
    assert not page.exception and not page.warning
    wait_until(lambda: "No list of models from: dead" in texts_of_captions(page.run()))
    page.context = {"locale": "zh-CN"}
    assert "未能获取模型列表：dead" in texts_of_captions(page.run())


def test_the_window_of_a_model_is_learned_though_its_server_is_not_asked_what_to_offer(
    other: FakeEndpoint,
) -> None:
    other.windows = {"deep-2": 8192}
    write_secrets(("deep", other.base_url, 'models = ["deep-2"]'))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    assert options(page) == ["deep · deep-2"]
    other.default_reply = Reply(usage={"prompt_tokens": 5000, "completion_tokens": 100})
    ask(page, "Hi!")
    wait_until(lambda: any("of 8.2k tokens" in said(one.value) for one in page.run().caption))


def test_a_provider_may_be_all_there_is(
    other: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_secrets(("deep", other.base_url, 'models = ["deep-2"]'))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    assert options(page) == ["deep · deep-2"]
    ask(page, "Hi!")
    assert other.requests[-1]["model"] == "deep-2"


def test_a_conversation_whose_server_is_gone_goes_on_with_the_first_one(
    page: AppTest, endpoint: FakeEndpoint, other: FakeEndpoint
) -> None:
    write_secrets(("deep", other.base_url, ""))
    wait_until(lambda: len(options(page)) == 4)
    page.selectbox[0].set_value("deep · deep-2").run()
    ask(page, "Hi!")
    Path(".streamlit/secrets.toml").write_text("", "utf-8")
    wait_until(lambda: services.secrets() == {})  # the file is looked at from time to time
    services.settings.clear()
    again = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page_state(again).visitor_token = page_state(page).visitor_token
    page_state(again).visitor_is_known = True
    again.query_params["c"] = page.query_params["c"]
    wait_until(lambda: options(again) == ["test-model", "other-model"])
    ask(again, "And now?")
    assert endpoint.requests[-1]["model"] == "test-model"
