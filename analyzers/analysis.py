"""The analysis of one trace: takes batches, gives snapshots."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from analyzers.activity import Activity
from analyzers.clocks import clock_shifts, supposed_shifts
from analyzers.dated_stacks import DatedStacks
from analyzers.diagnosis_context import DiagnosisContext
from analyzers.drain import KIND as DRAIN
from analyzers.drain import DrainWatch
from analyzers.findings import NO_DIAGNOSIS, Diagnosis
from analyzers.holders.by_name import stacks_that_decide
from analyzers.image_files import ImageFiles
from analyzers.image_lives import NEVER, Module
from analyzers.ledger import Ledger
from analyzers.loss_bounds import loss_bounds
from analyzers.machine_facts import DriverFile, MachineFacts
from analyzers.modules import FrameTable, Modules, taken_apart
from analyzers.pool import PoolView
from analyzers.pool_tables import Frame, PoolSnapshot
from analyzers.processes import Process, Processes
from analyzers.requests.tables import RequestSnapshot
from analyzers.requests.tracker import Requests
from analyzers.scheduling import CpuTimeline
from analyzers.silent_loss import inferred_loss
from analyzers.snapshot import Snapshot
from analyzers.standstills import Standstills
from analyzers.symbolization import (
    MOST_SITES,
    THOROUGH_SITES,
    Symbols,
    stacks_after,
    stacks_before,
)
from analyzers.tags import TagNames
from analyzers.threads import Threads
from analyzers.verdicts.coverage import Coverage, coverage, reported_share
from analyzers.verdicts.diagnose import Case, diagnose
from tracer.arrays import I32, I64, U64, unique
from tracer.errors import Damage
from tracer.images.carried import IDENTITIES, ImageFile
from tracer.live.counters import PoolCounters
from tracer.stacks.table import StackTable
from tracer.trace import Batch, Census, ClockShift, Loss, Source, TraceInfo


class TraceNames:
    """Names for ids and addresses, from the events so far (a :class:`~analyzers.pool_tables.Names`)."""

    def __init__(self, stacks: StackTable, symbols: Symbols | None = None) -> None:
        """``symbols``: names for addresses; without them frames have none."""
        self.symbols = symbols
        self.files = ImageFiles()
        self.machine = MachineFacts()
        self.processes = Processes()
        self.threads = Threads()
        self.modules = Modules()
        self.stacks = DatedStacks(stacks, self.modules)
        self._frames: dict[tuple[int, int, int], Frame] = {}

    def feed(self, batch: Batch) -> None:
        """Take the process, thread and image events of a batch."""
        for kind, taker in (("process", self.processes), ("thread", self.threads), ("image", self.modules)):
            if kind in batch.tables:
                taker.feed(batch.tables[kind])
        if IDENTITIES in batch.tables:
            self.files.feed(batch.tables[IDENTITIES])
        self.machine.feed(batch)
        if "image" in batch.tables:
            self.processes.feed_images(batch.tables["image"])
            self._frames.clear()
        self.threads.find(batch)

    def process(self, pid: int, at_ns: int | None = None) -> str:
        """Image name of the process that had this id at a time, or last; empty where the trace does not say."""
        return self.processes.name(pid) if at_ns is None else self.processes.at(pid, at_ns).name

    def lives(self, pid: int) -> Sequence[Process]:
        """The processes that had this id, one after the other; at least one, which may have no name."""
        return self.processes.lives(pid)

    def process_names(self) -> frozenset[tuple[int, str]]:
        """Id and image name of every process that the trace tells of, those that hold nothing too."""
        return self.processes.known()

    def images(self) -> frozenset[tuple[str, str]]:
        """File name and path of every image that the trace tells of."""
        return self.modules.files

    def drivers(self) -> tuple[DriverFile, ...]:
        """Every image of the kernel's space, by name."""
        return self.machine.drivers((image, self.files.of(image)) for image in self.modules.every if not image.process)

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        """By name of a kernel image, in small letters: size and time stamp (0: not told) of each that was loaded."""
        return self.modules.builds

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """The frames of a stack id, innermost first; user frames by the images of ``process``."""
        [at_ns] = self.stacks.since(np.array([stack], np.int32)).tolist()
        return tuple(self.frame(address, process, at_ns) for address in self.stacks.frames(stack).tolist())

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        """As they come; which of them each stack has, one after another; and bounds (:meth:`Names.frames_of`)."""
        addresses, bounds = self.stacks.all_frames(stacks)
        table = self.modules.frames(addresses, bounds, self.stacks.since(stacks))
        _, first, which = np.unique(table.place, return_index=True, return_inverse=True)
        order = np.argsort(first)
        modules = (*table.modules, None)
        columns = addresses[first[order]].tolist(), table.module[first[order]].tolist()
        frames = [self.frame_in(address, modules[at]) for address, at in zip(*columns, strict=True)]
        return frames, np.argsort(order)[which], bounds

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        """The places of the frames of many stacks (:mod:`analyzers.modules`), one stack after another.

        And where each begins, with the end as one more.
        """
        found = self.frame_table(stacks)
        return found.place, found.bounds

    def frame_table(self, stacks: I32) -> FrameTable:
        """The kernel's modules in many stacks."""
        addresses, bounds = self.stacks.all_frames(stacks)
        return self.modules.frames(addresses, bounds, self.stacks.since(stacks))

    def files_in(self, stacks: I32) -> tuple[list[ImageFile], I64, I64]:
        """The kernel's images in many stacks; then pairs: which stack, and which of the images a frame of it is in."""
        table = self.frame_table(stacks)
        known = np.flatnonzero(table.module >= 0)
        stack = np.repeat(np.arange(len(stacks)), np.diff(table.bounds))[known]
        return [self.files.of(module) for module in table.modules], stack, table.module[known].astype(np.int64)

    def frame(self, place: int, process: int = 0, at_ns: int = NEVER) -> Frame:
        """The frame at an address of the kernel or a process; without an image's mark, in the newest before a time."""
        key = place, process, at_ns
        if (known := self._frames.get(key)) is None:
            known = self._frame(place, process, at_ns)
            if self.symbols is None:  # else it may get a name later
                self._frames[key] = known
        return known

    def _frame(self, place: int, process: int, at_ns: int) -> Frame:
        return self.frame_in(taken_apart(place)[0], self.modules.find(place, process, at_ns))

    def frame_in(self, address: int, module: Module | None) -> Frame:
        """The frame at an address of an image."""
        if module is None:
            return Frame(address, "", 0)
        offset = address - module.base
        if self.symbols is None:
            return Frame(address, module.name, offset)
        image = self.files.of(module)
        symbol, source = self.symbols.at(image, offset)
        if symbol is None and self.symbols.is_aside:  # who is shown a frame wants its name
            self.symbols.want(image, module.path, (offset,))
        return Frame(address, module.name, offset, symbol, source)

    def want(self, stacks: I32, users: Iterable[tuple[int, int]] = ()) -> None:
        """Ask for names: of the frames of kernel stacks, and of user stacks, each with its process."""
        if self.symbols is None:
            return
        addresses, bounds = self.stacks.all_frames(stacks)
        table = self.modules.frames(addresses, bounds, self.stacks.since(stacks))
        order = np.argsort(table.module, kind="stable")
        ends = np.searchsorted(table.module[order], np.arange(len(table.modules) + 1))
        for module, begin, end in zip(table.modules, ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            if begin < end:
                offsets = unique(addresses[order[begin:end]]) - np.uint64(module.base)
                self.symbols.want(self.files.of(module), module.path, offsets.tolist())
        for stack, process in users:
            [at_ns] = self.stacks.since(np.array([stack], np.int32)).tolist()
            for address in self.stacks.frames(stack).tolist():
                found = self.modules.find(address, process, at_ns)
                if found is not None:
                    self.symbols.want(self.files.of(found), found.path, (address - found.base,))


class Analysis:
    """Feed it every batch of a source, in order; ask for a :meth:`snapshot` at any moment."""

    KINDS: ClassVar = (
        frozenset({"pool", "process", "image", IDENTITIES, DRAIN})
        | MachineFacts.KINDS
        | CpuTimeline.KINDS
        | Activity.KINDS
        | Requests.KINDS
    )
    """Kinds of events that the analysis looks at: what a source has to decode for it."""

    def __init__(
        self,
        source: Source,
        tags: TagNames,
        baseline: PoolCounters | None = None,
        symbols: Symbols | None = None,
    ) -> None:
        """``baseline``: what was allocated when the source's events began, where that is known."""
        self._source = source
        self._baseline = baseline
        self._tags = tags
        self._ledger = Ledger()
        self._names = TraceNames(source.stacks, symbols)
        self._timeline = CpuTimeline(self._names.threads)
        self._requests = Requests(enabled=source.info.enabled)
        self._activity = Activity(timeline=self._timeline)
        self._standstills = Standstills()
        self._drains = DrainWatch()
        self._at_ns = 0
        self.late_stacks = 0

    def feed(self, batch: Batch) -> None:
        """Take one batch."""
        self._timeline.stamp(batch)
        self._names.feed(batch)
        if "pool" in batch.tables:
            self._ledger.feed(self._names.stacks.dated(batch.tables["pool"]))
        if len(batch.late_stacks.stack):
            self.late_stacks = self._ledger.attach_late(self._names.stacks.dated_late(batch.late_stacks))
        self._requests.feed(batch)
        self._activity.feed(batch)
        self._standstills.feed(batch)
        self._drains.feed(batch)
        self._at_ns = batch.until_ns

    def clock_shifts(self) -> tuple[ClockShift, ...]:
        """CPUs whose clocks differ from the others', as far as the batches show it; none where they are corrected."""
        return clock_shifts(*self._ledger.reversed_pairs())

    def supposed_shifts(self) -> tuple[ClockShift, ...]:
        """CPUs whose clocks may differ: only reading the trace again with them corrected can tell."""
        return supposed_shifts(*self._ledger.reversed_pairs()[:2])

    @property
    def names(self) -> TraceNames:
        """What the trace tells of processes, threads and images; those of every snapshot."""
        return self._names

    @property
    def timeline(self) -> CpuTimeline:
        """Who ran on each CPU."""
        return self._timeline

    @property
    def frees_without_allocation(self) -> int:
        """Frees of blocks from before the trace, or whose allocation was not seen, so far."""
        return self._ledger.totals[3]

    def snapshot(self, *, partial: bool = False, diagnosed: bool = True) -> Snapshot:
        """The pool, the requests and the conclusions as of the last batch.

        ``partial`` marks a reading that was stopped before its end. ``diagnosed``: with verdicts, which cost about a
        quarter of a millisecond for each group of outstanding allocations; without, the snapshot says nothing of why.
        """
        source = self._source
        view = PoolView(self._ledger, self._names, self._timeline, self._tags, self._names.stacks)
        pool = view.snapshot(self._at_ns)
        requests = self._requests.snapshot(self._timeline) if diagnosed else None
        census, info, damage = source.census, source.info, source.damage
        loss = self._loss(pool, census, info, damage)
        cover = None
        if requests is not None:
            drain = self._drains.drain(pool, loss, self._at_ns, is_file="real-time" not in info.mode)
            cover = coverage(info, census, loss, pool, requests, drain, source.bytes.skipped)
        diagnosis, context = NO_DIAGNOSIS, None
        if requests is not None and cover is not None:
            if (symbols := self._names.symbols) is not None:
                self._name_before(pool, requests, THOROUGH_SITES if symbols.is_thorough else MOST_SITES)
            diagnosis, context = self._diagnosis(pool, requests, cover, info)
            if symbols is not None and self._name(*stacks_after(diagnosis)):
                diagnosis, context = self._diagnosis(pool, requests, cover, info)
        return Snapshot(
            info=replace(info, standstills=self._standstills.found),
            census=census,
            loss=loss,
            damage=damage,
            bytes=source.bytes,
            pool=pool,
            names=self._names,
            at_ns=self._at_ns,
            partial=partial,
            diagnosis=diagnosis,
            context=context,
            coverage=cover,
            baseline=self._baseline,
            named=None if self._names.symbols is None else self._names.symbols.found(),
            bounds=functools.cache(functools.partial(loss_bounds, pool, loss, damage, info, self._at_ns)),
        )

    def _name_before(self, pool: PoolSnapshot, requests: RequestSnapshot, sites: int) -> None:
        """Name what is judged, as many sites, and what tells how requests are released and who issued them."""
        stacks, users = stacks_that_decide(pool, requests)
        self._name(unique(np.concatenate([stacks_before(pool, sites), stacks])), users)

    def _name(self, stacks: I32, users: Iterable[tuple[int, int]] = ()) -> bool:
        """Ask for the names of frames, and look for them unless somebody else does; whether there are new ones."""
        symbols = self._names.symbols
        if symbols is None:
            return False
        self._names.want(stacks, users)
        return not symbols.is_aside and symbols.resolve()

    def _loss(self, pool: PoolSnapshot, census: Census, info: TraceInfo, damage: tuple[Damage, ...]) -> Loss:
        """What the source says is missing, and what the pool's books show beyond that.

        Where bytes could not be read, or were overwritten, replaced allocations come of that.
        """
        loss = self._source.loss
        if loss.complete_from_ns or damage:
            return loss
        reported = reported_share(info, census, loss)
        return replace(loss, inferred=inferred_loss(pool, reported, corrected=bool(info.clock_shifts)))

    def _diagnosis(
        self, pool: PoolSnapshot, requests: RequestSnapshot, cover: Coverage, info: TraceInfo
    ) -> tuple[Diagnosis, DiagnosisContext]:
        names = self._names
        return diagnose(
            Case(
                pool=pool,
                requests=requests,
                activity=self._activity,
                threads=names.threads,
                names=names,
                coverage=cover,
                frame_of=names.frame,
                frames_of=names.frame_table,
                modules=names.modules,
                has_names=names.symbols is not None,
                pointer_size=info.machine_pointer,
                at_ns=self._at_ns,
                started=names.processes.started_ns,
                baseline=self._baseline,
            )
        )
