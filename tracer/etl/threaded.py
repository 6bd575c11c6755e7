"""Reading ahead: the producer of batches in a thread of its own, one batch before its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Final, TypeVar

T = TypeVar("T")

_DEPTH: Final = 1
"""Batches that may wait: one is enough to keep both sides busy, more would only cost memory."""
_POLL_SECONDS: Final = 0.1


class _Stopped(Exception):
    """The consumer went away."""


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, made in a thread; an exception of the producer is raised here.

    When the consumer stops early (break, Ctrl-C), the producer ends at its next item.
    """
    ready: queue.Queue[T | BaseException | None] = queue.Queue(_DEPTH)
    stop = threading.Event()

    def put(item: T | BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
        raise _Stopped

    def produce() -> None:
        try:
            for item in items:
                put(item)
            put(None)
        except _Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            put(error)

    thread = threading.Thread(target=produce, name="poolscope-reader", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
