"""The one door to names: modules and addresses in, functions and lines out, and where they came from.

A module's names come from the first of these that has them: a PDB on this machine, a PDB from a symbol server (only
where the symbol path allows the network), the exports of the image on this machine, a map file. A PDB is believed only
if its GUID and age are the image's, exports only if time stamp and size are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from tracer.arrays import U32, Mask
from tracer.data_classes import dataclass
from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile, NotAnImage, read_image_headers
from tracer.symbols.identity import stored_name
from tracer.symbols.keeping import NotFetchedError, Progress, keep, unpack_pdb
from tracer.symbols.map_file import MapFile
from tracer.symbols.path import Chain, Folder, Omitted, SymbolPath
from tracer.symbols.pdbs import Identity
from tracer.symbols.reader import NotReadError, Reader, missing_reader
from tracer.symbols.stores import Candidate, candidates, image_candidates
from tracer.symbols.symbol import Source, Symbol

if TYPE_CHECKING:
    from tracer.symbols.server import SymbolServer

_ANY_SIZE: Final = 1 << 31
"""Of an image whose size no event tells: more than Windows lets an image have."""

_Look = Callable[[list[int]], list[Symbol | None]]


@dataclass(frozen=True, slots=True)
class Module:
    """An image of a trace; ``path``: its file on this machine, if there is one."""

    image: ImageFile
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class ModuleNames:
    """What is at the addresses that were asked for, in their order.

    ``where``: the file that the names are from. ``told``: what else was found and not believed, or could not be read;
    where there are no names, why.
    """

    source: Source
    where: str
    told: tuple[str, ...]
    symbols: tuple[Symbol | None, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Addresses in a module, in bytes from its begin, uint32.

    ``is_return``: which are return addresses, bool of the same length. Such a one is the byte after a call, which may
    belong to the next line or function, so the byte before it is looked up.
    """

    module: Module
    addresses: U32
    is_return: Mask


@dataclass(slots=True)
class _Found:
    source: Source = Source.NONE
    where: str = ""
    told: list[str] = field(default_factory=list)
    look: _Look = lambda addresses: [None] * len(addresses)


