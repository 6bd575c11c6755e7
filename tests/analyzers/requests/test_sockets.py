"""The lives of sockets, and which requests are theirs."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.requests.tables import NEVER, Join
from tests.analyzers.requests.script import (
    CLIENT,
    ENDPOINT,
    FILE,
    IDLE,
    IRP,
    KEY,
    OTHER_ENDPOINT,
    OTHER_FILE,
    OTHER_IRP,
    PROCESS,
    SERVER,
    Story,
    sockaddr,
)
from tracer.columns import UNKNOWN_ID
from tracer.events.afd import (
    ACCEPT_WITH_ADDRESS,
    BIND_WITH_ADDRESS,
    CLEANUP,
    CLOSE,
    CONNECT,
    CONNECT_WITH_ADDRESS,
    CREATE,
    OPTION,
    RECEIVE,
    SEND,
    EnterExit,
)
from tracer.events.irp import MajorFunction

pytestmark = pytest.mark.unjitted

STARTED, COMPLETED = EnterExit.STARTED, EnterExit.COMPLETED
EPHEMERAL, LISTENING = 49_152, 7_000


def created(story: Story, endpoint: int = ENDPOINT, file: int = FILE, irp: int = IRP) -> None:
    """socket(): a create request, and the socket driver's word on it inside."""
    story.call(irp=irp, number=100, file=file, major=MajorFunction.CREATE)
    for step in (STARTED, COMPLETED):
        story.afd(CREATE, step, endpoint=endpoint, process_id=PROCESS)
    story.complete(CLIENT, irp=irp, number=100, cpu=0)
    story.returns(irp=irp, number=100)
    story.free(irp)


def test_the_life_of_a_socket_from_create_to_close_is_written_down() -> None:
    story = Story()
    made = story.afd(CREATE, STARTED, process_id=PROCESS)
    story.afd(CREATE, COMPLETED, process_id=PROCESS)
    story.afd(OPTION, STARTED)
    story.afd(OPTION, COMPLETED)
    story.afd(BIND_WITH_ADDRESS, STARTED, address=sockaddr(EPHEMERAL))
    story.afd(BIND_WITH_ADDRESS, COMPLETED, address=sockaddr(EPHEMERAL))
    story.afd(CONNECT_WITH_ADDRESS, STARTED, address=sockaddr(LISTENING))
    story.afd(CONNECT_WITH_ADDRESS, COMPLETED, IDLE)
    story.afd(SEND, STARTED, buffer_length=64)
    story.afd(SEND, COMPLETED, IDLE, buffer_length=64)
    story.afd(RECEIVE, STARTED, buffer_length=512)
    story.afd(RECEIVE, COMPLETED, IDLE, buffer_length=100)
    story.afd(CLOSE, STARTED)
    closed = story.afd(CLOSE, COMPLETED)
    found = story.snapshot()
    sockets = found.sockets
    assert len(sockets) == 1
    assert (sockets.endpoint[0], sockets.process_object[0]) == (ENDPOINT, KEY)
    assert (sockets.process[0], sockets.thread[0]) == (PROCESS, CLIENT)
    assert (sockets.created_ns[0], sockets.closed_ns[0], sockets.last_ns[0]) == (made, closed, closed)
    assert (sockets.started[0], sockets.finished[0]) == (7, 7)
    assert (sockets.sent_bytes[0], sockets.received_bytes[0]) == (64, 100)
    assert (sockets.local, sockets.remote) == (("127.0.0.1:49152",), ("127.0.0.1:7000",))
    assert (found.counts.sockets_created, found.counts.sockets_closed, found.seen_afd) == (1, 1, True)


def test_a_socket_that_is_cleaned_up_is_gone_and_tells_how_long_that_took() -> None:
    story = Story()
    story.afd(CREATE, STARTED)
    story.afd(CLOSE, COMPLETED)
    story.afd(CLEANUP, COMPLETED)
    story.afd(SEND, COMPLETED, IDLE)
    found = story.snapshot()
    assert (len(found.sockets), found.counts.sockets_cleaned) == (0, 1)
    assert found.counts.cleanup_latency.sum() == 1


def test_a_socket_made_at_a_live_endpoint_shows_that_a_cleanup_was_lost() -> None:
    story = Story()
    story.afd(CREATE, STARTED)
    story.afd(CREATE, COMPLETED)
    story.afd(CLOSE, COMPLETED)
    again = story.afd(CREATE, STARTED)
    story.afd(CREATE, COMPLETED)
    found = story.snapshot()
    assert (found.sockets.created_ns.tolist(), found.sockets.closed_ns.tolist()) == ([again], [NEVER])
    assert (found.counts.sockets_replaced, found.counts.cleanup_latency.sum()) == (1, 0)


def test_a_create_that_failed_leaves_no_socket() -> None:
    story = Story()
    story.afd(CREATE, STARTED)
    story.afd(CREATE, COMPLETED, status=0xC000009A)
    assert len(story.snapshot().sockets) == 0


