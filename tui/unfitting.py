"""Queries that fit nothing in a trace: a typing error must not look like a trace without leaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import and_
from typing import Final

import numpy as np

from analyzers.pooltag import tag_text
from analyzers.selection.query import Query, is_process
from analyzers.selection.select import functions_in, sites_of
from analyzers.selection.wording import WHOLE, WordKind, names_like
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.errors import UsageError
from tui.safe_text import safe
from tui.streams import say

_MOST_NAMES: Final = 10
"""Of what is there so many are named."""
_MOST_ALIKE: Final = 3
_PLAIN: Final = r"[\w.-]+"
"""What no shell makes anything else of."""


@dataclass(frozen=True, slots=True)
class Unfitting:
    """A word that fits nothing.

    ``there``: names of its kind, most memory first. ``other_case``: those that would fit if upper and lower case were
    alike; ``alike``: those that are spelt much like it.
    """

    kind: WordKind
    word: str
    there: tuple[str, ...]
    other_case: tuple[str, ...]
    alike: tuple[str, ...]

    @property
    def what(self) -> str:
        """In a few words."""
        return f"no {self.kind} in the trace fits '{safe(self.word)}'"

    @property
    def why(self) -> str:
        """What is there instead."""
        if not self.there and self.kind is WordKind.FUNCTION:
            return "no frame of its stacks has a name"
        if not self.there:
            return f"the trace tells of no {self.kind}"
        if not self.other_case:
            return f"the trace has {_listed(self.there)}"
        others = [name for name in self.there if name not in self.other_case]
        besides = f"; besides it has {_listed(others)}" if others else ""
        return f"case counts in pool tags, and the trace has {_listed(self.other_case)}{besides}"

    @property
    def next(self) -> str:
        """What to type."""
        if not self.there and self.kind is WordKind.FUNCTION:
            return "--symbols PATH names them; 'poolscope symbols TRACE' tells what is there and what is missing"
        near = self.other_case or self.alike
        return f"--{self.kind} {_quoted(near[0])}" if near else f"leave out --{self.kind} to see them all"


@dataclass(frozen=True, slots=True)
class Apart:
    """Tags and drivers that are there, but none of the drivers has any of the tags; ``drivers``: those that have."""

    filters: Query
    drivers: tuple[str, ...]

    @property
    def what(self) -> str:
        """In a few words."""
        return f"nothing in the trace fits {safe(str(replace(self.filters, processes=(), interval=None)))} together"

    @property
    def why(self) -> str:
        """Who has these tags."""
        return f"what has that tag is allocated by {_listed(self.drivers)}"

    @property
    def next(self) -> str:
        """What to type."""
        return "leave out --driver, or --tag"


def check(snapshot: Snapshot, filters: Query, *, lenient: bool) -> None:
    """Tell of every word that fits nothing: as an error, or on stderr where ``lenient``.

    What was read in part, or is still being captured, may bring it yet.

    Raises:
        UsageError: the first of them.
    """
    for each in unfitting(snapshot, filters) or apart(snapshot, filters):
        if lenient or snapshot.partial:
            say(f"warning: {snapshot.info.path}: {each.what}; {each.why}")
        else:
            raise UsageError("fits-nothing", each.what, where=snapshot.info.path, why=each.why, next=each.next)


def check_together(snapshots: Sequence[Snapshot], filters: Query) -> None:
    """Raise UsageError for a word that fits nothing in any of several traces that are compared."""
    told = [unfitting(each, filters) for each in snapshots]
    nowhere = set.intersection(*({(each.kind, each.word) for each in one} for one in told))
    wrong: list[Unfitting] | list[Apart] = [each for each in told[-1] if (each.kind, each.word) in nowhere]
    if not wrong and not nowhere and all(apart(each, filters) for each in snapshots):
        wrong = apart(snapshots[-1], filters)
    for each in wrong:
        raise UsageError("fits-nothing", each.what, where=snapshots[-1].info.path, why=each.why, next=each.next)


def unfitting(snapshot: Snapshot, filters: Query) -> list[Unfitting]:
    """The words that fit nothing in the trace, in the order in which they are told."""
    found = []
    for kind, words in filters.by_kind:
        if words:
            names = _names(snapshot, kind)
            found += [_unfitting(kind, word, names) for word in words if not _fits(kind, word, names)]
    return found


def apart(snapshot: Snapshot, filters: Query) -> list[Apart]:
    """Whether tags and drivers, each of which the trace has, have nothing in common in it.

    A process that holds nothing of a tag is an answer; a driver that never allocated it is a slip.
    """
    pool = snapshot.pool
    if not (filters.tags and filters.drivers) or sites_of(pool, filters).any():
        return []
    fits = filters.fit_tags(pool.tags.tag.tolist())
    if any(map(and_, fits, filters.fit_drivers(pool.tags.driver))):  # freed only
        return []
    drivers = dict.fromkeys(
        driver for row, driver in zip(pool.sites.tag_row.tolist(), pool.sites.driver, strict=True) if fits[row]
    )
    return [Apart(filters, tuple(drivers))]


def _fits(kind: WordKind, word: str, names: Sequence[tuple[int, str]]) -> bool:
    if kind is WordKind.PROCESS:
        return any(is_process(word, pid, name) for pid, name in names)
    if kind is WordKind.FUNCTION:
        return Query(functions=(word,)).fits_functions(name for _, name in names)
    alone = Query(tags=(word,)) if kind is WordKind.TAG else Query(drivers=(word,))
    ids, texts = [number for number, _ in names], [name for _, name in names]
    return any(alone.fit_tags(ids) if kind is WordKind.TAG else alone.fit_drivers(texts))


def _unfitting(kind: WordKind, word: str, names: Sequence[tuple[int, str]]) -> Unfitting:
    by_id = kind is WordKind.PROCESS and word.removeprefix(WHOLE).isdecimal()
    there = tuple(dict.fromkeys(f"{name} ({number})" if by_id else name for number, name in names if name.strip()))
    fits = names_like(word)
    other_case = tuple(name for name in there if kind.keeps_case and fits(name))
    by_folded = {name.casefold(): name for name in there}
    from difflib import get_close_matches

    alike = get_close_matches(word.casefold(), list(by_folded), _MOST_ALIKE)
    return Unfitting(kind, word, there, other_case, tuple(by_folded[name] for name in alike))


def _names(snapshot: Snapshot, kind: WordKind) -> list[tuple[int, str]]:
    """What the trace has of a kind, by number and name: what holds most memory first, then what holds none."""
    pool = snapshot.pool
    if kind is WordKind.TAG:
        order = np.argsort(-pool.tags.outstanding_bytes, kind="stable").tolist()
        return [(int(pool.tags.tag[row]), tag_text(int(pool.tags.tag[row]))) for row in order]
    if kind is WordKind.DRIVER:
        accused = (share.driver for finding in snapshot.diagnosis.findings for share in finding.shares)
        names = (*(row.name for row in pool.by_driver), *pool.sites.driver, *pool.tags.driver, *accused)
        return [(0, name) for name in dict.fromkeys(names)]
    if kind is WordKind.FUNCTION:
        most = np.argsort(-pool.sites.outstanding_bytes, kind="stable")
        stacks = dict.fromkeys(pool.sites.stack[most].tolist())
        return [(0, name) for name in dict.fromkeys(name for one in stacks for name in functions_in(snapshot, one))]
    accused_processes = ((finding.process_id, finding.process) for finding in snapshot.diagnosis.findings)
    holding = ((row.id, row.name) for row in pool.by_process)
    held = snapshot.diagnosis.held_requests
    asking = zip(held.process_id.tolist(), map(held.processes.__getitem__, held.process.tolist()), strict=True)
    return list(dict.fromkeys((*holding, *accused_processes, *asking, *sorted(snapshot.names.process_names()))))


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _MOST_NAMES:,} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(safe(name.rstrip()) for name in every[:_MOST_NAMES]) + more


def _quoted(name: str) -> str:
    """A name as one word of a command line, in any shell."""
    shown = safe(name.rstrip())
    return shown if re.fullmatch(_PLAIN, shown) else f'"{shown}"'
