"""What can be done on a screen now: its bindings, each action once, with all its keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.dom import DOMNode
from textual.screen import Screen


@dataclass(frozen=True, slots=True)
class Action:
    """``call`` is the action as textual knows it, carried out by ``node``."""

    id: str
    title: str
    explanation: str
    keys: tuple[str, ...]
    call: str
    node: DOMNode


def actions(screen: Screen[Any]) -> list[Action]:
    """Those of the focused widget first, then outwards; textual's own, which have no id, are left out."""
    found: dict[tuple[DOMNode, str], list[tuple[str, str, str, str]]] = {}
    for node, binding, _enabled, _tooltip in screen.active_bindings.values():
        if binding.id and not binding.system:
            key = screen.app.get_key_display(binding)
            found.setdefault((node, binding.action), []).append((binding.id, binding.description, binding.tooltip, key))
    return [
        Action(many[0][0], many[0][1], many[0][2], tuple(dict.fromkeys(one[3] for one in many)), call, node)
        for (node, call), many in found.items()
    ]
