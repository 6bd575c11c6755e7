"""Files other than sockets: of file systems and of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.requests import Requests
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sockets import FILE_BYTES, FILE_TAG

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage


def opened(stage: Stage, requests: Requests, thread: Thread, at: float = 0.0) -> Block:
    """A file object that is there from a moment on."""
    size = FILE_BYTES[stage.conditions.pointer_size]
    made = requests.stack("ObpAllocateObject", "IopAllocateFileObject", "NtCreateFile")
    return stage.script.allocate(at, thread, Block(FILE_TAG, size), made)
