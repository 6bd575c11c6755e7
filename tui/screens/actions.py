"""What can be done on a screen now: its bindings, each action once, with all its keys."""

from __future__ import annotations

from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """``call`` is the action as textual knows it, carried out by ``node``; ``is_shown``: on the line of keys."""

    id: str
    title: str
    explanation: str
    keys: tuple[str, ...]
    call: str
    node: DOMNode
    is_shown: bool


def actions(screen: Screen[Any]) -> list[Action]:
    """Those of the focused widget first, then outwards; textual's own, which have no id, are left out."""
    found: dict[tuple[DOMNode, str], list[tuple[Binding, str]]] = {}
    for node, binding, _enabled, _tooltip in screen.active_bindings.values():
        if binding.id and not binding.system:
            key = screen.app.get_key_display(binding)
            found.setdefault((node, binding.action), []).append((binding, key))
    return [
        Action(
            one.id or "",
            one.description,
            one.tooltip,
            tuple(dict.fromkeys(key for _, key in many)),
            call,
            node,
            one.show,
        )
        for (node, call), many in found.items()
        for one, _ in many[:1]
    ]
