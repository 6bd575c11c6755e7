"""The row that holds a comparison of two traces against the analysis of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.plan import QUICK
from benchmarks.sections import comparing
from benchmarks.taken import Taken
from benchmarks.traces import Traces

PLAN = QUICK.sized(1 << 20)


@pytest.mark.parametrize(("seconds", "kept"), [(2.1, True), (2.3, False)])
def test_a_comparison_is_held_against_analysing_one(
    seconds: float, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, int]] = []
    monkeypatch.setattr(comparing, "_run", lambda command, *paths: ran.append((command, len({*paths}))))

    def taken(run: object) -> Taken:
        run()  # type: ignore[operator]
        return Taken(*[seconds if ran[-1][0] == "diff" else 1.0] * 2)

    monkeypatch.setattr(comparing, "taken", taken)
    assert [row.passed for row in comparing.rows(PLAN, Traces(tmp_path))] == [None, kept, kept]
    assert ran == [("diff", 2), *[("analyze", 1), ("diff", 2)] * PLAN.runs]
