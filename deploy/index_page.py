"""The page's HTML: Streamlit's, with this app's name and icons, and without a font to fetch.

The theme in .streamlit/config.toml uses the fonts that systems have. The tags below let a phone put
the app on its home screen; without this server, chatbot/ui/frontend/page/home.js adds them.
"""

import re

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from deploy.headers import INDEX

_HEAD = """
    <link rel="manifest" href="./app/static/manifest.json" />
    <link rel="apple-touch-icon" href="./app/static/apple-touch-icon.png" />
    <title>Chatbot</title>"""

_VIEWPORT = "width=device-width, initial-scale=1, shrink-to-fit=no"

_FONT = re.compile(r'<link\s+rel="preload"[^>]*\sas="font"[^>]*>')

# Streamlit draws this link before the theme arrives, in its own font.
_STYLE = "<style>[data-testid=stSkipToContent] { font-family: system-ui !important }</style>"


class IndexPage:
    """Serves the page's HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        html = _FONT.sub(_STYLE, INDEX.read_text("utf-8"))
        # The page uses the room around a notch; look.css keeps the text out of it.
        html = html.replace(_VIEWPORT, f"{_VIEWPORT}, viewport-fit=cover")
        html = html.replace("<title>Streamlit</title>", _bar_colours() + _HEAD)
        # As Streamlit does, because the page names files that an update replaces.
        self._page = HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["path"] in ("/", "/index.html")
        app = self._page if is_page and scope["method"] in ("GET", "HEAD") else self._app
        await app(scope, receive, send)


def _bar_colours() -> str:
    """Return tags that give a phone's bar above the page the colour of the page, in each look."""
    colours = {
        look: config.get_option(f"theme.{look}.backgroundColor") for look in ("light", "dark")
    }
    return "\n    ".join(
        f'<meta name="theme-color" content="{colour}" media="(prefers-color-scheme: {look})" />'
        for look, colour in colours.items()
        if colour
    )
