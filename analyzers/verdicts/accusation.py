"""From the judgement of a group to a finding that a person can check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Final

import numpy as np

from analyzers import advice
from analyzers.drain import By, Drain, freed_words
from analyzers.findings import Accused, EventRef, Evidence, Finding, GroupShare, PathNode, Verdict
from analyzers.formatting import agreeing, counted, duration, moment, part_of
from analyzers.holders.release_stacks import NOTHING_RELEASED, Released
from analyzers.modules import FrameTable, Modules
from analyzers.policy import LIFETIMES, SURENESS
from analyzers.pool_tables import Frame, Names, Outstanding, PoolSnapshot
from analyzers.pooltag import tag_text
from analyzers.tags.callers import IRP
from analyzers.tags.objects import OBJECT_MEMORY, OPENED_BY_ANYBODY, THREAD_OBJECT
from analyzers.threads import Threads
from analyzers.verdicts.birth_pattern import BirthPattern
from analyzers.verdicts.calls import CALLS, calling_modules
from analyzers.verdicts.confidence import Confidence, Doubt, Weight, confidence, of_gone
from analyzers.verdicts.coverage import Coverage
from analyzers.verdicts.judgement import Gone, Judgement
from analyzers.verdicts.lengths import length_weight
from analyzers.verdicts.lookaside_irps import may_rest
from analyzers.verdicts.owners import Owners
from analyzers.verdicts.shares import Walked, where, whose
from tracer.arrays import I32, Rows
from tracer.data_classes import dataclass

Started = Callable[[int, int], int | None]
_PROGRAMS: Final = 3
"""Programs that a sentence names."""


def never_seen(_process: int, _at_ns: int) -> None:
    """Of traces without process events: no start is seen."""


@dataclass(frozen=True, slots=True)
class DiagnosisInputs:
    """What every accusation is made from: the pool, the names, and which evidence there is.

    ``frame_of``: what lies at a place of the kernel's; ``frames_of``: the frames of many stacks; ``modules``: all
    images. ``started``: when the process that had an id at a time was started, ``None`` for before the trace.
    ``at_ns``: the moment of the diagnosis. ``has_names``: frames may have functions' names; ``released``: what these
    tell of freed IRPs.
    """

    pool: PoolSnapshot
    names: Names
    coverage: Coverage
    frame_of: Callable[[int], Frame]
    frames_of: Callable[[I32], FrameTable]
    modules: Modules
    started: Started = never_seen
    at_ns: int = 0
    threads: Threads = field(default_factory=Threads)
    has_names: bool = False
    released: Released = NOTHING_RELEASED

    @property
    def until_ns(self) -> int:
        """Until when allocations count: the drain's beginning, where there is one."""
        return self.at_ns if self.coverage.drain is None else self.coverage.drain.from_ns

    def is_starting(self, process: int | None, at_ns: int) -> bool:
        """Whether the process that had this id at a time started so late that it may still be filling up."""
        started = None if process is None else self.started(process, at_ns)
        return started is not None and self.at_ns - started < SURENESS.starting_ns

    def module_of(self, address: int) -> str:
        """Name of the kernel module at an address, empty for none."""
        return self.frame_of(address).module


def pool_event(outstanding: Outstanding, row: int) -> EventRef:
    """The event of one allocation."""
    columns = outstanding.time_ns, outstanding.cpu, outstanding.offset
    time_ns, cpu, offset = (column.item(row) for column in columns)
    return EventRef(time_ns, "pool", cpu, offset)


