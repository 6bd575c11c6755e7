"""What the head of a file would say, of a capture: its sessions, its machine, its clock."""

from __future__ import annotations

from typing import Final

from tracer.etl.clock import Clock
from tracer.etl.headers import ClockType, Compression, HeaderType, LogFileMode
from tracer.etl.logfile import LogFile, flags_text
from tracer.live.api import ClockReading
from tracer.live.starting import Sessions
from tracer.trace import TraceInfo

_FILE_WORD: Final = "sequential"
"""What a mode without a word for the file's shape is called; a capture has no file."""


def head_of(sessions: Sessions, began: ClockReading) -> LogFile:
    """The head of a capture that began at this moment; the clock's origin is that moment until a record has come."""
    machine = sessions.machine
    return LogFile(
        session=sessions.kernel.name,
        log_file_name="",
        buffer_size=sessions.kernel.buffer_bytes,
        first_stride=0,
        logger_id=0,
        build=machine.build,
        processors=machine.processors,
        pointer_size=machine.pointer_size,
        start=began.filetime,
        end=0,
        mode=LogFileMode.REAL_TIME | (sessions.kernel.mode & LogFileMode.SYSTEM_LOGGER),
        buffers_written=0,
        events_lost=0,
        buffers_lost=0,
        start_buffers=0,
        compression=Compression.XPRESS,
        clock=Clock(ClockType.QPC, machine.frequency, began.ticks, began.filetime),
        record=HeaderType.SYSTEM64 if machine.pointer_size == 8 else HeaderType.SYSTEM32,
    )


def info_of(head: LogFile, sessions: Sessions, read: int, last_ns: int) -> TraceInfo:
    """The header of a capture of which so many bytes have been read, up to a time."""
    ended = not any(session.running for session in sessions.all)
    return TraceInfo(
        path=head.session,
        bytes=read,
        session=head.session,
        start=head.start,
        end=head.start + last_ns // 100 if ended else 0,
        duration_ns=last_ns,
        os_build=head.build,
        pointer_size=head.pointer_size,
        processors=head.processors,
        buffers=sessions.losses.written,
        compressed_buffers=0,
        clock=head.clock.name,
        clock_frequency=head.clock.frequency,
        mode=tuple(word for word in flags_text(head.mode) if word != _FILE_WORD),
        finalised=ended,
        simulated=False,
        enabled=sessions.enabled,
    )
