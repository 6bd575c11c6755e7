"""A consumer: a thread of Windows' own making a ring full of one session's events."""

from __future__ import annotations

import ctypes as ct
import threading
from typing import Final

from tracer.live.api import Api, Status
from tracer.live.ring import Ring
from tracer.live.structures import EventTraceLogfile, wide

_REAL_TIME: Final = 0x00000100
_RAW_TIMESTAMP: Final = 0x00001000
_EVENT_RECORD: Final = 0x10000000
"""PROCESS_TRACE_MODE_*: raw timestamps, because stacks name their event by them."""

_GONE_SECONDS: Final = 5.0
"""How long ProcessTrace may take to come back once its handle is closed."""
_STRAYS: Final[list[Consumer]] = []
"""Consumers that Windows may still call: their rings are never freed."""


class Consumer:
    """Receives one session's events from :meth:`start` until the session or :meth:`close` ends it."""

    def __init__(self, api: Api, session: str, ring: Ring, callback: int) -> None:
        self._api = api
        self.ring = ring
        self._name = wide(session)
        self._logfile = EventTraceLogfile(
            LoggerName=ct.addressof(self._name), ProcessTraceMode=_REAL_TIME | _RAW_TIMESTAMP | _EVENT_RECORD,
            EventRecordCallback=callback, Context=ring.context,
        )  # fmt: skip
        self._handle: int | None = None
        self._session = session
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self.status: int = Status.SUCCESS

    def start(self) -> int:
        """Open the session's events and begin: OpenTrace's status."""
        status, handle = self._api.open_trace(self._logfile)
        if status == Status.SUCCESS:
            self._handle = handle
            name = f"consumer of {self._session}"
            self._thread = threading.Thread(target=self._run, args=[handle], name=name, daemon=True)
            self._thread.start()
        return status

    @property
    def ended(self) -> bool:
        """Whether no more events come."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; true where it came."""
        return self._ended.wait(seconds)

    def close(self) -> None:
        """End it, and wait until its thread is gone: the ring must outlive the last call."""
        if self._handle is not None:
            self._api.close_trace(self._handle)
            self._handle = None
            if self._thread is not None and self._thread.ident is not None:  # else Ctrl-C came before it was started
                self._thread.join(_GONE_SECONDS)
                if self._thread.is_alive():
                    _STRAYS.append(self)

    def _run(self, handle: int) -> None:
        try:
            self.status = self._api.process_trace(handle)
        finally:
            self._ended.set()
