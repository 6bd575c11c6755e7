"""Snapshots made by hand, small enough to know by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np

from analyzers.findings import NO_DIAGNOSIS, Diagnosis, Finding
from analyzers.pool_tables import Frame, GroupRow, Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.processes import Process
from analyzers.snapshot import Snapshot
from analyzers.trends.bins import BINS
from analyzers.trends.history import STEPS, SiteHistory
from tracer.arrays import I32, I64, U64
from tracer.columns import UNKNOWN_ID, Who
from tracer.errors import Damage
from tracer.symbols.symbol import Source, Symbol
from tracer.trace import ByteCount, Census, Loss, TraceInfo

SECOND = 1_000_000_000
NONPAGED_NX = 512
PAGED = 1
USER_STACK = 90
FRAME = 0xFFFFF80100001000
"""Allocating frames lie from here on."""


@dataclass(frozen=True)
class HandmadeNames:
    """Names from dictionaries."""

    processes: Mapping[int, str]
    stacks: Mapping[int, tuple[Frame, ...]]

    def process(self, pid: int, at_ns: int | None = None) -> str:  # noqa: ARG002 - a handmade process has one name
        return self.processes.get(pid, "")

    def lives(self, pid: int) -> Sequence[Process]:
        return [Process(pid, self.process(pid), 0)]

    def process_names(self) -> frozenset[tuple[int, str]]:
        return frozenset(self.processes.items())

    def images(self) -> frozenset[tuple[str, str]]:
        return frozenset((frame.module, frame.module) for frames in self.stacks.values() for frame in frames)

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        return {}

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """User stacks are those from 90 on; they mean nothing without their process."""
        return () if stack >= USER_STACK and not process else self.stacks.get(stack, ())

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        every = [self.frames(stack) for stack in stacks.tolist()]
        flat = [frame for one in every for frame in one]
        return flat, np.arange(len(flat)), np.cumsum([0, *map(len, every)], dtype=np.int64)

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        every = [[frame.address for frame in self.frames(int(stack))] for stack in stacks]
        flat = np.array([address for one in every for address in one], np.uint64)
        return flat, np.cumsum([0, *(len(one) for one in every)], dtype=np.int64)


@dataclass
class Site:
    """Allocations of one tag from one stack: ``sizes`` are those still outstanding."""

    tag: str
    stack: int
    driver: str
    sizes: Sequence[int]
    freed: int = 0
    paged: bool = False
    process: int = 4330
    thread: int = 88
    who: Who = Who.STACK


@dataclass
class Story:
    """What a handmade snapshot is made of; change a part and make it again."""

    sites: list[Site]
    processes: dict[int, str]
    stacks: dict[int, tuple[Frame, ...]]
    descriptions: dict[str, tuple[str, str]] = field(default_factory=dict)
    path: str = "leak.etl"
    session: str = "NT Kernel Logger"
    simulated: bool = False
    finalised: bool = True
    partial: bool = False
    loss: Loss = field(default_factory=lambda: Loss(0, 0, ()))
    damage: tuple[Damage, ...] = ()
    stray_frees: int = 7
    replaced: int = 0
    diagnosis: Diagnosis = NO_DIAGNOSIS

    def make(self) -> Snapshot:
        pool = _pool(self)
        return Snapshot(
            info=info(self.path, self.session, simulated=self.simulated, finalised=self.finalised),
            census=census(),
            loss=self.loss,
            damage=self.damage,
            bytes=ByteCount(720, 60_000, 4_816, 0),
            pool=pool,
            names=HandmadeNames(self.processes, self.stacks),
            at_ns=90 * SECOND,
            partial=self.partial,
            diagnosis=replace(self.diagnosis, findings=tuple(_found(each, pool) for each in self.diagnosis.findings)),
        )


def _found(finding: Finding, pool: PoolSnapshot) -> Finding:
    """The finding with its rows: what is outstanding of its tags, by their drivers and its thread."""
    if len(finding.rows):
        return finding
    out, sites = pool.outstanding, pool.sites
    of_site = np.zeros(len(sites.stack), np.bool_)
    for share in finding.shares:
        of_tag = ((pool.tags.tag == share.tag) & (pool.tags.paged == share.paged))[sites.tag_row]
        own = of_tag & np.array([name == share.driver for name in sites.driver], np.bool_)
        of_site |= own if own.any() else of_tag
    rows = of_site[out.site]
    if finding.thread_id not in (None, UNKNOWN_ID):
        rows &= (out.process == finding.process_id) & (out.thread == finding.thread_id)
    return replace(finding, rows=np.flatnonzero(rows))


def info(path: str, session: str, *, simulated: bool, finalised: bool) -> TraceInfo:
    return TraceInfo(
        path=path,
        bytes=65_536,
        session=session,
        start=133_900_000_000_000_000,
        end=133_900_000_900_000_000 if finalised else 0,
        duration_ns=90 * SECOND,
        os_build=26100,
        pointer_size=8,
        processors=4,
        buffers=10,
        compressed_buffers=0,
        clock="qpc",
        clock_frequency=10_000_000,
        mode=("sequential",),
        finalised=finalised,
        simulated=simulated,
    )


def census() -> Census:
    return Census(
        total=1204,
        by_header={"PERFINFO64": 1200, "SYSTEM64": 2, "EVENT64": 2},
        kernel_events={0x0E20: 700, 0x0E22: 500, 0x0000: 1, 0x0005: 1},
        providers={UUID("E53C6823-7BB8-44BB-90DC-3F86090D48A6"): 2},
    )


def _pool(story: Story) -> PoolSnapshot:
    keys = list(dict.fromkeys((site.tag, site.paged) for site in story.sites))
    tag_row = [keys.index((site.tag, site.paged)) for site in story.sites]
    count = [len(site.sizes) for site in story.sites]
    size = [sum(site.sizes) for site in story.sites]
    made = [len(site.sizes) + site.freed for site in story.sites]

    def per_tag(values: Sequence[int]) -> I64:
        out = np.zeros(len(keys), np.int64)
        np.add.at(out, np.array(tag_row, np.int64), np.array(values, np.int64))
        return out

    freed = [site.freed for site in story.sites]
    drivers = [story.descriptions.get(tag, ("", "")) for tag, _ in keys]
    totals = PoolTotals(
        allocations=sum(made) + story.replaced,
        frees=sum(freed) + story.stray_frees,
        matched=sum(freed),
        frees_without_allocation=story.stray_frees,
        replaced_without_free=story.replaced,
        outstanding_count=sum(count),
        outstanding_bytes=sum(size),
    )
    return PoolSnapshot(
        totals=totals,
        tags=TagTable(
            tag=np.array([int.from_bytes(tag.encode("latin-1"), "little") for tag, _ in keys], np.uint32),
            paged=np.array([paged for _, paged in keys], np.bool_),
            allocations=per_tag(made),
            frees=per_tag(freed),
            outstanding_count=per_tag(count),
            outstanding_bytes=per_tag(size),
            peak_bytes=per_tag(size) + 4096,
            driver=tuple(driver for driver, _ in drivers),
            description=tuple(description for _, description in drivers),
        ),
        sites=SiteTable(
            tag_row=np.array(tag_row, np.int32),
            stack=np.array([site.stack for site in story.sites], np.int32),
            allocations=np.array(made, np.int64),
            allocated_bytes=np.array(size, np.int64),
            frees=np.array(freed, np.int64),
            outstanding_count=np.array(count, np.int64),
            outstanding_bytes=np.array(size, np.int64),
            first_ns=np.arange(len(count), dtype=np.int64) * SECOND,
            last_ns=np.arange(len(count), dtype=np.int64) * SECOND + 30 * SECOND,
            driver=tuple(site.driver for site in story.sites),
            frame=np.array([0 if site.stack < 0 else FRAME + 16 * site.stack for site in story.sites], np.uint64),
        ),
        history=_history(story.sites),
        outstanding=_outstanding(story.sites),
        by_process=_by_process(story),
        by_driver=_by_driver(story),
    )


def _history(sites: Sequence[Site]) -> SiteHistory:
    """All that happens at a site happens in one step, and what is freed is freed at once."""
    n = len(sites)
    counts = [np.zeros((n, STEPS), np.int32) for _ in range(3)]
    size, lifetimes = np.zeros((n, STEPS), np.int64), np.zeros((n, BINS), np.int32)
    allocations, frees, survivors = counts
    for row, site in enumerate(sites):
        step = row % STEPS
        allocations[row, step] = len(site.sizes) + site.freed
        frees[row, step] = lifetimes[row, 0] = site.freed
        survivors[row, step], size[row, step] = len(site.sizes), sum(site.sizes)
    return SiteHistory(allocations, frees, size, survivors, size, lifetimes, 1 << 30, min(n, STEPS))


def _outstanding(sites: Sequence[Site]) -> Outstanding:
    rows = [(index, site, size) for index, site in enumerate(sites) for size in site.sizes]
    n = len(rows)
    return Outstanding(
        address=np.uint64(0xFFFF9A8000001010) + np.arange(n, dtype=np.uint64) * np.uint64(0x200),
        size=np.array([size for _, _, size in rows], np.uint64),
        time_ns=np.arange(n, dtype=np.int64) * (SECOND // 4),
        type=np.array([PAGED if site.paged else NONPAGED_NX for _, site, _ in rows], np.uint32),
        thread=np.array([site.thread for _, site, _ in rows], np.uint32),
        process=np.array([site.process for _, site, _ in rows], np.uint32),
        cpu=np.array([i % 4 for i in range(n)], np.uint16),
        who=np.array([site.who for _, site, _ in rows], np.uint8),
        site=np.array([index for index, _, _ in rows], np.int32),
        user_stack=np.full(n, USER_STACK, np.int32),
        offset=np.arange(n, dtype=np.int64) * 40 + 72,
    )


def _by_process(story: Story) -> tuple[GroupRow, ...]:
    pids = dict.fromkeys(site.process for site in story.sites if site.sizes)
    rows = []
    for pid in pids:
        sizes = [size for site in story.sites if site.process == pid for size in site.sizes]
        rows.append(GroupRow(story.processes.get(pid, ""), pid, len(sizes), sum(sizes)))
    return tuple(sorted(rows, key=lambda row: row.bytes, reverse=True))


def _by_driver(story: Story) -> tuple[GroupRow, ...]:
    rows = []
    for driver in dict.fromkeys(site.driver for site in story.sites if site.sizes):
        sizes = [size for site in story.sites if site.driver == driver for size in site.sizes]
        rows.append(GroupRow(driver, 0, len(sizes), sum(sizes)))
    return tuple(sorted(rows, key=lambda row: row.bytes, reverse=True))


def winsock_story() -> Story:
    """Sockets closed too early: IRPs and their buffers stay; a registry tag that is freed; one paged tag."""
    return Story(
        sites=[
            Site("Irp ", 0, "ntoskrnl.exe", [464] * 12, freed=100),
            Site("Irp ", 1, "ntoskrnl.exe", [640] * 2, freed=5, process=4, thread=100, who=Who.CONTEXT_SWITCH),
            Site("AfdB", 2, "afd.sys", [4096] * 3, freed=20),
            Site(
                "CM25",
                3,
                "ntoskrnl.exe",
                [200],
                freed=9,
                paged=True,
                process=UNKNOWN_ID,
                thread=UNKNOWN_ID,
                who=Who.UNKNOWN,
            ),
            Site("File", -1, "", [], freed=50),
        ],
        processes={4330: "client.exe", 4: "System"},
        stacks={
            0: (
                Frame(0xFFFFF80000100123, "ntoskrnl.exe", 0x100123),
                Frame(0xFFFFF80000200456, "ntoskrnl.exe", 0x200456),
                Frame(0xFFFFF80100003010, "afd.sys", 0x3010),
                Frame(0xFFFFF80000300789, "ntoskrnl.exe", 0x300789),
            ),
            1: (Frame(0xFFFFF80000100999, "ntoskrnl.exe", 0x100999), Frame(0xFFFFF80300000010, "", 0)),
            2: (Frame(0xFFFFF80100001234, "afd.sys", 0x1234), Frame(0xFFFFF80000300111, "ntoskrnl.exe", 0x300111)),
            3: (Frame(0xFFFFF80000500000, "ntoskrnl.exe", 0x500000, Symbol("CmpAllocate", 0x41), Source.PDB),),
            USER_STACK: (Frame(0x7FF812340000, "ntdll.dll", 0x9D000), Frame(0x7FF601000010, "client.exe", 0x10)),
        },
        descriptions={
            "Irp ": ("ntoskrnl.exe", "I/O request packets"),
            "AfdB": ("afd.sys", "Socket data buffers"),
            "CM25": ("ntoskrnl.exe", "Registry data"),
        },
    )


HOSTILE = "\x1b[2Jevil\u202egpj.exe\r\n[/x]\ud800\x9b31m"
"""Escapes, a bidi override, line ends, markup, a lone surrogate, a C1 control."""

FORBIDDEN = set("\x1b\u202e\r\n\ud800\x9b")
"""What of that must never reach a line of output."""