def test_a_socket_older_than_the_trace_is_known_from_its_first_operation() -> None:
    story = Story()
    story.afd(RECEIVE, STARTED)
    sockets = story.snapshot().sockets
    assert (sockets.created_ns.tolist(), sockets.started.tolist()) == ([NEVER], [1])


def test_the_process_of_a_socket_is_the_one_with_its_process_object() -> None:
    story = Story()
    story.add("process", 0x0303, key=KEY, process=77)
    story.afd(RECEIVE, STARTED, UNKNOWN_ID)
    assert story.snapshot().sockets.process.tolist() == [77]


def test_an_operation_that_starts_inside_a_driver_call_is_that_requests() -> None:
    story = Story()
    story.call()
    start = story.afd(CONNECT_WITH_ADDRESS, STARTED, address=sockaddr(LISTENING))
    story.returns()
    end = story.afd(CONNECT_WITH_ADDRESS, COMPLETED, IDLE)
    story.complete()
    found = story.snapshot()
    requests = found.requests
    assert (requests.join.tolist(), requests.endpoint.tolist(), requests.socket.tolist()) == (
        [Join.INSIDE_CALL], [ENDPOINT], [0],
    )  # fmt: skip
    assert requests.operation.tolist() == [CONNECT_WITH_ADDRESS]
    assert (requests.operation_start_ns.tolist(), requests.operation_end_ns.tolist()) == ([start], [end])
    assert found.sockets.file_object.tolist() == [FILE]


def test_an_operation_after_the_return_of_a_call_is_not_that_requests() -> None:
    story = Story()
    story.call()
    story.returns()
    story.afd(SEND, STARTED)
    requests = story.snapshot().requests
    assert (requests.join.tolist(), requests.socket.tolist()) == ([Join.NONE], [-1])


def test_a_driver_call_between_start_and_completion_of_an_operation_is_its_request() -> None:
    story = Story()
    start = story.afd(SEND, STARTED)
    story.call()
    end = story.afd(SEND, COMPLETED)
    requests = story.snapshot().requests
    assert (requests.join.tolist(), requests.operation.tolist()) == ([Join.INSIDE_OPERATION], [SEND])
    assert (requests.operation_start_ns.tolist(), requests.operation_end_ns.tolist()) == ([start], [end])


def test_only_one_request_carries_out_an_operation() -> None:
    story = Story()
    story.afd(RECEIVE, STARTED)
    story.call()
    story.call(irp=OTHER_IRP, number=2, file=OTHER_FILE)
    assert story.snapshot().requests.join.tolist() == [Join.INSIDE_OPERATION, Join.NONE]


def test_a_call_after_the_completion_of_an_operation_is_not_its_request() -> None:
    story = Story()
    story.afd(SEND, STARTED)
    story.afd(SEND, COMPLETED, SERVER)
    story.call()
    assert story.snapshot().requests.join.tolist() == [Join.NONE]


def test_a_create_request_carries_out_no_send() -> None:
    story = Story()
    story.afd(SEND, STARTED)
    story.call(major=MajorFunction.CREATE)
    assert story.snapshot().requests.join.tolist() == [Join.NONE]


def test_later_requests_on_a_file_object_are_the_sockets_that_it_was_seen_with() -> None:
    story = Story()
    created(story)
    story.call(SERVER, number=2)
    found = story.snapshot()
    assert (found.requests.join.tolist(), found.requests.endpoint.tolist()) == ([Join.FILE_OBJECT], [ENDPOINT])
    assert found.sockets.file_object.tolist() == [FILE]


def test_a_file_object_that_is_closed_is_no_sockets_any_more() -> None:
    story = Story()
    created(story)
    story.call(number=2, major=MajorFunction.CLOSE)
    story.complete(CLIENT, number=2, cpu=0)
    story.call(SERVER, number=3)
    assert story.snapshot().requests.join.tolist() == [Join.NONE]


def test_operations_of_one_kind_complete_in_the_order_in_which_they_were_started() -> None:
    story = Story()
    irps = [IRP + 0x400 * number for number in range(3)]
    for number, irp in enumerate(irps):
        story.call(irp=irp, number=number + 1)
        story.afd(RECEIVE, STARTED)
        story.returns(irp=irp, number=number + 1)
    ends = [story.afd(RECEIVE, COMPLETED, IDLE) for _ in range(2)]
    assert story.snapshot().requests.operation_end_ns.tolist() == [*ends, NEVER]


def test_requests_name_the_rows_of_their_sockets() -> None:
    story = Story()
    created(story, OTHER_ENDPOINT, OTHER_FILE)
    created(story, ENDPOINT, FILE)
    story.call(number=2)
    found = story.snapshot()
    assert found.sockets.endpoint[found.requests.socket[0]] == ENDPOINT


