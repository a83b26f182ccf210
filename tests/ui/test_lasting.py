"""Cached objects: available even at the moment when their time ends."""

from datetime import timedelta
from typing import Any

import pytest
from streamlit.runtime.caching.cache_resource_api import ResourceCache

from chatbot.ui.lasting import lasting


def test_what_ends_while_it_is_looked_for_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    @lasting(timedelta(minutes=1))
    def make(name: str) -> str:
        made.append(name)
        return name

    read, moments = ResourceCache.read_result, ["between two looks"]

    def end_once(cache: Any, key: str) -> Any:
        if moments:
            raise KeyError(moments.pop())
        return read(cache, key)

    assert [make("a"), make("a")] == ["a", "a"]
    monkeypatch.setattr(ResourceCache, "read_result", end_once)
    assert make("a") == "a"
    assert moments == []
    assert made == ["a"]
    make.clear()
    assert make("a") == "a"
    assert made == ["a", "a"]
