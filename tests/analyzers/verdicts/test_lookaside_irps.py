"""Which IRPs may rest on lookaside lists, and how many at most."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from analyzers.pool_tables import PoolSnapshot
from analyzers.requests.tables import NEVER, RequestSnapshot, RequestTable
from analyzers.retention.attribution import Attribution
from analyzers.tags import TagNames
from analyzers.verdicts.birth_pattern import Span
from analyzers.verdicts.confidence import Doubt
from analyzers.verdicts.lookaside_irps import may_rest, resting
from benchmarks.accuracy.corpus import Case, Writer
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.analysed import analysed
from tests.analyzers.verdicts.blocks import Block, filled, pool_of

T = 40


def _pool(count: int, cpus: Sequence[int] = (0,), **block: object) -> PoolSnapshot:
    """So many IRPs, allocated on these processors in turn."""
    pool = pool_of([Block(0x1000 * number, number, T, **block) for number in range(count)])  # type: ignore[arg-type]
    cpu = np.array([cpus[number % len(cpus)] for number in range(count)], np.uint16)
    return dataclasses.replace(pool, outstanding=dataclasses.replace(pool.outstanding, cpu=cpu))


def _rests(
    pool: PoolSnapshot,
    *,
    in_use: Sequence[int] = (),
    lost: float = 0.0,
    seen_irp: bool = True,
    ends: int = 0,
    released: bool = False,
) -> list[bool]:
    """``in_use``: rows that requests hold which were never completed. ``ends``: the trace's end.

    ``released``: whether no request is in any of them that something may hold.
    """
    request = np.full(len(pool.outstanding), -1, np.int32)
    request[list(in_use)] = np.arange(len(in_use))
    table = filled(RequestTable, len(in_use), completed_ns=np.full(len(in_use), NEVER, np.int64))
    requests = filled(RequestSnapshot, 0, requests=table, seen_irp=seen_irp)
    found = filled(Attribution, len(request), request=request)
    none = np.zeros(len(request), np.bool_)
    span = Span(0, ends or 1_000_000_000)
    return [bool(each) for each in resting(pool, requests, found, none, none | released, span, lost)]


def test_where_requests_are_logged_and_none_is_in_them_irps_rest_however_many() -> None:
    assert set(_rests(_pool(400), released=True)) == {True}
    assert set(_rests(_pool(400), released=True, lost=0.01)) == {False}
    assert set(_rests(_pool(400), released=True, seen_irp=False)) == {False}


def test_an_irp_is_in_use_until_its_completion_unless_that_may_be_lost() -> None:
    assert _rests(_pool(2), in_use=[0]) == [False, True]
    assert _rests(_pool(2), in_use=[0], lost=0.01) == [True, True]


@pytest.mark.parametrize("seen_irp", [False, True])
def test_no_more_rest_than_the_lists_of_their_processor_and_size_hold(seen_irp: bool) -> None:
    assert set(_rests(_pool(32), seen_irp=seen_irp)) == {True}
    assert set(_rests(_pool(33), seen_irp=seen_irp)) == {False}


def test_irps_of_another_size_go_with_those_of_which_there_are_too_many() -> None:
    pool = _pool(50)
    size = np.where(np.arange(50) < 40, 0x200, 0x1A8).astype(np.uint64)
    mixed = dataclasses.replace(pool, outstanding=dataclasses.replace(pool.outstanding, size=size))
    assert set(_rests(mixed)) == {False}
    few = np.where(np.arange(50) < 20, 0x200, np.arange(50) // 10 * 0x48).astype(np.uint64)
    rests = _rests(dataclasses.replace(pool, outstanding=dataclasses.replace(pool.outstanding, size=few)))
    assert set(rests) == {True}


def test_each_processor_has_lists_of_its_own() -> None:
    assert set(_rests(_pool(60, cpus=(0, 1, 2, 3)))) == {True}
    assert may_rest(_pool(60, cpus=(0, 1, 2, 3)).outstanding, np.arange(60)) == 60
    assert may_rest(_pool(60).outstanding, np.arange(60)) == 16


@pytest.mark.parametrize("tag", [b"IrpB", b"Irpd", b"IrpX", b"IcpP"])
def test_blocks_whose_tags_only_begin_like_an_irp_s_do_not(tag: bytes) -> None:
    assert set(_rests(_pool(3, tag=tag))) == {False}


def test_irps_of_ports_rest_and_those_of_drivers_do_not() -> None:
    assert set(_rests(_pool(3, tag=b"Icp "))) == {True}
    assert set(_rests(_pool(3, driver="flt.sys"))) == {False}


@pytest.mark.parametrize(("count", "rest"), [(23, True), (24, False)])
def test_irps_that_come_evenly_up_to_the_end_do_not_where_there_are_enough_to_tell(count: int, rest: bool) -> None:
    assert set(_rests(_pool(count, (0, 1)), ends=count)) == {rest}


def test_irps_that_lists_may_hold_are_accused_with_that_doubt() -> None:
    data, _ = Case(Writer.SCRIPTED, "port-in-batches", 1001, Spoiling.LOST_BUFFERS).play()
    [finding] = analysed(data, TagNames(())).diagnosis.findings
    assert Doubt.MAY_REST.says in finding.doubts
    assert finding.count == 24
    assert finding.confidence < 0.5
