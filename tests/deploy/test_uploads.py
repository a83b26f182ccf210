"""Uploads to the server in `deploy/`: the sessions that may upload, and the limit of memory."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from streamlit.proto.BackMsg_pb2 import BackMsg

from chatbot.ui.client import uploads
from chatbot.ui.session.state import UploadPermit
from deploy.uploads import Uploads
from tests.conftest import CANARY_KEY, ROOT, RunningApp
from tests.protocol import Visit, rerun, run, visit
from tests.servers.endpoint import FakeEndpoint


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningApp]:
    endpoint = FakeEndpoint().start()
    environment = {
        "HOME": str(tmp_path),
        "OPENAI_BASE_URL": endpoint.base_url,
        "OPENAI_API_KEY": CANARY_KEY,
        **getattr(request, "param", {}),
    }
    app = RunningApp(tmp_path, environment, ROOT / "deploy" / "server.py")
    yield app
    app.stop()
    endpoint.stop()


async def go_to(page: Visit, query: str) -> None:
    message = BackMsg.FromString(rerun(page.script_hash))
    message.rerun_script.query_string = query
    message.rerun_script.is_history_navigation = True
    await page.socket.send_bytes(message.SerializeToString())
    await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")


async def send_file(url: str, session_id: str, size: int = 1000) -> int:
    form = aiohttp.FormData()
    form.add_field("file", b"x" * size, filename="x.json")
    address = f"{url}/_stcore/upload_file/{session_id}/{uuid.uuid4()}"
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_stcore/health") as page:
        token = page.cookies["_streamlit_xsrf"].value if "_streamlit_xsrf" in page.cookies else ""
        headers = {"X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={token}"}
        # The body waits for the server's word: one that refuses it does not read it.
        async with http.put(address, data=form, headers=headers, expect100=True) as response:
            return response.status


def test_a_file_is_taken_where_the_page_has_a_field_for_it_and_nowhere_else(
    server: RunningApp,
) -> None:
    async def use() -> list[int]:
        async with visit(server.url) as page:
            statuses = [await send_file(server.url, page.session_id)]
            await go_to(page, "view=data")
            statuses.append(await send_file(server.url, page.session_id))
            await go_to(page, "")
            await go_to(page, "")  # the browser has no field any more
            statuses.append(await send_file(server.url, page.session_id))
            return [*statuses, await send_file(server.url, "someone-else")]

    assert run(use()) == [403, 204, 403, 403]


@pytest.mark.parametrize("server", [{"CHATBOT_PASSWORD": "correct horse"}], indirect=True)
def test_before_the_password_none_is_taken(server: RunningApp) -> None:
    async def use() -> int:
        async with visit(server.url) as page:
            await go_to(page, "view=data")
            return await send_file(server.url, page.session_id, 1_000_000)

    assert run(use()) == 403


class Sessions:
    """Stands for the page: which sessions have a field."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *allowed: str) -> None:
        monkeypatch.setattr(uploads, "is_allowed", allowed.__contains__)
        self.taken: list[int] = []

        async def take(request: Request) -> PlainTextResponse:
            self.taken.append(len(await request.body()))
            return PlainTextResponse("", 204)

        route = Route("/_stcore/upload_file/{session}/{file}", take, methods=["PUT", "DELETE"])

        def uploads_of(app: ASGIApp) -> Uploads:
            self.uploads = Uploads(app, most_bytes=10_000)
            return self.uploads

        self.client = TestClient(Starlette(routes=[route], middleware=[Middleware(uploads_of)]))

    def put(self, session: str, size: int) -> int:
        return self.client.put(f"/_stcore/upload_file/{session}/f", content=b"x" * size).status_code


def test_no_more_is_taken_than_all_may_hold_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(monkeypatch, "one")
    assert [sessions.put("one", size) for size in (9000, 10_001, 9000)] == [204, 503, 204]
    assert sessions.put("another", 1) == 403
    assert sessions.taken == [9000, 9000]
    assert sessions.client.delete("/_stcore/upload_file/another/f").status_code == 204


def test_what_is_held_already_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(monkeypatch, "one")
    monkeypatch.setattr("deploy.uploads.held_bytes", lambda: 6000)
    assert [sessions.put("one", size) for size in (5000, 3000)] == [503, 204]


def test_a_file_counts_as_long_as_it_is_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(monkeypatch, "one")
    with uploads.holding(6000):
        assert [sessions.put("one", size) for size in (5000, 3000)] == [503, 204]
    assert sessions.put("one", 9000) == 204


def test_a_session_sends_one_file_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(monkeypatch, "one", "two")
    sessions.put("two", 1)  # the first request makes the app's middleware
    sessions.uploads._coming["one"] = 5  # as while one is on its way
    assert [sessions.put(name, 100) for name in ("one", "two")] == [429, 204]
    assert sessions.uploads._coming == {"one": 5}


def test_a_permit_ends_with_its_session_and_with_the_entrance() -> None:
    assert not uploads.is_allowed("nobody")
    permit = UploadPermit(is_shown=True)
    uploads._permits["somebody"] = permit
    assert uploads.is_allowed("somebody")
    permit.was_shown, permit.is_shown = permit.is_shown, False
    assert uploads.is_allowed("somebody")
    permit.was_shown = False
    assert not uploads.is_allowed("somebody")
    permit.is_shown = True
    del permit
    assert not uploads.is_allowed("somebody")
