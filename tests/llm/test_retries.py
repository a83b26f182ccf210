"""Retries of a failed request, as the endpoint sees them."""

import pytest

from chatbot.llm import retries
from tests.llm.test_client import failure, stream
from tests.servers.endpoint import FakeEndpoint, Reply


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses in seconds before each retry, none of which is waited for."""
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(retries, "sleep", note)
    return pauses


@pytest.mark.parametrize(
    ("busy", "seconds"),
    [
        (Reply(status=429), 0.5),
        (Reply(status=429, headers={"Retry-After": "3"}), 3),
        (Reply(status=429, headers={"Retry-After-Ms": "1500"}), 1.5),
        (Reply(status=429, headers={"Retry-After": "0"}), 0.5),
        (Reply(status=429, error={"message": "Please try again in 2s."}), 2),
        (Reply(status=503, headers={"Retry-After": "3"}), 3),
    ],
)
def test_a_retry_waits_as_long_as_the_server_asks(
    endpoint: FakeEndpoint, pauses: list[float], busy: Reply, seconds: float
) -> None:
    assert stream(endpoint, busy, Reply(["At last"]))[0] == ["At last"]
    assert len(endpoint.requests) == 2
    assert pauses == [seconds]


def test_each_retry_waits_longer(endpoint: FakeEndpoint, pauses: list[float]) -> None:
    bad = Reply(status=500)
    assert failure(endpoint, bad, bad, bad)[1].code == "server_error"
    assert len(endpoint.requests) == 3
    assert pauses == [0.5, 1]


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(status=429, headers={"Retry-After": "6"}),
        Reply(status=503, headers={"Retry-After": "60"}),
        Reply(status=429, headers={"x-should-retry": "false"}),
        Reply(status=429, error={"message": "You exceeded your current quota"}),
        Reply(status=401, headers={"x-should-retry": "true"}),
        Reply(status=500, error={"message": "CUDA out of memory"}),
    ],
)
def test_a_request_is_not_repeated_in_vain(
    endpoint: FakeEndpoint, pauses: list[float], refusal: Reply
) -> None:
    failure(endpoint, refusal)
    assert len(endpoint.requests) == 1
    assert pauses == []
