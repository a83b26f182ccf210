"""The view “Check the connection”, without a browser."""

import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from streamlit.testing.v1 import AppTest

from chatbot.builtin import model as builtin_model
from chatbot.settings import sources
from chatbot.ui import services
from chatbot.ui.client import local_admin
from tests.conftest import CANARY_KEY, ROOT, go_to, page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.test_page import ask, click, said, texts

AtTheMachine = Callable[[bool], None]


@pytest.fixture
def at_the_machine(monkeypatch: pytest.MonkeyPatch) -> AtTheMachine:
    def be(is_there: bool) -> None:
        monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: is_there)

    sources._load.cache_clear()
    be(True)
    return be


def opened(page: AppTest) -> AppTest:
    go_to(page, view="check")
    assert not page.exception
    return page


def check(page: AppTest, base_url: str | None = None, key: str | None = None) -> AppTest:
    if base_url is not None:
        page.text_input(key="check_base_url").set_value(base_url)
    if key is not None:
        page.text_input(key="check_key").set_value(key)
    [button] = [one for one in page.button if one.label in ("Check now", "开始检查")]
    button.click().run()
    assert not page.exception
    return page


def everything(page: AppTest) -> str:
    """Return the text that the browser was sent."""
    return str(page.main) + str(page.sidebar)


def write_env_file(endpoint: FakeEndpoint, path: str) -> None:
    root = endpoint.base_url.removesuffix("/v1")
    Path(".env").write_text(
        f"# mine\nOPENAI_BASE_URL={root}{path}\nOPENAI_API_KEY={CANARY_KEY}\nMY_OWN=1\n", "utf-8"
    )


@pytest.fixture
def page_from_env_file(endpoint: FakeEndpoint) -> AppTest:
    write_env_file(endpoint, "/chat/completions")
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)


def test_the_sidebar_leads_to_the_check_and_back(page: AppTest) -> None:
    page.run()
    page.button(key="check_view").click().run()
    assert page.title[0].value == "Check the connection"
    assert not page.chat_input
    click(page, "Back to the chat")
    assert page.title[0].value == "How can I help?"


