"""What lost events leave without its request, its completion or its stack is not accused beside its own kind."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analyzers.findings import Verdict
from analyzers.retention.attribution import Attribution
from analyzers.snapshot import PoolSnapshot
from analyzers.verdicts.held_requests import with_unjoined
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.merging import without_nobodys
from analyzers.verdicts.resting import resting
from tests.analyzers.apc_tables import UNFINISHED, Block, Request, filled, pool_of, snapshot_of
from tests.analyzers.verdicts.judged import judged
from tests.analyzers.verdicts.lives import NEVER, Lives

T, U = 40, 44


def _pool(blocks: list[Block]) -> PoolSnapshot:
    pool = pool_of(blocks)
    sites = dataclasses.replace(pool.sites, frame=np.arange(len(pool.sites.tag_row), dtype=np.uint64))
    return dataclasses.replace(pool, sites=sites)


def test_most_of_a_threads_blocks_from_one_place_speak_for_the_others_of_that_thread_and_place() -> None:
    blocks = [Block(number * 0x100, number, T) for number in range(6)]
    blocks += [Block(0x1000, 6, U), Block(0x1100, 7, T, tag=b"Else")]
    known = np.array([True] * 4 + [False] * 4)
    assert with_unjoined(_pool(blocks), known).tolist() == [True] * 6 + [False] * 2


def test_half_of_them_do_not() -> None:
    blocks = [Block(number * 0x100, number, T) for number in range(4)]
    known = np.array([True, True, False, False])
    assert with_unjoined(_pool(blocks), known).tolist() == known.tolist()


def _rests(lost: float) -> list[bool]:
    pool = pool_of([Block(0x1000, 5, T), Block(0x2000, 6, T)])
    requests = snapshot_of([Request(0x1000, 10, UNFINISHED, T)])
    found = filled(Attribution, 2, request=np.array([0, -1], np.int32))
    return [bool(each) for each in resting(pool, requests, found, np.zeros(2, np.bool_), 1, lost)]


def test_a_packet_is_in_use_until_its_completion_unless_that_may_be_lost() -> None:
    assert _rests(0.0) == [False, True]
    assert _rests(0.01) == [True, True]


@pytest.mark.parametrize(("count", "driver", "rest"), [(16, "", True), (17, "", False), (17, "nt", True)])
def test_more_packets_without_a_stack_than_lists_hold_do_not_rest(count: int, driver: str, rest: bool) -> None:
    pool = pool_of([Block(0x1000 * number, 5, T, driver=driver) for number in range(1, count + 1)])
    requests = snapshot_of([Request(0xFFFF_0000, 10, UNFINISHED, T)])
    found = filled(Attribution, count, request=np.full(count, -1, np.int32))
    assert set(resting(pool, requests, found, np.zeros(count, np.bool_), 1).tolist()) == {rest}


def _accused(driver: str, tag_row: int = 0) -> Judgement:
    made = np.linspace(0.02, 0.98, 40) * 1e9
    found = judged(Lives(made, np.full(40, NEVER), 1e9))
    return dataclasses.replace(found, group=dataclasses.replace(found.group, driver=driver, tag_row=tag_row))


def test_blocks_without_a_stack_are_not_accused_beside_a_driver_with_the_same_tag() -> None:
    first, second = without_nobodys([_accused(""), _accused("one.sys")])
    assert (first.verdict, second.verdict) == (Verdict.UNKNOWN, Verdict.GROWTH)
    assert "one.sys" in first.why


def test_nobodys_blocks_are_accused_where_nobody_else_has_their_tag() -> None:
    found = without_nobodys([_accused(""), _accused("one.sys", tag_row=1), _accused("two.sys", tag_row=1)])
    assert {each.verdict for each in found} == {Verdict.GROWTH}
