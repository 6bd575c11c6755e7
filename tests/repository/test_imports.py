"""No circle of imports among the modules of a room, those for types included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

from tests.repository.files import ROOT


def modules(room: str) -> dict[str, Path]:
    """The files of a room by the name of their module."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / room).rglob("*.py")
    }


def imported_by(path: Path) -> Iterator[str]:
    """Names of modules, and of what may be one, in the import statements of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


@pytest.mark.parametrize("room", ["tracer", "analyzers", "tui"])
def test_no_module_imports_itself_by_way_of_others(room: str) -> None:
    known = modules(room)
    graph: nx.DiGraph[str] = nx.DiGraph(
        (name, other) for name, path in known.items() for other in imported_by(path) if other in known
    )
    assert graph.number_of_edges() > 200
    assert not [sorted(names) for names in nx.strongly_connected_components(graph) if len(names) > 1]
