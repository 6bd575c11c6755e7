"""A document is written as the standard library writes it, one value a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.json_documents.writing import Row, Written, document_text, text_in_list

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside) | st.tuples(inside, inside),
    max_leaves=30,
)


@given(st.dictionaries(st.text(), VALUES))
def test_it_is_the_text_of_the_standard_library(document: Any) -> None:
    assert document_text(document) == json.dumps(document, indent=1)


@given(st.lists(st.tuples(SCALARS, st.integers(), st.lists(SCALARS))), st.integers(0, 3))
def test_what_is_text_already_stands_as_deep_as_it_is_put(rows: list[tuple[Any, int, Any]], depth: int) -> None:
    form, keys = Row("first", 'se%"cond', "third"), ("first", 'se%"cond', "third")
    texts = [form.text(text_in_list(first), second, text_in_list(third, 2)) for first, second, third in rows]
    told: Any = [dict(zip(keys, row, strict=True)) for row in rows]
    put: Any = Written.list_of(texts)
    for _ in range(depth):
        told, put = {"a": 1, "b": [told, {"c": told}]}, {"a": 1, "b": [put, {"c": put}]}
    assert document_text({"value": put}) == json.dumps({"value": told}, indent=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [{"b": float("-inf")}]}])
def test_what_json_has_no_number_for_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        document_text({"value": value})


def test_what_is_no_value_of_a_document_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        document_text({"value": [1, {2}]})  # type: ignore[list-item]
