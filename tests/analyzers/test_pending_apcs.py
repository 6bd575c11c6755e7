"""Pending APCs as columns, and one by one."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from analyzers.findings import (
    NO_PENDING_APCS,
    SINCE_CODES,
    PendingApc,
    PendingApcs,
    ThreadSince,
    codes_of,
)
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tests.tui.diagnoses import pending

APCS = [pending(0x1000), pending(0x2001, thread=99, since=ThreadSince.WAITED), pending(0x1000, thread=99)]


def columns_say(apcs: PendingApcs, row: int) -> dict[str, object]:
    """What the columns tell of one; the rest is told by the one that is made."""
    plain = ("irp", "match_id", "thread_id", "process_id", "issued_ns", "completed_ns", "age_ns", "endpoint")
    return {
        **{name: getattr(apcs, name)[row].item() for name in (*plain, "retained_bytes")},
        "process": apcs.processes[apcs.process[row]],
        "since": SINCE_CODES[apcs.since[row]],
        "rule": apcs.rules[apcs.rule[row]],
    }


def told(apc: PendingApc) -> dict[str, object]:
    only_made = {"says", "issued", "completed"}
    return {field.name: getattr(apc, field.name) for field in fields(apc) if field.name not in only_made}


def test_columns_and_what_is_made_of_them_say_the_same_in_an_analysis() -> None:
    apcs = analysed(DEMO_TRACE).diagnosis.pending_apcs
    assert len(apcs) > 100
    for row, apc in enumerate(apcs):
        assert columns_say(apcs, row) == told(apc)
        assert (apc.issued.time_ns, apc.completed.time_ns) == (apc.issued_ns, apc.completed_ns)
        assert apc.says


def test_columns_and_what_they_were_made_of_say_the_same() -> None:
    apcs = PendingApcs.of(APCS)
    assert [columns_say(apcs, row) for row in range(3)] == [told(apc) for apc in APCS]
    assert list(apcs) == APCS


def test_some_of_them_are_taken_by_slice_mask_and_place() -> None:
    apcs = PendingApcs.of(APCS)
    assert list(apcs[1:]) == APCS[1:]
    assert list(apcs.take(np.array([True, False, True]))) == [APCS[0], APCS[2]]
    assert list(apcs.take(np.array([2, 0]))) == [APCS[2], APCS[0]]
    assert apcs.take(np.array([2, 0])).thread_id.tolist() == [99, 88]
    assert apcs[-1] == APCS[2]


def test_equal_ones_are_equal_and_hash_alike() -> None:
    apcs = PendingApcs.of(APCS)
    assert apcs == PendingApcs.of(APCS)
    assert hash(apcs) == hash(PendingApcs.of(APCS))
    assert apcs != PendingApcs.of(APCS[:2])
    assert PendingApcs.of(()) == NO_PENDING_APCS == ()
    assert "irp=4096" in repr(apcs)


def test_that_of_a_request_is_found_by_packet_and_id() -> None:
    apcs = PendingApcs.of(APCS)
    assert apcs.find(0x2001, 7) == APCS[1]
    assert apcs.find(0x1000, 7) == APCS[2]
    assert apcs.find(0x2001, 8) is None
    assert apcs.find(0x3000, 7) is None


def test_texts_get_codes_in_the_order_in_which_they_come() -> None:
    codes, texts = codes_of(["b", "a", "b"])
    assert (codes.tolist(), texts) == ([0, 1, 0], ("b", "a"))