def accuse(
    judgement: Judgement,
    who: Owners,
    walked: Walked,
    inputs: DiagnosisInputs,
    *,
    path: tuple[PathNode, ...],
    closed_sockets: int,
) -> Finding:
    """The finding. ``who``: whose its survivors are; ``walked``: how many of them have a stack.

    ``closed_sockets``: how many hold sockets never cleaned up.

    What the kernel makes on a caller's behalf is laid to the caller.
    """
    pool, group, rows = inputs.pool, judgement.group, judgement.rows
    code = str(inputs.frame_of(walked.frame)) if walked.frame else ""
    size = int(pool.outstanding.size[rows].sum(dtype=np.uint64))
    sure = _sure(judgement, inputs, who, walked)
    name = who.name if who.process is not None else ""
    driver = "" if group.callers else judgement.driver
    calls = calling_modules(inputs.names, who.user_stack, who.process)
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
        path=path if driver in {"", group.driver} else by_way_of(path, driver, size),
        evidence=_evidence(judgement, inputs, who, walked, code, calls, closed_sockets),
        doubts=sure.doubts,
        advice=_advice(judgement, inputs, code, name, who, calls),
        accused=Accused.PROCESS if group.callers else Accused.DRIVER,
        groups=(GroupShare(group.tag, group.paged, len(rows), size, driver),),
        undecided=judgement.undecided if len(rows) < len(group.rows) else 0,
        rows=rows.astype(np.int64),
        user_stack=who.user_stack,
        separates=None if judgement.comparison is None else judgement.comparison.separation,
        allocator=_allocator(judgement),
        unloaded_ns=None if judgement.gone is None else judgement.gone.unload.at_ns,
    )


def by_way_of(path: tuple[PathNode, ...], driver: str, size: int) -> tuple[PathNode, ...]:
    """The retention path to what another driver allocated for the culprit: through both drivers."""
    at = next((at for at, node in enumerate(path) if node.kind == "driver"), None)
    if at is None:
        return path
    culprit = PathNode("driver", f"driver:{driver}", driver, path[at].rule, size)
    return (*path[:at], culprit, *path[at:])


def _advice(
    judgement: Judgement, inputs: DiagnosisInputs, code: str, process: str, who: Owners, calls: tuple[str, ...]
) -> str:
    group = judgement.group
    if judgement.gone is not None:
        return advice.unloaded(judgement.driver, code, group.tag)
    if group.tag in OBJECT_MEMORY:
        return (
            advice.handles(process, who.thread, group.tag, calls)
            if group.callers
            else advice.references(group.driver, code, group.tag)
        )
    if group.callers:
        return advice.caller(process, who.thread, group.tag, calls)
    if judgement.verdict is Verdict.MISSING_FREE:
        place = culprit_place(judgement) or code
        advised = advice.missing_free(judgement.driver, place, group.tag, _allocator(judgement))
        is_short = inputs.coverage.drain is None and _by_length(judgement, inputs, who).factor < SURENESS.starting
        return advice.with_drain(advised) if is_short else advised
    missing = "" if inputs.coverage.stacks else "stacks"
    missing = missing or ("" if inputs.coverage.requests else "requests")
    drained = inputs.coverage.drain is not None
    return advice.growth(judgement.driver, group.tag, missing, part=inputs.coverage.part, drained=drained)


def _allocator(judgement: Judgement) -> str:
    """The driver that allocates for the culprit, empty where that is itself."""
    return "" if judgement.driver == judgement.group.driver else judgement.group.driver


def culprit_place(judgement: Judgement) -> str:
    """The frame that separates, empty for none."""
    frames = judgement.comparison
    return "" if frames is None or frames.separation is None else str(frames.separation.frame)


def _sure(judgement: Judgement, inputs: DiagnosisInputs, who: Owners, walked: Walked) -> Confidence:
    count, explained = len(judgement.rows), judgement.explained
    if judgement.gone is not None:
        gone, by_library = judgement.gone, bool(_allocator(judgement))
        return of_gone(
            at_end=gone.at_end, by_library=by_library, one_lost=gone.one_lost, count=count, explained=explained
        )
    doubts: list[Doubt | Weight] = [
        *_doubts(judgement, inputs, who, walked),
        _by_length(judgement, inputs, who),
    ]
    return confidence(judgement.verdict, doubts, count=count, explained=explained)


def _by_length(judgement: Judgement, inputs: DiagnosisInputs, who: Owners) -> Weight:
    starting = _is_starting(judgement, inputs, who)
    return length_weight(judgement, starting=starting, drained_ns=inputs.at_ns - inputs.until_ns)


