"""Outstanding allocations go to the request or socket that they belong to, by a rule that says why, or to none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from analyzers.findings import Why
from analyzers.retention.attribution import INFERRED, WORDS, Rule, attribute
from tests.analyzers.retention.loop import ROUND_NS, Loop, loop
from tests.analyzers.retention.made import BUFFER, IRP, LEAK, MDL, TCP, block, pool_of, requests_of, sockets_of
from tracer.arrays import Mask

pytestmark = pytest.mark.unjitted
NONE = np.zeros(0, np.bool_)
HELD, LEFT = np.ones(1, np.bool_), np.zeros(1, np.bool_)


def rules(*arguments: object, **options: object) -> Counter[str]:
    found = loop(*arguments, **options).attribution()  # type: ignore[arg-type]  # the loop's own
    return Counter(Rule(rule).name for rule in found.rule.tolist())


def _only(made: Loop, kept: Mask) -> Loop:
    """With some of its outstanding allocations."""
    out = made.pool.outstanding
    fewer = type(out)(**{name: getattr(out, name)[kept] for name in out.__dataclass_fields__})
    return replace(made, pool=replace(made.pool, outstanding=fewer))


def _rules_of(made: Loop, site: int) -> set[int]:
    return set(made.attribution().rule[made.pool.outstanding.site == site].tolist())


def test_everything_of_a_loop_is_attributed_and_each_kind_by_its_rule() -> None:
    assert rules(5) == {
        "HOLDS_IRP": 10, "HOLDS_ENDPOINT": 5, "HOLDS_FILE_OBJECT": 5, "SAME_OPERATION": 10, "SAME_SOCKET": 5
    }  # fmt: skip


def test_buffers_go_to_their_own_request() -> None:
    made = loop(4)
    found, out = made.attribution(), made.pool.outstanding
    for site, first in ((BUFFER, 0), (MDL, 1)):
        assert found.request[out.site == site].tolist() == list(range(first, 8, 2))
    assert found.socket[out.site == TCP].tolist() == [0, 1, 2, 3]


def test_buffers_of_an_irp_from_a_lookaside_list_are_found_by_the_time_it_takes_others() -> None:
    made = loop(6)
    keep = ~((made.pool.outstanding.site == IRP) & (made.pool.outstanding.time_ns < 2 * ROUND_NS))
    every = np.ones(len(made.requests), np.bool_)
    fewer = _only(made, keep).pool.outstanding
    found = attribute(fewer, made.pool.sites, made.pool.tags, made.requests, made.sockets, every, ~every)
    assert Counter(found.rule.tolist())[Rule.SAME_OPERATION] == 12


def test_a_kind_that_is_also_outstanding_elsewhere_is_not_taken_for_part_of_a_request() -> None:
    inside = [block(0x900000 + i * 64, 64, ROUND_NS * (i + 1) + 23_600, LEAK) for i in range(5)]
    outside = [block(0xA00000 + i * 64, 64, ROUND_NS * (i + 1) + 500_000, LEAK, thread=88) for i in range(20)]
    found = loop(5, more=(*inside, *outside))
    assert (found.attribution().rule[found.pool.outstanding.site == LEAK] == Rule.NONE).all()


def test_a_driver_that_never_freed_one_is_not_excused_by_the_requests_it_allocates_in() -> None:
    made = loop(5, more=tuple(block(0x900000 + i * 64, 64, ROUND_NS * (i + 1) + 23_600, LEAK) for i in range(5)))
    assert (made.attribution().rule[made.pool.outstanding.site == LEAK] == Rule.NONE).all()


def test_a_drivers_allocation_goes_with_the_request_where_most_others_were_freed() -> None:
    made = loop(5, more=tuple(block(0x900000 + i * 64, 64, ROUND_NS * (i + 1) + 23_600, LEAK) for i in range(5)))
    sites = made.pool.sites
    sites.frees[LEAK], sites.allocations[LEAK] = 500, 505
    found = made.attribution()
    assert (found.rule[made.pool.outstanding.site == LEAK] == Rule.SAME_OPERATION).all()
    kind = next(kind for kind in found.kinds if kind.site == LEAK)
    assert (
        kind.says()
        == "each of the 5 held requests of the operation still holds one of these blocks; 500 others were freed"
    )


def test_many_of_one_kind_at_one_socket_are_a_list_and_no_part_of_it() -> None:
    made = loop(1, more=tuple(block(0x900000 + i * 640, 640, ROUND_NS + 70_000 + i, TCP) for i in range(30)))
    assert (made.attribution().rule[made.pool.outstanding.site == TCP] == Rule.NONE).all()


def test_a_request_of_which_only_the_irp_is_left_has_no_buffers() -> None:
    """Stage 2 frees them before it makes the IRP a user APC, so what is there is another request's."""
    found = replace(loop(5).held_by(Why.USER_APC), finished=True).attribution()
    assert Counter(Rule(rule).name for rule in found.rule.tolist())["HOLDS_IRP"] == 10
    assert Rule.SAME_OPERATION not in set(found.rule.tolist())


