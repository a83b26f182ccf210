"""The list of conversations in the sidebar, as a test without a browser reads and uses it."""

import json
from collections.abc import Iterator
from typing import Any

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Node

from chatbot.ui.session import widgets


def walk(block: Block) -> Iterator[Node]:
    for child in block.children.values():
        yield child
        if isinstance(child, Block):
            yield from walk(child)


def drawn_list(page: AppTest) -> Any:
    """The component that draws the list; None if there is nothing to list."""
    keyed = [one for one in walk(page.sidebar) if getattr(one, "key", "") == widgets.LIST_COMPONENT]
    return keyed[0] if keyed else None


def list_data(page: AppTest) -> dict[str, Any]:
    """Data that the browser receives for the list."""
    component = drawn_list(page)
    data: dict[str, Any]
    [data] = json.loads(component.proto.json) if component else [{"groups": []}]
    return data


def listed_ids(page: AppTest) -> list[str]:
    """The conversations in the list, in order."""
    return [row[0] for _, rows in list_data(page)["groups"] for row in rows]


def choose_in_list(
    page: AppTest, action: str, conversation_id: str, title: str | None = None
) -> AppTest:
    """Do what a click on a row or on an entry of its menu does."""
    return send(page, [choice(page, action, conversation_id, title)])


def choice(
    page: AppTest, action: str, conversation_id: str, title: str | None = None
) -> dict[str, Any]:
    """Return what the list's script sends for a click on a row or on an entry of its menu."""
    number = list_data(page)["done"] + 1
    return {"number": number, "action": action, "id": conversation_id, "title": title}


def send(page: AppTest, chosen: object) -> AppTest:
    """Send something to the server as the list's script does."""
    states = page._tree.get_widget_states()
    state = states.widgets.add()
    state.id = _make_trigger_id(drawn_list(page).proto.id, "events")
    state.json_trigger_value = json.dumps([{"event": "chosen", "value": chosen}])
    return page._run(states)
