"""The images of one address space, each with its time: another image at the same base is another one.

A stack names addresses only. Which image lay at one of them is told by the time of the event: an image is there from
its load, or from before the trace where a rundown lists it, until it is unloaded or another one is loaded over it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import field, replace
from typing import Final

import numpy as np

from tracer.arrays import I32, I64, U64, unique
from tracer.data_classes import dataclass
from tracer.events.image import LOAD, RUNDOWN_START, UNLOAD

ALWAYS: Final = int(np.iinfo(np.int64).min)
"""Since before the trace."""
NEVER: Final = int(np.iinfo(np.int64).max)
_PAGE: Final = 0x1000
_LAST: Final = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Unload:
    """The event of an image's unload: when, on which CPU, and where in the file (-1 where that is not known)."""

    at_ns: int
    at_raw: int
    cpu: int
    offset: int


MARK_SHIFT: Final = 52
"""Where a mark stands in a place (:mod:`analyzers.modules`)."""
MARKS: Final = (1 << 11) - 1


@dataclass(frozen=True, slots=True)
class Module:
    """One image: ``name`` without its path, ``path`` as the trace has it.

    ``since_ns``: when it came. ``unloads``: each time, ascending; it may have come back.
    ``mark``: tells it from another image at the same addresses, 0 where there never was one. ``time_date_stamp``: its
    linker's, 0 where the event does not say.
    """

    base: int
    size: int
    name: str
    path: str
    process: int
    since_ns: int = field(default=ALWAYS, compare=False)
    unloads: tuple[Unload, ...] = field(default=(), compare=False)
    mark: int = field(default=0, compare=False)
    time_date_stamp: int = field(default=0, compare=False)

    @property
    def end(self) -> int:
        """The first address behind it."""
        return min(self.base + self.size, _LAST)

    @property
    def mark_bits(self) -> int:
        """What makes places of its addresses."""
        return (self.mark & MARKS) << MARK_SHIFT

    def is_same(self, other: Module) -> bool:
        """Whether both are one file at one place."""
        return (self.base, self.size, self.name.casefold()) == (other.base, other.size, other.name.casefold())


@dataclass(slots=True)
class Change:
    """What lies between ``low`` and ``high`` is another image since then, or none; until ``until_raw`` (session clock).

    ``process``: 0 for the kernel's space.
    """

    process: int
    low: int
    high: int
    since_ns: int
    since_raw: int
    until_raw: int = NEVER


@dataclass(frozen=True, slots=True)
class ModuleMap:
    """An address space at one time, by modules.

    ``bounds`` (uint64, ascending; ``edges`` are the same) begin stretches of memory; ``owners`` (int32, one less) are
    rows of ``modules``, -1 where a stretch is nobody's.
    """

    bounds: U64
    owners: I32
    modules: tuple[Module, ...]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, modules: tuple[Module, ...]) -> ModuleMap:
        """From images in the order of their loading."""
        bases = np.array([module.base for module in modules], np.uint64)
        ends = np.array([module.end for module in modules], np.uint64)
        bounds = unique(np.concatenate([bases, ends]))
        owners = np.full(max(len(bounds) - 1, 0), -1, np.int32)
        firsts, lasts = np.searchsorted(bounds, bases), np.searchsorted(bounds, ends)
        for row, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
            owners[first:last] = row
        return cls(bounds, owners, modules, tuple(bounds.tolist()))

    def find(self, address: int) -> Module | None:
        """The image an address lies in."""
        at = bisect_right(self.edges, address) - 1
        row = int(self.owners[at]) if 0 <= at < len(self.owners) else -1
        return self.modules[row] if row >= 0 else None

    def rows(self, addresses: U64) -> I32:
        """The rows of ``modules`` that addresses lie in, -1 for none."""
        if not len(self.owners):
            return np.full(len(addresses), -1, np.int32)
        at = np.searchsorted(self.bounds, addresses, side="right") - 1
        return np.where(
            (at >= 0) & (at < len(self.owners)), self.owners[np.clip(at, 0, len(self.owners) - 1)], -1
        ).astype(np.int32)