def test_an_accepted_socket_has_the_address_it_was_accepted_from() -> None:
    story = Story()
    story.add(
        "tcp", 0x060F, process=SERVER, destination=bytes([127, 0, 0, 1]), destination_port=EPHEMERAL,
        source=bytes([127, 0, 0, 1]), source_port=LISTENING,
    )  # fmt: skip
    story.afd(CREATE, COMPLETED, SERVER, endpoint=OTHER_ENDPOINT)
    story.afd(ACCEPT_WITH_ADDRESS, STARTED, SERVER, accept_endpoint=OTHER_ENDPOINT, address=sockaddr(EPHEMERAL))
    found = story.snapshot()
    row = found.sockets.endpoint.tolist().index(OTHER_ENDPOINT)
    assert (found.sockets.local[row], found.sockets.remote[row]) == ("127.0.0.1:7000", "127.0.0.1:49152")
    assert found.seen_tcp


def test_a_connecting_socket_gets_its_port_and_its_control_block_from_tcp() -> None:
    story = Story()
    ip = bytes(15) + b"\1"
    story.afd(CONNECT_WITH_ADDRESS, STARTED, address=sockaddr(LISTENING, ip))
    story.add(
        "tcpip", 1033, tcb=0x7CB0, process=PROCESS, local_address=sockaddr(EPHEMERAL, ip),
        remote_address=sockaddr(LISTENING, ip),
    )  # fmt: skip
    sockets = story.snapshot().sockets
    assert (sockets.local, sockets.remote, sockets.tcb.tolist()) == (("[::1]:49152",), ("[::1]:7000",), [0x7CB0])


@pytest.mark.parametrize(("process", "remote"), [(SERVER, LISTENING), (PROCESS, LISTENING + 1)])
def test_a_connection_of_another_process_or_to_another_port_is_another_sockets(process: int, remote: int) -> None:
    story = Story()
    story.afd(CONNECT_WITH_ADDRESS, STARTED, address=sockaddr(LISTENING))
    fields: dict[str, Any] = {"local_address": sockaddr(EPHEMERAL), "remote_address": sockaddr(remote)}
    story.add("tcpip", 1033, tcb=0x7CB0, process=process, **fields)
    assert story.snapshot().sockets.tcb.tolist() == [0]


def test_a_connection_that_fits_two_sockets_is_given_to_neither() -> None:
    story = Story()
    for endpoint in (ENDPOINT, OTHER_ENDPOINT):
        story.afd(CONNECT_WITH_ADDRESS, STARTED, endpoint=endpoint, address=sockaddr(LISTENING))
    fields: dict[str, Any] = {"local_address": sockaddr(EPHEMERAL), "remote_address": sockaddr(LISTENING)}
    story.add("tcpip", 1033, tcb=0x7CB0, process=PROCESS, **fields)
    sockets = story.snapshot().sockets
    assert (sockets.tcb.tolist(), sockets.local) == ([0, 0], ("", ""))


def test_events_of_vista_tell_the_same_under_other_ids() -> None:
    story = Story()
    made = story.add("afd", 1, thread=CLIENT, endpoint=ENDPOINT, process_object=KEY, user_mode_pid=PROCESS)
    story.add("afd", 4, thread=CLIENT, endpoint=ENDPOINT, ip=bytes([10, 0, 0, 7]), port=LISTENING)
    story.add("afd", 6, endpoint=ENDPOINT)
    story.add("afd", 18, thread=CLIENT, endpoint=ENDPOINT, buffer_length=64)
    story.add("afd", 24, endpoint=ENDPOINT, buffer_length=64)
    closed = story.add("afd", 13, thread=CLIENT, endpoint=ENDPOINT)
    sockets = story.snapshot().sockets
    assert (sockets.created_ns.tolist(), sockets.closed_ns.tolist()) == ([made], [closed])
    assert (sockets.remote, sockets.sent_bytes.tolist()) == (("10.0.0.7:7000",), [64])
    story.add("afd", 14, endpoint=ENDPOINT)
    assert len(story.snapshot().sockets) == 0


def test_a_connect_that_failed_is_no_longer_under_way() -> None:
    story = Story()
    story.afd(CONNECT_WITH_ADDRESS, STARTED, address=sockaddr(LISTENING))
    story.afd(CONNECT, COMPLETED, status=0xC0000236)
    fields: dict[str, Any] = {"local_address": sockaddr(EPHEMERAL), "remote_address": sockaddr(LISTENING)}
    story.add("tcpip", 1033, tcb=0x7CB0, process=PROCESS, **fields)
    assert story.snapshot().sockets.tcb.tolist() == [0]


def test_there_is_room_for_as_many_sockets_as_come() -> None:
    story = Story()
    for number in range(100):
        created(story, ENDPOINT + number * 0x1000, FILE + number * 0x1000)
    for number in range(100):
        story.call(irp=OTHER_IRP + number * 0x400, number=number, file=FILE + number * 0x1000)
    found = story.snapshot()
    assert found.requests.socket.tolist() == list(range(100))
