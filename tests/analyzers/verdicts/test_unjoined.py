"""What lost events leave without its request or its stack is not accused beside its own kind."""

from __future__ import annotations

import dataclasses

import numpy as np

from analyzers.findings import Verdict
from analyzers.pool_tables import PoolSnapshot
from analyzers.verdicts.held_requests import with_unjoined
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.merging import without_nobodys
from tests.analyzers.verdicts.blocks import Block, pool_of
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