class Resolver:
    """Finds each module's names once, and answers for it from then on; :meth:`close` ends the reading process."""

    def __init__(
        self,
        path: SymbolPath,
        cache: Path,
        *,
        map_file: MapFile | None = None,
        progress: Progress = lambda *_: None,
    ) -> None:
        self._path = path
        self._map = map_file
        self._reader = Reader(cache)
        urls = [place.server for place in path.places if isinstance(place, Chain) and place.server]
        self._servers = _servers(urls, progress) if urls else {}
        self._modules: dict[Module, _Found] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process."""
        self._reader.close()

    def resolve(self, asked: Iterable[Asked]) -> list[ModuleNames]:
        """Names for each, in order; a module that has none says why. Raises nothing for what a file is like."""
        return [self._names(each) for each in asked]

    def _names(self, asked: Asked) -> ModuleNames:
        looked_up = asked.addresses.astype(np.int64) - asked.is_return
        unique, inverse = np.unique(looked_up, return_inverse=True)
        size = asked.module.image.size or _ANY_SIZE
        inside = (unique >= 0) & (unique < size)
        addresses: list[int] = unique[inside].tolist()
        symbols = np.full(len(unique), None, object)
        found = self._modules.get(asked.module)
        if found is None:
            found, answer = self._search(asked.module, addresses)
            self._modules[asked.module] = found
        else:
            answer = _looked_up_again(found, addresses)
        symbols[inside] = answer
        named = (
            symbol and replace(symbol, displacement=symbol.displacement + int(beyond))
            for symbol, beyond in zip(symbols[inverse.ravel()].tolist(), asked.is_return.tolist(), strict=True)
        )
        return ModuleNames(found.source, found.where, tuple(found.told), tuple(named))

    def _search(self, module: Module, addresses: list[int]) -> tuple[_Found, list[Symbol | None]]:
        """The first source that answers."""
        told: list[str] = []
        for source, where, look in self._sources(module, told):
            try:
                return _Found(source, where, told, look), look(addresses)
            except NotReadError as error:
                told.append(str(error))
        return _Found(told=told), [None] * len(addresses)

    def _sources(self, module: Module, told: list[str]) -> Iterator[tuple[Source, str, _Look]]:
        image, path = module.image, module.path
        debug = _debug_file(module)
        if debug is None and path is None and (found := self._image(image, told)) is not None:
            path, debug = found, _debug_file(Module(image, found))
        if debug is None:
            told.append("neither the trace nor a file on this machine says which PDB belongs to it")
        elif missing := missing_reader():
            told.append(missing)
        else:
            for pdb in self._pdbs(debug, module, told):
                yield Source.PDB, str(pdb), self._looks_in_pdb(pdb, debug, image.size or _ANY_SIZE)
        if path is not None and image.time_date_stamp:
            yield Source.EXPORTS, str(path), lambda addresses: self._reader.exports(path, image, addresses)
        if self._map is not None and self._map.has(image.name):
            named = self._map
            yield Source.MAP, str(named.path), lambda addresses: named.symbols(image.name, addresses)

    def _looks_in_pdb(self, pdb: Path, debug: DebugFile, size: int) -> _Look:
        return lambda addresses: self._reader.symbols(pdb, debug, size, addresses)

    def _pdbs(self, debug: DebugFile, module: Module, told: list[str]) -> Iterator[Path]:
        """Files that may be the PDB: those on this machine, then those that servers have."""
        before = len(told)
        for candidate in candidates(debug, module.path, self._path):
            if isinstance(candidate, Omitted):
                told.append(f"{candidate.part}: {candidate.why}")
            elif not candidate.packed:
                yield candidate.path
            elif (unpacked := self._unpacked(candidate, debug, told)) is not None:
                yield unpacked
        for place in self._path.places:
            if isinstance(place, Chain) and place.server and stored_name(debug):
                fetched = self._fetched(self._servers[place.server], debug, place.kept_in, told)
                if fetched is not None:
                    yield fetched
        if len(told) == before:
            told.append(self._nowhere(debug))

    def _image(self, image: ImageFile, told: list[str]) -> Path | None:
        """The image's file from a store, or from a server, which has images by time stamp and size."""
        if not (image.time_date_stamp and image.size and stored_name(image)):
            return None
        for candidate in image_candidates(image, self._path):
            if isinstance(candidate, Candidate) and not candidate.packed and not _why_not_image(image, candidate.path):
                return candidate.path
        why_not = partial(_why_not_image, image)
        for place in self._path.places:
            if isinstance(place, Chain) and place.server:
                fetch = partial(self._servers[place.server].fetch, image, why_not=why_not)
                if (fetched := self._kept(fetch, place.kept_in, told)) is not None:
                    return fetched
        return None

    def _nowhere(self, debug: DebugFile) -> str:
        wanted = f"{stored_name(debug) or 'its PDB'} ({Identity(debug.guid, debug.age)})"
        skipped = (
            f"; skipped: {', '.join(omitted.part for omitted in self._path.omitted)}" if self._path.omitted else ""
        )
        if not self._path.places:
            return f"{wanted} is not beside the image, and there is no symbol path to look in{skipped}"
        places = [str(place.path) if isinstance(place, Folder) else _shown(place) for place in self._path.places]
        return f"{wanted} is not in {', '.join(places)}{skipped}"

    def _unpacked(self, candidate: Candidate, debug: DebugFile, told: list[str]) -> Path | None:
        def bring(to: Path) -> bool:
            unpack_pdb(candidate.path, to)
            return True

        return self._kept(lambda store: keep(debug, store, bring, self._why_not(debug)), candidate.kept_in, told)

    def _fetched(self, server: SymbolServer, debug: DebugFile, store: Path, told: list[str]) -> Path | None:
        return self._kept(lambda into: server.fetch(debug, into, self._why_not(debug)), store, told)

    def _kept(self, bring: Callable[[Path], Path | None], store: Path, told: list[str]) -> Path | None:
        """In the store, or in the user's own where that one cannot be written to."""
        for into in dict.fromkeys((store, self._path.default_store)):
            try:
                return bring(into)
            except NotFetchedError as error:
                told.append(str(error))
                return None
            except OSError as error:
                told.append(f"{into} cannot be written to: {error.strerror or error}")
        return None

    def _why_not(self, debug: DebugFile) -> Callable[[Path], str]:
        def why_not(path: Path) -> str:
            try:
                found = self._reader.identity(path)
            except NotReadError as error:
                return str(error)
            wanted = Identity(debug.guid, debug.age)
            return "" if found == wanted else f"it has {found}, the image {wanted}"

        return why_not


def _servers(urls: list[str], progress: Progress) -> dict[str, SymbolServer]:
    from tracer.symbols.server import SymbolServer  # what speaks HTTP is imported only where it is used

    return {url: SymbolServer(url, progress) for url in urls}


def _shown(chain: Chain) -> str:
    return ", ".join([*map(str, chain.stores), *([chain.server] if chain.server else [])])


def _looked_up_again(found: _Found, addresses: list[int]) -> list[Symbol | None]:
    """From the source that answered before; where it no longer does, from nothing, and that is told."""
    try:
        return found.look(addresses)
    except NotReadError as error:
        found.told.append(str(error))
        return [None] * len(addresses)


def _why_not_image(image: ImageFile, path: Path) -> str:
    """Why a file is not the image; empty where it is."""
    try:
        headers = read_image_headers(path)
    except (OSError, ValueError, NotAnImage) as error:
        return f"it is no image ({error or type(error).__name__})"
    is_it = (headers.time_date_stamp, headers.size) == (image.time_date_stamp, image.size)
    return "" if is_it else f"it has time stamp {headers.time_date_stamp:X} and size {headers.size:X}"


def _debug_file(module: Module) -> DebugFile | None:
    """The PDB of an image: as the trace tells, else as the file on this machine does, if it is the one loaded."""
    image, path = module.image, module.path
    if image.debug is not None or path is None or not image.time_date_stamp:
        return image.debug
    return None if _why_not_image(image, path) else read_image_headers(path).debug
