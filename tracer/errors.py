"""Errors that end a command, and damage that does not.

An error says what happened, where, why, and what to do next. Damage is the other
half of the same promise: a place that could not be read, recorded and stepped over.
"""

from __future__ import annotations

from enum import StrEnum

from tracer.data_classes import dataclass


class PoolscopeError(Exception):
    """Something a user must hear about; ``code`` is stable and machine-readable.

    ``what`` happened, ``where`` (file, byte offset), ``why``, and what to do ``next``.
    """

    def __init__(self, code: str, what: str, *, where: str = "", why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.where = where
        self.why = why
        self.next = next


class InputError(PoolscopeError):
    """The input cannot be read at all."""


class UsageError(PoolscopeError):
    """The command was asked for something that it does not offer."""


class MachineError(PoolscopeError):
    """This machine cannot do it: not Windows, not elevated, session limit."""


class OutputError(PoolscopeError):
    """What came of it cannot be written: the disk is full, the folder is not there, nobody takes it."""


class DamageCode(StrEnum):
    """What kind of place in a trace could not be read."""

    BUFFER_SIZE = "buffer-size"
    BUFFER_HEADER = "buffer-header"
    BUFFER_CUT = "buffer-cut"
    BUFFER_LENGTH = "buffer-length"
    BUFFERS_MISSING = "buffers-missing"
    COMPRESSION_UNSUPPORTED = "compression-unsupported"
    COMPRESSION_CORRUPT = "compression-corrupt"
    RECORD_SIZE = "record-size"
    RECORD_TYPE = "record-type"
    RECORD_CUT = "record-cut"
    TIME_BACKWARD = "time-backward"
    PAYLOAD_SHORT = "payload-short"
    PAYLOAD_LONG = "payload-long"
    PAYLOAD_IMPOSSIBLE = "payload-impossible"
    FILE_SHRANK = "file-shrank"
    FILE_GREW = "file-grew"
    FILE_CHANGED = "file-changed"
    FILE_TAIL = "file-tail"


@dataclass(frozen=True, slots=True)
class Damage:
    """One place that could not be read.

    ``offset`` is a byte offset in the file (of the buffer when the buffer is compressed),
    ``bytes_skipped`` counts bytes of the file that no record was read from. ``file``: its name, where a trace has more
    than one.
    """

    offset: int
    code: DamageCode
    what: str
    bytes_skipped: int
    file: str = ""