def test_requests_that_may_have_been_retired_onto_a_list_are_no_peers() -> None:
    """A driver's allocation goes with the request only where those that are held have one."""
    some = loop(5, more=tuple(block(0x900000 + i * 64, 64, ROUND_NS * (i + 1) + 23_600, LEAK) for i in range(3)))
    some.pool.sites.frees[LEAK], some.pool.sites.allocations[LEAK] = 500, 503
    assert Rule.SAME_OPERATION not in set(some.attribution().rule[some.pool.outstanding.site == LEAK].tolist())
    rests = some.held_by(Why.LIST, slice(6, None)).attribution()
    assert set(rests.rule[some.pool.outstanding.site == LEAK].tolist()) == {Rule.SAME_OPERATION}


def test_without_socket_events_endpoints_hang_on_the_file_object_that_the_requests_name() -> None:
    assert rules(5, socket_events=False) == {
        "HOLDS_IRP": 10, "HOLDS_FILE_OBJECT": 5, "SAME_OPERATION": 10, "SAME_FILE_OBJECT": 10
    }  # fmt: skip


def test_a_trace_without_requests_and_sockets_has_nothing_to_attribute() -> None:
    pool = pool_of(block(0x1000, 64, 5, LEAK))
    found = attribute(pool.outstanding, pool.sites, pool.tags, requests_of(), sockets_of(), NONE, NONE)
    assert (found.rule.tolist(), found.request.tolist(), found.kinds) == ([Rule.NONE], [-1], ())


def test_a_thread_that_nothing_tells_is_matched_with_no_request() -> None:
    nobody = 0xFFFFFFFF
    pool = pool_of(block(0x1000, 64, 99, BUFFER, thread=nobody))
    requests = requests_of({"irp": 0x9000, "thread": nobody, "issued_ns": 100, "completed_ns": 120})
    found = attribute(pool.outstanding, pool.sites, pool.tags, requests, sockets_of(), HELD, LEFT)
    assert found.rule.tolist() == [Rule.NONE]


def test_an_irp_that_was_issued_before_its_address_was_allocated_is_in_another_block() -> None:
    pool = pool_of(block(0x1000, 0x100, 500, IRP))
    requests = requests_of({"irp": 0x1000, "thread": 99, "issued_ns": 400, "completed_ns": 450})
    found = attribute(pool.outstanding, pool.sites, pool.tags, requests, sockets_of(), HELD, LEFT)
    assert found.rule.tolist() == [Rule.NONE]


def test_every_rule_has_words_and_those_of_time_and_thread_are_called_inferred() -> None:
    assert set(WORDS) == set(Rule)
    assert {rule.name for rule in INFERRED} == {"SAME_OPERATION", "SAME_SOCKET", "SAME_FILE_OBJECT"}


@pytest.mark.parametrize(("having", "are_parts"), [(6, True), (4, False)])
def test_what_fewer_than_a_quarter_of_the_closed_sockets_have_is_on_its_way(having: int, are_parts: bool) -> None:
    made = loop(20)
    site = made.pool.outstanding.site
    fewer = _only(made, (site != TCP) | (np.cumsum(site == TCP) <= having))
    assert _rules_of(fewer, TCP) == {Rule.SAME_SOCKET if are_parts else Rule.NONE}


@pytest.mark.parametrize(("having", "are_parts"), [(6, True), (4, False)])
def test_so_is_what_fewer_than_a_quarter_of_the_held_requests_have_of_a_driver_of_sockets(
    having: int, are_parts: bool
) -> None:
    """A block in each send's call, of no known socket or file, where no other of its kind is outstanding."""
    more = tuple(block(0x900000 + i * 64, 64, ROUND_NS * (i + 1) + 63_600, TCP, thread=16) for i in range(having))
    made = loop(20, more=more, send_thread=16).held_by(Why.PORT, socket=-1, file_object=0)
    out = made.pool.outstanding
    assert _rules_of(_only(made, (out.site != TCP) | (out.size == 64)), TCP) == {
        Rule.SAME_OPERATION if are_parts else Rule.NONE
    }
