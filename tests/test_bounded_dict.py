"""Data learned about servers: does not grow without end."""

import pytest

from chatbot import background, bounded_dict
from chatbot.bounded_dict import BoundedDict
from chatbot.llm.client import Client
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import ReplyRequest
from chatbot.models.calibration import Calibration
from tests.servers.endpoint import FakeEndpoint, Reply


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_dict, "MOST_ENTRIES", 2)


def test_the_oldest_entry_goes_when_there_is_one_too_many() -> None:
    known = BoundedDict({"a": 1})
    known["b"] = 2
    known["a"] = 3
    assert known == {"a": 3, "b": 2}
    known["c"] = 4
    assert known == {"b": 2, "c": 4}


def test_what_is_learned_of_models_is_bounded() -> None:
    calibration = Calibration({}, lambda *_: None, {})
    for number in range(3):
        calibration.learn_window(("endpoint", f"model-{number}"), 8192, is_lasting=False)
    windows = [calibration.window(("endpoint", f"model-{number}"), None) for number in range(3)]
    assert [window.tokens for window in windows] == [None, 8192, 8192]


def test_what_servers_refuse_and_list_is_bounded(endpoint: FakeEndpoint) -> None:
    client = Client()
    served = Endpoint(endpoint.base_url, None, 2, 2)
    endpoint.models = [f"model-{number}" for number in range(3)]
    endpoint.windows = dict.fromkeys(endpoint.models, 8192)

    async def learn() -> None:
        await client.list_models(served)
        for model in endpoint.models:
            endpoint.replies = [Reply(status=400, error={"message": "Unsupported: temperature"})]
            request = ReplyRequest(model, [{"role": "user", "content": "Hi"}], 1, 9)
            await client.stream_reply(served, request, lambda _: None)
        await client.close()

    background.submit(learn()).result(30)
    refused = [dict(client.refused(served, model)) for model in endpoint.models]
    assert refused == [{}, {"temperature": ""}, {"temperature": ""}]
    assert len(client.listed_windows) == 2
