"""Conclusions made by hand about the winsock story of stories.py."""

from __future__ import annotations

from dataclasses import replace

from analyzers.findings import (
    Accused,
    Apc,
    Cause,
    Cleared,
    Diagnosis,
    EventRef,
    Evidence,
    Explanation,
    Finding,
    Fits,
    GroupShare,
    HeldRequest,
    HeldRequests,
    Kept,
    PathNode,
    PortPart,
    ThreadSince,
    Verdict,
    Why,
)
from tests.tui.stories import HOSTILE, SECOND
from tracer.columns import UNKNOWN_ID


def tag(text: str) -> int:
    return int.from_bytes(text.encode("latin-1"), "little")


ISSUED = EventRef(2 * SECOND, "irp", 1, 4_096)
COMPLETED = EventRef(3 * SECOND, "irp", 2, 8_192)
ALLOCATED = EventRef(SECOND, "pool", 0, 72)
FREED = EventRef(4 * SECOND, "pool", -1, -1)


def held(
    irp: int,
    why: Why = Why.USER_APC,
    *,
    thread: int = 88,
    since: ThreadSince = ThreadSince.WAITED,
    port: int = 0,
    driver: str = "afd.sys",
) -> HeldRequest:
    """A request that something holds; one that was never completed has no completion."""
    completed = None if why is Why.DRIVER_KEPT else COMPLETED
    return HeldRequest(
        irp=irp,
        match_id=7,
        why=why,
        thread_id=thread,
        process_id=4330,
        process="client.exe",
        issued_ns=ISSUED.time_ns,
        completed_ns=None if completed is None else completed.time_ns,
        age_ns=87 * SECOND,
        since=since,
        says="waited, never alertably",
        endpoint=0xFFFF9A8000AF0000 if irp % 2 else 0,
        port=port,
        driver=driver,
        retained_bytes=1_024,
        rule="finished-not-freed",
        inferred=why is not Why.DRIVER_KEPT,
        issued=ISSUED,
        completed=completed,
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
            PathNode("pending-apc", "88", "12 pending user APCs", "finished-not-freed", 18_432),
            PathNode("allocations", "Irp ", "12 allocations of Irp", "block-holds-irp", 5_568),
        ),
        evidence=(
            Evidence(
                "finished-not-freed",
                "12 requests of this thread finished, and none of their IRPs was freed.",
                (ISSUED, COMPLETED),
                inferred=True,
            ),
            Evidence(
                "siblings-freed", "100 requests of other threads were freed, 95 % within 1.20 ms", (FREED, ISSUED)
            ),
        ),
        doubts=("the trace has no Winsock events, so sockets are not known.",),
        advice="Look at the user APCs of thread 88 with !thread, and let it wait alertably.",
        accused=Accused.PROCESS,
        apc=Apc.USER,
        explanations=(
            Explanation(Cause.USER_APC, Fits.YES, "the socket is gone and the IRPs are not"),
            Explanation(Cause.SPECIAL_APC, Fits.NO, "thread 88 issued more requests since"),
        ),
        groups=(GroupShare(tag("Irp "), False, 12, 5_568, ""),),
        user_stack=90,
    )


def undrained_port(rank: int = 1, *, readers: tuple[int, ...] = ()) -> Finding:
    """Whose port it is, who fills it, and what goes with its entries."""
    return replace(
        pending_apc(rank),
        verdict=Verdict.UNDRAINED_PORT,
        accused=Accused.PORT,
        apc=None,
        process="server.exe",
        process_id=77,
        thread_id=None,
        port=PortPart(2, 77, "server.exe", (88, 99), readers, 12),
        explanations=(),
        groups=(
            GroupShare(tag("Irp "), False, 12, 5_568, ""),
            GroupShare(tag("File"), False, 12, 4_608, ""),
            GroupShare(tag("AfdE"), False, 1, 464, ""),
        ),
    )


