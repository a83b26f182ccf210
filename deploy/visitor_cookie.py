"""The cookie that says who is asking: no script can read it, and it comes with the first request.

`chatbot/visitors.py` says what is in it.
"""

from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot import visitors

LIFE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep one (RFC 6265bis, section 5.5); renewed with each page."""


class VisitorCookie:
    """Gives every browser that opens a page a token of its own."""

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
                    # Nobody between may hand one visitor's cookie to another.
                    headers["Cache-Control"] = "private, no-store"
            await send(message)

        await self._app(scope, receive, send_with_cookie)


async def forget(request: Request) -> Response:
    """Take the cookie back from a browser that asks for it on a page of ours."""
    if not _is_from_a_page_of_ours(request):
        return Response(status_code=403)
    response = Response(status_code=204)
    for name in (visitors.COOKIE, visitors.SECURE_COOKIE):
        is_secure = request.url.scheme == "https"
        response.delete_cookie(name, secure=is_secure, httponly=True, samesite="lax")
    return response


def _is_from_a_page_of_ours(request: Request) -> bool:
    """Whether no other site's page has sent this; its browser says so, truly, in each POST."""
    origin = urlsplit(request.headers.get("origin", ""))
    site = request.headers.get("sec-fetch-site", "same-origin")  # not sent without TLS
    return site == "same-origin" and bool(origin.netloc) and origin.netloc == request.url.netloc


def _is_page(request: HTTPConnection, status: int, headers: MutableHeaders) -> bool:
    if status == 304:  # kept by the browser since before there was a cookie; says no type
        return "text/html" in request.headers.get("accept", "")
    return headers.get("content-type", "").startswith("text/html")


def _cookie(request: HTTPConnection) -> str:
    is_secure = request.url.scheme == "https"
    name = visitors.SECURE_COOKIE if is_secure else visitors.COOKIE
    token = request.cookies.get(name)
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = token if token and visitors.is_token(token) else visitors.new_token()
    cookie[name]["path"] = "/"
    cookie[name]["max-age"] = LIFE_SECONDS
    cookie[name]["httponly"] = True
    cookie[name]["samesite"] = "Lax"
    cookie[name]["secure"] = is_secure
    return cookie[name].OutputString()
