"""From the judgement of a group to a finding that a person can check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.findings import Accused, EventRef, Evidence, Finding, GroupShare, PathNode, Verdict
from analyzers.pool_tables import Frame, Names, Outstanding, PoolSnapshot
from analyzers.quantities import counted, duration, moment
from analyzers.tags.callers import PACKET
from analyzers.verdicts import advice
from analyzers.verdicts.calls import calling_modules
from analyzers.verdicts.confidence import Doubt, confidence
from analyzers.verdicts.course import Course
from analyzers.verdicts.coverage import Coverage
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.owners import Owners
from analyzers.verdicts.shares import Walked, where, whose

_PROGRAMS: Final = 3
"""Programs that a sentence names."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What every accusation is made from: the pool, the names, and which evidence there is.

    ``frame_of``: what lies at an address of the kernel's.
    """

    pool: PoolSnapshot
    names: Names
    coverage: Coverage
    frame_of: Callable[[int], Frame]

    def module_of(self, address: int) -> str:
        """Name of the kernel module at an address, empty for none."""
        return self.frame_of(address).module


def pool_event(outstanding: Outstanding, row: int) -> EventRef:
    """The event of one allocation."""
    return EventRef(int(outstanding.time_ns[row]), "pool", int(outstanding.cpu[row]), int(outstanding.offset[row]))


def accuse(
    judgement: Judgement, who: Owners, scene: Scene, *, path: tuple[PathNode, ...], closed_sockets: int
) -> Finding:
    """The finding. ``who``: whose its survivors are; ``closed_sockets``: how many hold sockets never cleaned up.

    What the kernel makes on a caller's behalf is laid to the caller.
    """
    pool, group, rows = scene.pool, judgement.group, judgement.rows
    code = place(scene, judgement)
    size = int(pool.outstanding.size[rows].sum(dtype=np.uint64))
    sure = confidence(judgement.verdict, _doubts(judgement, scene, who), count=len(rows), explained=judgement.explained)
    name = scene.names.process(who.process, int(pool.outstanding.time_ns[rows[-1]])) if who.process is not None else ""
    driver = "" if group.callers else group.driver
    calls = calling_modules(scene.names, who.user_stack, who.process)
    return Finding(
        rank=0,
        verdict=judgement.verdict,
        confidence=sure.value,
        tag=group.tag,
        paged=group.paged,
        count=len(rows),
        bytes=size,
        retained_bytes=size,
        bytes_per_hour=judgement.growth.bytes_per_hour,
        bytes_per_hour_interval=judgement.growth.interval,
        process_id=who.process,
        process=name,
        thread_id=who.thread,
        driver=driver,
        stack=who.stack,
        path=path,
        evidence=_evidence(judgement, scene, rows, who, code, calls, closed_sockets),
        doubts=sure.doubts,
        advice=_advice(judgement, scene, code, name, who, calls),
        accused=Accused.PROCESS if group.callers else Accused.DRIVER,
        groups=(GroupShare(group.tag, group.paged, len(rows), size, driver),),
        undecided=judgement.undecided,
        rows=rows.astype(np.int64),
        user_stack=who.user_stack,
    )


def _advice(judgement: Judgement, scene: Scene, code: str, process: str, who: Owners, calls: tuple[str, ...]) -> str:
    group = judgement.group
    if group.callers:
        return advice.caller(process, who.thread, group.tag, calls)
    if judgement.verdict is Verdict.MISSING_FREE:
        return advice.missing_free(group.driver, code, group.tag)
    missing = "" if scene.coverage.stacks else "stacks"
    return advice.growth(group.driver, group.tag, missing or ("" if scene.coverage.requests else "requests"))


def place(scene: Scene, judgement: Judgement) -> str:
    """The code that allocates most of them, as module + offset; empty where no stack tells."""
    address = Walked.of(scene.pool, judgement.rows).frame
    return str(scene.frame_of(address)) if address else ""


def _doubts(judgement: Judgement, scene: Scene, who: Owners) -> list[Doubt]:
    cover, walked = scene.coverage, Walked.of(scene.pool, judgement.rows)
    callers = judgement.group.callers
    held = {
        Doubt.NO_STACKS: walked.none and not callers,
        Doubt.NO_CALLS: walked.none and callers,
        Doubt.FEW_STACKS: walked.few,
        Doubt.NO_DRIVER: not judgement.group.driver and not callers,
        Doubt.NO_PROCESS: callers and who.process is None,
        Doubt.NO_SWITCHES: not cover.context_switches,
        Doubt.NO_REQUESTS: not cover.requests,
        Doubt.WRAPPED: cover.wrapped,
        Doubt.ENDED: judgement.course is Course.ENDED,
        Doubt.NOT_RISING: not judgement.growth.rising and judgement.course is Course.CONTINUES,
        Doubt.THREAD_INFERRED: who.on_thread.inferred and who.thread is not None,
        Doubt.THREADS_INFERRED: who.on_thread.partly and who.thread is not None,
    }
    return [doubt for doubt, holds in held.items() if holds]


def _evidence(
    judgement: Judgement,
    scene: Scene,
    rows: npt.NDArray[np.intp],
    who: Owners,
    code: str,
    calls: tuple[str, ...],
    closed_sockets: int,
) -> tuple[Evidence, ...]:
    outstanding = scene.pool.outstanding
    first, last = pool_event(outstanding, int(rows[0])), pool_event(outstanding, int(rows[-1]))
    lived = judgement.survivors
    found = [_siblings(judgement)] if lived.freed else []
    if lived.freed:
        found.append(
            Evidence(
                "outlived",
                f"{counted(lived.count, 'allocation')} {'is' if lived.count == 1 else 'are'} older than "
                f"{duration(lived.age_ns)}",
                (first, last),
                inferred=True,
            )
        )
    found.append(
        Evidence(
            "kept-all-along",
            f"they were allocated from {moment(first.time_ns)} to {moment(last.time_ns)}{_trend(judgement)}",
            (first, last),
        )
    )
    if closed_sockets:
        found.append(
            Evidence(
                "closed-not-cleaned-up", f"{counted(closed_sockets, 'socket')} of them were closed and never cleaned up"
            )
        )
    if judgement.group.tag == PACKET and judgement.group.callers and who.process is None:
        found.append(_passed_on(scene, rows))
    found += where(Walked.of(scene.pool, rows), code, judgement.group.driver)
    if calls:
        found.append(Evidence("user-modules", f"the program calls from {', '.join(calls)}"))
    return (*found, *whose(who, len(rows)))


def _passed_on(scene: Scene, rows: npt.NDArray[np.intp]) -> Evidence:
    """Whose the packets of several programs are: who asked for each, which is not who has it now."""
    outstanding = scene.pool.outstanding
    processes, first, counts = np.unique(outstanding.process[rows], return_index=True, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_PROGRAMS].tolist()
    times = outstanding.time_ns[rows[first]].tolist()
    named = [
        (scene.names.process(int(processes[at]), times[at]) or "an unknown program", int(counts[at])) for at in most
    ]
    programs = ", ".join(f"{name} ({count:,})" for name, count in named)
    return Evidence(
        "passed-on",
        f"they were allocated for {programs}; lookaside lists hand packets from one program to another, so only driver"
        " (IRP) events show who has them now",
        inferred=True,
    )


def _siblings(judgement: Judgement) -> Evidence:
    lived = judgement.survivors
    return Evidence(
        "siblings-freed",
        f"{counted(lived.freed, 'other')} of the kind {'was' if lived.freed == 1 else 'were'} freed, "
        f"95 % of them within {duration(lived.usual_ns)}",
    )


def _trend(judgement: Judgement) -> str:
    grows = judgement.growth
    return f"; outstanding bytes rise (Mann-Kendall p = {grows.p:.2g})" if grows.rising else ""
