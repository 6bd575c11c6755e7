"""For each law traces of a few events that break it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.laws.events import Held
from tests.laws.made import CLIENT, FILE, OTHER, SMALL, WORKER, Made
from tests.laws.on_memory import LIST_DEPTH
from tests.laws.on_stage_two import MOST_SPECIAL
from tests.laws.requests import ENTRY_OFFSET
from tracer.events import afd, irp, pool
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


def hold(made: Made, packet: int, why: str, issued_ns: int, who: int = CLIENT) -> None:
    """The truth says that a request is held."""
    made.held += (Held(packet, why, who, issued_ns, None),)


def buffered(made: Made, who: int = CLIENT) -> tuple[int, int]:
    """A buffered request is issued and completed; its packet and its system buffer."""
    packet, buffer = made.packet(who), made.buffer(who)
    made.issue(packet, who=who)
    made.complete(packet)
    return packet, buffer


def in_port(made: Made, who: int = WORKER) -> int:
    """A request is issued, and put in a port by ``who``: by the issuer in stage 2, by another as thread-agnostic."""
    packet = made.packet()
    made.issue(packet)
    number = made.begin_completion(packet)
    if who == CLIENT:
        made.end_completion(packet, number)
    made.insert(packet + ENTRY, who)
    if who != CLIENT:
        made.end_completion(packet, number)
    return packet


def pending(made: Made) -> int:
    """A request whose packet is a user APC: its buffer is gone."""
    packet, buffer = buffered(made)
    made.free_buffer(buffer)
    return packet


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
def a_packet_is_freed_by_its_apc_and_by_exit(made: Made) -> None:
    packet = pending(made)
    made.free_packet(packet)
    made.end()
    made.free_packet(packet)


@breaks("freed_packets_are_not_used")
def a_freed_packet_is_issued(made: Made) -> None:
    packet = made.packet()
    made.free_packet(packet)
    made.issue(packet)
    made.complete(packet)


@breaks("freed_packets_are_not_used")
def a_freed_packet_enters_a_port(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    number = made.begin_completion(packet)
    made.free_packet(packet)
    made.insert(packet + ENTRY)
    made.end_completion(packet, number)


@breaks("packets_have_stack_locations")
def a_packet_has_a_broken_size(made: Made) -> None:
    made.packet(size=SMALL + 8)


@breaks("buffer_goes_before_packet")
def a_packet_is_freed_before_its_buffer(made: Made) -> None:
    packet, buffer = buffered(made)
    made.free_packet(packet)
    made.free_buffer(buffer)


@breaks("buffer_goes_before_packet")
def a_packet_is_used_again_and_its_buffer_is_there(made: Made) -> None:
    packet, buffer = buffered(made)
    made.issue(packet)
    made.free_buffer(buffer)


@breaks("freed_packets_were_completed")
def a_packet_is_freed_while_under_way(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.free_packet(packet)


@breaks("a_packet_carries_one_request")
def a_packet_under_way_is_issued_for_another_file(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.issue(packet, file=FILE + 0x1000)


@breaks("lists_are_bounded")
def more_packets_rest_than_lists_keep(made: Made) -> None:
    for _ in range(2 * LIST_DEPTH + 1):
        packet = made.packet()
        made.issue(packet)
        made.complete(packet)


@breaks("lists_are_bounded")
def packets_of_four_sizes_rest(made: Made) -> None:
    for locations in range(4):
        packet = made.packet(size=SMALL + 0x48 * locations)
        made.issue(packet)
        made.complete(packet)


@breaks("ids_are_one_per_call")
def a_completion_has_the_id_of_the_call(made: Made) -> None:
    packet = made.packet()
    number = made.call(packet)
    made.returns(packet, number)
    made.kernel(irp.COMPLETE, WORKER, irp=packet, id=number)
    made.kernel(irp.COMPLETE_RETURN, WORKER, irp=packet, id=number)


@breaks("calls_return_where_they_began")
def a_call_returns_on_another_thread(made: Made) -> None:
    packet = made.packet()
    number = made.call(packet)
    made.returns(packet, number, OTHER)


@breaks("calls_return_where_they_began")
def a_call_returns_twice(made: Made) -> None:
    packet = made.packet()
    number = made.call(packet)
    made.returns(packet, number)
    made.returns(packet, number)


@breaks("completions_end_where_they_began")
def a_completion_ends_for_another_packet(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    number = made.begin_completion(packet)
    made.end_completion(packet + 0x1000, number)


@breaks("completions_end_where_they_began")
def a_completion_ends_and_has_not_begun(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    number = made.begin_completion(packet)
    made.end_completion(packet, number)
    made.end_completion(packet, number + 1)


@breaks("routines_run_inside_a_completion")
def a_routine_runs_before_its_completion(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.kernel(irp.COMPLETION_ROUTINE, WORKER, irp=packet, id=77)
    made.complete(packet)


@breaks("calls_are_nested")
def an_outer_call_returns_first(made: Made) -> None:
    first, second = made.packet(), made.packet()
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
    packet = made.packet()
    at = made.issue(packet)
    made.complete(packet)
    made.socket(afd.SEND)
    hold(made, packet, "special-apc", at)


@breaks("special_apcs_hold_bounded_numbers")
def a_special_apc_outlives_its_thread(made: Made) -> None:
    packet = made.packet()
    at = made.issue(packet)
    made.complete(packet)
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)
    hold(made, packet, "special-apc", at)


@breaks("special_apcs_hold_bounded_numbers")
def special_apcs_hold_very_many_requests(made: Made) -> None:
    for _ in range(MOST_SPECIAL + 1):
        packet = made.packet()
        at = made.issue(packet)
        made.complete(packet)
        hold(made, packet, "special-apc", at)


@breaks("stage_two_runs_in_the_issuer")
def another_thread_frees_a_system_buffer(made: Made) -> None:
    packet, buffer = buffered(made)
    made.free_buffer(buffer, WORKER)
    made.free_packet(packet)


@breaks("stage_two_is_first_in_first_out")
def a_later_special_apc_runs_first(made: Made) -> None:
    first, second = buffered(made), buffered(made)
    made.free_buffer(second[1])
    made.free_packet(second[0])
    made.free_buffer(first[1])
    made.free_packet(first[0])


@breaks("socket_data_has_no_system_buffer")
def a_send_is_buffered(made: Made) -> None:
    packet, buffer = made.packet(), made.buffer()
    number = made.call(packet)
    made.socket(afd.SEND)
    made.complete(packet, CLIENT)
    made.returns(packet, number)
    made.free_buffer(buffer)


@breaks("user_apcs_are_first_in_first_out")
def a_later_user_apc_is_delivered_first(made: Made) -> None:
    first, second = pending(made), pending(made)
    made.wait()
    made.free_packet(second)
    made.free_packet(first)


@breaks("user_apcs_are_first_in_first_out")
def a_held_user_apc_is_overtaken(made: Made) -> None:
    packet, buffer = made.packet(), made.buffer()
    at = made.issue(packet)
    made.complete(packet)
    made.free_buffer(buffer)
    hold(made, packet, "user-apc", at)
    later = pending(made)
    made.wait()
    made.free_packet(later)


@breaks("user_apcs_run_on_their_thread")
def another_thread_frees_the_packet_of_a_user_apc(made: Made) -> None:
    packet = pending(made)
    made.wait()
    made.free_packet(packet, OTHER)


@breaks("user_apcs_run_on_their_thread")
def another_thread_frees_a_packet_whose_file_is_closed(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.handle(_CLEANUP)
    made.handle(_CLOSE)
    made.free_packet(packet, OTHER)


@breaks("a_pending_user_apc_is_a_bare_packet")
def a_user_apc_keeps_its_buffer(made: Made) -> None:
    packet, _ = made.packet(), made.buffer()
    at = made.issue(packet)
    made.complete(packet)
    hold(made, packet, "user-apc", at)


@breaks("a_pending_user_apc_is_a_bare_packet")
def a_user_apc_keeps_its_file(made: Made) -> None:
    packet = made.packet()
    at = made.issue(packet)
    made.complete(packet)
    made.handle(_CLEANUP)
    hold(made, packet, "user-apc", at)


@breaks("a_pending_user_apc_is_a_bare_packet")
def a_user_apc_enters_a_port(made: Made) -> None:
    packet = made.packet()
    at = made.issue(packet)
    made.complete(packet)
    made.insert(packet + ENTRY, CLIENT)
    hold(made, packet, "user-apc", at)


@breaks("exit_runs_user_apcs_down")
def a_user_apc_outlives_its_thread(made: Made) -> None:
    packet = made.packet()
    at = made.issue(packet)
    made.complete(packet)
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)
    hold(made, packet, "user-apc", at)


@breaks("entries_lie_at_one_place")
def an_entry_lies_at_the_head_of_its_packet(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.insert(packet + 0x20)


@breaks("requests_enter_when_completed")
def a_request_enters_a_port_while_under_way(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.insert(packet + ENTRY)
    made.complete(packet)


@breaks("entries_alternate")
def an_entry_is_taken_out_twice(made: Made) -> None:
    packet = in_port(made)
    made.remove(packet + ENTRY)
    made.remove(packet + ENTRY)
    made.free_packet(packet)


@breaks("entries_alternate")
def an_entry_is_put_in_twice(made: Made) -> None:
    packet = in_port(made)
    made.insert(packet + ENTRY)


@breaks("packets_leave_ports_by_their_doors")
def a_packet_in_a_port_is_used_again(made: Made) -> None:
    first, second = in_port(made), in_port(made)
    made.issue(first)
    made.remove(second + ENTRY)
    made.free_packet(second)


@breaks("packets_leave_ports_by_their_doors")
def exit_of_one_of_two_threads_frees_what_waits_in_a_port(made: Made) -> None:
    packet = in_port(made, CLIENT)
    made.end()
    made.free_packet(packet)
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


@breaks("packets_leave_ports_by_their_doors")
def packets_in_a_port_are_freed_one_now_and_one_later(made: Made) -> None:
    first, second = in_port(made, CLIENT), in_port(made, CLIENT)
    made.free_packet(first)
    made.socket(afd.SEND)
    made.free_packet(second)


@breaks("the_taker_frees")
def another_thread_frees_what_was_taken_out(made: Made) -> None:
    packet = in_port(made)
    made.remove(packet + ENTRY, OTHER)
    made.free_packet(packet)


@breaks("agnostic_requests_keep_their_file")
def a_file_is_closed_while_an_agnostic_request_waits(made: Made) -> None:
    packet = in_port(made)
    made.handle(_CLEANUP)
    made.handle(_CLOSE)
    made.remove(packet + ENTRY)
    made.free_packet(packet)


@breaks("agnostic_requests_keep_their_file")
def a_file_is_closed_and_its_agnostic_request_is_held(made: Made) -> None:
    packet = made.packet()
    hold(made, packet, "port", made.issue(packet))
    number = made.begin_completion(packet)
    made.insert(packet + ENTRY)
    made.end_completion(packet, number)
    made.handle(_CLEANUP)
    made.handle(_CLOSE)


@breaks("what_waits_in_a_port_is_whole_or_bare")
def an_agnostic_request_loses_its_buffer(made: Made) -> None:
    packet, buffer = made.packet(), made.buffer()
    made.issue(packet)
    number = made.begin_completion(packet)
    made.insert(packet + ENTRY)
    made.end_completion(packet, number)
    made.free_buffer(buffer)
    made.remove(packet + ENTRY)


@breaks("what_waits_in_a_port_is_whole_or_bare")
def a_request_enters_a_port_in_stage_two_with_its_buffer(made: Made) -> None:
    packet, buffer = buffered(made)
    made.insert(packet + ENTRY, CLIENT)
    made.remove(packet + ENTRY)
    made.free_buffer(buffer)
    made.free_packet(packet)


@breaks("agnostic_requests_keep_their_endpoint")
def an_endpoint_goes_while_an_agnostic_request_waits(made: Made) -> None:
    packet = made.packet()
    number = made.call(packet)
    made.socket(afd.RECEIVE)
    made.returns(packet, number)
    completion = made.begin_completion(packet)
    made.insert(packet + ENTRY)
    made.end_completion(packet, completion)
    made.socket(afd.CLOSE)
    made.socket(afd.CLEANUP)
    made.remove(packet + ENTRY)
    made.free_packet(packet)


@breaks("held_by_a_port_is_in_it")
def a_request_held_by_a_port_was_taken_out(made: Made) -> None:
    packet = made.packet()
    at = made.issue(packet)
    made.complete(packet)
    made.insert(packet + ENTRY, CLIENT)
    made.remove(packet + ENTRY)
    hold(made, packet, "port", at)


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
    packet = made.packet()
    made.issue(packet)


@breaks("files_end_once")
def a_file_is_closed_and_was_not_cleaned_up(made: Made) -> None:
    made.handle(_CREATE)
    made.handle(_CLOSE)


@breaks("files_outlive_their_requests")
def a_file_is_closed_with_a_request_under_way(made: Made) -> None:
    made.issue(made.packet())
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
    made.issue(made.packet())


@breaks("exiting_threads_only_close")
def a_thread_is_terminated_without_an_end(made: Made) -> None:
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


@breaks("exit_waits_for_drivers")
def a_thread_is_terminated_while_a_driver_keeps_its_request(made: Made) -> None:
    packet = made.packet()
    hold(made, packet, "driver-kept", made.issue(packet))
    made.end()
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


@breaks("kept_requests_are_not_completed")
def a_request_that_a_driver_keeps_was_completed(made: Made) -> None:
    packet = made.packet()
    hold(made, packet, "driver-kept", made.issue(packet))
    made.complete(packet)


@breaks("stopped_completions_have_begun")
def a_stopped_completion_has_not_begun(made: Made) -> None:
    packet = made.packet()
    hold(made, packet, "completion-stopped", made.issue(packet))


@breaks("stopped_completions_have_begun")
def a_stopped_completion_has_freed_its_buffer(made: Made) -> None:
    packet, buffer = made.packet(), made.buffer()
    hold(made, packet, "completion-stopped", made.issue(packet))
    made.complete(packet)
    made.free_buffer(buffer)


@breaks("held_packets_are_there")
def a_held_packet_was_never_issued(made: Made) -> None:
    hold(made, made.packet(), "unknown", 1_000)


@breaks("held_packets_are_there")
def a_held_packet_is_freed(made: Made) -> None:
    packet = made.packet()
    hold(made, packet, "unknown", made.issue(packet))
    made.complete(packet)
    made.free_packet(packet)


@breaks("direct_stage_two_is_inside_its_completion")
def a_packet_is_freed_below_a_completion_that_has_ended(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.free_packet(packet)
    made.below("IopCompleteRequest", "IopfCompleteRequest")


@breaks("direct_stage_two_is_inside_its_completion")
def a_packet_is_freed_below_its_completion_on_another_thread(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    number = made.begin_completion(packet)
    made.free_packet(packet, WORKER)
    made.below("IopCompleteRequest", "IopfCompleteRequest", who=WORKER)
    made.end_completion(packet, number)


@breaks("stage_two_by_apc_is_on_its_thread")
def a_special_apc_runs_on_another_thread(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.free_packet(packet, OTHER)
    made.below("IopCompleteRequest", "KiDeliverApc", who=OTHER)


@breaks("routine_packets_are_freed_by_delivery_or_rundown")
def a_user_apc_runs_on_another_thread(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.free_packet(packet, OTHER)
    made.below("IopUserRundown", "KiDeliverApc", who=OTHER)


@breaks("routine_packets_are_freed_by_delivery_or_rundown")
def user_apcs_are_run_down_before_the_end(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.free_packet(packet)
    made.below("IopUserRundown", "KeRundownApcQueues", "PspExitThread")
    made.end()


@breaks("port_packets_are_freed_by_removal_or_close")
def a_packet_is_freed_by_who_took_nothing_out(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.free_packet(packet)
    made.below("IoRemoveIoCompletion", "NtRemoveIoCompletion")


@breaks("port_packets_are_freed_by_removal_or_close")
def a_packet_goes_with_a_port_that_it_was_not_in(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.free_packet(packet)
    made.below("IopCloseIoCompletion")


@breaks("no_user_mode_before_stage_two")
def a_special_apc_frees_a_packet_after_its_thread_went_on(made: Made) -> None:
    packet = made.packet()
    made.issue(packet)
    made.complete(packet)
    made.wait()
    made.free_packet(packet)
    made.below("IopCompleteRequest", "KiDeliverApc", "KiApcInterrupt")
