"""Names for the addresses of one trace: asked for here, found aside, and answered from what has been found.

Nothing that shows a frame waits for a name. What is to be named is collected first (:meth:`Symbols.want`), found image
by image, each of them once (:meth:`Symbols.resolve`, which reads files and may use the network), and then stands in the
frames (:meth:`Symbols.at`).

Every frame of a stack is taken for a return address, the first one too: the events that come with stacks here are
logged by calls, and the page "StackWalk_Event class" of learn.microsoft.com calls each address that of a call. Whether
that holds for the first frame has not been tried on a live kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzers.findings import Diagnosis
from analyzers.pool_tables import PoolSnapshot
from tracer.arrays import I32, I64, unique
from tracer.data_classes import dataclass
from tracer.images.carried import ImageFile
from tracer.images.headers import NotAnImage, read_image_headers
from tracer.symbols.symbol import Source, Symbol

if TYPE_CHECKING:
    from tracer.symbols.resolver import ModuleNames, Resolver

MOST_SITES: Final = 1 << 11
"""Places of allocation, those that hold most, whose stacks are named before anything is judged.

Names of findings beyond them cost another judgement, which takes longer than so many more names (12,000 addresses of a
trace of 1 GiB with 870 findings: 0.05 s against 0.5 s)."""
THOROUGH_SITES: Final = 1 << 14
"""The same where each of them may be asked for by its functions."""
MOST_FINDINGS: Final = 64
"""Findings whose stacks are named, best first."""
_HIGHEST: Final = 1 << 32
"""No image is larger."""

FilesOf = Callable[[I32], tuple[Sequence[ImageFile], I64, I64]]
"""The images in many stacks; then pairs: which stack, and which of the images one of its frames is in."""


@dataclass(frozen=True, slots=True)
class ImageNames:
    """How an image's addresses were named.

    ``path``: as the trace has it. ``named`` of the ``asked`` addresses have a name, ``nameless`` (offsets) have none.
    ``source``, ``where``, ``told``: as in :class:`~tracer.symbols.resolver.ModuleNames`. ``is_known``: somebody looked.
    """

    image: ImageFile
    path: str
    asked: int
    named: int
    nameless: tuple[int, ...]
    source: Source
    where: str
    told: tuple[str, ...]
    is_known: bool


@dataclass(frozen=True, slots=True)
class NamesFound:
    """How far names were found.

    ``notes``: what of the symbol path is not used, and why. ``is_stopped``: somebody interrupted the looking.
    """

    images: tuple[ImageNames, ...]
    notes: tuple[str, ...] = ()
    is_stopped: bool = False

    @property
    def asked(self) -> int:
        """Addresses of which the name was asked."""
        return sum(image.asked for image in self.images)

    @property
    def named(self) -> int:
        """Those of them that have one."""
        return sum(image.named for image in self.images)


@dataclass(slots=True)
class _Image:
    """What is known of a file, and which of its places are wanted."""

    path: str
    wanted: set[int] = field(default_factory=set)
    known: dict[int, Symbol | None] = field(default_factory=dict)
    names: ModuleNames | None = None


class Symbols:
    """What was asked for and found; any thread may ask, want and resolve.

    ``is_aside``: somebody else calls :meth:`resolve`, when there is time for it; else what is wanted is found at once.
    """

    def __init__(
        self,
        open_resolver: Callable[[], Resolver],
        *,
        is_aside: bool = False,
        is_thorough: bool = False,
        local_path: Callable[[str], Path | None] = lambda _: None,
        notes: tuple[str, ...] = (),
        guarded: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """``open_resolver`` is called when the first name is looked for.

        ``is_thorough``: all sites are named, not only those that hold most. ``local_path``: where the file of an image
        lies on this machine, by its path in the trace. ``notes``: what of the symbol path is not used, and why.
        ``guarded``: entered while names are looked for; a KeyboardInterrupt in it ends the looking for good.
        """
        self.is_stopped = False
        self._guarded = guarded
        self.is_aside = is_aside
        self.is_thorough = is_thorough
        self.notes = notes
        self.version = 0
        """Goes up when something was found."""
        self._open = open_resolver
        self._local = local_path
        self._resolver: Resolver | None = None
        self._images: dict[ImageFile, _Image] = {}
        self._lock = Lock()
        self._resolving = Lock()

    def at(self, image: ImageFile, offset: int) -> tuple[Symbol | None, Source]:
        """What is known of an address in an image, in bytes from its begin, and where from."""
        found = self._images.get(image)
        symbol = None if found is None else found.known.get(offset)
        return (
            (None, Source.NONE)
            if found is None or found.names is None or symbol is None
            else (symbol, found.names.source)
        )

    def want(self, image: ImageFile, path: str, offsets: Iterable[int]) -> None:
        """Ask for the names of addresses in an image; ``path``: of its file, as the trace has it."""
        with self._lock:
            there = self._images.setdefault(image, _Image(path))
            there.wanted.update(each for each in offsets if each < _HIGHEST and each not in there.known)

    @property
    def wanted(self) -> int:
        """How many addresses were asked for that nobody has looked for yet."""
        with self._lock:
            return sum(len(each.wanted) for each in self._images.values())

    def resolve(self) -> bool:
        """Look for all that is wanted, image by image; whether anything has a name that had none."""
        before = self.version
        with self._resolving:
            try:
                with self._guarded():
                    while not self.is_stopped and (taken := self._take()) is not None:
                        self._find(*taken)
            except KeyboardInterrupt:
                self.is_stopped = True
        return self.version > before

    def found(self) -> NamesFound:
        """How far names were found, by image in the order in which they were asked for."""
        with self._lock:
            notes = (*self.notes, *(["the looking for names was interrupted"] if self.is_stopped else []))
            images = tuple(_image_names(*each) for each in self._images.items())
            return NamesFound(images, notes, is_stopped=self.is_stopped)

    def _take(self) -> tuple[ImageFile, list[int]] | None:
        with self._lock:
            for image, each in self._images.items():
                if each.wanted:
                    taken, each.wanted = sorted(each.wanted), set()
                    return image, taken
        return None

    def _file_here(self, image: ImageFile, path: str) -> Path | None:
        """The image's own file on this machine."""
        file = self._local(path) if path else None
        return None if file is None or _is_another(file, image) else file

    def _find(self, image: ImageFile, offsets: list[int]) -> None:
        from tracer.symbols.resolver import Asked, Module

        if self._resolver is None:
            self._resolver = self._open()
        there = self._images[image]
        module = Module(image, self._file_here(image, there.path))
        addresses = np.array(offsets, np.uint32)
        [names] = self._resolver.resolve([Asked(module, addresses, np.ones(len(addresses), np.bool_))])
        with self._lock:
            there.names = names
            there.known.update(zip(offsets, names.symbols, strict=True))
            self.version += any(names.symbols)


