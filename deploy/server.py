"""The app as a server for others: the same page behind security headers, compressed.

    streamlit run deploy/server.py

Read top to bottom, this is what a request passes on its way to the page.
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
sys.path.insert(0, str(ROOT))  # `streamlit run` looks for modules beside this file only

from chatbot.errors import ChatbotError  # noqa: E402
from chatbot.ui import resources  # noqa: E402
from deploy import health, logs, metrics  # noqa: E402
from deploy.compression import CompressedFiles  # noqa: E402
from deploy.headers import SecurityHeaders  # noqa: E402
from deploy.visitor_cookie import VisitorCookie, forget  # noqa: E402


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Before the first request, and after the last."""
    logs.note_answers()
    with contextlib.suppress(ChatbotError):  # the page says what is wrong with a setting
        metrics.serve(resources.settings().metrics_address)
    yield {}
    # Marks answers in progress as cut short, with their text. At exit would be too late: uvicorn
    # ends by the signal that stopped it.
    await asyncio.to_thread(st.cache_resource.clear)


logs.write_json()
# Who opens this page is never taken for the person who may change its settings; see whereabouts.py.
config.set_option("server.headless", True)
app = st.App(
    ROOT / "streamlit_app.py",
    lifespan=lifespan,
    routes=[
        Route("/healthz", health.Health().respond),
        Route("/forget", forget, methods=["POST"]),
    ],
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(VisitorCookie),
        Middleware(CompressedFiles),
    ],
)
