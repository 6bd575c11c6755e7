"""Winsock-AFD: what the socket driver tells of every socket, in 96 manifest events.

Sources: public dumps of the manifest from Windows 7 to Windows 11 26H1, which agree field by field, and
Microsoft's pages on tracing Winsock for the meaning of ``enter_exit``. Every event is version 0. No public
trace holds these records. Events 1 to 41 are those of Vista, with the ids of Windows 7 and later from 1000 on.

No event carries an IRP or a socket handle. ``endpoint`` is the address of AFD's own endpoint structure,
``process_object`` that of the process object (``key`` of a process event); an operation that completed
(``enter_exit`` 1) may run on another thread than the one that asked for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from enum import IntEnum, IntFlag
from typing import Final

from tracer.data_classes import dataclass
from tracer.events.layout import Layout, ProviderId, layout

PROVIDER: Final = uuid.UUID("e53c6823-7bb8-44bb-90dc-3f86090d48a6")

CREATE: Final = 1000
CLOSE: Final = 1001
CLEANUP: Final = 1002
SEND: Final = 1003
RECEIVE: Final = 1004
CONNECT: Final = 1017
CONNECT_WITH_ADDRESS: Final = 1018
ACCEPT: Final = 1023
ACCEPT_WITH_ADDRESS: Final = 1024
BIND_WITH_ADDRESS: Final = 1030
OPTION: Final = 1035


class EnterExit(IntEnum):
    """What an event with ``enter_exit`` reports."""

    STARTED = 0
    COMPLETED = 1
    AFD_ACTION = 2
    TRANSPORT = 3
    AFD_REQUEST = 4


class Option(IntEnum):
    """``option`` of :data:`OPTION` events: the options that AFD itself handles."""

    OOB_INLINE = 0x1
    NON_BLOCKING = 0x2
    RECEIVE_BUFFER = 0x6
    SEND_BUFFER = 0x7
    CIRCULAR_QUEUEING = 0x9
    UDP_CONNECTION_RESET = 0xB
    IPV6_ONLY = 0xD
    UDP_NET_RESET = 0xF


class Opcode(IntEnum):
    """Opcodes of the provider; ``CONNECTED`` stands on every data and address operation."""

    INFO = 0
    OPEN = 10
    CONNECTED = 12
    DISCONNECTED = 13
    ABORTED = 14
    CLOSED = 15
    FREED = 16
    MODIFIED = 17


class Keyword(IntFlag):
    """Keywords; the manifest sets only the source, RIO, NRT and drop ones on events."""

    DATAGRAM = 0x01
    STREAM = 0x02
    SOURCE_WINSOCK = 0x04
    SOURCE_TRANSPORT = 0x08
    FAST_PATH = 0x10
    BUFFERED = 0x20
    RIO = 0x40
    NRT = 0x80
    DROP = 1 << 40


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The part of an event's descriptor that the manifest fixes."""

    name: str
    level: int
    opcode: Opcode
    keyword: Keyword


# Shared runs of fields. The Vista events store addresses bare and the port beside them; that a v6 address
# there has sixteen bytes and the port network order is inferred, the manifest gives neither.
_SHORTHAND: Final[Mapping[str, str]] = {
    "H": "u4 enter_exit; u4 location; ptr process_object; ptr endpoint",
    "L": "ptr process_object; ptr endpoint",
    "A": "u4 address_len; bin:address_len address",
    "B": "ptr buffer; u4 buffer_length",
    "P4": "ip4 ip; be2 port",
    "P6": "ip6 ip; be2 port",
}

