"""The books of one analysis: where every byte, record, allocation and request went, and whether it adds up.

The two sides of each equation were counted in different places: bytes by the walk and by the file system, records by
the walk and by what made events of them, blocks by the ledger and by the table of what is outstanding. One that does
not hold is a fault of Poolscope, whatever the trace is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzers.analysis import Analysis
from analyzers.findings import WHYS
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.errors import Damage, DamageCode
from tracer.etl.buffers import MAX_DAMAGE
from tracer.etl.headers import HeaderType
from tracer.events import stack
from tracer.events.layout import EventId, KernelId
from tracer.events.providers import classic, provider_name
from tracer.events.registry import layouts_for, select
from tracer.trace import Census, Usage

if TYPE_CHECKING:
    import uuid

_STACKS: Final = frozenset(layout.kind for layout in stack.LAYOUTS)
_LOG_FILE: Final = 0x0000
_WITHOUT_ID: Final = (HeaderType.MESSAGE, HeaderType.TIMED, HeaderType.ERROR, HeaderType.WNODE)


class Left(StrEnum):
    """Why records were counted and not decoded."""

    HEADER = "header"
    NOT_NEEDED = "not-needed"
    NO_LAYOUT = "no-layout"
    NO_SCHEMA = "no-schema"
    MESSAGE = "message"
    OPAQUE = "opaque"


LEFT_SAYS: Final = {
    Left.HEADER: "headers of log files: the first was read when the file was opened",
    Left.NOT_NEEDED: "known, and not asked for: they tell nothing that the analysis rests on",
    Left.NO_LAYOUT: "kernel events that no layout is known of",
    Left.NO_SCHEMA: "events of providers that no layout is known of",
    Left.MESSAGE: "WPP messages: only the symbols of their program tell what is in them",
    Left.OPAQUE: "records of which only the size is known",
}


@dataclass(frozen=True, slots=True)
class Equation:
    """``terms`` by name, which add up to ``total`` where all is well; ``total_name`` says of what that is the count."""

    name: str
    terms: Mapping[str, int]
    total_name: str
    total: int

    @property
    def holds(self) -> bool:
        """Whether they do, and nothing is less than nothing."""
        return sum(self.terms.values()) == self.total and min(self.terms.values()) >= 0


@dataclass(frozen=True, slots=True)
class NotDecoded:
    """Records that were counted only. ``what``: hook id, provider (and event, where that is known), or header.

    ``name``: what that is called, empty where it is not known.
    """

    why: Left
    what: str
    name: str
    records: int


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """Records of a version that no layout is declared for, which were read by the layout of version ``read_as``."""

    what: str
    name: str
    version: int
    read_as: int
    records: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """Places with the same damage, and the bytes of the file from which no record was read there."""

    code: DamageCode
    places: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Audit:
    """All of it. ``records``: how many the file has; ``decoded``: kind of event → records.

    ``stacks``: stacks, references to stack keys, and frames of such keys; ``bare_stacks``: those without a frame.
    ``short``: records that ended before all fields did, the rest of which were read as zero.
    ``versions``: decoded records whose version has no layout of its own.
    """

    equations: tuple[Equation, ...]
    records: int
    decoded: Mapping[str, int]
    stacks: int
    bare_stacks: int
    short: int
    left: tuple[NotDecoded, ...]
    versions: tuple[OtherVersion, ...]
    skipped: tuple[Skipped, ...]

    @property
    def holds(self) -> bool:
        """Whether every equation does."""
        return all(each.holds for each in self.equations)


def audit(snapshot: Snapshot) -> Audit:
    """The books of the analysis of a file, or of files that were joined; no filter may have narrowed the snapshot.

    Raises ValueError for a snapshot of anything else: only who reads files keeps these books.
    """
    usage = snapshot.census.usage
    if usage is None:
        raise ValueError(f"{snapshot.info.path}: only the analysis of files is audited")
    decoded, left, versions = _by_version(usage)
    left += [*_unknown_hooks(snapshot.census), *_unknown_events(snapshot.census, usage), *_without_id(snapshot.census)]
    skipped = _skipped(snapshot.damage)
    return Audit(
        equations=(
            *_of_bytes(snapshot, skipped),
            *_of_records(snapshot, usage, decoded, left),
            *_of_pool(snapshot, usage),
            *_of_requests(snapshot),
        ),
        records=snapshot.census.total,
        decoded=dict(Counter(usage.given).most_common()),
        stacks=usage.stacks + usage.definitions,
        bare_stacks=usage.bare_stacks,
        short=usage.short,
        left=tuple(sorted(left, key=lambda each: (list(Left).index(each.why), -each.records, each.what))),
        versions=tuple(sorted(versions, key=lambda each: (-each.records, each.what, each.version))),
        skipped=skipped,
    )


def _of_bytes(snapshot: Snapshot, skipped: Iterable[Skipped]) -> Iterator[Equation]:
    count = snapshot.bytes
    terms = {
        "headers": count.headers, "records": count.records, "padding": count.padding, "skipped": count.skipped,
    }  # fmt: skip
    whole = snapshot.info.bytes
    if snapshot.partial:
        terms["unread"] = whole - sum(terms.values())
    yield Equation("bytes", terms, "bytes of the file", whole)
    by_damage = {str(each.code): each.bytes for each in skipped if each.bytes}
    if len(snapshot.damage) >= MAX_DAMAGE:
        by_damage["places not listed"] = count.skipped - sum(by_damage.values())
    yield Equation("skipped", by_damage or {"damage": 0}, "bytes skipped", count.skipped)


def _skipped(damage: Iterable[Damage]) -> tuple[Skipped, ...]:
    found: defaultdict[DamageCode, list[int]] = defaultdict(list)
    for place in damage:
        found[place.code].append(place.bytes_skipped)
    rows = [Skipped(code, len(each), sum(each)) for code, each in found.items()]
    return tuple(sorted(rows, key=lambda each: (-each.bytes, -each.places, each.code)))


def _by_version(usage: Usage) -> tuple[Counter[str], list[NotDecoded], list[OtherVersion]]:
    """Of events that have a layout: records by kind of those that are decoded; the others; those of odd versions."""
    decoded: Counter[str] = Counter()
    idle: Counter[EventId] = Counter()
    versions = []
    for (event, version), records in usage.versions.items():
        layouts = layouts_for(event)
        layout = select(layouts, version)
        if layout is None or layout.kind in _STACKS:
            continue
        if layout.kind not in Analysis.KINDS:
            idle[event] += records
            continue
        decoded[layout.kind] += records
        if version not in {each.version for each in layouts}:
            versions.append(OtherVersion(str(event), layout.name, version, layout.version, records))
    left = [NotDecoded(Left.NOT_NEEDED, str(each), layouts_for(each)[-1].name, count) for each, count in idle.items()]
    return decoded, left, versions


def _unknown_hooks(census: Census) -> Iterator[NotDecoded]:
    for hook, records in census.kernel_events.items():
        if hook == _LOG_FILE:
            yield NotDecoded(Left.HEADER, f"{hook:04X}", "", records)
        elif not layouts_for(KernelId(hook)):
            of_class = classic(KernelId(hook))
            name = "" if of_class is None else provider_name(of_class.provider) or ""
            yield NotDecoded(Left.NO_LAYOUT, f"{hook:04X}", name, records)


def _unknown_events(census: Census, usage: Usage) -> Iterator[NotDecoded]:
    """Of each provider what is left when the events that have a layout are taken off."""
    known: Counter[uuid.UUID] = Counter()
    hooks: Counter[KernelId] = Counter()
    for (event, _), records in usage.versions.items():
        if isinstance(event, KernelId):
            hooks[event] += records
        else:
            known[event.provider] += records
    for event, records in hooks.items():  # a kernel event may come under its class, too
        if (of_class := classic(event)) is not None:
            known[of_class.provider] += records - census.kernel_events.get(event.hook, 0)
    for provider, records in census.providers.items():
        if records != known[provider]:
            name = provider_name(provider) or ""
            yield NotDecoded(Left.NO_SCHEMA, str(provider), name, records - known[provider])


def _without_id(census: Census) -> Iterator[NotDecoded]:
    for header in _WITHOUT_ID:
        if records := census.by_header.get(header.name, 0):
            why = Left.MESSAGE if header is HeaderType.MESSAGE else Left.OPAQUE
            yield NotDecoded(why, header.name, "", records)


def _of_records(
    snapshot: Snapshot, usage: Usage, decoded: Mapping[str, int], left: Iterable[NotDecoded]
) -> Iterator[Equation]:
    """Records by header, by id, and by what became of them are counted apart."""
    census = snapshot.census
    by_id = {
        "kernel events": sum(census.kernel_events.values()),
        "events of providers": sum(census.providers.values()),
        "without an id": sum(census.by_header.get(header.name, 0) for header in _WITHOUT_ID),
    }
    yield Equation("ids", by_id, "records", census.total)
    terms = {
        "decoded": sum(usage.given.values()), "stacks": usage.stacks + usage.definitions,
        "not decoded": usage.passed_over,
    }  # fmt: skip
    if snapshot.partial:
        terms["not used yet"] = census.total - sum(terms.values())
        yield Equation("records", terms, "records", census.total)
        return
    yield Equation("records", terms, "records", census.total)
    yield Equation("decoded", decoded or {"events": 0}, "records decoded", terms["decoded"])
    by_why = Counter(dict.fromkeys(Left, 0))
    for each in left:
        by_why[each.why] += each.records
    whys = {str(why): count for why, count in by_why.items() if count}
    yield Equation("not decoded", whys or {"events": 0}, "records not decoded", usage.passed_over)


def _of_pool(snapshot: Snapshot, usage: Usage) -> Iterator[Equation]:
    pool, totals = snapshot.pool, snapshot.pool.totals
    terms = {"allocations": totals.allocations, "frees": totals.frees, "failed": totals.failed_allocations}
    if copies := usage.copies.get("pool"):
        terms["copies in another file"] = copies
    if snapshot.partial and (waiting := usage.given.get("pool", 0) - sum(terms.values())) > 0:
        terms["not used yet"] = waiting
    yield Equation("pool events", terms, "pool events decoded", usage.given.get("pool", 0))
    allocated = {
        "matched": totals.matched, "replaced without free": totals.replaced_without_free,
        "outstanding": totals.outstanding_count,
    }  # fmt: skip
    yield Equation("allocations", allocated, "allocations", totals.allocations)
    freed = {"matched": totals.matched, "without allocation": totals.frees_without_allocation}
    yield Equation("frees", freed, "frees", totals.frees)
    blocks = {"blocks": len(pool.outstanding)}
    yield Equation("outstanding", blocks, "outstanding allocations", totals.outstanding_count)
    held = {"bytes of the blocks": sum(pool.outstanding.size.tolist())}
    yield Equation("outstanding bytes", held, "outstanding bytes", totals.outstanding_bytes)


def _of_requests(snapshot: Snapshot) -> Iterator[Equation]:
    """What was issued is over, or in the table of requests, each row of which has one state."""
    if snapshot.context is None:
        return
    counts, why = snapshot.context.requests.counts, snapshot.context.held.why
    states = {
        "freed": counts.retired_by_free, "memory used again": counts.retired_by_reuse,
        "released by the caller": counts.retired_by_caller, "taken off a port": counts.retired_by_queue,
    }  # fmt: skip
    kept = zip(WHYS, np.bincount(why, minlength=len(WHYS)).tolist(), strict=True)
    states |= {str(each): count for each, count in kept if count}
    yield Equation("requests", states, "requests issued", counts.issued)
