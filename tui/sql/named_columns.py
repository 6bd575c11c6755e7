"""Which columns a query names: only those have to be made of a trace.

Read from the tree that duckdb's ``json_serialize_sql`` gives of a SELECT ("SQL to and from JSON" in its documentation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_SOURCES: Final = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "TABLE_FUNCTION"})
"""What may stand behind FROM and hides no column."""
_PLACES: Final = ("from_table", "left", "right")
_BY_TEXT: Final = frozenset({"query", "query_table"})
"""Functions that read tables which a text names."""


def named_columns(tree: Mapping[str, Any]) -> frozenset[str] | None:
    """Names in lower case, those of all columns that are read among them; ``None`` where any column may be."""
    names, relations, whole_rows = set[str](), set[str](), set[str]()
    for node in _nodes(tree):
        if node.get("class") in ("STAR", "POSITIONAL_REFERENCE") or _hides_columns(node):
            return None
        path = [each.lower() for each in node.get("column_names", ())]
        names.update(path, (each.lower() for each in node.get("using_columns", ())))
        if len(path) == 1:
            whole_rows.update(path)
        if node.get("type") in _SOURCES:
            relations.update(node[key].lower() for key in ("table_name", "alias") if node.get(key))
    return None if whole_rows & relations else frozenset(names)


def only_describes(tree: Mapping[str, Any]) -> bool:
    """Whether the query is a DESCRIBE, which no row is read for."""
    nodes = [each["node"] for each in tree.get("statements", ())]
    return bool(nodes) and all(node.get("from_table", {}).get("show_type") == "DESCRIBE" for node in nodes)


def _hides_columns(node: Mapping[str, Any]) -> bool:
    """Whether it may read columns under other names, or without saying them."""
    sources = [node[place] for place in _PLACES if "type" in (node.get(place) or ())]
    if node.get("type") in ("SELECT_NODE", "JOIN") and any(each["type"] not in _SOURCES for each in sources):
        return True
    return bool(
        (node.get("type") == "BASE_TABLE" and node.get("column_name_alias"))
        or node.get("ref_type") == "NATURAL"
        or node.get("function_name") in _BY_TEXT
    )


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of the tree, but for the star of ORDER BY ALL, which stands for what is selected."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        elif isinstance(node, dict) and not _is_order_by_all(node):
            yield node
            left += node.values()


def _is_order_by_all(node: Mapping[str, Any]) -> bool:
    star = node.get("expression")
    return "null_order" in node and isinstance(star, dict) and star.get("class") == "STAR" and not star.get("expr")