def test_nothing_is_asked_before_the_button_is_pressed(
    page: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    opened(page)
    assert endpoint.requests == []
    check(page)
    assert len(endpoint.requests) == 1


def test_a_wrong_path_is_mended_in_the_env_file(
    page_from_env_file: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    page = opened(page_from_env_file)
    check(page)
    assert f"works, with the base URL `{endpoint.base_url}`" in said(page.success[0].value)
    assert f"OPENAI_BASE_URL='{endpoint.base_url}'" in [text.value for text in page.text]
    assert CANARY_KEY not in everything(page)
    page.button(key="check_apply").click().run()
    assert "from now on" in page.success[0].value
    assert page.text_input(key="check_base_url").value == endpoint.base_url
    kept = Path(".env").read_text("utf-8")
    assert kept == (
        f"# mine\nOPENAI_BASE_URL='{endpoint.base_url}'\nOPENAI_API_KEY={CANARY_KEY}\nMY_OWN=1\n"
    )
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    page.button(key="check_chat").click().run()
    assert page.selectbox[0].value == "test-model"
    ask(page, "Hi!")
    assert endpoint.requests[-1]["messages"][-1]["content"] == "Hi!"


def test_the_model_follows_from_the_built_in_one_to_what_was_connected(
    endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.run()
    assert page.selectbox[0].value == "SmolLM2-135M-Instruct"
    opened(page)
    check(page, endpoint.base_url)
    page.button(key="check_apply").click().run()
    page.button(key="check_chat").click().run()
    assert page.selectbox[0].value == "test-model"
    assert page.selectbox[0].options == endpoint.models
    ask(page, "Hi!")
    assert endpoint.requests[-1]["model"] == "test-model"


@pytest.mark.parametrize(
    ("locale", "way_there", "instead"),
    [
        ("en-US", "Connect a model server", "Otherwise, edit `.env`."),
        ("zh-CN", "连接模型服务", "其他情况请编辑 `.env`。"),
    ],
)
def test_a_new_page_leads_to_the_form_or_says_what_to_do_instead(
    at_the_machine: AtTheMachine, locale: str, way_there: str, instead: str
) -> None:
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.context = {"locale": locale}
    page.run()
    assert way_there in [button.label for button in page.main.button]
    assert not any(instead in one.value for one in page.main.caption)
    at_the_machine(False)
    page.run()
    assert way_there not in [button.label for button in page.main.button]
    assert any(instead in one.value for one in page.main.caption)
    go_to(page, view="check")
    assert any("python -m chatbot check" in one.value for one in page.main.caption)


def test_the_form_offers_the_known_services(page: AppTest, at_the_machine: AtTheMachine) -> None:
    opened(page)
    assert any("OpenAI needs no base URL" in one.value for one in page.main.caption)
    menu = page.main.menu_button[0]
    assert {"OpenAI", "DeepSeek", "Ollama"} <= set(menu.options)
    menu.click_index(menu.options.index("DeepSeek")).run()
    assert page.text_input(key="check_base_url").value == "https://api.deepseek.com/v1"
    assert any("platform.deepseek.com" in one.value for one in page.main.caption)
    menu = page.main.menu_button[0]
    menu.click_index(menu.options.index("OpenAI")).run()
    assert page.text_input(key="check_base_url").value == ""
    assert not page.exception


def test_another_server_takes_its_own_key_along_and_never_the_old_one(
    page_from_env_file: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    other = FakeEndpoint().start()
    try:
        page = check(opened(page_from_env_file), other.base_url, " Bearer sk-other ")
        assert other.headers[0]["Authorization"] == "Bearer sk-other"
        assert [text.value for text in page.text][-1] == (
            f"OPENAI_BASE_URL='{other.base_url}'\nOPENAI_API_KEY='…'"
        )
        page.button(key="check_apply").click().run()
        kept = Path(".env").read_text("utf-8")
        assert "OPENAI_API_KEY='sk-other'" in kept and CANARY_KEY not in kept
        check(page, endpoint.base_url)  # back, without a key
        page.button(key="check_apply").click().run()
        kept = Path(".env").read_text("utf-8")
        assert "OPENAI_API_KEY=''" in kept and "sk-" not in kept and "MY_OWN=1" in kept
        assert CANARY_KEY not in str(other.headers) and "sk-other" not in str(endpoint.headers)
    finally:
        other.stop()


def test_what_the_environment_sets_is_changed_there_by_hand(
    page: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    check(opened(page), endpoint.base_url.removesuffix("/v1"))
    assert not [button for button in page.button if button.key == "check_apply"]
    assert not Path(".env").exists()  # as it is set, it works
    other = FakeEndpoint().start()
    try:
        check(page, other.base_url, "sk-other")
        [caption] = [said(one.value) for one in page.caption if "Set it there" in one.value]
        assert "OPENAI_BASE_URL, OPENAI_API_KEY" in caption and "the environment" in caption
        assert "sk-other" not in str(page.main)
    finally:
        other.stop()
    assert not Path(".env").exists()


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en-US", "does not accept this key"), ("zh-CN", "不接受这个密钥")],
)
def test_a_wrong_key_is_said_where_one_is_looking(
    page: AppTest,
    endpoint: FakeEndpoint,
    at_the_machine: AtTheMachine,
    locale: str,
    sentence: str,
) -> None:
    page.context = {"locale": locale}
    endpoint.default_reply = Reply(status=401, error={"message": f"Bad key {CANARY_KEY}"})
    check(opened(page))
    assert sentence in said(page.warning[-1].value)
    assert page.status[0].state == "error"
    assert CANARY_KEY not in everything(page)


@pytest.mark.parametrize(
    ("base_url", "key", "sentence"),
    [("ftp://x", None, "address of a model server"), (None, "my key", "cannot be a key")],
)
def test_what_cannot_be_is_said_and_nothing_is_sent(
    page: AppTest,
    endpoint: FakeEndpoint,
    at_the_machine: AtTheMachine,
    base_url: str | None,
    key: str | None,
    sentence: str,
) -> None:
    check(opened(page), base_url, key)
    assert sentence in said(page.warning[0].value)
    assert not page.status
    assert endpoint.headers == []


def test_a_stranger_checks_only_what_is_set_and_does_not_see_its_path(
    page: AppTest,
    endpoint: FakeEndpoint,
    at_the_machine: AtTheMachine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_the_machine(False)
    root = endpoint.base_url.removesuffix("/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{root}/token-of-mine")
    opened(page)
    assert not [one for one in page.text_input if str(one.key).startswith("check")]
    page.session_state["check_base_url"] = "http://127.0.0.1:9"  # a forged widget
    check(page)
    assert re.search(rf"works, with the base URL `{root}/v1`", said(page.success[0].value))
    # Who runs the app without its page being offered the button is told what to write.
    assert any("write this into the environment" in said(one.value) for one in page.caption)
    assert [text.value for text in page.text][-1] == f"OPENAI_BASE_URL='{root}/v1'"
    assert "token-of-mine" not in str(page.main)
    assert not [button for button in page.button if button.key == "check_apply"]


def test_the_built_in_model_is_checked_when_nothing_is_set(
    at_the_machine: AtTheMachine, monkeypatch: pytest.MonkeyPatch, endpoint: FakeEndpoint
) -> None:
    from chatbot.llm.endpoint import Endpoint

    built_in = Endpoint(endpoint.base_url, "x", name=builtin_model.NAME)
    monkeypatch.setattr(builtin_model.LocalModel, "start", lambda self: built_in)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    check(opened(page))
    assert page.success[0].value == "The built\\-in model works\\."
    assert not [button for button in page.button if button.key == "check_apply"]


def test_a_chinese_page_suggests_what_the_built_in_model_understands(
    at_the_machine: AtTheMachine, monkeypatch: pytest.MonkeyPatch, endpoint: FakeEndpoint
) -> None:
    from chatbot.llm.endpoint import Endpoint

    def suggestions(page: AppTest) -> list[str]:
        return [one.label for one in page.button if str(one.key).startswith("suggest-")]

    built_in = Endpoint(endpoint.base_url, "x", name=builtin_model.NAME)
    monkeypatch.setattr(builtin_model.LocalModel, "start", lambda self: built_in)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.context = {"locale": "zh-CN"}
    page.run()
    assert len(suggestions(page)) == 4
    assert all(label.isascii() for label in suggestions(page))
    page.button(key="suggest-explain").click().run()
    assert endpoint.requests[-1]["messages"][-1]["content"] == "Explain how rainbows form"
    assert any("内置模型只懂英文" in one.value for one in page.main.caption)
    page.context = {"locale": "en-US"}
    page.run()
    assert not any("English only" in one.value for one in page.chat_message[-1].caption)
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    page.context = {"locale": "zh-CN"}
    services.settings.clear()
    page.sidebar.button(key="new").click().run()
    assert "解释一下彩虹是怎么形成的" in suggestions(page)


@pytest.mark.parametrize("is_owner", [True, False])
def test_a_fault_that_the_owner_must_mend_offers_the_check(
    page: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine, is_owner: bool
) -> None:
    at_the_machine(is_owner)
    endpoint.default_reply = Reply(status=401, error={"message": "Bad key"})
    ask(page.run(), "Hi!")
    assert ("Whoever runs this app" in said(page.warning[0].value)) is not is_owner
    [remedy] = [button for button in page.button if str(button.key).startswith("check-")]
    assert remedy.label == "Check the connection"
    remedy.click().run()
    assert page.title[0].value == "Check the connection"


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en-US", "has a fault of its own (error 502)."), ("zh-CN", "自身出现故障（错误 502），")],
)
def test_a_fault_of_the_server_names_its_number_and_the_check_begins_at_once(
    page: AppTest,
    endpoint: FakeEndpoint,
    at_the_machine: AtTheMachine,
    locale: str,
    sentence: str,
) -> None:
    page.context = {"locale": locale}
    endpoint.replies = [Reply(status=502, error={"message": "Bad gateway"})] * 3
    ask(page.run(), "Hi!")
    assert sentence in said(page.warning[0].value)
    asked = len(endpoint.requests)
    [remedy] = [button for button in page.button if str(button.key).startswith("check-")]
    remedy.click().run()
    assert len(endpoint.requests) == asked + 1
    assert "works" in page.success[0].value or "可以正常使用" in page.success[0].value


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        (401, ["Check the connection", "Retry"]),
        (404, ["Check the connection", "Choose a model", "Retry"]),
    ],
)
def test_after_a_pasted_full_path_the_check_is_offered_first(
    page_from_env_file: AppTest, endpoint: FakeEndpoint, status: int, offered: list[str]
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "No"}}, status=status)

    endpoint.respond_elsewhere = refuse
    ask(page_from_env_file.run(), "Hi!")
    main = page_from_env_file.main.button
    assert [one.label for one in main if one.label in offered] == offered


