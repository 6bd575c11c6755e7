"""A document is written as the standard library writes it, one value a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.json_documents.writing import document_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside) | st.tuples(inside, inside),
    max_leaves=30,
)


@given(st.dictionaries(st.text(), VALUES))
def test_it_is_the_text_of_the_standard_library(document: Any) -> None:
    assert document_text(document) == json.dumps(document, indent=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [{"b": float("-inf")}]}])
def test_what_json_has_no_number_for_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        document_text({"value": value})


def test_what_is_no_value_of_a_document_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        document_text({"value": [1, {2}]})  # type: ignore[list-item]