def _doubts(judgement: Judgement, inputs: DiagnosisInputs, who: Owners, walked: Walked) -> list[Doubt]:
    cover, callers = inputs.coverage, judgement.group.callers
    held = (
        (Doubt.NO_STACKS, walked.none and not callers),
        (Doubt.NO_CALLS, walked.none and callers),
        (Doubt.FEW_STACKS, walked.few),
        (Doubt.NO_DRIVER, not judgement.group.driver and not callers),
        (Doubt.NO_PROCESS, callers and who.process is None),
        (Doubt.NO_SWITCHES, not cover.context_switches),
        (Doubt.NO_REQUESTS, not cover.requests),
        (Doubt.WRAPPED, cover.wrapped),
        (Doubt.ROLLED, cover.rolled),
        (Doubt.ENDED, judgement.birth_pattern is BirthPattern.ENDED),
        (Doubt.NOT_RISING, not judgement.growth.rising and judgement.birth_pattern is BirthPattern.CONTINUES),
        (Doubt.OTHERS_FREED, callers and _by_others(judgement)),
        (Doubt.SENDS, judgement.comparison is not None and judgement.comparison.sends),
        (Doubt.CALLER_FREES, judgement.comparison is not None and judgement.comparison.frees_others),
        (Doubt.ANYBODY, callers and judgement.group.tag in OPENED_BY_ANYBODY),
        (Doubt.MAY_REST, callers and _may_rest(judgement, inputs.pool.outstanding)),
        (Doubt.RUNNING, callers and _still_run(judgement, inputs, who)),
        (Doubt.THREAD_INFERRED, who.thread is not None and who.on_thread.inferred),
        (Doubt.THREADS_INFERRED, who.thread is not None and who.on_thread.partly),
    )
    return [doubt for doubt, holds in held if holds]


def _may_rest(judgement: Judgement, outstanding: Outstanding) -> bool:
    return judgement.group.tag == IRP and may_rest(outstanding, judgement.rows) == len(judgement.rows)


def _evidence(
    judgement: Judgement,
    inputs: DiagnosisInputs,
    who: Owners,
    walked: Walked,
    code: str,
    calls: tuple[str, ...],
    closed_sockets: int,
) -> tuple[Evidence, ...]:
    outstanding, rows = inputs.pool.outstanding, judgement.rows
    first, last = pool_event(outstanding, int(rows[0])), pool_event(outstanding, int(rows[-1]))
    lived = judgement.survivors
    found = [_unloaded(judgement.gone, len(rows))] if judgement.gone is not None else []
    found += [_siblings(judgement)] if lived.freed else []
    if lived.freed and judgement.gone is None:
        found.append(
            Evidence(
                "outlived",
                f"{counted(lived.count, 'allocation is', 'allocations are')} older than {duration(lived.age_ns)}",
                (first, last),
                inferred=True,
            )
        )
    if inputs.coverage.drain is not None and judgement.gone is None:
        found.append(_drained(judgement, inputs.pool, inputs.coverage.drain))
    found.append(
        Evidence(
            "kept-all-along",
            f"{_born(first.time_ns, last.time_ns, len(rows))}{_trend(judgement)}",
            (first, last),
        )
    )
    if closed_sockets:
        closed = counted(closed_sockets, "of their sockets was", "of their sockets were")
        found.append(Evidence("closed-not-cleaned-up", f"{closed} closed and never cleaned up"))
    if judgement.group.tag == IRP and judgement.group.callers and who.process is None:
        found.append(_passed_on(inputs, rows))
    found += separating(judgement)
    found += where(walked, code, judgement.group.driver)
    if calls:
        found.append(Evidence(CALLS, f"the program calls from {', '.join(calls)}"))
    return (*found, *whose(who, len(rows)))


def _drained(judgement: Judgement, pool: PoolSnapshot, drain: Drain) -> Evidence:
    """That they stayed when others were freed, with no new ones to hide it."""
    since = f"{duration(drain.length_ns)} after {drain.begins}"
    freed = freed_words(pool, drain, judgement.group.tag_row)
    return Evidence("stayed-in-drain", f"still there {since}{freed}", inferred=drain.by is By.SEEN)


def _born(first_ns: int, last_ns: int, count: int) -> str:
    if count == 1:
        return f"it was allocated at {moment(first_ns)}"
    return f"they were allocated from {moment(first_ns)} to {moment(last_ns)}"


