"""The app as a public server: the same page with security headers and compression.

    streamlit run deploy/server.py

Read from top to bottom, the middleware is what a request passes on its way to the page.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit import config

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `streamlit run` only finds modules beside this file

from chatbot.errors import ChatbotError  # noqa: E402
from chatbot.ui import services  # noqa: E402
from deploy import health, logs, metrics, site_files  # noqa: E402
from deploy.compression import CompressedFiles  # noqa: E402
from deploy.headers import SecurityHeaders  # noqa: E402
from deploy.index_page import IndexPage  # noqa: E402
from deploy.uploads import Uploads  # noqa: E402
from deploy.visitor_cookie import VisitorCookie, forget  # noqa: E402


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Start metrics before the first request; end running answers after the last."""
    logs.note_answers()
    with contextlib.suppress(ChatbotError):  # the page explains invalid settings
        metrics.serve(services.settings().metrics_address)
    yield {}
    # Saves running answers as cut short. At exit it would be too late, because uvicorn ends by
    # the signal that stopped it.
    await asyncio.to_thread(st.cache_resource.clear)


logs.write_json()
# Visitors of this server never count as the owner at the machine: see
# chatbot/ui/client/local_admin.py.
config.set_option("server.headless", True)
app = st.App(
    ROOT / "streamlit_app.py",
    lifespan=lifespan,
    routes=[
        Route("/healthz", health.Health().respond),
        Route("/forget", forget, methods=["POST"]),
        *site_files.ROUTES,
    ],
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(VisitorCookie),
        Middleware(CompressedFiles),
        Middleware(IndexPage),
        Middleware(Uploads),
        Middleware(site_files.WithoutFigures),
    ],
)