class ImageLives:
    """The images of one address space; ``process`` 0 is the kernel."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._images: list[Module] = []
        self._is_there: list[bool] = []
        self._at: dict[int, list[int]] = {}
        self._bases: list[int] = []
        self._since: list[int] = []
        self._gone: dict[int, Change] = {}
        self._replaced: set[int] = set()
        self._maps: dict[int, ModuleMap] = {}
        self.marked: list[int] = []
        """By mark less 1: place of the image in the order of arrival."""

    def feed(self, event: int, image: Module, at: Unload) -> list[Change]:
        """Take an image event; gives what lies elsewhere than before since then."""
        self._maps.clear()
        if event == UNLOAD:
            return self._unload(image, at)
        return self._load(event, image, at.at_ns, at.at_raw)

    def at(self, time_ns: int) -> ModuleMap:
        """What lay where at a time: the image that came last before it, else the first to come."""
        turn = bisect_right(self._since, time_ns)
        if turn not in self._maps:
            now = self._since[turn - 1] if turn else ALWAYS
            later = [image for image in self._images if image.mark and image.since_ns > now]
            there = [image for image in self._images if not (image.mark and image.since_ns > now)]
            # what came last lies on top
            later.sort(key=lambda image: -image.since_ns)
            there.sort(key=lambda image: image.since_ns if image.mark else ALWAYS)
            at_base = {image.base: image for image in (*later, *there)}
            self._maps[turn] = ModuleMap.of(tuple(image for image in (*later, *there) if at_base[image.base] is image))
        return self._maps[turn]

    @property
    def turns(self) -> I64:
        """Times (ns, ascending) at which :meth:`at` begins to give another answer."""
        return np.array(self._since, np.int64)

    def by_mark(self, mark: int) -> Module | None:
        """The image of a mark."""
        return self._images[self.marked[mark - 1]] if 0 < mark <= len(self.marked) else None

    @property
    def images(self) -> tuple[Module, ...]:
        """All that were ever there, in the order of their coming."""
        return tuple(self._images)

    @property
    def unloaded(self) -> list[Module]:
        """The images that were unloaded, whether or not they came back."""
        return [image for image in self._images if image.unloads]

    def _load(self, event: int, image: Module, at_ns: int, at_raw: int) -> list[Change]:
        newest = self._newest(image.base)
        if newest is not None and newest not in self._replaced and self._images[newest].is_same(image):
            if not self._is_there[newest] and event != RUNDOWN_START:  # a rundown at the start may lag behind
                self._is_there[newest] = True
                if (change := self._gone.pop(newest, None)) is not None:
                    change.until_raw = at_raw if event == LOAD else change.since_raw
            return []
        over = self._over(image)
        there = [row for row in over if self._is_there[row]]
        since = at_ns if event == LOAD or there else self._last_unload(over)
        for row in there:
            self._is_there[row] = False
            self._replaced.add(row)
        self._append(replace(image, since_ns=since), over, is_there=True)
        return [self._change(image, at_ns, at_raw)] if over and since == at_ns else []

    def _unload(self, image: Module, at: Unload) -> list[Change]:
        rows = [row for row in self._at.get(image.base, []) if _may_be(self._images[row], image)]
        row = rows[-1] if rows else None
        if row is None:
            over = self._over(image)
            there = [each for each in over if self._is_there[each]]
            if any(self._images[each].since_ns == ALWAYS for each in there):
                return []  # the rundown lists another one there: which of the two is right is not known
            since = ALWAYS if there else self._last_unload(over)
            self._append(replace(image, since_ns=since, unloads=(at,)), over, is_there=False)
            row = len(self._images) - 1
            if there:
                return []
        else:
            known = self._images[row]
            if not self._is_there[row] and known.unloads and row in self._gone:
                return []
            self._images[row] = replace(known, unloads=(*known.unloads, at))
            if not self._is_there[row]:
                return []  # replaced before its unload was seen
            self._is_there[row] = False
        if self._process:
            return []  # images of programs go by the hundred when these end; what comes after them tells
        self._gone[row] = self._change(image, at.at_ns, at.at_raw)
        return [self._gone[row]]

    def _change(self, image: Module, at_ns: int, at_raw: int) -> Change:
        return Change(self._process, image.base, image.end, at_ns, at_raw)

    def _newest(self, base: int) -> int | None:
        rows = self._at.get(base)
        return rows[-1] if rows else None

    def _last_unload(self, rows: list[int]) -> int:
        return max((self._images[row].unloads[-1].at_ns for row in rows if self._images[row].unloads), default=ALWAYS)

    def _over(self, image: Module) -> list[int]:
        """Other images that share addresses with one."""
        first = bisect_left(self._bases, image.base)
        rows: list[int] = []
        for base in self._bases[max(first - 1, 0) :]:
            if base >= image.end:
                break
            rows += [row for row in self._at[base] if self._images[row].end > image.base]
        return [row for row in rows if not self._images[row].is_same(image)]

    def _append(self, image: Module, over: list[int], *, is_there: bool) -> None:
        row = len(self._images)
        self._images.append(image)
        self._is_there.append(is_there)
        if image.base not in self._at:
            insort(self._bases, image.base)
        self._at.setdefault(image.base, []).append(row)
        if over:
            for each in (*over, row):
                self._mark(each)
            marked = {self._images[each].since_ns for each in self.marked}
            self._since = sorted(marked - {ALWAYS})

    def _mark(self, row: int) -> None:
        if not self._images[row].mark:
            self.marked.append(row)
            self._images[row] = replace(self._images[row], mark=len(self.marked))


def _may_be(image: Module, unloaded: Module) -> bool:
    return image.name.casefold() == unloaded.name.casefold() or not (image.name and unloaded.name)


def module_of(base: int, size: int, name: str, path: str, process: int, time_date_stamp: int = 0) -> Module:
    """An image as an event tells it: at least a page long."""
    return Module(base, max(size, _PAGE), name, path, process, time_date_stamp=time_date_stamp)