def test_a_check_that_is_begun_anew_gives_the_old_one_up(
    page: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    opened(page)
    endpoint.replies = [Reply(seconds_before_first=60)]
    from chatbot import background
    from chatbot.connection_check.probe import Check
    from chatbot.llm.endpoint import Endpoint
    from chatbot.ui.session.state import RunningCheck

    old = Check(Endpoint(endpoint.base_url, "x"))
    old_one = background.submit(old.run())
    page_state(page).running_check = RunningCheck(old, old_one)
    assert endpoint.asked.wait(10)
    # Pressing the button is a callback that comes before the page follows anything.
    check(page)
    assert old_one.cancelled()
    wait_until(endpoint.hung_up.is_set)
    assert "works" in page.success[0].value


# Who is at the machine


HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize(
    ("ip_address", "headers", "is_here"),
    [
        (None, HERE, True),
        (None, {"host": "127.0.0.1:80", "origin": "http://127.0.0.1"}, True),
        (None, {"Host": "[::1]:8501", "Origin": "http://[::1]:8501"}, True),
        (None, {}, False),
        (None, {"Host": "localhost:8501"}, False),
        ("192.168.1.7", HERE, False),
        (None, {**HERE, "Host": "chat.example.org"}, False),
        (None, {**HERE, "Origin": "https://chat.example.org"}, False),
        (None, {**HERE, "Host": "localhost.example.org"}, False),
        (None, {**HERE, "X-Forwarded-For": "203.0.113.5"}, False),
        (None, {**HERE, "X-Real-Ip": "203.0.113.5"}, False),
        (None, {**HERE, "Forwarded": "for=203.0.113.5"}, False),
        (None, {**HERE, "Via": "1.1 proxy"}, False),
        (None, {**HERE, "CF-Connecting-IP": "203.0.113.5"}, False),
    ],
)
def test_a_doubt_about_where_somebody_is_means_elsewhere(
    ip_address: str | None, headers: dict[str, str], is_here: bool
) -> None:
    assert local_admin.comes_from_here(ip_address, headers) is is_here


@pytest.mark.parametrize(
    ("address", "is_headless", "is_told", "is_there"),
    [
        ("127.0.0.1", True, False, True),  # a machine without a display
        ("localhost", True, False, True),
        (None, True, False, False),
        ("0.0.0.0", True, False, False),
        ("127.0.0.1", True, True, False),  # as behind a reverse proxy
        (None, False, True, True),
    ],
)
def test_on_a_machine_without_a_display_the_app_must_listen_there_alone(
    monkeypatch: pytest.MonkeyPatch,
    address: str | None,
    is_headless: bool,
    is_told: bool,
    is_there: bool,
) -> None:
    options = {"server.address": address, "server.headless": is_headless}
    monkeypatch.setattr("streamlit.get_option", options.__getitem__)
    where = "command-line argument" if is_told else "<default>"
    monkeypatch.setattr("streamlit.config.get_where_defined", lambda _: where)
    monkeypatch.setattr(local_admin, "comes_from_here", lambda *_: True)
    assert local_admin.is_at_the_machine() is is_there
    monkeypatch.setattr(local_admin, "comes_from_here", lambda *_: False)
    assert not local_admin.is_at_the_machine()


def test_an_app_that_was_started_for_others_has_nobody_at_its_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_admin, "comes_from_here", lambda *_: True)
    for is_headless in (True, False):
        monkeypatch.setattr("streamlit.get_option", lambda _, value=is_headless: value)
        assert local_admin.is_at_the_machine() is not is_headless


