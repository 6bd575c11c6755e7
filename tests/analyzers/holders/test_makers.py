"""Whose a request is that comes without a thread: its IRP's maker's, if the call follows the allocation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analyzers.requests.tables import RequestTable
from tests.analyzers.holders.made import PROGRAM, STEP, Block, MadeRequests, Request, RequestKind, T, U, irp
from tracer.columns import UNKNOWN_ID, Who

pytestmark = pytest.mark.unjitted

_NOBODY = UNKNOWN_ID


def told(made_by: Sequence[int], after_ns: Sequence[int], kinds: Sequence[int] = (), driver: str = "") -> RequestTable:
    """Requests of nobody, each issued so long after a thread allocated its IRP."""
    blocks = [Block(irp(number), (number + 1) * STEP, thread, driver=driver) for number, thread in enumerate(made_by)]
    requests = [
        Request(
            block.address,
            block.time_ns + after,
            thread=_NOBODY,
            process=_NOBODY,
            who=Who.UNKNOWN,
            kind=kinds[number] if kinds else 0,
        )
        for number, (block, after) in enumerate(zip(blocks, after_ns, strict=True))
    ]
    return MadeRequests(requests, blocks, kinds=[RequestKind(), RequestKind()]).seen().requests


@pytest.mark.parametrize(("after_ns", "threads"), [(20_000, [T, U]), (20_001, [_NOBODY, _NOBODY])])
def test_it_is_the_maker_s_where_the_call_follows_at_once(after_ns: int, threads: list[int]) -> None:
    requests = told([T, U], [after_ns] * 2)
    assert requests.thread.tolist() == threads
    assert requests.process.tolist() == [PROGRAM if thread != _NOBODY else _NOBODY for thread in threads]
    assert {Who(who) for who in requests.who} == {Who.CONTEXT_SWITCH if threads[0] != _NOBODY else Who.UNKNOWN}


@pytest.mark.parametrize(("after_ns", "thread"), [(100_000, T), (100_001, _NOBODY)])
def test_a_little_later_it_is_his_who_made_all(after_ns: int, thread: int) -> None:
    assert told([T, T], [after_ns] * 2).thread.tolist() == [thread] * 2


@pytest.mark.parametrize(("others", "first"), [(1, T), (2, _NOBODY)])
def test_nine_of_ten_are_nearly_all(others: int, first: int) -> None:
    requests = told([T] * 9 + [U] * others, [50_000] * (9 + others))
    assert requests.thread.tolist() == [first] * 9 + [_NOBODY] * others


def test_those_who_call_at_once_are_counted_too() -> None:
    assert told([T, T, U], [50_000, 50_000, 1_000]).thread.tolist() == [_NOBODY, _NOBODY, U]


def test_each_kind_of_requests_is_by_itself() -> None:
    assert told([T, U], [50_000] * 2, [0, 1]).thread.tolist() == [T, U]


def test_a_driver_s_irp_names_nobody() -> None:
    assert told([T], [1_000], driver="contosoflt.sys").thread.tolist() == [_NOBODY]
