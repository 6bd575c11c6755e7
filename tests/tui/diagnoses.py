"""Conclusions made by hand about the winsock story of stories.py."""

from __future__ import annotations

from dataclasses import replace

from analyzers.findings import (
    Cleared,
    Diagnosis,
    EventRef,
    Evidence,
    Finding,
    PathNode,
    PendingApc,
    PendingApcs,
    ThreadSince,
    Verdict,
)
from tests.tui.stories import HOSTILE, SECOND
from tracer.columns import UNKNOWN_ID


def tag(text: str) -> int:
    return int.from_bytes(text.encode("latin-1"), "little")


ISSUED = EventRef(2 * SECOND, "irp", 1, 4_096)
COMPLETED = EventRef(3 * SECOND, "irp", 2, 8_192)
ALLOCATED = EventRef(SECOND, "pool", 0, 72)
FREED = EventRef(4 * SECOND, "pool", -1, -1)


def pending(irp: int, *, thread: int = 88, since: ThreadSince = ThreadSince.NEVER_RAN) -> PendingApc:
    return PendingApc(
        irp=irp,
        match_id=7,
        thread_id=thread,
        process_id=4330,
        process="client.exe",
        issued_ns=ISSUED.time_ns,
        completed_ns=COMPLETED.time_ns,
        age_ns=87 * SECOND,
        since=since,
        says="it was not scheduled again",
        endpoint=0xFFFF9A8000AF0000 if irp % 2 else 0,
        retained_bytes=1_024,
        rule="completed-not-retired",
        issued=ISSUED,
        completed=COMPLETED,
    )


def pending_apc(rank: int = 1) -> Finding:
    return Finding(
        rank=rank,
        verdict=Verdict.PENDING_APC,
        confidence=0.934,
        tag=tag("Irp "),
        paged=False,
        count=12,
        bytes=5_568,
        retained_bytes=18_432,
        bytes_per_hour=737_280.0,
        bytes_per_hour_interval=(700_000.0, 780_000.0),
        process_id=4330,
        process="client.exe",
        thread_id=88,
        driver="afd.sys",
        stack=0,
        path=(
            PathNode("process", "4330", "client.exe (4330)", "", 18_432),
            PathNode("thread", "88", "thread 88", "issued-by", 18_432),
            PathNode("pending-apc", "88", "12 pending APCs", "completed-not-retired", 18_432),
            PathNode("allocations", "Irp ", "12 allocations of Irp", "block-holds-irp", 5_568),
        ),
        evidence=(
            Evidence(
                "completed-not-retired",
                "12 requests of this thread were completed on another CPU and none of them was retired.",
                (ISSUED, COMPLETED),
                inferred=True,
            ),
            Evidence(
                "siblings-freed", "100 requests of other threads were freed, 95 % within 1.20 ms", (FREED, ISSUED)
            ),
        ),
        doubts=("the trace has no Winsock events, so sockets are not known.",),
        advice="In a kernel debugger, look at thread 88 of client.exe for a guarded region.",
    )


def missing_free(rank: int = 2) -> Finding:
    return Finding(
        rank=rank,
        verdict=Verdict.MISSING_FREE,
        confidence=0.71,
        tag=tag("AfdB"),
        paged=False,
        count=3,
        bytes=12_288,
        retained_bytes=12_288,
        bytes_per_hour=float("nan"),
        bytes_per_hour_interval=(float("-inf"), float("inf")),
        process_id=None,
        process="",
        thread_id=None,
        driver="afd.sys",
        stack=-1,
        path=(PathNode("driver", "afd.sys", "afd.sys"), PathNode("allocations", "AfdB", "3 allocations", "tag")),
        evidence=(Evidence("kept-all-along", "they were allocated all along"),),
        doubts=(),
        advice="Read afd.sys.",
    )


def growth(rank: int = 3) -> Finding:
    return replace(
        missing_free(rank), verdict=Verdict.GROWTH, tag=tag("CM25"), paged=True, driver="", process_id=UNKNOWN_ID
    )


def cleared(verdict: Verdict = Verdict.CACHE, *, name: str = "CM25", paged: bool = True, size: int = 200) -> Cleared:
    return Cleared(tag(name), paged, "ntoskrnl.exe", verdict, 1, size, "it grew and then levelled off")


def diagnosis() -> Diagnosis:
    """Three findings of three kinds, what was cleared, and APCs of two threads."""
    apcs = tuple(pending(0xFFFF9A8000001010 + n) for n in range(12))
    return Diagnosis(
        (pending_apc(), missing_free(), growth()),
        (cleared(), cleared(Verdict.TRANSIENT, name="File", paged=False, size=0)),
        PendingApcs.of((*apcs, pending(0xFFFF9A8000009000, thread=99, since=ThreadSince.WAITED))),
    )


def hostile(finding: Finding) -> Finding:
    """Every text that can come from a trace is an attack."""
    return replace(
        finding,
        process=HOSTILE,
        driver=HOSTILE,
        path=tuple(PathNode(node.kind, HOSTILE, HOSTILE, node.rule, 1) for node in finding.path),
        evidence=tuple(replace(reason, says=HOSTILE) for reason in finding.evidence),
        doubts=(HOSTILE,),
        advice=HOSTILE,
    )


def hostile_diagnosis() -> Diagnosis:
    """The same, told by an attacker."""
    told = diagnosis()
    return Diagnosis(
        tuple(hostile(finding) for finding in told.findings),
        tuple(replace(group, driver=HOSTILE, why=HOSTILE) for group in told.cleared),
        PendingApcs.of(replace(apc, process=HOSTILE, says=HOSTILE) for apc in told.pending_apcs),
    )


def wordy(finding: Finding) -> Finding:
    """As much to read as a finding can bring."""
    reasons = tuple(Evidence(f"rule-{n}", f"reason {n}: " + "a sentence that is rather long " * 5) for n in range(6))
    advice = "In a kernel debugger, look at this and that and then at something else as well. " * 4
    return replace(finding, evidence=reasons, advice=advice + "END")
