"""Visitor tokens: random, well formed, and stored only as a hash."""

import pytest

from chatbot.access.visitor import is_token, new_token, owner_of


def test_tokens_are_recognised_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(is_token, tokens))


@pytest.mark.parametrize(
    "value",
    [None, 43, b"a" * 43, ["a"] * 43, "", "a" * 42, "a" * 44, "a" * 42 + "\n", "a" * 43 + "\n"]
    + ["a" * 42 + character for character in " +/='\"é中\0"],
)
def test_anything_else_a_browser_sends_is_no_token(value: object) -> None:
    assert not is_token(value)


def test_the_owner_is_the_same_each_time_and_tells_nothing_of_the_token() -> None:
    token, other = new_token(), new_token()
    owner = owner_of(token)
    assert owner == owner_of(token) != owner_of(other)
    assert token not in owner
    assert len(owner) == 64  # what the store's column holds
