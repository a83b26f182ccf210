"""Files that programs request from every site's root: robots.txt and icons.

Streamlit would answer these requests with its page. Streamlit's own metrics are hidden, because
only the server's operator may read metrics; `deploy/metrics.py` serves them at a separate address.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

_HERE = Path(__file__).parent
_STATIC = _HERE.parent / "static"

ROBOTS = "User-agent: *\nDisallow:\n"
"""Allows everything, because a search engine must fetch a page to see that it must not be listed.
Every response says so with a header; see headers.py."""

ICONS = {
    "/favicon.ico": (_HERE / "favicon.ico", "image/vnd.microsoft.icon"),
    "/apple-touch-icon.png": (_STATIC / "apple-touch-icon.png", "image/png"),
}

A_DAY = {"Cache-Control": "public, max-age=86400"}


async def _robots(_request: Request) -> Response:
    return PlainTextResponse(ROBOTS, headers=A_DAY)


async def _icon(request: Request) -> Response:
    file, media_type = ICONS[request.url.path]
    return FileResponse(file, media_type=media_type, headers=A_DAY)


ROUTES = [Route("/robots.txt", _robots), *(Route(path, _icon) for path in ICONS)]


class WithoutFigures:
    """Hides Streamlit's own metrics, such as the number of visitors; metrics.py serves ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["path"].rstrip("/") == "/_stcore/metrics"
        app = PlainTextResponse("Not Found", 404) if is_asked else self._app
        await app(scope, receive, send)
