"""IRPs of several programs, and memory of several sockets: from when on it is one's."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from analyzers.findings import Verdict
from analyzers.tags.callers import IRP
from analyzers.verdicts import passed_on
from analyzers.verdicts.on_sockets import OnSockets


@dataclass
class Kept:
    """The IRPs that one program asked for and that stay."""

    group: SimpleNamespace
    rows: range
    verdict: Verdict = Verdict.GROWTH
    why: str = ""


def named(monkeypatch: pytest.MonkeyPatch, *counts: int) -> list[int]:
    """Which programs are named, where each keeps so many IRPs."""
    monkeypatch.setattr(passed_on, "one_of", lambda _several, _pool: Kept(SimpleNamespace(process=-1), range(0)))
    groups = [SimpleNamespace(callers=True, tag=IRP, process=at) for at in range(len(counts))]
    kept = [Kept(group, range(count)) for group, count in zip(groups, counts, strict=True)]
    found = passed_on.settled(cast(Any, kept), [[at] for at in range(len(counts))], cast(Any, None))
    assert found is not None
    return [each.group.process for each in found[0]]


@pytest.mark.parametrize(("count", "who"), [(513, [0]), (512, [-1])])
def test_a_program_is_named_that_keeps_more_irps_than_lists_give_away(
    count: int, who: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert named(monkeypatch, count, 400) == who


@pytest.mark.parametrize(("count", "who"), [(80, [0]), (79, [-1])])
def test_a_program_is_named_that_keeps_by_far_the_most(
    count: int, who: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert named(monkeypatch, count, 100 - count) == who


@pytest.mark.parametrize(("belonging", "part"), [(16, True), (15, False)])
def test_a_group_is_part_of_the_sockets_leak_where_four_of_five_belong_to_closed_ones(
    belonging: int, part: bool
) -> None:
    rows, closed = np.arange(20), np.arange(20) < belonging
    sockets = OnSockets(np.arange(20, dtype=np.int32), closed, closed)
    assert sockets.make_up(rows, sockets.count(rows)) is part
    assert sockets.are_endpoints(rows) is part
