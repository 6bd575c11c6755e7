"""Tags as they are written in lists, with wildcards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.pooltag import PROTECTED_POOL
from analyzers.tags.pattern import normal, tag_pattern


def tag(text: str) -> int:
    return int.from_bytes(text.encode("cp1252"), "little")


def matches(pattern: str, text: str) -> bool:
    compiled = tag_pattern(pattern)
    return normal(tag(text)) & compiled.mask == compiled.value


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("AfdE", "AfdE"),
        ("Afd?", "AfdE"),
        ("A?dE", "AfdE"),
        ("Af*", "AfdE"),
        ("Af* ", "AfdE"),
        ("*", "AfdE"),
        ("*fdE", "AfdE"),
        ("Irp", "Irp "),
        ("Irp ", "Irp "),
        ("Irp ", "Irp\0"),
        ("é1é2", "é1é2"),
    ],
)
def test_a_pattern_stands_for_a_tag(pattern: str, text: str) -> None:
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"), [("AfdE", "AfdC"), ("afde", "AfdE"), ("Irp ", "Irpl"), ("Af?E", "AfdC"), ("*fdE", "AfdC")]
)
def test_a_pattern_does_not_stand_for_another_tag(pattern: str, text: str) -> None:
    assert not matches(pattern, text)


@pytest.mark.parametrize("text", ["", "   ", "AfdEx", "Af\u4e2dE"])
def test_what_no_tag_can_be_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        tag_pattern(text)


def test_more_literal_characters_are_more_specific_and_then_the_earlier_ones() -> None:
    written = ["????", "A???", "A??E", "Af??", "Af?E", "Afd?", "AfdE"]
    assert sorted(written, key=lambda text: tag_pattern(text).specificity) == written


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="?*"), min_size=4, max_size=4))
def test_a_literal_pattern_stands_for_its_own_tag_protected_or_not(text: str) -> None:
    compiled = tag_pattern(text)
    assert normal(tag(text)) & compiled.mask == compiled.value
    assert normal(tag(text) | PROTECTED_POOL) & compiled.mask == compiled.value
