"""The way back from a visitor's own server to the owner's settings."""

import streamlit as st

from chatbot.ui import model_choice, services
from chatbot.ui.errors import noting_errors
from chatbot.ui.session.language import t


@noting_errors
def use_no_longer() -> None:
    """Stop using the visitor's own server, and choose the owner's default model."""
    services.use_own_endpoint(None)
    model_choice.choose_default()


def show_way_back(key: str) -> None:
    """Draw the button that ends the use of the visitor's own server, if there is a server."""
    if services.own_endpoint():
        st.button(
            t("check.own_end"),
            key=key,
            type="tertiary",
            icon=":material/undo:",
            on_click=use_no_longer,
        )