def driver_kept(rank: int = 1, *, kept: Kept = Kept.NEVER_COMPLETED) -> Finding:
    """A driver that does not give requests back."""
    return replace(
        pending_apc(rank),
        verdict=Verdict.DRIVER_KEPT,
        accused=Accused.DRIVER,
        apc=None,
        kept=kept,
        driver="keeper.sys",
        thread_id=None,
        explanations=(),
        groups=(),
    )


def open_growth(rank: int = 1) -> Finding:
    """IRPs of a thread grow, and two reasons fit."""
    return replace(
        pending_apc(rank),
        verdict=Verdict.GROWTH,
        apc=None,
        driver="",
        explanations=(
            Explanation(Cause.SPECIAL_APC, Fits.NO, "thread 88 issued more requests since."),
            Explanation(Cause.DRIVER_KEPT, Fits.UNKNOWN, "no event tells of completions", "IRP events (DRIVERS)"),
            Explanation(Cause.USER_APC, Fits.YES, "only IRPs stay", "kernel queue events (KQUEUE)"),
            Explanation(Cause.PORT, Fits.YES, "only IRPs stay", "kernel queue events (KQUEUE)"),
        ),
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
    why = "it grew and then levelled off"
    return Cleared(tag(name), paged, "ntoskrnl.exe", verdict, 1, size, why, known_by=(tag(name), int(paged)))


def diagnosis() -> Diagnosis:
    """Three findings of three kinds, what was cleared, and requests that two threads' APCs hold."""
    requests = tuple(held(0xFFFF9A8000001010 + n) for n in range(12))
    return Diagnosis(
        (pending_apc(), missing_free(), growth()),
        (cleared(), cleared(Verdict.TRANSIENT, name="File", paged=False, size=0)),
        HeldRequests.of((*requests, held(0xFFFF9A8000009000, thread=99, since=ThreadSince.NEVER_RAN))),
    )


def everything_held() -> Diagnosis:
    """Requests that each kind of holder holds, and what is concluded of them."""
    kept, stopped, stuck, lost = Why.DRIVER_KEPT, Why.COMPLETION_STOPPED, Why.SPECIAL_APC, Why.UNKNOWN
    return Diagnosis(
        (pending_apc(1), undrained_port(2), driver_kept(3)),
        (),
        HeldRequests.of(
            (
                *(held(0x1000 + n) for n in range(4)),
                *(held(0x2000 + n, Why.PORT, thread=99, port=2) for n in range(3)),
                *(held(0x3000 + n, kept, driver="keeper.sys") for n in range(2)),
                held(0x4000, stopped, driver="stopper.sys"),
                held(0x5000, stuck, thread=99, since=ThreadSince.NEVER_RAN),
                held(0x6000, lost),
            )
        ),
    )


def hostile(finding: Finding, name: str) -> Finding:
    """Every text that can come from a trace is an attack."""
    return replace(
        finding,
        process=name,
        driver=name,
        path=tuple(PathNode(node.kind, name, name, node.rule, 1) for node in finding.path),
        evidence=tuple(replace(reason, says=name) for reason in finding.evidence),
        doubts=(name,),
        advice=name,
        explanations=tuple(replace(each, says=name, told_apart_by=name) for each in finding.explanations),
        port=None if finding.port is None else replace(finding.port, process=name),
    )


def hostile_diagnosis(name: str = HOSTILE) -> Diagnosis:
    """The same, told by an attacker."""
    told = diagnosis()
    return Diagnosis(
        tuple(hostile(finding, name) for finding in told.findings),
        tuple(replace(group, driver=name, why=name) for group in told.cleared),
        HeldRequests.of(replace(each, process=name, says=name, driver=name) for each in told.held_requests),
    )


def wordy(finding: Finding) -> Finding:
    """As much to read as a finding can bring."""
    reasons = tuple(Evidence(f"rule-{n}", f"reason {n}: " + "a sentence that is rather long " * 5) for n in range(6))
    advice = "In a kernel debugger, look at this and that and then at something else as well. " * 4
    return replace(finding, evidence=reasons, advice=advice + "END")
