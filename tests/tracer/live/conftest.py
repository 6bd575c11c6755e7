"""Un-jitted the callback is what its source says, with loads and stores in plain Python."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Iterator

import pytest

from tests.tracer.live.plain_memory import PLAIN, plain_callback
from tests.tracer.traces import UNJITTED


@pytest.fixture(autouse=True)
def _runnable_callback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if UNJITTED:
            kept = plain_callback()
            for name, function in PLAIN.items():
                patch.setattr(f"tracer.live.callback.{name}", function)
            patch.setattr("tracer.live.ring_reader.fence", lambda: None)
            patch.setattr("tracer.live.callback.event_callback", lambda: ct.cast(kept, ct.c_void_p).value)
        yield
