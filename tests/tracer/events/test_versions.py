"""Every kernel event and version that a real trace shows, and every one that is decoded by documents alone.

A pair is decoded or said not to be: one that turns up without a place in these tables fails. Those of real traces are
held against their bytes; the others rest on two public descriptions that agree.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.tracer.events.real_records import Record, records
from tests.tracer.events.reference import read
from tracer.events import registry
from tracer.events.layout import Code, KernelId
from tracer.events.providers import canonical

DECODED: Final = {
    "group_mask": "0005:2 0020:2",
    "process": "0301:3 0301:4 0302:3 0302:4 0303:3 0303:4 0304:3 0304:4 0327:3 0327:4 0327:5",
    "process_terminate": "030B:2",
    "thread": "0501:3 0502:3 0503:3 0504:3",
    "thread_name": "0548:2",
    "context_switch": "0524:2",
    "image": "030A:2 030A:3 1402:2 1402:3 1403:2 1403:3 1404:2 1404:3",
    "kernel_base": "1421:2",
    "machine": "0B0A:2 0B0A:3",
    "tcp": "061A:2 061B:2",
    "udp": "080A:2 080B:2 081A:2 081B:2",
    "stack": "1820:2",
    "stack_definition": "1823:2 1824:2",
    "stack_key": "1825:2 1826:2",
}
"""Pairs of real traces, by the table they end up in."""

NOT_DECODED: Final = (
    "0000:2 0008:2 0040:2 0042:2 0050:2 010A:2 010A:3 010B:2 010B:3 010C:3 010D:3 010E:2 010E:3 010F:3 0220:2 0320:2 "
    "0321:2 0420:2 0423:2 0424:2 0B0B:2 0B0C:2 0B0D:2 0B0E:2 0B0F:3 0B10:2 0B11:2 0B12:2 0B15:3 0B16:3 "
    "0B16:4 0B16:5 0B17:2 0B18:2 0B19:2 0B1A:2 0B1B:2 0B1C:2 0B1D:2 0B1E:2 0B1F:2 0B21:2 0B22:2 0B23:2 0B24:2 0B25:2 "
    "0F2E:2 0F32:2 0F42:2 0F43:2 0F44:2 0F45:2 0F49:2 0F49:3 0F4A:2 0F4A:3 1422:2"
)
"""Pairs of real traces that are counted only; 0000 is the file's header, which is read on its own."""

_MOF, _NTWMI, _PERFVIEW, _CHAPPELL, _DISSECT = (
    "MOF classes (Microsoft)", "System Informer's ntwmi.h", "PerfView", "geoffchappell.com", "dissect.etl",
)  # fmt: skip
BY_DOCUMENTS: Final = {
    ("pool", "0E20:2 0E21:2 0E22:2 0E23:2"): (_MOF, _NTWMI),
    ("process", "0301:0 0301:1 0301:2 0302:0 0302:1 0302:2 0303:0 0303:1 0303:2 0304:0 0304:1 0304:2"): (
        _MOF,
        _PERFVIEW,
    ),
    ("thread", "0501:0 0501:1 0501:2 0502:0 0502:1 0502:2 0503:0 0503:1 0503:2 0504:0 0504:1 0504:2"): (
        _MOF,
        _PERFVIEW,
    ),
    ("context_switch", "0524:1"): (_MOF, _CHAPPELL),
    ("ready_thread", "0532:2"): (_MOF, _NTWMI),
    ("queue", "053E:2 053F:2"): (_NTWMI, _CHAPPELL),
    ("image", "030A:0 030A:1 1402:0 1402:1 1403:0 1403:1 1404:0 1404:1"): (_MOF, _PERFVIEW),
    ("irp", ""): (_MOF, _DISSECT, _PERFVIEW),
    ("tcp", ""): (_MOF, _PERFVIEW),
    ("udp", ""): (_MOF, _PERFVIEW),
    ("stack_definition", ""): (_NTWMI, _PERFVIEW),
}
"""Pairs that no real trace shows, by table: the descriptions that agree. An empty list stands for all of that table."""
RAW: Final = {"pool_page", "pool_snapshot"}
"""Tables whose payloads are kept as bytes: no document declares their fields."""

_MOST: Final = 2_000
"""Records of one pair that are decoded, slowly; real traces have up to 138,474."""


@pytest.fixture(scope="module")
def pairs(samples: Path, slow_ppt: Path) -> dict[str, list[Record]]:
    return _pairs(samples, slow_ppt)


@cache
def _pairs(samples: Path, slow_ppt: Path) -> dict[str, list[Record]]:
    """Kernel records by "hook:version"; of each pair some."""
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for path in (*sorted(samples.glob("*.etl")), *sorted(samples.glob("more/*.etl")), slow_ppt):
        for record in records(path):
            event = canonical(record.event) if record.classic else record.event
            if isinstance(event, KernelId) and len(found[f"{event}:{record.version}"]) < _MOST:
                found[f"{event}:{record.version}"].append(record)
    return found


def test_every_pair_of_a_real_trace_is_decoded_or_said_not_to_be(pairs: dict[str, list[Record]]) -> None:
    known = {pair: kind for kind, text in DECODED.items() for pair in text.split()}
    assert set(pairs) == {*known, *NOT_DECODED.split()}
    for pair in pairs:
        hook, version = pair.split(":")
        found = registry.layout_for(KernelId(int(hook, 16)), int(version))
        assert (found and found.kind) == known.get(pair), pair


@pytest.mark.parametrize("pair", " ".join(DECODED.values()).split())
def test_the_bytes_of_a_pair_are_what_its_layout_says(pairs: dict[str, list[Record]], pair: str) -> None:
    """All bytes are used, strings end where they should and hold text, process ids and sizes are plausible."""
    hook, version = pair.split(":")
    found = registry.layout_for(KernelId(int(hook, 16)), int(version))
    assert found is not None
    for record in pairs[pair]:
        decoded = read(found, record.pointer_size, record.payload)
        assert not decoded.left
        assert not decoded.short
        for field in found.fields:
            value = decoded.values.get(field.name)
            if field.code is Code.ASTR and isinstance(value, bytes):
                assert value.decode("ascii").isprintable()
            if field.code is Code.WSTR and isinstance(value, bytes):
                assert "\ufffd" not in value.decode("utf-16-le", "replace")
            if field.name in {"process", "parent"}:
                assert value in range(1 << 20) or value == 0xFFFFFFFF
            if field.name == "sid" and value:
                assert isinstance(value, bytes)
                assert (value[0], len(value)) == (1, 8 + 4 * value[1])


def test_what_no_real_trace_shows_rests_on_two_documents() -> None:
    real = {pair for text in DECODED.values() for pair in text.split()}
    for item in registry.LAYOUTS:
        for event in item.ids:
            pair = f"{event}:{item.version}"
            if not isinstance(event, KernelId) or pair in real or item.kind in RAW:
                continue
            sources = [
                documents
                for (kind, text), documents in BY_DOCUMENTS.items()
                if kind == item.kind and pair in (text.split() or [pair])
            ]
            assert len(set(*sources)) >= 2, (item.kind, pair)