# id | name | level | opcode | keywords | fields. Counts and reasons that the Vista events declare signed are read
# unsigned, as the later events declare them.
_TABLE: Final = """
1 | socket created | 4 | INFO | - | L; u4 address_family; u4 socket_type; u4 protocol; ptr user_mode_pid
2 | bind | 4 | INFO | - | L; P4; u4 status
3 | bind | 4 | INFO | - | L; P6; u4 status
4 | connect | 4 | INFO | - | L; P4
5 | connect | 4 | INFO | - | L; P6
6 | connect completed | 4 | INFO | - | L; u4 error
7 | abort by AFD | 4 | INFO | - | L; u4 reason
8 | abort by the transport | 4 | INFO | - | L; u4 reason
9 | send failed | 4 | INFO | - | L; u4 error
10 | message send failed | 4 | INFO | - | L; u4 error
11 | receive failed | 4 | INFO | - | L; u4 error
12 | receive-from failed | 4 | INFO | - | L; u4 error
13 | close | 4 | INFO | - | L; u4 error
14 | cleanup | 4 | INFO | - | L; u4 error
15 | accept | 4 | INFO | - | L; P4; u4 status
16 | accept | 4 | INFO | - | L; P6; u4 status
17 | accept failed | 4 | INFO | - | L; u4 error
18 | send posted | 5 | INFO | - | L; u4 fast_path; u4 buffer_count; B
19 | receive posted | 5 | INFO | - | L; u4 fast_path; u4 buffer_count; B
20 | receive-from posted | 5 | INFO | - | L; u4 fast_path; u4 buffer_count; B
21 | send-to posted | 5 | INFO | - | L; u4 fast_path; u4 buffer_count; B; P4
22 | send-to posted | 5 | INFO | - | L; u4 fast_path; u4 buffer_count; B; P6
23 | receive completed | 5 | INFO | - | L; B
24 | send completed | 5 | INFO | - | L; B
25 | message send completed | 5 | INFO | - | L; B
26 | receive-from completed | 5 | INFO | - | L; u4 buffer_count; B; P4
27 | receive-from completed | 5 | INFO | - | L; u4 buffer_count; B; P6
28 | send-to completed | 5 | INFO | - | L; B
29 | option set | 5 | INFO | - | L; u4 option; u4 value
30 | select posted | 5 | INFO | - | ptr process_object; i4 handle_count; i4 timeout
31 | select completed | 5 | INFO | - | L; u4 error
32 | event select | 5 | INFO | - | L; u4 event_mask
33 | datagram dropped | 5 | INFO | DROP | L; i4 packet_size; P4; u4 reason
34 | datagram dropped | 5 | INFO | DROP | L; i4 packet_size; P6; u4 reason
35 | connection indicated | 5 | INFO | - | ptr process_object; ptr listen_endpoint; P4
36 | connection indicated | 5 | INFO | - | ptr process_object; ptr listen_endpoint; P6
37 | data indicated | 5 | INFO | - | L; i4 bytes_indicated
38 | data indicated | 5 | INFO | - | L; P4; i4 bytes_indicated
39 | data indicated | 5 | INFO | - | L; P6; i4 bytes_indicated
40 | bind failed | 4 | INFO | - | L; u4 error
41 | disconnect indicated | 5 | INFO | - | L
1000 | AfdCreate | 4 | OPEN | SOURCE_WINSOCK | H; u4 address_family; u4 socket_type; u4 protocol; ptr process_id; \
    u4 status
1001 | AfdClose | 4 | CLOSED | SOURCE_WINSOCK | H; u4 status
1002 | AfdCleanup | 4 | FREED | SOURCE_WINSOCK | H; u4 status
1003 | AfdSend | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status
1004 | AfdReceive | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status
1005 | AfdSendTo | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status
1006 | AfdReceiveFrom | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status
1007 | AfdSendToWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status; A
1009 | AfdReceiveFromWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status; A
1011 | AfdSendMessage | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status
1012 | AfdReceiveMessage | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status
1013 | AfdSendMessageWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status; A
1015 | AfdReceiveMessageWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 buffer_count; B; u4 status; A
1017 | AfdConnect | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 status
1018 | AfdConnectWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; B; u4 status; A
1020 | AfdConnectEx | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 status
1021 | AfdConnectExWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; B; u4 status; A
1023 | AfdAccept | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 status
1024 | AfdAcceptWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; B; u4 status; A; ptr accept_endpoint; \
    u4 current_backlog
1026 | AfdAcceptEx | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 status
1027 | AfdAcceptExWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; B; u4 status; A; ptr accept_endpoint; \
    u4 current_backlog
1029 | AfdBind | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 status
1030 | AfdBindWithAddress | 4 | CONNECTED | SOURCE_WINSOCK | H; u4 status; A
1032 | AfdAbort | 2 | ABORTED | SOURCE_WINSOCK | H; u4 reason
1033 | AfdDatagramDropWithAddress | 2 | CONNECTED | SOURCE_WINSOCK DROP | H; B; A; u4 reason
1035 | AfdOption | 4 | INFO | SOURCE_WINSOCK | H; u4 option; u4 value; u4 status
1036 | AfdWaitForListen | 4 | INFO | SOURCE_WINSOCK | H; u4 status
1037 | AfdListen | 4 | INFO | SOURCE_WINSOCK | H; u4 backlog; u4 status
3000 | AfdConnectIndication | 4 | INFO | SOURCE_TRANSPORT | H; u4 status
3001 | AfdConnectIndicationWithAddress | 4 | INFO | SOURCE_TRANSPORT | H; u4 status; A; u4 current_backlog
3003 | AfdDataIndication | 4 | INFO | SOURCE_TRANSPORT | H; B
3004 | AfdDataIndicationWithAddress | 4 | INFO | SOURCE_TRANSPORT | H; B; A
3006 | AfdDisconnect | 4 | DISCONNECTED | SOURCE_TRANSPORT | H; u4 status
3007 | AfdSendBackLog | 4 | INFO | SOURCE_TRANSPORT | H; u4 send_backlog
4000 | AfdRioCreateRegistrationDomain | 4 | OPEN | RIO | ptr registration_domain; u4 status
4001 | AfdRioCleanupRegistrationDomain | 4 | CLOSED | RIO | ptr registration_domain
4002 | AfdRioCreateCq | 4 | OPEN | RIO | ptr cq; ptr registration_domain; u4 entry_count; ptr user_address; \
    ptr system_address; u4 buffer_size; u4 cq_index; u4 notification_type; ptr notification_handle; \
    ptr notification_object; ptr notification_context1; ptr notification_context2; u4 status
4003 | AfdRioDestroyCq | 4 | CLOSED | RIO | ptr cq; u4 commit
4004 | AfdRioCleanupCq | 4 | FREED | RIO | ptr cq
4005 | AfdRioResizeCq | 4 | MODIFIED | RIO | ptr cq; u4 original_entry_count; u4 original_start; u4 original_end; \
    u4 commit; u4 requested_entry_count; ptr user_address; ptr system_address; u4 buffer_size; u4 status
4006 | AfdRioCreateRqPair | 4 | OPEN | RIO | ptr endpoint; ptr rio_state; ptr registration_domain; \
    u4 send_entry_count; ptr send_user_address; ptr send_system_address; u4 send_buffer_size; \
    u4 receive_entry_count; ptr receive_user_address; ptr receive_system_address; u4 receive_buffer_size; \
    u4 send_cq_index; u4 receive_cq_index; u4 status
4007 | AfdRioCloseRioState | 4 | CLOSED | RIO | ptr rio_state; u4 receive_queue_start; u4 receive_queue_end; \
    u4 send_queue_start; u4 send_queue_end
4008 | AfdRioCleanupRioState | 4 | FREED | RIO | ptr rio_state
4009 | AfdRioResizeRqPair | 4 | MODIFIED | RIO | ptr rio_state; u4 original_send_entry_count; \
    u4 original_send_queue_start; u4 original_send_queue_end; u4 requested_send_entry_count; ptr send_user_address; \
    ptr send_system_address; u4 send_buffer_size; u4 original_receive_entry_count; u4 original_receive_queue_start; \
    u4 original_receive_queue_end; u4 requested_receive_entry_count; ptr receive_user_address; \
    ptr receive_system_address; u4 receive_buffer_size; u4 status
4010 | AfdRioRegisterBuffer | 4 | OPEN | RIO | ptr buffer; ptr registration_domain; ptr user_address; \
    ptr system_address; u4 buffer_size; u4 buffer_id; u4 status
4011 | AfdRioDeregisterBuffer | 4 | CLOSED | RIO | ptr buffer; u4 references
4012 | AfdRioCleanupBuffer | 4 | FREED | RIO | ptr buffer
4013 | AfdRioValidateBufferId | 3 | INFO | RIO | ptr registration_domain; ptr rio_state; u4 buffer_id
4014 | AfdRioRangeCheck | 3 | INFO | RIO | ptr registration_domain; ptr rio_state; ptr buffer; u4 buffer_offset; \
    u4 buffer_length
4015 | AfdRioSendReceive | 3 | INFO | RIO | ptr rio_state; u4 buffer_type; u4 specified_length; u4 required_length
4016 | AfdNrtCreate | 4 | OPEN | NRT | ptr name_resolution_handle; ptr process_object; u4 status
4017 | AfdNrtClose | 4 | CLOSED | NRT | ptr name_resolution_handle; ptr process_object
4018 | AfdRioNotifyCq | 5 | INFO | RIO | u4 enter_exit; u4 location; ptr process_object; ptr registration_domain; \
    ptr cq; u4 status
4019 | AfdAcceptPause | 4 | INFO | - | H; u1 pause; i4 tl_backlog_count
4020 | AfdRioValidateBufferSharing | 3 | INFO | RIO | ptr registration_domain; ptr rio_state; u4 buffer_id; \
    u4 buffer_sharing_type
"""


def _rows() -> Iterator[tuple[int, Descriptor, str]]:
    for line in filter(None, _TABLE.splitlines()):
        event, name, level, opcode, keywords, text = (cell.strip() for cell in line.split("|"))
        keyword = Keyword(0)
        for word in keywords.replace("-", "").split():
            keyword |= Keyword[word]
        spelled = "; ".join(_SHORTHAND.get(part.strip(), part) for part in text.split(";"))
        yield int(event), Descriptor(name, int(level), Opcode[opcode], keyword), spelled


DESCRIPTORS: Final[Mapping[int, Descriptor]] = {event: descriptor for event, descriptor, _ in _rows()}
"""Descriptor by event id, of all 96 events."""

LAYOUTS: Final[tuple[Layout, ...]] = tuple(
    layout("afd", descriptor.name, (ProviderId(PROVIDER, event),), 0, text) for event, descriptor, text in _rows()
)
