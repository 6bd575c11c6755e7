"""From the options of a command line to names for addresses: which symbol path, which map, and whether there are any.

Nothing is imported or started where there is nothing that could name anything.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.symbolization import Symbols
from tracer.data_classes import dataclass
from tracer.symbols.defaults import default_cache, default_store, path_from_environment
from tui.interrupts import Interrupts
from tui.reading.progress import FileMeter
from tui.streams import say

if TYPE_CHECKING:
    from tracer.symbols.keeping import Progress
    from tracer.symbols.map_file import MapFile
    from tracer.symbols.path import SymbolPath
    from tracer.symbols.resolver import Resolver


@dataclass(slots=True)
class NameSource:
    """Where names come from, for as many traces as a command reads.

    ``meter``: told what is fetched; ``progress`` is in its place. ``is_thorough``: every stack is named, not only those
    that are shown or decide.
    """

    path: SymbolPath
    map_file: MapFile | None
    local_path: Callable[[str], Path | None]
    meter: FileMeter
    is_thorough: bool
    progress: Progress | None = None
    _resolver: Resolver | None = None

    def symbols(self, *, is_aside: bool = False) -> Symbols:
        """For one trace; ``is_aside``: somebody else calls :meth:`~analyzers.symbolization.Symbols.resolve`."""
        self.meter.is_silent |= is_aside  # who has the terminal shows it
        return Symbols(
            self._open,
            is_aside=is_aside,
            is_thorough=self.is_thorough,
            local_path=self.local_path,
            notes=self._notes(),
            guarded=self._guarded,
        )

    def close(self) -> None:
        """End what reads files."""
        if self._resolver is not None:
            self._resolver.close()

    def _open(self) -> Resolver:
        from tracer.symbols.resolver import Resolver

        if self._resolver is None:
            progress = self.progress or self.meter
            self._resolver = Resolver(self.path, default_cache(), map_file=self.map_file, progress=progress)
        return self._resolver

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Ctrl-C ends the looking for names, and no bar outlives it."""
        try:
            with Interrupts():
                yield
        finally:
            self.meter.end()

    def _notes(self) -> tuple[str, ...]:
        from tracer.symbols.reader import missing_reader

        missing = missing_reader()
        omitted = [f"{each.part} was skipped: {each.why}" for each in self.path.omitted]
        return (*([missing] if missing else []), *omitted)


@contextmanager
def name_source(args: argparse.Namespace) -> Iterator[NameSource | None]:
    """What the options and the environment ask for; ``None`` where nothing could be named. Raises InputError."""
    is_asked = args.symbols is not None or args.symbol_server or args.map is not None
    if not (is_asked or _path_here() or sys.platform == "win32"):  # there images may be on the machine
        yield None
        return
    with closing(names_asked(args)) as source:
        yield source


def _path_here() -> str:
    """The symbol path where no option gives one: the environment's, else what was fetched before."""
    return path_from_environment(os.environ) or ("cache*" if default_store().is_dir() else "")


def names_asked(args: argparse.Namespace) -> NameSource:
    """What the options and the environment ask for, even if that is nothing. Raises InputError."""
    from tracer.symbols.path import parse_symbol_path

    text = _path_here() if args.symbols is None else args.symbols
    if args.symbol_server and "://" not in text:
        text = f"{text};srv*" if text else "srv*"
    path = parse_symbol_path(text, default_store(), network=args.symbol_server)
    if args.symbols is not None:
        _tell(path, args)
    is_thorough = bool(getattr(args, "function", None))
    return NameSource(path, _map(args.map), _local_path(), FileMeter(quiet=args.quiet), is_thorough)


def names_of_map(path: Path) -> NameSource:
    """Names from a map file alone. Raises InputError."""
    from tracer.symbols.path import parse_symbol_path

    nowhere = parse_symbol_path("", default_store())
    return NameSource(nowhere, _map(path), lambda _: None, FileMeter(quiet=True), is_thorough=False)


def _tell(path: SymbolPath, args: argparse.Namespace) -> None:
    """What is not used of a path that somebody typed."""
    from tracer.symbols.path import Folder

    for omitted in path.omitted:
        hint = "; --symbol-server asks it" if "://" in omitted.part and not args.symbol_server else ""
        say(f"note: --symbols: {omitted.part} is skipped: {omitted.why}{hint}", quiet=args.quiet)
    for place in path.places:
        if isinstance(place, Folder) and not place.path.is_dir():
            say(f"note: --symbols: {place.path} is no folder here", quiet=args.quiet)


def _map(path: Path | None) -> MapFile | None:
    if path is None:
        return None
    from tracer.symbols.map_file import MapFile

    return MapFile(path)


def _local_path() -> Callable[[str], Path | None]:
    """Where images lie on this machine, if it is a Windows."""
    if sys.platform != "win32":
        return lambda _: None
    from tracer.live.image_paths import windows_image_paths

    return windows_image_paths().local
