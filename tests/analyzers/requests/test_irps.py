"""When a request begins, who issued it, and when it is over."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.requests.tables import NEVER, Completion
from analyzers.trends.bins import EDGES
from tests.analyzers.requests.script import (
    AFD,
    CLIENT,
    FILE,
    OTHER_FILE,
    OTHER_PACKET,
    PACKET,
    PROCESS,
    SERVER,
    STEP_NS,
    TRANSPORT,
    Story,
)
from tracer.columns import UNKNOWN_ID, Who
from tracer.events.irp import MajorFunction

pytestmark = pytest.mark.unjitted


def test_a_request_that_another_cpu_completes_and_nothing_retires_stays() -> None:
    story = Story()
    issued, returned, completed = story.call(), story.returns(), story.complete(SERVER)
    found = story.told()
    requests = found.requests
    assert len(requests) == 1
    assert (requests.irp[0], requests.match_id[0], requests.thread[0], requests.file_object[0]) == (
        PACKET,
        1,
        CLIENT,
        FILE,
    )
    assert (requests.issued_ns[0], requests.returned_ns[0], requests.completed_ns[0]) == (issued, returned, completed)
    assert requests.completion[0] == Completion.ELSEWHERE
    assert (requests.completed_thread[0], requests.completed_cpu[0], requests.who[0]) == (SERVER, 1, Who.HEADER)
    assert (requests.issued_offset[0], requests.completed_offset[0]) == (0, 16)
    assert (found.counts.issued, found.counts.completed, found.seen_irp, found.seen_afd) == (1, 1, True, False)


def test_a_request_that_is_not_completed_is_in_flight() -> None:
    story = Story()
    story.call()
    requests = story.told().requests
    assert requests.completed_ns.tolist() == [NEVER]
    assert requests.completion.tolist() == [Completion.NONE]


def test_a_free_of_the_packet_retires_its_request_and_tells_how_long_that_took() -> None:
    story = Story()
    story.call()
    completed = story.complete()
    freed = story.free()
    found = story.told()
    assert len(found.requests) == 0
    assert found.counts.retired_by_free == 1
    (bin_,) = np.flatnonzero(found.counts.retire_latency)
    assert bin_ == 0 or EDGES[bin_] <= freed - completed < EDGES[bin_ + 1]


def test_a_free_behind_a_pool_header_counts_only_for_packets_of_the_io_manager() -> None:
    story = Story()
    for packet in (PACKET, OTHER_PACKET):
        story.call(packet=packet)
        story.complete(packet=packet)
    story.free(PACKET - 0x10)
    story.free(OTHER_PACKET - 0x10, b"Abcd")
    assert story.told().requests.irp.tolist() == [OTHER_PACKET]


def test_an_allocation_of_the_packet_shows_that_its_free_was_lost() -> None:
    story = Story()
    story.call()
    story.complete()
    story.allocate()
    found = story.told()
    assert (len(found.requests), found.counts.retired_by_reuse) == (0, 1)


def test_a_free_at_the_time_of_issue_on_another_cpu_is_that_of_the_use_before() -> None:
    story = Story()
    story.call()
    story.free(cpu=3)
    story.events[1]["place"] = story.events[0]["place"] = 0
    assert len(story.told().requests) == 1


def test_a_call_with_the_same_packet_passes_the_request_on_and_its_issuer_stays() -> None:
    story = Story()
    issued = story.call(CLIENT, number=1, routine=AFD)
    story.call(CLIENT, number=2, routine=TRANSPORT)
    story.returns(number=2)
    returned = story.returns(number=1)
    story.call(SERVER, number=3, routine=TRANSPORT + 64)
    story.complete(number=9)
    requests = story.told().requests
    assert (requests.thread.tolist(), requests.routine.tolist()) == ([CLIENT], [AFD])
    assert (requests.issued_ns.tolist(), requests.returned_ns.tolist()) == ([issued], [returned])
    assert requests.completion.tolist() == [Completion.ELSEWHERE]


def test_a_call_after_the_completion_is_another_request() -> None:
    story = Story()
    story.call(CLIENT, number=1)
    story.complete(number=1)
    issued = story.call(SERVER, number=2)
    found = story.told()
    assert (found.requests.thread.tolist(), found.requests.issued_ns.tolist()) == ([SERVER], [issued])
    assert found.requests.completion.tolist() == [Completion.NONE]
    assert (found.counts.issued, found.counts.retired_by_reuse) == (2, 1)


def test_a_call_under_the_same_id_after_a_completion_takes_the_completion_back() -> None:
    story = Story()
    story.call()
    story.complete()
    story.call(SERVER, routine=TRANSPORT)
    found = story.told()
    assert (found.requests.thread.tolist(), found.requests.completed_ns.tolist()) == ([CLIENT], [NEVER])
    assert (found.counts.issued, found.counts.completed) == (1, 0)


@pytest.mark.parametrize(
    ("file", "routine", "major"),
    [
        (OTHER_FILE, AFD, MajorFunction.DEVICE_CONTROL),
        (FILE, AFD, MajorFunction.DEVICE_CONTROL),
        (FILE, TRANSPORT, MajorFunction.CREATE),
        (OTHER_FILE, TRANSPORT, MajorFunction.READ),
    ],
)
def test_a_packet_used_again_by_another_thread_after_a_lost_completion_is_another_request(
    file: int, routine: int, major: int
) -> None:
    story = Story()
    story.call(CLIENT, number=1)
    story.returns(CLIENT, number=1)
    story.call(SERVER, number=2, file=file, routine=routine, major=major)
    story.complete(CLIENT, number=2)
    found = story.told()
    assert (found.requests.thread.tolist(), found.requests.match_id.tolist()) == ([SERVER], [2])
    assert found.requests.completion.tolist() == [Completion.ELSEWHERE]


def test_where_completions_carry_the_id_of_the_call_another_id_is_another_request() -> None:
    story = Story()
    story.call(CLIENT, OTHER_PACKET, 7)
    story.complete(packet=OTHER_PACKET, number=7)
    story.free(OTHER_PACKET)
    story.call(CLIENT, PACKET, 8)
    story.call(SERVER, PACKET, 9, routine=TRANSPORT)
    assert story.told().requests.thread.tolist() == [SERVER]


def test_a_completion_of_an_unknown_request_is_counted_and_nobody_is_accused() -> None:
    story = Story()
    story.complete()
    story.complete_returns()
    story.returns()
    found = story.told()
    assert (len(found.requests), found.counts.unknown_completions, found.counts.completed) == (0, 1, 0)


def test_a_request_completed_inside_its_own_call_is_over_when_that_returns() -> None:
    story = Story()
    story.returns(packet=OTHER_PACKET)
    story.call()
    story.complete(CLIENT, cpu=0)
    story.complete_returns(CLIENT, cpu=0)
    before = story.told()
    assert before.requests.completion.tolist() == [Completion.INLINE]
    story.returns()
    after = story.told()
    assert (len(after.requests), after.counts.retired_inline) == (0, 1)


def test_the_first_return_of_a_trace_tells_the_same() -> None:
    story = Story()
    story.call()
    story.complete(CLIENT, cpu=0)
    story.returns()
    assert story.told().counts.retired_inline == 1


def test_a_request_completed_inside_another_call_of_its_thread_needs_no_apc() -> None:
    story = Story()
    story.call()
    story.returns()
    story.call(packet=OTHER_PACKET, number=2, routine=TRANSPORT, file=OTHER_FILE)
    story.complete(CLIENT, cpu=0)
    assert story.told().requests.completion.tolist() == [Completion.INLINE, Completion.NONE]
    story.complete_returns(CLIENT, cpu=0)
    assert story.told().requests.irp.tolist() == [OTHER_PACKET]


def test_a_completion_while_the_thread_is_in_no_call_is_one_of_a_dpc_that_interrupted_it() -> None:
    story = Story()
    story.call()
    story.returns()
    story.complete(CLIENT, cpu=0)
    story.complete_returns(CLIENT, cpu=0)
    assert story.told().requests.completion.tolist() == [Completion.ON_THE_CPU]


def test_a_call_whose_return_was_lost_does_not_stay_open_for_ever() -> None:
    story = Story()
    story.returns(packet=OTHER_PACKET)
    story.call(number=1)
    story.call(packet=OTHER_PACKET, number=2)
    story.returns(packet=OTHER_PACKET, number=2)
    story.complete(CLIENT, packet=OTHER_PACKET, number=2, cpu=0)
    requests = story.told().requests
    assert requests.completion.tolist() == [Completion.NONE, Completion.ON_THE_CPU]


def test_nothing_tells_who_completed_where_no_thread_is_known() -> None:
    story = Story()
    story.call(UNKNOWN_ID)
    story.complete(SERVER)
    requests = story.told().requests
    assert (requests.completion.tolist(), requests.who.tolist()) == ([Completion.UNKNOWN], [Who.UNKNOWN])


def test_context_switches_tell_who_issued_and_who_completed() -> None:
    story = Story()
    story.switch(CLIENT, cpu=0)
    story.switch(SERVER, cpu=1)
    story.call(UNKNOWN_ID)
    story.complete(UNKNOWN_ID, cpu=1)
    requests = story.told().requests
    assert (requests.thread.tolist(), requests.completed_thread.tolist()) == ([CLIENT], [SERVER])
    assert requests.who.tolist() == [Who.CONTEXT_SWITCH]
    assert requests.completion.tolist() == [Completion.ELSEWHERE]


def test_switches_before_the_first_request_count_too() -> None:
    story = Story()
    story.switch(CLIENT)
    story.call(UNKNOWN_ID)
    assert story.told(cuts=[1]).requests.thread.tolist() == [CLIENT]


def test_the_process_of_a_request_is_that_of_its_thread() -> None:
    story = Story()
    story.add("thread", 0x0503, owner=CLIENT)
    story.call()
    assert story.told().requests.process.tolist() == [PROCESS]


@pytest.mark.parametrize("major", [MajorFunction.CLEANUP, MajorFunction.CLOSE])
def test_a_cleanup_or_close_request_needs_no_apc_wherever_it_is_completed(major: int) -> None:
    story = Story()
    story.call(major=major)
    story.complete(SERVER)
    found = story.told()
    assert (len(found.requests), found.counts.retired_inline) == (0, 1)


def test_a_create_request_completed_by_its_own_thread_is_over_where_returns_are_not_logged() -> None:
    story = Story()
    story.call(major=MajorFunction.CREATE)
    story.complete(CLIENT, cpu=0)
    story.complete_returns(CLIENT, cpu=0)
    assert len(story.told().requests) == 0


def test_the_end_of_its_thread_retires_a_completed_request() -> None:
    story = Story()
    story.call()
    story.call(packet=OTHER_PACKET, number=2)
    story.call(SERVER, packet=OTHER_PACKET + 0x1000, number=3)
    story.complete()
    story.complete(packet=OTHER_PACKET + 0x1000, number=3)
    story.exits()
    found = story.told()
    assert found.counts.retired_by_exit == 1
    assert found.requests.irp.tolist() == [OTHER_PACKET, OTHER_PACKET + 0x1000]
    story.complete(packet=OTHER_PACKET, number=2)
    assert story.told().counts.retired_by_exit == 2


def test_a_trace_without_requests_and_sockets_has_none() -> None:
    story = Story()
    story.allocate()
    story.free()
    story.switch(CLIENT)
    found = story.told()
    assert (len(found.requests), len(found.sockets), found.seen_irp, found.seen_tcp) == (0, 0, False, False)


def test_there_is_room_for_as_many_requests_and_threads_as_come() -> None:
    story = Story()
    for number in range(300):
        story.call(thread=1000 + number, packet=PACKET + number * 0x200, number=number + 1)
    found = story.told()
    assert found.requests.thread.tolist() == list(range(1000, 1300))
    assert found.requests.issued_ns.tolist() == [number * STEP_NS for number in range(300)]
