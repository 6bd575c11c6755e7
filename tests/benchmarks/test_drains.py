"""The measure of what drains tell: three sessions of a story, and what came of them in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import drains
from benchmarks.drains import LATE, Played, played
from fixtures.settings import Drain


@pytest.mark.slow
def test_late_frees_are_accused_only_where_the_session_ends_with_the_load() -> None:
    without, marked, frees = played(LATE, 1)
    assert (without.session, marked.session, frees.session) == (Drain.NONE, Drain.MARKED, Drain.FREES)
    assert without.confidence > 0.2
    assert (marked.confidence, frees.confidence) == (0, 0)
    assert (without.known, marked.known, frees.known) == ("", "recorded", "seen")


@pytest.mark.parametrize(("worse", "code"), [(0.0, 0), (0.4, 1)])
def test_an_accusation_that_only_a_drain_makes_is_told_and_fails(
    worse: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(kind: str, seed: int) -> Iterator[Played]:
        for session in (Drain.NONE, Drain.MARKED, Drain.FREES):
            known = "" if session is Drain.NONE else "seen"
            yield Played(kind, seed, session, 0.0 if session is Drain.NONE else worse, known)

    monkeypatch.setattr(drains, "played", made)
    assert drains.main(["--traces", "2"]) == code
    out = capsys.readouterr().out
    assert "  none      0 drains known,   0 of 2 accused\n" in out
    assert ("accused only with a drain" in out) == bool(code)
    assert ("0.40 sure on average" in out) == bool(code)
