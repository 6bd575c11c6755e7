"""When a request begins, who issued it, and when it is over."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.requests.tables import CALL_NS, NEVER, Completion
from analyzers.trends.bins import EDGES
from tests.analyzers.requests.script import (
    AFD,
    CLIENT,
    FILE,
    IRP,
    OTHER_FILE,
    OTHER_IRP,
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
    found = story.snapshot()
    requests = found.requests
    assert len(requests) == 1
    assert (requests.irp[0], requests.match_id[0], requests.thread[0], requests.file_object[0]) == (
        IRP,
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
    requests = story.snapshot().requests
    assert requests.completed_ns.tolist() == [NEVER]
    assert requests.completion.tolist() == [Completion.NONE]


def test_a_free_of_the_irp_retires_its_request_and_tells_how_long_that_took() -> None:
    story = Story()
    story.call()
    completed = story.complete()
    freed = story.free()
    found = story.snapshot()
    assert len(found.requests) == 0
    assert found.counts.retired_by_free == 1
    (bin_,) = np.flatnonzero(found.counts.retire_latency)
    assert bin_ == 0 or EDGES[bin_] <= freed - completed < EDGES[bin_ + 1]


def test_a_free_behind_a_pool_header_counts_only_for_irps_of_the_io_manager() -> None:
    story = Story()
    for irp in (IRP, OTHER_IRP):
        story.call(irp=irp)
        story.complete(irp=irp)
    story.free(IRP - 0x10)
    story.free(OTHER_IRP - 0x10, b"Abcd")
    assert story.snapshot().requests.irp.tolist() == [OTHER_IRP]


def test_an_allocation_of_the_irp_shows_that_its_free_was_lost() -> None:
    story = Story()
    story.call()
    story.complete()
    story.allocate()
    found = story.snapshot()
    assert (len(found.requests), found.counts.retired_by_reuse) == (0, 1)


def test_a_free_at_the_time_of_issue_on_another_cpu_is_that_of_the_use_before() -> None:
    story = Story()
    story.call()
    story.free(cpu=3)
    story.events[1]["place"] = story.events[0]["place"] = 0
    assert len(story.snapshot().requests) == 1


def test_a_call_with_the_same_irp_passes_the_request_on_and_its_issuer_stays() -> None:
    story = Story()
    issued = story.call(CLIENT, number=1, routine=AFD)
    story.call(CLIENT, number=2, routine=TRANSPORT)
    story.returns(number=2)
    returned = story.returns(number=1)
    story.call(SERVER, number=3, routine=TRANSPORT + 64)
    story.complete(number=9)
    requests = story.snapshot().requests
    assert (requests.thread.tolist(), requests.routine.tolist()) == ([CLIENT], [AFD])
    assert (requests.issued_ns.tolist(), requests.returned_ns.tolist()) == ([issued], [returned])
    assert requests.completion.tolist() == [Completion.ELSEWHERE]


def test_a_call_after_the_completion_is_another_request() -> None:
    story = Story()
    story.call(CLIENT, number=1)
    story.complete(number=1)
    issued = story.call(SERVER, number=2)
    found = story.snapshot()
    assert (found.requests.thread.tolist(), found.requests.issued_ns.tolist()) == ([SERVER], [issued])
    assert found.requests.completion.tolist() == [Completion.NONE]
    assert (found.counts.issued, found.counts.retired_by_reuse) == (2, 1)


def test_a_call_under_the_same_id_after_a_completion_takes_the_completion_back() -> None:
    story = Story()
    story.call()
    story.complete()
    story.call(SERVER, routine=TRANSPORT)
    found = story.snapshot()
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
def test_an_irp_used_again_by_another_thread_after_a_lost_completion_is_another_request(
    file: int, routine: int, major: int
) -> None:
    story = Story()
    story.call(CLIENT, number=1)
    story.returns(CLIENT, number=1)
    story.call(SERVER, number=2, file=file, routine=routine, major=major)
    found = story.snapshot()
    assert (found.requests.thread.tolist(), found.requests.match_id.tolist()) == ([SERVER], [2])
    assert found.counts.retired_by_reuse == 1


def test_where_completions_carry_the_id_of_the_call_another_id_is_another_request() -> None:
    story = Story()
    story.call(CLIENT, OTHER_IRP, 7)
    story.complete(irp=OTHER_IRP, number=7)
    story.free(OTHER_IRP)
    story.call(CLIENT, IRP, 8)
    story.call(SERVER, IRP, 9, routine=TRANSPORT)
    assert story.snapshot().requests.thread.tolist() == [SERVER]


def test_a_completion_of_an_unknown_request_is_counted_and_nobody_is_accused() -> None:
    story = Story()
    story.complete()
    story.complete_returns()
    story.returns()
    found = story.snapshot()
    assert (len(found.requests), found.counts.unknown_completions, found.counts.completed) == (0, 1, 0)


def test_a_request_completed_inside_its_own_call_stays_until_its_irp_is_freed() -> None:
    """With a routine or a port its IRP outlives the call; else the pool tells its free, or a list is silent."""
    story = Story()
    story.returns(irp=OTHER_IRP)
    story.call()
    story.complete(CLIENT, cpu=0)
    story.complete_returns(CLIENT, cpu=0)
    story.returns()
    assert story.snapshot().requests.completion.tolist() == [Completion.INLINE]
    story.free()
    assert (len(story.snapshot().requests), story.snapshot().counts.retired_by_free) == (0, 1)


def test_the_first_return_of_a_trace_tells_that_a_completion_was_in_no_call() -> None:
    story = Story()
    story.call()
    story.complete(CLIENT, cpu=0)
    assert story.snapshot().requests.completion.tolist() == [Completion.ON_THE_CPU]
    snapshot = Story()
    snapshot.call()
    snapshot.call(irp=OTHER_IRP, number=2, routine=TRANSPORT, file=OTHER_FILE)
    snapshot.returns(irp=OTHER_IRP, number=2)
    snapshot.complete(CLIENT, cpu=0)
    assert snapshot.snapshot().requests.completion.tolist() == [Completion.INLINE, Completion.NONE]


def test_a_request_completed_inside_another_call_of_its_thread_is_completed_inline_too() -> None:
    story = Story()
    story.call()
    story.returns()
    story.call(irp=OTHER_IRP, number=2, routine=TRANSPORT, file=OTHER_FILE)
    story.complete(CLIENT, cpu=0)
    assert story.snapshot().requests.completion.tolist() == [Completion.INLINE, Completion.NONE]


def test_a_completion_while_the_thread_is_in_no_call_is_one_of_a_dpc_that_interrupted_it() -> None:
    story = Story()
    story.call()
    story.returns()
    story.complete(CLIENT, cpu=0)
    story.complete_returns(CLIENT, cpu=0)
    assert story.snapshot().requests.completion.tolist() == [Completion.ON_THE_CPU]


def test_a_call_whose_return_was_lost_does_not_stay_open_for_ever() -> None:
    story = Story()
    story.returns(irp=OTHER_IRP)
    story.call(number=1)
    story.call(irp=OTHER_IRP, number=2)
    story.returns(irp=OTHER_IRP, number=2)
    story.complete(CLIENT, irp=OTHER_IRP, number=2, cpu=0)
    requests = story.snapshot().requests
    assert requests.completion.tolist() == [Completion.NONE, Completion.ON_THE_CPU]


def test_nothing_tells_who_completed_where_no_thread_is_known() -> None:
    story = Story()
    story.call(UNKNOWN_ID)
    story.complete(SERVER)
    requests = story.snapshot().requests
    assert (requests.completion.tolist(), requests.who.tolist()) == ([Completion.UNKNOWN], [Who.UNKNOWN])


def test_context_switches_tell_who_issued_and_who_completed() -> None:
    story = Story()
    story.switch(CLIENT, cpu=0)
    story.switch(SERVER, cpu=1)
    story.call(UNKNOWN_ID)
    story.complete(UNKNOWN_ID, cpu=1)
    requests = story.snapshot().requests
    assert (requests.thread.tolist(), requests.completed_thread.tolist()) == ([CLIENT], [SERVER])
    assert requests.who.tolist() == [Who.CONTEXT_SWITCH]
    assert requests.completion.tolist() == [Completion.ELSEWHERE]


def test_switches_before_the_first_request_count_too() -> None:
    story = Story()
    story.switch(CLIENT)
    story.call(UNKNOWN_ID)
    assert story.snapshot(cuts=[1]).requests.thread.tolist() == [CLIENT]


def test_the_process_of_a_request_is_that_of_its_thread() -> None:
    story = Story()
    story.add("thread", 0x0503, owner=CLIENT)
    story.call()
    assert story.snapshot().requests.process.tolist() == [PROCESS]


@pytest.mark.parametrize("major", [MajorFunction.CREATE, MajorFunction.CLEANUP, MajorFunction.CLOSE])
@pytest.mark.parametrize("completer", [CLIENT, SERVER])
def test_the_caller_that_opens_or_closes_a_file_releases_the_irp_once_it_is_completed(
    major: int, completer: int
) -> None:
    story = Story()
    story.call(major=major)
    assert len(story.snapshot().requests) == 1
    story.complete(completer)
    found = story.snapshot()
    assert (len(found.requests), found.counts.retired_by_caller, found.counts.completed) == (0, 1, 1)


def test_the_end_of_its_thread_is_noted_and_retires_nothing() -> None:
    """User APCs are run down after it, which the pool tells; what lies in a port or is kept by a driver stays."""
    story = Story()
    story.call()
    story.call(irp=OTHER_IRP, number=2)
    story.call(SERVER, irp=OTHER_IRP + 0x1000, number=3)
    story.complete()
    ended = story.exits()
    found = story.snapshot()
    assert found.requests.irp.tolist() == [IRP, OTHER_IRP, OTHER_IRP + 0x1000]
    assert found.requests.exited_ns.tolist() == [ended, ended, NEVER]
    story.complete(irp=OTHER_IRP, number=2)
    story.free()
    left = story.snapshot()
    assert (left.requests.irp.tolist(), left.counts.retired_by_free) == ([OTHER_IRP, OTHER_IRP + 0x1000], 1)
    assert left.requests.completion.tolist() == [Completion.ELSEWHERE, Completion.NONE]


def test_a_thread_that_gets_the_id_of_an_ended_one_begins_anew() -> None:
    story = Story()
    story.call()
    story.complete()
    story.free()
    story.call(number=2)
    story.complete(number=3)
    story.exits()
    issued = story.call(irp=OTHER_IRP, number=4)
    requests = story.snapshot().requests
    assert requests.exited_ns.tolist() == [story.events[5]["place"] * STEP_NS, NEVER]
    assert requests.last_retired_ns.tolist() == [NEVER, NEVER]
    assert requests.longest_ns.tolist() == [NEVER, NEVER]
    assert requests.thread_issued_ns.tolist() == [NEVER, issued]
    assert requests.thread_completed.tolist()[1] == 0


def test_what_a_thread_retired_last_and_how_long_that_took_at_most_is_told_with_each_of_its_requests() -> None:
    story = Story()
    story.call()
    story.call(irp=OTHER_IRP, number=2)
    story.call(SERVER, irp=OTHER_IRP + 0x1000, number=3)
    completed = story.complete(irp=OTHER_IRP, number=4)
    story.later(7 * STEP_NS)
    freed = story.free(OTHER_IRP)
    requests = story.snapshot().requests
    assert requests.last_retired_ns.tolist() == [completed, NEVER]
    assert requests.longest_ns.tolist() == [freed - completed, NEVER]
    assert requests.thread_completed.tolist() == [1, 0]


def test_a_request_that_its_own_thread_completes_tells_nothing_of_the_special_apcs_of_others() -> None:
    """Stage 2 of a completion by the issuing thread needs no APC, so it passes by those that wait."""
    story = Story()
    story.returns(irp=OTHER_IRP)
    story.call(irp=OTHER_IRP, number=2)
    story.complete(irp=OTHER_IRP, number=3)
    story.call(number=4, routine=TRANSPORT)
    story.complete(CLIENT, number=5, cpu=0)
    story.free()
    story.returns(number=4)
    requests = story.snapshot().requests
    assert (requests.irp.tolist(), requests.last_retired_ns.tolist()) == ([OTHER_IRP], [NEVER])


def test_the_completion_routine_that_was_called_last_is_told() -> None:
    story = Story()
    story.call()
    story.complete(number=2)
    story.meets(TRANSPORT, number=2)
    story.meets(AFD, number=2)
    story.call(irp=OTHER_IRP, number=3)
    story.complete(irp=OTHER_IRP, number=4)
    found = story.snapshot()
    assert found.requests.completion_routine.tolist() == [AFD, 0]
    assert found.seen_routines


def test_a_completion_that_is_taken_up_again_forgets_the_routine_that_stopped_it() -> None:
    story = Story()
    story.call()
    story.complete(number=2)
    story.meets(TRANSPORT, number=2)
    again = story.complete(number=3)
    found = story.snapshot()
    assert (found.requests.completion_routine.tolist(), found.requests.completed_ns.tolist()) == ([0], [again])
    assert found.counts.completed == 1


def test_a_request_that_is_sent_on_after_its_completion_was_stopped_is_in_flight_again() -> None:
    story = Story()
    story.call(number=1)
    story.complete(number=1)
    story.meets(TRANSPORT, number=1)
    story.call(SERVER, number=1, routine=TRANSPORT)
    requests = story.snapshot().requests
    assert (requests.completed_ns.tolist(), requests.completion_routine.tolist()) == ([NEVER], [0])


def test_a_completion_routine_whose_completion_was_lost_is_none_of_a_request_in_flight() -> None:
    story = Story()
    story.call()
    story.meets(TRANSPORT, number=2)
    found = story.snapshot()
    assert (found.requests.completion_routine.tolist(), found.seen_routines) == ([0], True)


def test_the_driver_that_was_called_last_is_told_beside_the_first() -> None:
    story = Story()
    story.call(routine=AFD)
    story.call(number=2, routine=TRANSPORT)
    requests = story.snapshot().requests
    assert (requests.routine.tolist(), requests.last_routine.tolist()) == ([AFD], [TRANSPORT])


@pytest.mark.parametrize("tag", [b"IoSB", b"Io  "])
def test_a_system_buffer_belongs_to_the_next_request_of_its_thread(tag: bytes) -> None:
    story = Story()
    story.allocate(OTHER_IRP, tag, CLIENT)
    story.call(SERVER, irp=OTHER_IRP, number=2)
    story.call()
    story.call(irp=IRP + 0x800, number=3, routine=TRANSPORT)
    assert story.snapshot().requests.buffered.tolist() == [False, True, False]


def test_a_buffer_that_a_thread_got_long_before_is_not_one_of_its_request() -> None:
    for pause, belongs in ((CALL_NS - 2 * STEP_NS, True), (CALL_NS, False)):
        story = Story()
        story.call(irp=OTHER_IRP, number=2)
        story.allocate(OTHER_IRP + 0x400, b"IoSB", CLIENT)
        story.later(pause)
        story.call()
        assert story.snapshot().requests.buffered.tolist() == [False, belongs]


def test_a_buffer_of_another_tag_is_no_system_buffer() -> None:
    story = Story()
    story.call(irp=OTHER_IRP, number=2)
    story.allocate(OTHER_IRP + 0x400, b"Irpd", CLIENT)
    story.call()
    assert story.snapshot().requests.buffered.tolist() == [False, False]


def test_kinds_tell_how_many_were_completed_and_retired_and_how_fast() -> None:
    story = Story()
    times = []
    for number in range(3):
        issued = story.call(irp=IRP + 0x800 * number, number=number + 1)
        story.later(20 * STEP_NS)
        times.append(story.complete(irp=IRP + 0x800 * number, number=9) - issued)
    story.free()
    story.call(irp=IRP + 0x4000, number=4, routine=TRANSPORT)
    found = story.snapshot()
    assert found.requests.kind.tolist() == [0, 0, -1]
    assert (found.kinds.completed.tolist(), found.kinds.retired.tolist()) == ([3], [1])
    (bin_,) = np.flatnonzero(found.kinds.latency[0])
    assert found.kinds.latency[0, bin_] == 3
    assert EDGES[bin_] <= times[0] < EDGES[bin_ + 1]


def test_a_trace_without_requests_and_sockets_has_none() -> None:
    story = Story()
    story.allocate()
    story.free()
    story.switch(CLIENT)
    found = story.snapshot()
    assert (len(found.requests), len(found.sockets), found.seen_irp, found.seen_tcp) == (0, 0, False, False)


def test_there_is_room_for_as_many_requests_and_threads_as_come() -> None:
    story = Story()
    for number in range(300):
        story.call(thread=1000 + number, irp=IRP + number * 0x200, number=number + 1)
    found = story.snapshot()
    assert found.requests.thread.tolist() == list(range(1000, 1300))
    assert found.requests.issued_ns.tolist() == [number * STEP_NS for number in range(300)]
