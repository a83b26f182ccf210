"""Modules of the app and the tests, loaded once in the process from which others are forked.

See `tests/servers/processes.py`. This module only loads: it starts no thread, opens no file and
reads no setting.
"""

import contextlib
import gc
import importlib
import pkgutil

import chatbot

AT_THE_START = (
    "pytest",
    "streamlit.web.cli",
    "streamlit.web.bootstrap",
    "streamlit.web.server.app_discovery",
    "streamlit.web.server.starlette",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
WITH_THE_FIRST_QUESTION = (
    "aiohttp",
    "httpx2",
    "openai",
    "openai._vendor.httpx_aiohttp.transport",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)


def load_all() -> None:
    for name in (*AT_THE_START, *WITH_THE_FIRST_QUESTION):
        with contextlib.suppress(ImportError):  # not in each version, not on each system
            importlib.import_module(name)
    for module in pkgutil.walk_packages(chatbot.__path__, "chatbot."):
        if "migrations" not in module.name and "__main__" not in module.name:
            importlib.import_module(module.name)


def find_components_once() -> None:
    """Streamlit reads about every installed package at each start: half of a start's CPU."""
    from streamlit.components.v2 import component_manager

    if scan := getattr(component_manager, "scan_component_manifests", None):
        found = scan()
        vars(component_manager)["scan_component_manifests"] = lambda: list(found)


load_all()
find_components_once()
gc.freeze()  # or each fork copies what it looks through for garbage