def _is_another(file: Path, image: ImageFile) -> bool:
    """Whether a file is surely not the image that was loaded: then no process is started to read it."""
    if not image.time_date_stamp:
        return False
    try:
        return read_image_headers(file).time_date_stamp != image.time_date_stamp
    except (OSError, ValueError, NotAnImage):
        return True


def _image_names(image: ImageFile, found: _Image) -> ImageNames:
    asked = len(found.known) + len(found.wanted)
    nameless = tuple(sorted(found.wanted.union(at for at, symbol in found.known.items() if symbol is None)))
    counts = asked, asked - len(nameless), nameless
    if found.names is None:
        return ImageNames(image, found.path, *counts, Source.NONE, "", (), is_known=False)
    names = found.names
    return ImageNames(image, found.path, *counts, names.source, names.where, names.told, is_known=True)


def stacks_before(pool: PoolSnapshot, most_sites: int = MOST_SITES) -> I32:
    """Ids of the stacks that are named before anything is judged: of the sites that hold most."""
    sites = pool.sites
    most = np.argsort(-sites.outstanding_bytes, kind="stable")[:most_sites]
    return _known(sites.stack[most[sites.outstanding_count[most] > 0]])


def stacks_after(diagnosis: Diagnosis) -> tuple[I32, list[tuple[int, int]]]:
    """Ids of the stacks that conclusions show: the kernel's, and user stacks each with its process."""
    findings = diagnosis.findings[:MOST_FINDINGS]
    users = {(each.user_stack, each.process_id or 0) for each in findings if each.user_stack >= 0}
    return _known(np.array([each.stack for each in findings], np.int32)), sorted(users)


def bytes_through(stacks: I32, held: I64, files_of: FilesOf) -> dict[ImageFile, int]:
    """By image: what is outstanding of the sites whose stacks go through it.

    ``stacks``: int32 by site, -1 for none; ``held``: int64, outstanding bytes by site.
    """
    found: dict[ImageFile, int] = {}
    files, site, file = files_of(stacks)
    pairs = np.unique(np.stack([site, file]), axis=1)
    total = np.zeros(len(files), np.int64)
    np.add.at(total, pairs[1], held[pairs[0]])
    for each, held_by in zip(files, total.tolist(), strict=True):
        found[each] = found.get(each, 0) + held_by
    return found


def _known(stacks: I32) -> I32:
    return unique(stacks[stacks >= 0])
