"""Words of filters with wildcards stand for what they say, and in no time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzers.selection.wording import names_like


def _fits(word: str, name: str) -> bool:
    """The same, letter by letter."""
    if not word:
        return not name
    if word[0] == "*":
        return _fits(word[1:], name) or (bool(name) and _fits(word, name[1:]))
    return bool(name) and word[0] in {"?", name[0]} and _fits(word[1:], name[1:])


@given(st.text("ab.?*", max_size=8), st.text("ab.", max_size=8))
def test_wildcards_stand_for_any_letters(word: str, name: str) -> None:
    assert names_like(word, whole=True)(name) is _fits(word, name)


def test_many_stars_take_no_longer_than_few() -> None:
    fits = names_like("*a" * 40 + "*b")
    assert not fits("a" * 10_000)
    assert fits("a" * 10_000 + "b")
