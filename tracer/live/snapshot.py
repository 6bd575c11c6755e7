"""What runs on a machine at one moment, for where no event tells it, and as events of a rundown would.

Windows says at a session's start which processes, threads and images are there already (DCStart). Whether it does so in
real time is not promised; where it does not, the machine is asked. The answer is of a later moment than the start, and
no event: who shows it says so (:class:`~tracer.trace.Listed`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from typing import Final

import numpy as np

from tracer.columns import UNKNOWN_ID
from tracer.etl.classify import guid_words
from tracer.etl.headers import EVENT_HEADER, TRACE_MARKER, HeaderType
from tracer.events import image, process, thread
from tracer.events.encode import Value, encode
from tracer.events.layout import KernelId
from tracer.events.providers import classic
from tracer.events.registry import layout_for
from tracer.live.api import Snapshot
from tracer.live.entries import CLASSIC_FLAG
from tracer.live.ring import CONTROL_HEAD, CONTROL_RECORDS, ENTRY, LARGEST_ENTRY, Ring

KINDS: Final = {"process": process.RUNDOWN_START, "thread": thread.RUNDOWN_START, "image": image.RUNDOWN_START}
"""Kinds of tables, and the event that lists what is there."""
_VERSIONS: Final = {"process": 3, "thread": 2, "image": 2}
"""Layouts with all that a snapshot tells, and the least besides."""
_POINTER: Final = 8
_LONGEST: Final = LARGEST_ENTRY - ENTRY.itemsize - EVENT_HEADER.itemsize - 8


def ring_of(snapshot: Snapshot, kinds: Collection[str]) -> Ring:
    """A ring with an entry for everything of these kinds, as if Windows had listed it at that moment."""
    payloads = [(kind, payload) for kind, payload in _payloads(snapshot) if kind in kinds and len(payload) <= _LONGEST]
    heads = np.zeros(len(payloads), EVENT_HEADER)
    heads["size"] = [EVENT_HEADER.itemsize + len(payload) for _, payload in payloads]
    heads["header_type"], heads["marker"] = HeaderType.EVENT64, TRACE_MARKER
    heads["thread"] = heads["process"] = UNKNOWN_ID
    heads["time"] = snapshot.taken.ticks
    for kind, hook in KINDS.items():
        rows = [row for row, (each, _) in enumerate(payloads) if each == kind]
        named = classic(KernelId(hook))
        assert named is not None, f"no class is known for hook {hook:04X}"
        heads["provider"][rows] = np.array(guid_words(named.provider), np.uint64).view(heads["provider"].dtype)
        heads["opcode"][rows], heads["version"][rows] = named.event, _VERSIONS[kind]
    return _ring(_entry(head.tobytes(), payload) for head, (_, payload) in zip(heads, payloads, strict=True))


def _payloads(snapshot: Snapshot) -> Iterator[tuple[str, bytes]]:
    rows: Iterator[tuple[str, dict[str, Value]]] = chain(
        (("process", {"process": each.id, "parent": each.parent, "image_name": each.name})
         for each in snapshot.processes),
        (("thread", {"thread": number, "process": owner}) for number, owner in snapshot.threads),
        (("image", {"base": each.base, "size": each.size, "process": each.process, "default_base": each.base,
                    "file_name": each.path})
         for each in snapshot.images),
    )  # fmt: skip
    layouts = {kind: layout_for(KernelId(hook), _VERSIONS[kind]) for kind, hook in KINDS.items()}
    for kind, values in rows:
        layout = layouts[kind]
        assert layout is not None, f"no layout is known for {kind}"
        yield kind, encode(layout, _POINTER, values)


def _entry(head: bytes, payload: bytes) -> bytes:
    record = (head + payload).ljust((len(head) + len(payload) + 7) & ~7, b"\0")
    return np.array((ENTRY.itemsize + len(record), 0, CLASSIC_FLAG), ENTRY).tobytes() + record


def _ring(entries: Iterator[bytes]) -> Ring:
    written = list(entries)
    data = b"".join(written)
    ring = Ring(max(2 * LARGEST_ENTRY + 16 & ~7, len(data)))
    ring.data[: len(data)] = np.frombuffer(data, np.uint8)
    ring.control[CONTROL_RECORDS] = len(written)
    ring.control[CONTROL_HEAD] = len(data)
    return ring
