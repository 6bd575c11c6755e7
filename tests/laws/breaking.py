"""For each law traces of a few events that break it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.laws.events import Held
from tests.laws.made import CLIENT, FILE, OTHER, SMALL, WORKER, Made
from tests.laws.on_memory import LIST_DEPTH
from tests.laws.on_stage_two import MOST_SPECIAL
from tests.laws.requests import ENTRY_OFFSET
from tracer.events import afd, pool
from tracer.events import irp as irp_events
from tracer.events.irp import MajorFunction
from tracer.events.thread import ThreadState

ENTRY: Final = ENTRY_OFFSET[8]
Play = Callable[[Made], object]
BREAKS: Final[list[tuple[str, Play]]] = []
"""The law's name, and what breaks it."""
_CREATE, _CLEANUP, _CLOSE = MajorFunction.CREATE, MajorFunction.CLEANUP, MajorFunction.CLOSE


def breaks(law: str) -> Callable[[Play], Play]:
    """Put a trace on the list."""

    def add(play: Play) -> Play:
        BREAKS.append((law, play))
        return play

    return add


def hold(made: Made, irp: int, why: str, issued_ns: int, who: int = CLIENT) -> None:
    """The truth says that a request is held."""
    made.held += (Held(irp, why, who, issued_ns, None),)


def buffered(made: Made, who: int = CLIENT) -> tuple[int, int]:
    """A buffered request is issued and completed; its IRP and its system buffer."""
    irp, buffer = made.irp(who), made.buffer(who)
    made.issue(irp, who=who)
    made.complete(irp)
    return irp, buffer


def in_port(made: Made, who: int = WORKER) -> int:
    """A request is issued, and put in a port by ``who``: by the issuer in stage 2, by another as thread-agnostic."""
    irp = made.irp()
    made.issue(irp)
    number = made.begin_completion(irp)
    if who == CLIENT:
        made.end_completion(irp, number)
    made.insert(irp + ENTRY, who)
    if who != CLIENT:
        made.end_completion(irp, number)
    return irp


def pending(made: Made) -> int:
    """A request whose IRP is a user APC: its buffer is gone."""
    irp, buffer = buffered(made)
    made.free_buffer(buffer)
    return irp


@breaks("memory_has_one_owner")
def a_block_is_freed_twice(made: Made) -> None:
    made.allocate(1, 0x1000)
    made.free(1, 0x1000)
    made.free(1, 0x1000)


@breaks("memory_has_one_owner")
def a_block_is_allocated_twice(made: Made) -> None:
    made.allocate(1, 0x1000)
    made.allocate(1, 0x1000)


@breaks("memory_has_one_owner")
def an_irp_is_freed_by_its_apc_and_by_exit(made: Made) -> None:
    irp = pending(made)
    made.free_irp(irp)
    made.end()
    made.free_irp(irp)


@breaks("freed_irps_are_not_used")
def a_freed_irp_is_issued(made: Made) -> None:
    irp = made.irp()
    made.free_irp(irp)
    made.issue(irp)
    made.complete(irp)


