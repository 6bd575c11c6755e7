"""What a run left behind, held against a budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzers.pooltag import tag_text
from analyzers.selection.select import functions_in
from analyzers.selection.wording import WHOLE, Fits, WordKind, names_like, names_of
from analyzers.snapshot import Snapshot
from tracer.arrays import unique
from tracer.data_classes import dataclass
from tui.budget.grammar import EVERY_OTHER, Limit, Subject

_KINDS: Final = {Subject.TAG: WordKind.TAG, Subject.DRIVER: WordKind.DRIVER}
_UNTOLD: Final = {
    Subject.DRIVER: "the trace does not tell which driver allocated what is left: it has no call stacks",
    Subject.FUNCTION: "no function that allocated what is left has a name here: --symbols PATH, --map FILE",
}


@dataclass(frozen=True, slots=True)
class Held:
    """What there is of one name: outstanding bytes, and the rank of the first finding about it, if there is one."""

    bytes: int
    finding: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A limit and what there is of it. ``names``: those that it is about; of ``*`` the one name."""

    limit: Limit
    names: tuple[str, ...]
    bytes: int
    finding: int | None

    @property
    def is_over(self) -> bool:
        """Whether more is left than may be."""
        return self.bytes > self.limit.bytes

    @property
    def what(self) -> str:
        """What it is about, in a few words."""
        word = self.names[0] if self.limit.word == EVERY_OTHER else self.limit.word.removeprefix(WHOLE)
        return f"{self.limit.subject} {word.strip()}"


def held_by_name(snapshot: Snapshot, subject: Subject) -> dict[str, Held]:
    """Outstanding bytes by name, the largest first; a tag's of both pools. A function's are of all stacks it is in."""
    pool = snapshot.pool
    sites, out = pool.sites, pool.outstanding
    of_site = _names_of_sites(snapshot, subject)
    held: dict[str, int] = {}
    for names, size in zip(of_site, sites.outstanding_bytes.tolist(), strict=True):
        for name in names:
            held[name] = held.get(name, 0) + size
    rank: dict[str, int] = {}
    for finding in snapshot.diagnosis.findings:
        for site in unique(out.site[finding.rows]).tolist():
            for name in of_site[site]:
                rank.setdefault(name, finding.rank)
    ordered = sorted(held.items(), key=lambda each: (-each[1], each[0]))
    return {name: Held(size, rank.get(name)) for name, size in ordered if size}


def _names_of_sites(snapshot: Snapshot, subject: Subject) -> list[tuple[str, ...]]:
    sites, tags = snapshot.pool.sites, snapshot.pool.tags
    match subject:
        case Subject.TAG:
            every = [(tag_text(tag).strip(),) for tag in tags.tag.tolist()]
            return [every[row] for row in sites.tag_row.tolist()]
        case Subject.DRIVER:
            return [(name,) if name else () for name in sites.driver]
        case Subject.FUNCTION:
            return [tuple(set(functions_in(snapshot, stack))) for stack in sites.stack.tolist()]


def checked(snapshot: Snapshot, budget: list[Limit]) -> list[Line]:
    """Every limit with what there is of it, in the budget's order; ``*`` gives a line for each name left over."""
    lines: list[Line] = []
    for subject in Subject:
        mine = [limit for limit in budget if limit.subject is subject]
        if not mine:
            continue
        held = held_by_name(snapshot, subject)
        asked = {limit: _fits(limit) for limit in mine if limit.word != EVERY_OTHER}
        lines += [
            _line(limit, {name: each for name, each in held.items() if fits(name)}) for limit, fits in asked.items()
        ]
        others = {name: each for name, each in held.items() if not any(fits(name) for fits in asked.values())}
        for limit in mine:
            if limit.word == EVERY_OTHER:
                lines += [_line(limit, {name: each}) for name, each in others.items()]
    return lines


def doubts(snapshot: Snapshot, budget: list[Limit]) -> list[str]:
    """What the trace does not tell, so that limits are kept which nothing was held against."""
    if not snapshot.pool.totals.events:
        return ["the trace has no pool events"]
    asked = {limit.subject for limit in budget if snapshot.pool.sites.outstanding_bytes.any()}
    return [why for subject, why in _UNTOLD.items() if subject in asked and not held_by_name(snapshot, subject)]


def _fits(limit: Limit) -> Fits:
    kind = _KINDS.get(limit.subject)
    return names_like(limit.word) if kind is None else names_of(kind, limit.word)


def _line(limit: Limit, held: Mapping[str, Held]) -> Line:
    ranks = [each.finding for each in held.values() if each.finding is not None]
    return Line(limit, tuple(held), sum(each.bytes for each in held.values()), min(ranks, default=None))


def updated(snapshot: Snapshot, budget: list[Limit]) -> list[Limit]:
    """The budget with what there is now for limits; of an empty one a limit for every tag that holds any."""
    if not budget:
        held = held_by_name(snapshot, Subject.TAG)
        return [Limit(Subject.TAG, WHOLE + name, each.bytes) for name, each in sorted(held.items())]
    now: dict[Limit, int] = {}
    for line in checked(snapshot, budget):
        now[line.limit] = max(now.get(line.limit, 0), line.bytes)
    return [Limit(limit.subject, limit.word, now.get(limit, 0)) for limit in budget]
