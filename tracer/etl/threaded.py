"""Reading ahead: the producer of batches in a thread of its own, one batch before its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import closing
from typing import Final, TypeVar

T = TypeVar("T")

_DEPTH: Final = 1
"""Batches that may wait: one is enough to keep both sides busy, more would only cost memory."""
_POLL_SECONDS: Final = 0.1


def ahead(items: Generator[T]) -> Generator[T]:
    """The same items, made in a thread; an exception of the producer is raised here.

    When the consumer stops early (break, Ctrl-C), the producer ends at its next item. However this ends,
    ``items`` has been closed, in its own thread, and the thread is gone.
    """
    ready: queue.Queue[T | _End] = queue.Queue(_DEPTH)
    stop = threading.Event()
    thread = threading.Thread(target=_produce, args=(items, ready, stop), name="poolscope-reader", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        thread.join()


class _End:
    """Stands behind the last item; ``error`` is what ended the producer, ``None`` for nothing."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _produce(items: Generator[T], ready: queue.Queue[T | _End], stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        with closing(items):
            for item in items:
                if not _put(item, ready, stop):
                    return
    except BaseException as raised:
        error = raised
    _put(_End(error), ready, stop)


def _put(item: T | _End, ready: queue.Queue[T | _End], stop: threading.Event) -> bool:
    """Hand an item over; false where nobody wants it any more."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
