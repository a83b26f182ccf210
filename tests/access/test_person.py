"""Signed-in persons: data from the sign-in provider, and the owner's list of allowed persons."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.access.person import is_among, person_in
from chatbot.errors import ChatbotError
from chatbot.settings import sources
from chatbot.settings.sign_in import addresses_in, sign_in_from
from chatbot.settings.sources import load_settings
from chatbot.ui import services
from tests.conftest import go_to, page_state
from tests.ui.test_page import ask, texts

PROVIDER = {
    "client_id": "chatbot",
    "client_secret": "a-secret-of-the-client",
    "server_metadata_url": "https://id.example.org/.well-known/openid-configuration",
}
SHARED = {
    "redirect_uri": "https://chat.example.org/oauth2callback",
    "cookie_secret": "0123456789abcdef0123",
}
CLAIMS = {
    "is_logged_in": True,
    "iss": "https://id.example.org",
    "sub": "17",
    "email": "Ada@Example.org",
    "email_verified": True,
    "name": "Ada",
}


@pytest.mark.parametrize(
    ("table", "providers"),
    [
        ({**SHARED, **PROVIDER}, ("default",)),
        ({**SHARED, **PROVIDER, "client_kwargs": {"prompt": "login"}}, ("default",)),
        ({**SHARED, "google": PROVIDER, "microsoft": PROVIDER}, ("google", "microsoft")),
        ({**SHARED, **PROVIDER, "okta": PROVIDER}, ("default", "okta")),
        ({**SHARED, **PROVIDER, "expose_tokens": ["id"]}, ("default",)),
    ],
)
def test_the_documented_forms_are_understood(
    table: dict[str, Any], providers: tuple[str, ...]
) -> None:
    assert sign_in_from(table).providers == providers
    sign_in = load_settings({"auth": table}).sign_in
    assert sign_in and sign_in.providers == providers
    assert "secret" not in repr(sign_in)


@pytest.mark.parametrize(
    "table",
    [
        "yes",
        {},
        SHARED,
        PROVIDER,
        {**SHARED, **PROVIDER, "redirect_uri": "https://chat.example.org/"},
        {**SHARED, **PROVIDER, "redirect_uri": "chat.example.org/oauth2callback"},
        {**SHARED, **PROVIDER, "cookie_secret": "xxx"},
        {**SHARED, "google": {**PROVIDER, "client_secret": ""}},
        {**SHARED, "google": {"client_id": "x"}},
        {**SHARED, "my_own": PROVIDER},
    ],
)
def test_what_nobody_could_sign_in_with_is_refused_with_a_sentence(table: object) -> None:
    with pytest.raises(ChatbotError, match=r"auth in .*secrets.toml.*oauth2callback"):
        load_settings({"auth": table})


@pytest.mark.parametrize("name", ["CHATBOT_ALLOWED_EMAILS", "CHATBOT_ADMINS"])
def test_who_may_come_in_is_not_overlooked_for_want_of_signing_in(name: str) -> None:
    with pytest.raises(ChatbotError, match=name):
        load_settings({name: "ada@example.org"})
    load_settings({name: "ada@example.org", "auth": {**SHARED, **PROVIDER}})


@pytest.mark.parametrize(
    "value", ["example.org", "@", "@*.example.org", "a@b@c", "a b@example.org", ",", " ", []]
)
def test_a_rule_that_could_never_fit_is_refused(value: str | list[str]) -> None:
    with pytest.raises(ChatbotError, match="CHATBOT_ALLOWED_EMAILS"):
        load_settings({"CHATBOT_ALLOWED_EMAILS": value, "auth": {**SHARED, **PROVIDER}})


def test_a_whole_domain_is_never_admin() -> None:
    with pytest.raises(ChatbotError, match="CHATBOT_ADMINS"):
        load_settings({"CHATBOT_ADMINS": "@example.org", "auth": {**SHARED, **PROVIDER}})


RULES = addresses_in("@Example.org, guest@elsewhere.net, @例子.中国")


@pytest.mark.parametrize(
    "email",
    ["ada@example.org", "guest@elsewhere.net", "x+y@example.org", "wang@例子.中国"],
)
def test_addresses_and_domains_are_let_in(email: str) -> None:
    assert is_among(email, RULES)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada@evil-example.org",
        "ada@example.org.evil.com",
        "ada@sub.example.org",
        "ada@example.or",
        "example.org",
        "@",
        "other@elsewhere.net",
        "guest@elsewhere.net.",
        "ada@example.org ",
    ],
)
def test_no_others_are(email: str) -> None:
    assert not is_among(email, RULES)


def test_a_person_is_known_by_issuer_and_subject_not_by_an_address() -> None:
    ada = person_in(CLAIMS)
    assert ada and (ada.email, ada.name) == ("ada@example.org", "Ada@Example.org")
    assert len(ada.owner) == 64
    moved = person_in({**CLAIMS, "email": "new@example.org", "name": "Lovelace"})
    assert moved and moved.owner == ada.owner
    for other in (
        {"sub": "18"},
        {"iss": "https://id.example.com"},
        {"iss": "https://id", "sub": "x"},
    ):
        somebody = person_in({**CLAIMS, **other})
        assert somebody and somebody.owner != ada.owner


@pytest.mark.parametrize("verified", [False, None, "false", "", 0, 1, "yes", ["true"]])
def test_an_address_nobody_vouches_for_is_none(verified: object) -> None:
    person = person_in({**CLAIMS, "email_verified": verified})
    assert person and person.email == ""
    assert not is_among(person.email, RULES)


def test_an_address_that_is_two_is_none() -> None:
    person = person_in({**CLAIMS, "email": "ada@evil.com@example.org"})
    assert person and person.email == ""


@pytest.mark.parametrize("missing", ["iss", "sub", "is_logged_in"])
def test_without_these_nobody_has_signed_in(missing: str) -> None:
    assert person_in({name: value for name, value in CLAIMS.items() if name != missing}) is None
    assert person_in({}) is None


# On the page, without a browser


@pytest.fixture
def signed_in(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page as Ada opens it, who has signed in."""
    monkeypatch.setattr("chatbot.ui.client.local_admin.is_at_the_machine", lambda: False)
    sources._load.cache_clear()
    page.secrets["auth"] = {**SHARED, **PROVIDER}
    page.user = dict(CLAIMS)
    return page


