"""The cookie that identifies a visitor: scripts cannot read it, and the first request sets it.

`chatbot/access/visitor.py` describes its content.
"""

from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.access import visitor

LIFE_SECONDS = 400 * 24 * 3600
"""Longest time that browsers keep cookies (RFC 6265bis, section 5.5); renewed with each page."""


class VisitorCookie:
    """Gives every browser that opens a page its own token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if _is_page(request, message["status"], headers):
                    headers.append("Set-Cookie", _cookie(request))
                    # A cache must not pass one visitor's cookie to another visitor.
                    headers["Cache-Control"] = "private, no-store"
            await send(message)

        await self._app(scope, receive, send_with_cookie)


async def forget(request: Request) -> Response:
    """Delete the cookie, if a page of this app asks for it."""
    if not _is_from_a_page_of_ours(request):
        return Response(status_code=403)
    response = Response(status_code=204)
    for name in (visitor.COOKIE, visitor.SECURE_COOKIE):
        is_secure = request.url.scheme == "https"
        response.delete_cookie(name, secure=is_secure, httponly=True, samesite="lax")
    return response


def _is_from_a_page_of_ours(request: Request) -> bool:
    """Return True if this app's page sent the request; browsers state the origin in each POST."""
    origin = urlsplit(request.headers.get("origin", ""))
    site = request.headers.get("sec-fetch-site", "same-origin")  # not sent without TLS
    return site == "same-origin" and bool(origin.netloc) and origin.netloc == request.url.netloc


def _is_page(request: HTTPConnection, status: int, headers: MutableHeaders) -> bool:
    if status == 304:  # a page in the browser's cache; the response has no content type
        return "text/html" in request.headers.get("accept", "")
    return headers.get("content-type", "").startswith("text/html")


def _cookie(request: HTTPConnection) -> str:
    is_secure = request.url.scheme == "https"
    name = visitor.SECURE_COOKIE if is_secure else visitor.COOKIE
    token = request.cookies.get(name)
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = token if token and visitor.is_token(token) else visitor.new_token()
    cookie[name]["path"] = "/"
    cookie[name]["max-age"] = LIFE_SECONDS
    cookie[name]["httponly"] = True
    cookie[name]["samesite"] = "Lax"
    cookie[name]["secure"] = is_secure
    return cookie[name].OutputString()
