"""Protection against widget values that no browser sends, but another client can forge.

Streamlit passes on any value: a number sent for a text field raises an exception while the page is
drawn or a callback runs. This module covers all widgets in one place. A value of the wrong type, or
a value that cannot be parsed, is replaced by the widget's default. Number ranges are checked
elsewhere, see `model_choice.current`.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState, WStates

_NUMBERS = (int, float)
"""Both types, because a browser sends whole numbers as int or as float."""

_TYPES: dict[str, tuple[type, ...]] = {
    "string_value": (str,),
    "int_value": _NUMBERS,
    "double_value": _NUMBERS,
    "bool_value": (bool,),
    "trigger_value": (bool,),
}
"""Allowed Python types by the widget's value type. The deserializer checks all other types."""

_UNREADABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class _Reader:
    """Checked replacement for a widget's `WidgetMetadata.deserializer`."""

    read: Any
    value_type: Any

    def __call__(self, value: Any) -> Any:
        types = _TYPES.get(self.value_type)
        is_odd_bool = isinstance(value, bool) and types is _NUMBERS
        if types and value is not None and (is_odd_bool or not isinstance(value, types)):
            value = None
        try:
            return self.read(value)
        except _UNREADABLE:  # a forged value, for which the widget's default is used
            return self.read(None)


def guard_values() -> None:
    """Check every widget's value when it arrives and when it is read, in this process.

    Streamlit has no hook for this, so this function wraps three of its methods. A test fails if a
    Streamlit version lacks one of them.
    """
    if hasattr(WStates, "values_are_guarded"):
        return
    WStates.values_are_guarded = True  # type: ignore[attr-defined]
    register = SessionState._set_widget_metadata
    change = WStates.set_widget_metadata
    take = WStates.set_widget_from_proto

    def register_guarded(self: SessionState, metadata: WidgetMetadata[Any]) -> None:
        register(self, _guarded(metadata))

    def change_guarded(self: WStates, metadata: WidgetMetadata[Any]) -> None:
        change(self, _guarded(metadata))

    def take_readable(self: WStates, state: WidgetState) -> None:
        if _is_readable(state):
            take(self, state)

    SessionState._set_widget_metadata = register_guarded  # type: ignore[method-assign,assignment]
    WStates.set_widget_metadata = change_guarded  # type: ignore[method-assign,assignment]
    WStates.set_widget_from_proto = take_readable  # type: ignore[method-assign,assignment]


def _guarded(metadata: WidgetMetadata[Any]) -> WidgetMetadata[Any]:
    """Return the metadata with a checked reader, and with the value type the widget was made with.

    Without the second part, Streamlit would go on with the type that the client sent.
    """
    reader = metadata.deserializer
    if not isinstance(reader, _Reader):
        reader = _Reader(reader, metadata.value_type)
    return replace(metadata, deserializer=reader, value_type=reader.value_type)


def _is_readable(state: WidgetState) -> bool:
    if state.WhichOneof("value") != "json_value":
        return True
    try:
        json.loads(state.json_value)
    except (ValueError, RecursionError):
        return False
    return True
