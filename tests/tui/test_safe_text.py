from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.stories import FORBIDDEN, HOSTILE
from tui.safe_text import safe, valid_unicode

ANY_TEXT = st.text(st.characters(codec=None))
"""Lone surrogates included."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("client.exe", "client.exe"),
        ("", ""),
        ("größe.exe 日本", "größe.exe 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("two\nlines\tand\rmore", "two\\x0alines\\x09and\\x0dmore"),
        ("gpj\u202e.exe", "gpj\\u202e.exe"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\ue000", "\\ue000"),
        ("\u0301a", "\\u0301a"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_what_has_no_glyph_of_its_own_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(ANY_TEXT)
def test_no_text_keeps_a_character_that_a_terminal_acts_on(text: str) -> None:
    assert not {unicodedata.category(c) for c in safe(text)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(ANY_TEXT)
def test_text_that_is_safe_stays_as_it_is(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(ANY_TEXT)
def test_valid_unicode_can_be_encoded_and_changes_only_lone_surrogates(text: str) -> None:
    valid = valid_unicode(text)
    valid.encode("utf-8")
    assert json.loads(json.dumps(valid)) == valid
    if not any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        assert valid == text


def test_the_hostile_name_of_these_tests_becomes_harmless() -> None:
    assert not FORBIDDEN & set(safe(HOSTILE))
    assert safe(HOSTILE).isascii()
