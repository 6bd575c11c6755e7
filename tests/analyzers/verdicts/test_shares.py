"""Sentences that quantify: each is true of as many allocations as it says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from analyzers.pool_tables import PoolSnapshot, SiteTable
from analyzers.verdicts.owners import Known, Owners
from analyzers.verdicts.shares import Walked, where, whose
from tests.analyzers.verdicts.judged import outstanding_at

_CODE = "leaky.sys+0x1000"


def _pool(*frames: int) -> PoolSnapshot:
    """Allocations from the frames, 0 for one without a stack."""
    kinds, site = np.unique(frames, return_inverse=True)
    sites = SimpleNamespace(stack=np.where(kinds > 0, np.arange(len(kinds)), -1), frame=kinds.astype(np.uint64))
    outstanding = replace(outstanding_at(np.arange(len(frames))), site=site.astype(np.int32))
    return cast(PoolSnapshot, SimpleNamespace(sites=cast(SiteTable, sites), outstanding=outstanding))


def _said(*frames: int, driver: str = "leaky.sys") -> list[str]:
    [walked] = Walked.of([np.arange(len(frames))], _pool(*frames))
    return [each.says for each in where(walked, _CODE, driver)]


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([5] * 10, "all were allocated by leaky.sys+0x1000"),
        ([5] * 9 + [6], "9 of 10 were allocated by leaky.sys+0x1000"),
        ([5] * 2 + [0] * 8, "2 of 10 have a stack, all of those from leaky.sys+0x1000"),
        ([5] * 3 + [6] + [0] * 6, "4 of 10 have a stack, 3 of those from leaky.sys+0x1000"),
        ([5], "it was allocated by leaky.sys+0x1000"),
    ],
)
def test_what_is_said_of_all_is_true_of_all(frames: list[int], says: str) -> None:
    assert _said(*frames) == [says]


def test_without_a_stack_nothing_is_said_of_the_code() -> None:
    assert _said(0, 0, 0) == []


def test_the_kernels_own_code_is_not_named_but_its_stacks_are_counted() -> None:
    assert _said(5, 5, driver="nt") == []
    assert _said(5, 0, driver="nt") == ["1 of 2 has a stack"]


@pytest.mark.parametrize(
    ("walked", "none", "few"), [(0, True, False), (1, False, True), (8, False, True), (9, False, False)]
)
def test_fewer_than_nine_in_ten_stacks_are_few(walked: int, none: bool, few: bool) -> None:
    [found] = Walked.of([np.arange(10)], _pool(*[5] * walked, *[0] * (10 - walked)))
    assert (found.none, found.few) == (none, few)


def _owners(**known: Any) -> Owners:
    return Owners(process=4, process_share=1.0, thread=8, thread_share=1.0, stack=-1, **known)


@pytest.mark.parametrize(
    ("known", "says", "inferred"),
    [
        (Known(10, 0), "all were allocated on thread 8", False),
        (Known(10, 10), "all were allocated on thread 8", True),
        (Known(9, 0), "9 of 10 were allocated on thread 8", False),
        (
            Known(10, 9),
            "all were allocated on thread 8, 9 of them as context switches tell",
            True,
        ),
    ],
)
def test_the_thread_is_said_of_as_many_as_it_made(known: Known, says: str, inferred: bool) -> None:
    [found] = whose(_owners(on_thread=known), 10)
    assert (found.rule, found.says, found.inferred) == ("one-thread", says, inferred)


def test_where_no_thread_stands_out_the_process_is_said() -> None:
    [found] = whose(replace(_owners(in_process=Known(10, 0)), thread=None), 10)
    assert (found.rule, found.says) == ("one-process", "all were allocated in process 4")
    assert whose(replace(_owners(), thread=None, process=None), 10) == []
