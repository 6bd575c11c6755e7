"""Names of functions as debuggers show them."""

from __future__ import annotations

import pytest

pytest.importorskip("symbolic")


@pytest.mark.parametrize(
    ("symbolics", "bare"),
    [
        ("CtCount", "CtCount"),
        ("CtCount(unsigned int)", "CtCount"),
        ("outer::`anonymous namespace'::hidden(int (*)(int), int)", "outer::`anonymous namespace'::hidden"),
        ("outer::Box<int>::get(int) const", "outer::Box<int>::get"),
        ("outer::Box<int>::operator()(int)", "outer::Box<int>::operator()"),
        ("outer::Box<int>::operator()", "outer::Box<int>::operator()"),
        ("call<void (int)>", "call<void (int)>"),
        ("call<void (int)>(int)", "call<void (int)>"),
        ("?Start@Engine@@YAXH@Z", "Engine::Start"),
        ("?get@?$Box@H@outer@@QEBAHH@Z", "?get@?$Box@H@outer@@QEBAHH@Z"),
        ("broken)", "broken)"),
        ("(int)", "(int)"),
        ("", ""),
    ],
)
def test_the_argument_list_that_symbolic_adds_is_left_out(symbolics: str, bare: str) -> None:
    from tracer.symbols.pdb_symbolic import bare_name

    assert bare_name(symbolics) == bare