def _unloaded(gone: Gone, count: int) -> Evidence:
    event = EventRef(gone.unload.at_ns, "image", gone.unload.cpu, gone.unload.offset)
    left = f"{counted(count, 'block was', 'blocks were')} still allocated then"
    return Evidence(
        "unloaded",
        f"{gone.driver} was unloaded at {moment(gone.unload.at_ns)}; {left}",
        (event,),
    )


def separating(judgement: Judgement) -> list[Evidence]:
    """Evidence: how many kept and freed stacks have the separating frame, or why none separates."""
    frames = judgement.comparison
    if frames is None or not frames.kept:
        return []
    if (found := frames.separation) is None:
        if not frames.freed:
            says = f"the trace has no stack of a freed {tag_text(judgement.group.tag).strip()} block to compare with"
        else:
            says = (
                f"the stacks of the {frames.kept:,} kept and the {frames.freed:,} freed blocks are alike: a later path"
                " skips the free"
                if frames.alike
                else f"no frame of a driver tells the {frames.kept:,} kept from the {frames.freed:,} freed blocks"
            )
        return [Evidence("nothing-separates", says)]
    also = f"; {', '.join(frames.others)} as well" if frames.others else ""
    if frames.frees_others:
        most = "" if found.kept_with == found.kept else "nearly all "
        also = f": {most}what other callers get from {judgement.group.driver} is freed"
    says = (
        f"{found.frame} is in the stacks of {part_of(found.kept_with, found.kept)} kept blocks, and of"
        f" {part_of(found.freed_with, found.freed)} freed ones{also}"
    )
    return [Evidence("separating-frame", says)]


def _passed_on(inputs: DiagnosisInputs, rows: Rows) -> Evidence:
    """Whose the IRPs of several programs are: who asked for each, which is not who has it now."""
    outstanding = inputs.pool.outstanding
    processes, first, counts = np.unique(outstanding.process[rows], return_index=True, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_PROGRAMS].tolist()
    times = outstanding.time_ns[rows[first]].tolist()
    named = [
        (inputs.names.process(int(processes[at]), times[at]) or "an unknown program", int(counts[at])) for at in most
    ]
    programs = ", ".join(f"{name} ({count:,})" for name, count in named)
    return Evidence(
        "passed-on",
        f"they were allocated for {programs}; lookaside lists pass IRPs on, so who has them now is not known",
        inferred=True,
    )


def _is_starting(judgement: Judgement, inputs: DiagnosisInputs, who: Owners) -> bool:
    """Whether the program may only be filling up after its start: none of its own were freed yet."""
    if judgement.verdict is not Verdict.GROWTH and not _by_others(judgement):
        return False
    return inputs.is_starting(who.process, int(inputs.pool.outstanding.time_ns[judgement.rows[-1]]))


def _still_run(judgement: Judgement, inputs: DiagnosisInputs, who: Owners) -> bool:
    """Whether most of them are objects of threads that have not ended."""
    if judgement.group.tag != THREAD_OBJECT or who.process is None:
        return False
    rows = judgement.rows
    since = int(inputs.pool.outstanding.time_ns[rows[0]])
    return 2 * inputs.threads.running(who.process, since) >= len(rows)


def _by_others(judgement: Judgement) -> bool:
    """Whether its siblings' lifetimes are other programs'."""
    group, freed = judgement.group, judgement.survivors.freed
    return group.tag in OBJECT_MEMORY and freed >= LIFETIMES.fewest_freed > int(group.history.lifetimes.sum())


def _siblings(judgement: Judgement) -> Evidence:
    lived = judgement.survivors
    whose = " by other programs" if judgement.group.callers and _by_others(judgement) else ""
    return Evidence(
        "siblings-freed",
        f"{counted(lived.freed, 'other of the kind was', 'others of the kind were')} freed{whose}, "
        f"{agreeing(lived.freed, 'after', '95 % of them within')} {duration(lived.usual_ns)}",
    )


def _trend(judgement: Judgement) -> str:
    grows = judgement.growth
    return "; outstanding bytes keep rising" if grows.rising else ""