@breaks("freed_irps_are_not_used")
def a_freed_irp_enters_a_port(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    number = made.begin_completion(irp)
    made.free_irp(irp)
    made.insert(irp + ENTRY)
    made.end_completion(irp, number)


@breaks("irps_have_stack_locations")
def an_irp_has_a_broken_size(made: Made) -> None:
    made.irp(size=SMALL + 8)


@breaks("buffer_goes_before_irp")
def an_irp_is_freed_before_its_buffer(made: Made) -> None:
    irp, buffer = buffered(made)
    made.free_irp(irp)
    made.free_buffer(buffer)


@breaks("buffer_goes_before_irp")
def an_irp_is_used_again_and_its_buffer_is_there(made: Made) -> None:
    irp, buffer = buffered(made)
    made.issue(irp)
    made.free_buffer(buffer)


@breaks("freed_irps_were_completed")
def an_irp_is_freed_while_under_way(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.free_irp(irp)


@breaks("an_irp_carries_one_request")
def an_irp_under_way_is_issued_for_another_file(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.issue(irp, file=FILE + 0x1000)


@breaks("lists_are_bounded")
def more_irps_rest_than_lists_keep(made: Made) -> None:
    for _ in range(2 * LIST_DEPTH + 1):
        irp = made.irp()
        made.issue(irp)
        made.complete(irp)


@breaks("lists_are_bounded")
def irps_of_four_sizes_rest(made: Made) -> None:
    for locations in range(4):
        irp = made.irp(size=SMALL + 0x48 * locations)
        made.issue(irp)
        made.complete(irp)


@breaks("ids_are_one_per_call")
def a_completion_has_the_id_of_the_call(made: Made) -> None:
    irp = made.irp()
    number = made.call(irp)
    made.returns(irp, number)
    made.kernel(irp_events.COMPLETE, WORKER, irp=irp, id=number)
    made.kernel(irp_events.COMPLETE_RETURN, WORKER, irp=irp, id=number)


@breaks("calls_return_where_they_began")
def a_call_returns_on_another_thread(made: Made) -> None:
    irp = made.irp()
    number = made.call(irp)
    made.returns(irp, number, OTHER)


@breaks("calls_return_where_they_began")
def a_call_returns_twice(made: Made) -> None:
    irp = made.irp()
    number = made.call(irp)
    made.returns(irp, number)
    made.returns(irp, number)


@breaks("completions_end_where_they_began")
def a_completion_ends_for_another_irp(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    number = made.begin_completion(irp)
    made.end_completion(irp + 0x1000, number)


@breaks("completions_end_where_they_began")
def a_completion_ends_and_has_not_begun(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    number = made.begin_completion(irp)
    made.end_completion(irp, number)
    made.end_completion(irp, number + 1)


@breaks("routines_run_inside_a_completion")
def a_routine_runs_before_its_completion(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.kernel(irp_events.COMPLETION_ROUTINE, WORKER, irp=irp, id=77)
    made.complete(irp)


@breaks("calls_are_nested")
def an_outer_call_returns_first(made: Made) -> None:
    first, second = made.irp(), made.irp()
    outer, inner = made.call(first), made.call(second)
    made.returns(first, outer)
    made.returns(second, inner)


@breaks("no_user_mode_before_stage_two")
def a_thread_waits_in_user_mode_and_its_special_apc_is_pending(made: Made) -> None:
    _, buffer = buffered(made)
    made.wait()
    made.free_buffer(buffer)


@breaks("no_user_mode_before_stage_two")
def a_thread_opens_files_and_its_special_apc_is_never_run(made: Made) -> None:
    buffered(made)
    made.handle(_CREATE)


@breaks("no_user_mode_before_stage_two")
def a_thread_sends_and_its_special_apc_is_never_run(made: Made) -> None:
    buffered(made)
    made.socket(afd.SEND)


@breaks("special_apcs_hold_bounded_numbers")
def a_special_apc_without_a_buffer_is_held_while_its_thread_sends(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    made.socket(afd.SEND)
    hold(made, irp, "special-apc", at)


@breaks("special_apcs_hold_bounded_numbers")
def a_special_apc_outlives_its_thread(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)
    hold(made, irp, "special-apc", at)


@breaks("special_apcs_hold_bounded_numbers")
def special_apcs_hold_very_many_requests(made: Made) -> None:
    for _ in range(MOST_SPECIAL + 1):
        irp = made.irp()
        at = made.issue(irp)
        made.complete(irp)
        hold(made, irp, "special-apc", at)


@breaks("stage_two_runs_in_the_issuer")
def another_thread_frees_a_system_buffer(made: Made) -> None:
    irp, buffer = buffered(made)
    made.free_buffer(buffer, WORKER)
    made.free_irp(irp)


@breaks("stage_two_is_first_in_first_out")
def a_later_special_apc_runs_first(made: Made) -> None:
    first, second = buffered(made), buffered(made)
    made.free_buffer(second[1])
    made.free_irp(second[0])
    made.free_buffer(first[1])
    made.free_irp(first[0])


@breaks("socket_data_has_no_system_buffer")
def a_send_is_buffered(made: Made) -> None:
    irp, buffer = made.irp(), made.buffer()
    number = made.call(irp)
    made.socket(afd.SEND)
    made.complete(irp, CLIENT)
    made.returns(irp, number)
    made.free_buffer(buffer)


@breaks("user_apcs_are_first_in_first_out")
def a_later_user_apc_is_delivered_first(made: Made) -> None:
    first, second = pending(made), pending(made)
    made.wait()
    made.free_irp(second)
    made.free_irp(first)


@breaks("user_apcs_are_first_in_first_out")
def a_held_user_apc_is_overtaken(made: Made) -> None:
    irp, buffer = made.irp(), made.buffer()
    at = made.issue(irp)
    made.complete(irp)
    made.free_buffer(buffer)
    hold(made, irp, "user-apc", at)
    later = pending(made)
    made.wait()
    made.free_irp(later)


@breaks("user_apcs_run_on_their_thread")
def another_thread_frees_the_irp_of_a_user_apc(made: Made) -> None:
    irp = pending(made)
    made.wait()
    made.free_irp(irp, OTHER)


@breaks("user_apcs_run_on_their_thread")
def another_thread_frees_an_irp_whose_file_is_closed(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.handle(_CLEANUP)
    made.handle(_CLOSE)
    made.free_irp(irp, OTHER)


@breaks("a_pending_user_apc_is_a_bare_irp")
def a_user_apc_keeps_its_buffer(made: Made) -> None:
    irp, _ = made.irp(), made.buffer()
    at = made.issue(irp)
    made.complete(irp)
    hold(made, irp, "user-apc", at)


@breaks("a_pending_user_apc_is_a_bare_irp")
def a_user_apc_keeps_its_file(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    made.handle(_CLEANUP)
    hold(made, irp, "user-apc", at)


@breaks("a_pending_user_apc_is_a_bare_irp")
def a_user_apc_enters_a_port(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    made.insert(irp + ENTRY, CLIENT)
    hold(made, irp, "user-apc", at)


@breaks("exit_runs_user_apcs_down")
def a_user_apc_outlives_its_thread(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)
    hold(made, irp, "user-apc", at)


@breaks("entries_lie_at_one_place")
def an_entry_lies_at_the_head_of_its_irp(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.insert(irp + 0x20)


@breaks("requests_enter_when_completed")
def a_request_enters_a_port_while_under_way(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.insert(irp + ENTRY)
    made.complete(irp)


@breaks("entries_alternate")
def an_entry_is_taken_out_twice(made: Made) -> None:
    irp = in_port(made)
    made.remove(irp + ENTRY)
    made.remove(irp + ENTRY)
    made.free_irp(irp)


@breaks("entries_alternate")
def an_entry_is_put_in_twice(made: Made) -> None:
    irp = in_port(made)
    made.insert(irp + ENTRY)


@breaks("packets_leave_ports_by_their_doors")
def an_irp_in_a_port_is_used_again(made: Made) -> None:
    first, second = in_port(made), in_port(made)
    made.issue(first)
    made.remove(second + ENTRY)
    made.free_irp(second)


@breaks("packets_leave_ports_by_their_doors")
def exit_of_one_of_two_threads_frees_what_waits_in_a_port(made: Made) -> None:
    irp = in_port(made, CLIENT)
    made.end()
    made.free_irp(irp)
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


@breaks("packets_leave_ports_by_their_doors")
def irps_in_a_port_are_freed_one_now_and_one_later(made: Made) -> None:
    first, second = in_port(made, CLIENT), in_port(made, CLIENT)
    made.free_irp(first)
    made.socket(afd.SEND)
    made.free_irp(second)


@breaks("the_taker_frees")
def another_thread_frees_what_was_taken_out(made: Made) -> None:
    irp = in_port(made)
    made.remove(irp + ENTRY, OTHER)
    made.free_irp(irp)


@breaks("agnostic_requests_keep_their_file")
def a_file_is_closed_while_an_agnostic_request_waits(made: Made) -> None:
    irp = in_port(made)
    made.handle(_CLEANUP)
    made.handle(_CLOSE)
    made.remove(irp + ENTRY)
    made.free_irp(irp)


@breaks("agnostic_requests_keep_their_file")
def a_file_is_closed_and_its_agnostic_request_is_held(made: Made) -> None:
    irp = made.irp()
    hold(made, irp, "port", made.issue(irp))
    number = made.begin_completion(irp)
    made.insert(irp + ENTRY)
    made.end_completion(irp, number)
    made.handle(_CLEANUP)
    made.handle(_CLOSE)


@breaks("what_waits_in_a_port_is_whole_or_bare")
def an_agnostic_request_loses_its_buffer(made: Made) -> None:
    irp, buffer = made.irp(), made.buffer()
    made.issue(irp)
    number = made.begin_completion(irp)
    made.insert(irp + ENTRY)
    made.end_completion(irp, number)
    made.free_buffer(buffer)
    made.remove(irp + ENTRY)


@breaks("what_waits_in_a_port_is_whole_or_bare")
def a_request_enters_a_port_in_stage_two_with_its_buffer(made: Made) -> None:
    irp, buffer = buffered(made)
    made.insert(irp + ENTRY, CLIENT)
    made.remove(irp + ENTRY)
    made.free_buffer(buffer)
    made.free_irp(irp)


@breaks("agnostic_requests_keep_their_endpoint")
def an_endpoint_goes_while_an_agnostic_request_waits(made: Made) -> None:
    irp = made.irp()
    number = made.call(irp)
    made.socket(afd.RECEIVE)
    made.returns(irp, number)
    completion = made.begin_completion(irp)
    made.insert(irp + ENTRY)
    made.end_completion(irp, completion)
    made.socket(afd.CLOSE)
    made.socket(afd.CLEANUP)
    made.remove(irp + ENTRY)
    made.free_irp(irp)


@breaks("held_by_a_port_is_in_it")
def a_request_held_by_a_port_was_taken_out(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    made.insert(irp + ENTRY, CLIENT)
    made.remove(irp + ENTRY)
    hold(made, irp, "port", at)


@breaks("endpoints_end_once")
def a_send_begins_on_an_endpoint_that_is_gone(made: Made) -> None:
    for event in (afd.CREATE, afd.CLOSE, afd.CLEANUP, afd.SEND):
        made.socket(event)


@breaks("endpoints_end_once")
def an_endpoint_is_cleaned_up_and_was_not_closed(made: Made) -> None:
    made.socket(afd.CREATE)
    made.socket(afd.CLEANUP)


@breaks("files_end_once")
def a_closed_file_takes_a_request(made: Made) -> None:
    for major in (_CREATE, _CLEANUP, _CLOSE):
        made.handle(major)
    irp = made.irp()
    made.issue(irp)


@breaks("files_end_once")
def a_file_is_closed_and_was_not_cleaned_up(made: Made) -> None:
    made.handle(_CREATE)
    made.handle(_CLOSE)


@breaks("files_outlive_their_requests")
def a_file_is_closed_with_a_request_under_way(made: Made) -> None:
    made.issue(made.irp())
    made.handle(_CLEANUP)
    made.handle(_CLOSE)


@breaks("files_outlive_their_requests")
def a_file_is_closed_before_stage_two(made: Made) -> None:
    _, buffer = buffered(made)
    made.handle(_CLOSE, who=OTHER)
    made.free_buffer(buffer)


@breaks("switches_fit")
def a_cpu_leaves_a_thread_that_it_had_not(made: Made) -> None:
    made.switch(0, CLIENT)


@breaks("a_thread_runs_on_one_cpu")
def a_thread_comes_to_a_second_cpu(made: Made) -> None:
    made.switch(OTHER, CLIENT)


@breaks("events_happen_where_their_thread_runs")
def a_thread_allocates_on_the_cpu_of_another(made: Made) -> None:
    made.kernel(pool.ALLOC, CLIENT, cpu=1, tag=1, bytes=16, entry=0x1000)


@breaks("waiting_threads_are_made_ready")
def a_thread_comes_back_from_a_wait_by_itself(made: Made) -> None:
    made.wait(OTHER)
    made.switch(CLIENT, 0, ThreadState.WAITING)
    made.switch(0, CLIENT)


@breaks("running_threads_are_not_made_ready")
def a_running_thread_is_made_ready(made: Made) -> None:
    made.ready(CLIENT)


@breaks("running_threads_are_not_made_ready")
def a_thread_is_made_ready_long_before_it_waits(made: Made) -> None:
    made.ready(CLIENT)
    made.wait()


@breaks("the_dead_do_nothing")
def a_terminated_thread_runs_again(made: Made) -> None:
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)
    made.switch(0, CLIENT)


@breaks("exiting_threads_only_close")
def a_thread_issues_a_request_after_its_end(made: Made) -> None:
    made.end()
    made.issue(made.irp())


@breaks("exiting_threads_only_close")
def a_thread_is_terminated_without_an_end(made: Made) -> None:
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


@breaks("exit_waits_for_drivers")
def a_thread_is_terminated_while_a_driver_keeps_its_request(made: Made) -> None:
    irp = made.irp()
    hold(made, irp, "driver-kept", made.issue(irp))
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


@breaks("kept_requests_are_not_completed")
def a_request_that_a_driver_keeps_was_completed(made: Made) -> None:
    irp = made.irp()
    hold(made, irp, "driver-kept", made.issue(irp))
    made.complete(irp)


@breaks("stopped_completions_have_begun")
def a_stopped_completion_has_not_begun(made: Made) -> None:
    irp = made.irp()
    hold(made, irp, "completion-stopped", made.issue(irp))


@breaks("stopped_completions_have_begun")
def a_stopped_completion_has_freed_its_buffer(made: Made) -> None:
    irp, buffer = made.irp(), made.buffer()
    hold(made, irp, "completion-stopped", made.issue(irp))
    made.complete(irp)
    made.free_buffer(buffer)


@breaks("held_irps_are_there")
def a_held_irp_was_never_issued(made: Made) -> None:
    hold(made, made.irp(), "unknown", 1_000)


@breaks("held_irps_are_there")
def a_held_irp_is_freed(made: Made) -> None:
    irp = made.irp()
    hold(made, irp, "unknown", made.issue(irp))
    made.complete(irp)
    made.free_irp(irp)


@breaks("direct_stage_two_is_inside_its_completion")
def an_irp_is_freed_below_a_completion_that_has_ended(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.free_irp(irp)
    made.below("IopCompleteRequest", "IopfCompleteRequest")


@breaks("direct_stage_two_is_inside_its_completion")
def an_irp_is_freed_below_its_completion_on_another_thread(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    number = made.begin_completion(irp)
    made.free_irp(irp, WORKER)
    made.below("IopCompleteRequest", "IopfCompleteRequest", who=WORKER)
    made.end_completion(irp, number)


@breaks("stage_two_by_apc_is_on_its_thread")
def a_special_apc_runs_on_another_thread(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.free_irp(irp, OTHER)
    made.below("IopCompleteRequest", "KiDeliverApc", who=OTHER)


@breaks("routine_irps_are_freed_by_delivery_or_rundown")
def a_user_apc_runs_on_another_thread(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.free_irp(irp, OTHER)
    made.below("IopUserRundown", "KiDeliverApc", who=OTHER)


@breaks("routine_irps_are_freed_by_delivery_or_rundown")
def user_apcs_are_run_down_before_the_end(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.free_irp(irp)
    made.below("IopUserRundown", "KeRundownApcQueues", "PspExitThread")
    made.end()


@breaks("port_irps_are_freed_by_removal_or_close")
def an_irp_is_freed_by_who_took_nothing_out(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.free_irp(irp)
    made.below("IoRemoveIoCompletion", "NtRemoveIoCompletion")


@breaks("port_irps_are_freed_by_removal_or_close")
def an_irp_goes_with_a_port_that_it_was_not_in(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.free_irp(irp)
    made.below("IopCloseIoCompletion")


@breaks("no_user_mode_before_stage_two")
def a_special_apc_frees_an_irp_after_its_thread_went_on(made: Made) -> None:
    irp = made.irp()
    made.issue(irp)
    made.complete(irp)
    made.wait()
    made.free_irp(irp)
    made.below("IopCompleteRequest", "KiDeliverApc", "KiApcInterrupt")
