"""How long before a request's call, or a socket's creation, an allocation may be a part of it."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.retention.intervals import call_spans, life_spans
from tests.analyzers.retention.made import BUFFER, ENDPOINT, IRP, block, pool_of, requests_of, sockets_of

pytestmark = pytest.mark.unjitted
MS = 1_000_000


@pytest.mark.parametrize(("before", "within"), [(95_000, True), (105_000, False)])
def test_a_socket_that_nothing_tells_the_file_of_began_a_tenth_of_a_millisecond_before_it_is_seen(
    before: int, within: bool
) -> None:
    times = (np.array([each], np.int64) for each in (MS, -1, 2 * MS))
    pool = pool_of(block(0x1000, 64, MS - before, ENDPOINT))
    owner = life_spans(np.array([8], np.uint32), *times).owners(pool.outstanding, np.ones(1, np.bool_))
    assert (owner[0] == 0) is np.bool_(within)


def _in_call(before: int, gap: int | None) -> bool:
    """Whether a buffer is part of the call that it comes ``before``, of an IRP from a lookaside list.

    ``gap``: from the allocation of other IRPs to their calls, of another thread; ``None`` for no such IRPs.
    """
    call = 100 * MS
    fresh = [] if gap is None else [MS * (number + 1) for number in range(9)]
    irps = [block(0x10000 + at, 0x1F0, at - (gap or 0), IRP, thread=99) for at in fresh]
    pool = pool_of(*irps, block(0x1000, 64, call - before, BUFFER, thread=8))
    requests = requests_of(
        *({"irp": 0x10000 + at, "thread": 99, "issued_ns": at, "returned_ns": at + 1_000} for at in fresh),
        {"irp": 0x9000, "thread": 8, "issued_ns": call, "returned_ns": call + 1_000},
    )
    rows = np.array([*range(len(fresh)), -1], np.int32)
    spans = call_spans(pool.outstanding, requests, sockets_of(), rows).spans
    return bool(spans.owners(pool.outstanding, np.ones(len(pool.outstanding), np.bool_))[-1] == len(fresh))


@pytest.mark.parametrize(
    ("gap", "before", "within"),
    [
        (None, 95_000, True), (None, 105_000, False),
        (10_000, 29_000, True), (10_000, 31_000, False),
        (500, 4_800, True), (500, 5_200, False),
    ],
)  # fmt: skip
def test_buffers_are_made_within_three_times_the_usual_time_from_an_irp_to_its_call(
    gap: int | None, before: int, within: bool
) -> None:
    """And within a few stack walks where that is shorter; within a tenth of a millisecond where no IRP tells it."""
    assert _in_call(before, gap) is within
