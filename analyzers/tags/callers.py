"""Tags of memory that the kernel makes when a program asks: who asked is the culprit, not the driver that allocates it.

Proof of each: public listings of pool tags (Systeminformer's and ours, ``known.txt``) and ReactOS's I/O manager
(``ntoskrnl/io/iomgr``) and socket drivers. Only exact tags count: ``IrpB``, ``Irpd``, ``Irpt``, ``IrpC`` and ``Irps``
are Driver Verifier's bookkeeping, ``IcpP`` and ``MdlP`` heads of lists.
"""

from __future__ import annotations

from typing import Final

from analyzers.modules import KERNEL_NAME
from analyzers.tags.objects import OBJECT_MEMORY, are_callers


def tag_number(text: str) -> int:
    """The tag with these four characters, as events have it."""
    return int.from_bytes(text.encode("ascii"), "little")


IRP: Final = tag_number("Irp ")
"""IRPs."""
PORT_PACKET: Final = tag_number("Icp ")
"""IRPs of a completion port that stand for no IRP."""
COMPLETION_CONTEXT: Final = tag_number("IoCc")
"""The port and key of a file that is bound to a completion port."""
FILE: Final = tag_number("File")
ENDPOINT: Final = tag_number("AfdE")
MDL: Final = tag_number("Mdl ")
LISTED: Final = frozenset({IRP, PORT_PACKET, MDL})
"""What comes from lookaside lists and rests there: exact tags, as no block has the tags of the lists' heads."""
BUFFERS: Final = frozenset({tag_number("IoSB"), tag_number("Io  ")})
"""System buffers of requests (``Io  `` in Windows 10 before 2004 and earlier)."""
IO_MANAGER: Final = frozenset(
    {IRP, PORT_PACKET, FILE, MDL, *BUFFERS, COMPLETION_CONTEXT, *map(tag_number, ("IrpX", "IoUs"))}
)
"""What the I/O manager makes for a request or an opened file."""
SOCKETS: Final = frozenset({ENDPOINT, *map(tag_number, ("AfdC", "AfdX", "AfdB", "TcpE", "TTcb"))})
"""Objects of a program's sockets."""
SOCKET_DRIVERS: Final = frozenset({"afd.sys", "tcpip.sys"})
"""Who allocates these."""
BY_PROCESS: Final = tuple(sorted(IO_MANAGER | SOCKETS | OBJECT_MEMORY))
"""Tags of which each process' allocations are counted by themselves."""


def is_callers(tag: int, driver: str) -> bool:
    """Whether memory of this tag, allocated by this driver (empty where no stack tells), is its caller's."""
    if tag in IO_MANAGER:
        return driver in {"", KERNEL_NAME}
    if are_callers(tag, driver, KERNEL_NAME):
        return True
    return tag in SOCKETS and (not driver or driver.lower() in SOCKET_DRIVERS)
