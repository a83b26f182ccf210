"""Loader of the components written in JavaScript."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def component(name: str) -> Callable[..., Any]:
    """Load a component's script, and return the function that draws the component."""
    # A component is a file, or a folder whose files are joined into a single script.
    files = sorted((_HERE / name).glob("*.js")) or [_HERE / f"{name}.js"]
    script = "\n".join(file.read_text("utf-8") for file in files)
    # Not isolated, so that `look.css` applies; styles of its own would be sent with each component.
    mount = st.components.v2.component(f"chatbot_{name}", js=script, isolate_styles=False)

    def show(data: object = None, **options: Any) -> Any:
        # In a list, because Streamlit looks for tables among a dict's values and loads pandas for
        # that, which takes 70 MB of memory and half of the time until the first page is drawn.
        return mount(data=None if data is None else [data], **options)

    return show