def test_who_signs_in_may_write(signed_in: AppTest) -> None:
    ask(signed_in.run(), "Hi")
    assert "Hello there!" in texts(signed_in)
    ada = person_in(CLAIMS)
    assert ada and [
        one.title for one in services.store().conversations.page(ada.owner, limit=9)
    ] == ["Hi"]


def test_nothing_of_the_page_is_there_before_signing_in(signed_in: AppTest) -> None:
    signed_in.user = {}
    signed_in.run()
    assert not signed_in.chat_input and not signed_in.sidebar.children
    assert [button.label for button in signed_in.button] == ["Sign in"]


@pytest.mark.parametrize(
    ("allowed", "sentence"),
    [("@example.com", "may not use this app"), ("@example.org", None)],
)
def test_a_rule_that_changes_counts_at_once_and_nothing_typed_is_lost(
    signed_in: AppTest, monkeypatch: pytest.MonkeyPatch, allowed: str, sentence: str | None
) -> None:
    signed_in.run()
    signed_in.secrets["CHATBOT_ALLOWED_EMAILS"] = allowed
    services.settings.clear()
    signed_in.chat_input[0].set_value("May I?").run()
    if sentence is None:
        assert "Hello there!" in texts(signed_in)
        return
    assert sentence in signed_in.caption[0].value
    assert not signed_in.chat_input and [one.label for one in signed_in.button] == ["Sign out"]
    assert page_state(signed_in).draft == "May I?"
    ada = person_in(CLAIMS)
    assert ada and services.store().conversations.page(ada.owner, limit=9) == []


@pytest.mark.parametrize(
    ("admins", "claims", "is_admin"),
    [
        ("ada@example.org", {}, True),
        ("ada@example.org", {"email_verified": False}, False),
        ("owner@example.org", {}, False),
    ],
)
def test_admins_are_named_by_an_address_their_provider_vouches_for(
    signed_in: AppTest, admins: str, claims: dict[str, Any], is_admin: bool
) -> None:
    signed_in.secrets["CHATBOT_ADMINS"] = admins
    signed_in.user = {**CLAIMS, **claims}
    go_to(signed_in, view="usage")
    assert not signed_in.exception
    assert any(button.key == "usage_view" for button in signed_in.sidebar.button) is is_admin
    refusal = "This page is for whoever runs this app."
    assert any(one.value == refusal for one in signed_in.caption) is not is_admin
