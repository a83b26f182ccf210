"""Who has signed in, and who may: what a provider says, and what the owner has set."""

from typing import Any

import pytest

from chatbot.errors import ChatbotError
from chatbot.settings import load_settings
from chatbot.signing_in import addresses_in, is_among, person_in, sign_in_from

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
    "value", ["example.org", "@", "@*.example.org", "a@b@c", "a b@example.org"]
)
def test_a_rule_that_could_never_fit_is_refused(value: str) -> None:
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
