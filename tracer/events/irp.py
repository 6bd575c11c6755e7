"""Driver events: the life of I/O request packets, of every driver.

Sources: the kernel's MOF classes, dissect.etl and PerfView's parser agree; no public trace holds these records.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tracer.events.layout import Layout, hooks, layout

CALL: Final = 0x0122
RETURN: Final = 0x0123
COMPLETION_ROUTINE: Final = 0x0125
COMPLETE: Final = 0x0134
COMPLETE_RETURN: Final = 0x0135


class MajorFunction(IntEnum):
    """IRP_MJ_* values that sockets use."""

    CREATE = 0
    CLOSE = 2
    READ = 3
    WRITE = 4
    DEVICE_CONTROL = 14
    INTERNAL_DEVICE_CONTROL = 15
    CLEANUP = 18


_CALL = "u4 major; u4 minor; ptr routine; ptr file_object; ptr irp"

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout("irp", "major function call", hooks("0122"), 1, f"u4 id; {_CALL}"),
    layout("irp", "major function call", hooks("0122"), 2, f"{_CALL}; u4 id"),
    layout("irp", "major function return", hooks("0123"), 1, "u4 id; ptr irp"),
    layout("irp", "major function return", hooks("0123"), 2, "ptr irp; u4 id"),
    layout("irp", "completion routine", hooks("0125"), 2, "ptr routine; ptr irp; u4 id"),
    layout("irp", "request complete", hooks("0134"), 2, "ptr routine; ptr irp; u4 id"),
    layout("irp", "request complete return", hooks("0135"), 2, "ptr irp; u4 id"),
)
"""``id`` (UniqMatchId) tells apart requests whose packet had the same address."""