# A visitor's own server


@pytest.fixture
def allowed(at_the_machine: AtTheMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_machine(False)
    monkeypatch.setenv("CHATBOT_VISITOR_ENDPOINTS", "true")


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    """A visitor's own server; on loopback, which is taken for public here."""
    monkeypatch.setattr("chatbot.llm.public_addresses.is_public", lambda address: True)
    endpoint = FakeEndpoint()
    endpoint.models = ["their-drawings", "their-model"]
    endpoint.replies = [Reply(status=404, error={"message": "This is not a chat model"})]
    endpoint.default_reply = Reply(["From theirs."])
    endpoint.start()
    yield endpoint
    endpoint.stop()


def test_a_visitor_may_use_a_server_of_their_own_for_a_session(
    page: AppTest, endpoint: FakeEndpoint, theirs: FakeEndpoint, allowed: None
) -> None:
    opened(page)
    assert page.text_input(key="check_base_url").value == ""  # nothing of the owner's address
    assert "Ollama" not in page.main.menu_button[0].options  # only public servers are reached
    check(page, theirs.base_url, "sk-theirs")
    assert "works" in page.success[0].value
    page.button(key="check_use").click().run()
    assert page.selectbox[0].value == f"{theirs.base_url.split('/')[2]} · their-model"
    theirs.replies = [Reply(status=401, error={"message": "No"})]
    ask(page, "Refused")
    assert said(page.warning[0].value).endswith("does not accept the key. Check your key.")
    page.context = {"locale": "zh-CN"}
    assert said(page.run().warning[0].value).endswith("不接受当前密钥，请检查您的密钥。")
    page.context = {}
    theirs_refused = page.query_params["c"]
    page.run().button(key="new").click().run()
    ask(page, "Hi!")
    assert texts(page) == ["Hi!", "From theirs."]
    assert not page.warning
    assert endpoint.requests == []
    assert {headers["Authorization"] for headers in theirs.headers} == {"Bearer sk-theirs"}
    assert CANARY_KEY not in str(theirs.headers)
    assert not Path(".env").exists()
    assert b"sk-theirs" not in b"".join(file.read_bytes() for file in Path().glob("chatbot.db*"))
    page.button(key="check_view").click().run()
    assert page.button(key="check_own_end").label == "Back to what this app has set"
    click(page, "Back to the chat")
    page.button(key="own_end").click().run()
    assert "own_end" not in [button.key for button in page.button]
    wait_until(lambda: page.run().selectbox[0].value == "test-model")
    ask(page, "Again")
    assert texts(page)[-1] == "Hello there!"
    assert said(go_to(page, c=theirs_refused).warning[0].value).endswith(
        "Check your key."
    )  # not the owner's affair


def test_a_visitors_own_server_is_asked_for_its_own_models_alone(
    page: AppTest,
    endpoint: FakeEndpoint,
    theirs: FakeEndpoint,
    allowed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHATBOT_MODEL", "owners-model")
    page.run()
    ask(page, "To the owner's.")
    check(opened(page), theirs.base_url, "sk-theirs")
    page.button(key="check_use").click().run()
    page.button(key="new").click().run()
    assert page.selectbox[0].value == f"{theirs.base_url.split('/')[2]} · their-model"
    theirs.replies = [Reply(status=401, error={"message": "No"})]
    ask(page, "Refused")
    assert said(page.warning[0].value).endswith("does not accept the key. Check your key.")
    page.context = {"locale": "zh-CN"}
    assert said(page.run().warning[0].value).endswith("不接受当前密钥，请检查您的密钥。")
    page.context = {}
    page.run().button(key="new").click().run()
    ask(page, "To theirs.")
    assert [request["model"] for request in endpoint.requests] == ["owners-model"]
    assert "owners-model" not in str(theirs.requests)
    assert texts(page)[-1] == "From theirs."


def test_a_visitor_never_gets_the_owners_key_sent_anywhere(
    page: AppTest, endpoint: FakeEndpoint, theirs: FakeEndpoint, allowed: None
) -> None:
    for address in (theirs.base_url, endpoint.base_url):
        check(opened(page), address)
    assert theirs.headers and endpoint.headers
    assert CANARY_KEY not in str(theirs.headers) + str(endpoint.headers)


def test_a_visitor_reaches_nothing_inside(
    page: AppTest, endpoint: FakeEndpoint, allowed: None
) -> None:
    check(opened(page), endpoint.base_url, "sk-theirs")
    assert "not on the public internet" in said(page.warning[-1].value)
    assert endpoint.headers == []


def test_what_was_allowed_ends_with_the_permission(
    page: AppTest,
    endpoint: FakeEndpoint,
    theirs: FakeEndpoint,
    allowed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check(opened(page), theirs.base_url, "sk-theirs")
    page.button(key="check_use").click().run()
    monkeypatch.setenv("CHATBOT_VISITOR_ENDPOINTS", "false")
    services.settings.clear()
    page.session_state[f"model-{page_state(page).new_conversation_id}"] = None
    ask(page.run(), "Hi!")
    assert texts(page)[-1] == "Hello there!"
    assert len(theirs.requests) == 2


def test_the_line_for_a_provider_is_shown_for_secrets_toml(
    page: AppTest, endpoint: FakeEndpoint, at_the_machine: AtTheMachine
) -> None:
    other = FakeEndpoint().start()
    try:
        Path(".streamlit").mkdir()
        wrong = other.base_url.removesuffix("/v1")
        table = f'[providers.deep]\nbase_url = "{wrong}"\napi_key = "sk-canary-deep"\n'
        Path(".streamlit/secrets.toml").write_text(table, "utf-8")
        sources._load.cache_clear()
        check(opened(page), wrong)
        assert other.headers[0]["Authorization"] == "Bearer sk-canary-deep"
        assert f'base_url = "{other.base_url}"' in [text.value for text in page.text]
        assert not [button for button in page.button if button.key == "check_apply"]
    finally:
        other.stop()


def test_a_key_alone_is_one_for_openai(
    at_the_machine: AtTheMachine, monkeypatch: pytest.MonkeyPatch, endpoint: FakeEndpoint
) -> None:
    """OpenAI's part is played by the fake endpoint."""
    monkeypatch.setattr("chatbot.ui.check_run.OPENAI_BASE_URL", endpoint.base_url)
    endpoint.models = ["whisper", "gpt-4.1-mini"]
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.run()
    page.button(key="connect").click().run()
    check(page, "", CANARY_KEY)
    assert endpoint.requests[0]["model"] == "gpt-4.1-mini"
    assert endpoint.headers[0]["Authorization"] == f"Bearer {CANARY_KEY}"
    page.button(key="check_apply").click().run()
    assert CANARY_KEY in Path(".env").read_text("utf-8")
    assert CANARY_KEY not in everything(page)


def test_a_stranger_is_not_invited_to_connect_anything(at_the_machine: AtTheMachine) -> None:
    at_the_machine(False)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.run()
    assert any("It makes things up." in one.value for one in page.caption)
    assert not [button for button in page.button if button.key == "connect"]


def test_an_unexpected_exception_is_one_sentence_and_a_traceback_in_the_log(
    page: AppTest,
    at_the_machine: AtTheMachine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("chatbot.connection_check.probe.pace", lambda *_: 1 / 0)
    check(opened(page))
    assert "That did not work." in said(page.warning[0].value)
    assert "ZeroDivisionError" in caplog.text
    assert not page.exception
