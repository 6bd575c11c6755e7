"""The machine that was traced, in words: what its records show, and where the file's header says otherwise."""

from __future__ import annotations

from typing import Final

from analyzers.formatting import counted
from tracer.trace import TraceInfo

_ONE_BUFFER_FOR_ALL: Final = "no-per-processor-buffering"
"""Mode in which all processors write to the same buffers, and the header says one, however many there are."""


def machine_words(info: TraceInfo) -> str:
    """Windows build, bits and processors."""
    build, machine = f"Windows build {info.os_build}", info.machine_pointer
    if machine == info.pointer_size:
        return f"{build}, {machine * 8} bit, {processor_words(info)}"
    bits = f"{machine * 8}-bit machine; written by a {info.pointer_size * 8}-bit program"
    return f"{build}, {processor_words(info)}, {bits}"


def processor_words(info: TraceInfo) -> str:
    """How many processors there are, and how many of them wrote."""
    seen = info.processors_seen or info.processors
    if _ONE_BUFFER_FOR_ALL in info.mode:
        return "processors not told apart (they shared their buffers)"
    if seen > info.processors:
        return f"{counted(seen, 'processor')} seen, header says {info.processors}"
    wrote = f", {seen} of them seen" if seen < info.processors else ""
    return counted(info.processors, "processor") + wrote


def processor_count(info: TraceInfo) -> int:
    """The most that anything tells of."""
    return max(info.processors_seen, info.processors)
