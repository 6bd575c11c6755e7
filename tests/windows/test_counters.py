"""The pool's counters on Windows CPython, from an ntdll that answers what was laid ready."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.windows import standin
from tests.windows.standin import VARIABLE, Counters
from tracer.errors import MachineError
from tracer.live import libraries
from tracer.live.api import ClockReading
from tracer.live.counters import BIG_POOL, POOL_TAGS, big_pool, pool_counters, windows_query
from tracer.live.toolhelp import MODULES, take_snapshot

pytestmark = pytest.mark.skipif(
    sys.platform != "win32" or not os.environ.get(VARIABLE), reason="no stand-in for Windows' ntdll here"
)
DENIED = 0xC0000022


@pytest.fixture
def ntdll(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counters]:
    """The stand-in in the place of ntdll, for one test."""
    path = str(Path(os.environ[VARIABLE]).with_name("ntdll-standin.dll"))
    monkeypatch.setitem(standin._FILES, "ntdll", path)
    monkeypatch.setattr(libraries, "library", standin._library)
    made = Counters(path)
    yield made
    for kind in (POOL_TAGS, BIG_POOL, MODULES):
        made.answer(kind, b"", status=0xC0000003)


def big(*entries: tuple[int, int, bytes]) -> bytes:
    return struct.pack("<Q", len(entries)) + b"".join(struct.pack("<QQ4s4x", *each) for each in entries)


def test_large_allocations_have_their_kind_where_addresses_are_told(ntdll: Counters) -> None:
    ntdll.answer(BIG_POOL, big((0xFFFF800000001001, 8192, b"AfdB"), (0xFFFF800000004000, 5000, b"CM31")))
    found = big_pool(windows_query())
    assert found.paged is not None
    assert found.paged.tolist() == [False, True]


def test_where_addresses_are_hidden_the_kind_is_not_known(ntdll: Counters) -> None:
    ntdll.answer(BIG_POOL, big((0, 8192, b"AfdB"), (0, 5000, b"CM31")))
    found = big_pool(windows_query())
    assert (found.hidden, found.size.tolist()) == (True, [8192, 5000])


def test_tags_need_no_address_and_are_told_to_anybody(ntdll: Counters) -> None:
    ntdll.answer(POOL_TAGS, struct.pack("<Q4sIIxxxxQIIQ", 1, b"AfdE", 0, 0, 0, 10, 4, 960))
    counters = pool_counters(windows_query())
    assert (counters.count.tolist(), counters.bytes.tolist()) == ([6], [960])


def test_a_refusal_names_its_status(ntdll: Counters) -> None:
    ntdll.answer(BIG_POOL, b"", status=DENIED)
    with pytest.raises(MachineError, match="does not tell") as refused:
        big_pool(windows_query())
    assert "0xC0000022" in refused.value.why


def test_drivers_without_an_address_are_counted_and_lie_nowhere(ntdll: Counters) -> None:
    module = struct.pack("<QQQIIHHHH256s", 0, 0, 0, 0x9000, 0, 0, 0, 1, 0, rb"\SystemRoot\afd.sys")
    ntdll.answer(MODULES, struct.pack("<Q", 1) + module)
    found = take_snapshot(libraries.library("kernel32"), windows_query(), ClockReading(0, 0))
    assert found.hidden == 1
    assert all(each.process for each in found.images)
