"""One run's redaction: what is known of names, and what comes of texts, values, paths, errors and filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from analyzers.pool_tables import Frame
from analyzers.process_names import file_name
from analyzers.selection.query import Query
from analyzers.selection.wording import WHOLE, WordKind, names_of
from tracer.arrays import U64
from tracer.errors import PoolscopeError, UsageError
from tracer.symbols.symbol import Symbol
from tracer.trace import SIMULATED_SESSION
from tui.redaction.kernel_shift import KernelShift
from tui.redaction.replacing import Replacing
from tui.redaction.stand_ins import Kind, StandIns, image_kind
from tui.redaction.windows_names import in_windows_folder, is_windows_own

Kept = TypeVar("Kept")
Failed = TypeVar("Failed", bound=PoolscopeError)

_OWN_SESSIONS: Final = frozenset(("nt kernel logger", "circular kernel context logger", "poolscope"))
_CODES: Final = frozenset(("rule", "rules", "kind", "code"))
"""Fields with words of Poolscope's own, which programs read."""
_USER: Final = re.compile(r"\\(?:Users|Documents and Settings)\\([^\\]+)\\", re.IGNORECASE)
_HOST: Final = re.compile(
    r"^(?:\\\\|(?:\\\\\?|\\\?\?)\\UNC\\|\\Device\\(?:Mup|LanmanRedirector)\\(?:;[^\\]*\\)*)([^\\?.;][^\\]*)\\",
    re.IGNORECASE,
)
"""Of a share, also as the kernel names it: by the provider of the network, which may say drive and session first
(Microsoft Learn, "Support for UNC naming and MUP")."""
_EVERYBODY: Final = frozenset(("public", "default", "all users"))
_SHORTEST_WORD: Final = 4
"""Of the name of a function that is looked for by itself, without its module: shorter ones are words of any text."""


def error_through(text: Callable[[str], str], error: Failed) -> Failed:
    """An error with every word of it replaced."""
    said = {name: text(getattr(error, name)) for name in ("where", "why", "next")}
    return type(error)(error.code, text(error.what), **said)


class Redaction:
    """What is replaced in the outputs of one run. ``key``: as of :class:`~tui.redaction.stand_ins.StandIns`.

    ``shifts``: addresses of kernel memory are moved. ``stand_ins``: those of another, which are gone on with.
    """

    def __init__(self, key: bytes | None = None, *, shifts: bool = False, stand_ins: StandIns | None = None) -> None:
        self.stand_ins: Final = StandIns(key) if stand_ins is None else stand_ins
        self._shifts = shifts
        self._shift: KernelShift | None = None
        self._has_shifted = False
        self._replacing = Replacing(self.stand_ins, self._shifted)
        self._names: dict[WordKind, dict[str, None]] = {WordKind.PROCESS: {}, WordKind.DRIVER: {}}
        self._foreign: set[str] = set()
        self._images: set[tuple[str, str]] = set()

    def machine(self, pointer_size: int) -> None:
        """What follows is of a machine with such pointers. Raises UsageError where what came before is of another."""
        if not self._shifts:
            return
        before, self._shift = self._shift, KernelShift.of(self.stand_ins, pointer_size)
        if self._has_shifted and before != self._shift:
            raise UsageError(
                "redact-addresses",
                "the traces are of a 32-bit and a 64-bit machine",
                where="--redact-addresses",
                why="their addresses cannot be moved by the same distance",
                next="the traces of one kind of machine at a time, or --redact alone",
            )

    def know(self, name: str, stand_in: str) -> None:
        """The name is replaced in every text from now on."""
        self._replacing.know(name, stand_in)

    def know_images(self, images: Iterable[tuple[str, str]]) -> None:
        """Names and paths of program files: those outside Windows' folders are not Windows' own, whatever their name.

        Also the users and computers that the paths tell of.
        """
        new = set(images) - self._images
        self._images |= new
        for name, path in sorted(new):
            if not in_windows_folder(path):
                self._foreign.add(name.lower())
            for kind, pattern in ((Kind.USER, _USER), (Kind.HOST, _HOST)):
                found = pattern.search(path)
                if found is not None and found[1].lower() not in _EVERYBODY:
                    self.know(found[1], self.stand_ins.of(kind, found[1]))
            if path != name and not self.is_own(name):
                self.know(path, self.stand_ins.of(Kind.PATH, path))
            self.know_image(name, Kind.IMAGE)

    def know_image(self, name: str, kind: Kind) -> None:
        """A process, driver or library by name; ``kind``: where its ending does not tell."""
        if kind in (Kind.PROCESS, Kind.DRIVER) and name:
            self._names[WordKind(kind.value)].setdefault(name)
        if name and not self.is_own(name):
            self.know(name, self.stand_ins.of(image_kind(name, kind), name))

    def is_own(self, name: str) -> bool:
        """Whether an image is known to be Windows' own."""
        image = name.lower().partition("!")[0]
        return is_windows_own(name) and not self._foreign & {image, f"{image}.sys"}

    def know_path(self, path: str, kind: Kind = Kind.TRACE) -> str:
        """A trace or another file on the machine that reads: its path, its name; gives the stand-in."""
        if (known := self._replacing.known(path)) is not None:
            return known
        name = file_name(path.rpartition(": ")[0] or path)
        made = self.stand_ins.of(kind, str(Path(path).absolute()) if path else "")
        for each in (path, *path.split(": "), name, file_name(path)):
            self.know(each, made)
        return made

    def session(self, name: str) -> str:
        """The name of a logger or session: Windows' own and those of the simulator stay."""
        if not name or name.lower() in _OWN_SESSIONS:
            return name
        if name.startswith(SIMULATED_SESSION):
            return SIMULATED_SESSION
        made = self.stand_ins.of(Kind.SESSION, name)
        self.know(name, made)
        return made

    def text(self, text: str) -> str:
        """A text without names."""
        return self._replacing.text(text)

    def addresses(self, addresses: U64) -> U64:
        """Addresses of kernel memory, where they are moved; others as they are."""
        self._has_shifted |= len(addresses) > 0
        return addresses if self._shift is None else self._shift(addresses)

    def address(self, address: int) -> int:
        """One of them."""
        self._has_shifted = True
        return address if self._shift is None else self._shift.one(address)

    def frame(self, frame: Frame) -> Frame:
        """A stack frame: the functions of Windows' own modules keep their names."""
        self.know_image(frame.module, Kind.IMAGE)
        if not frame.module or self.is_own(frame.module):
            return replace(frame, address=self.address(frame.address)) if self._shifts else frame
        symbol = None if frame.symbol is None else self._symbol(frame.module, frame.symbol)
        named = {"module": self.text(frame.module), "symbol": symbol, "address": self.address(frame.address)}
        return replace(frame, **self._changed(frame) | named)

    def _symbol(self, module: str, symbol: Symbol) -> Symbol:
        inlined = (
            replace(each, function=self.function(module, each.function), file=self._source(each.file))
            for each in symbol.inlined
        )
        function = self.function(module, symbol.function)
        return replace(symbol, function=function, file=self._source(symbol.file), inlined=tuple(inlined))

    def _source(self, file: str) -> str:
        return self.know_path(file, Kind.PATH) if file else ""

    def function(self, module: str, name: str) -> str:
        """The stand-in of a function of a module that is not Windows' own."""
        made = self._replacing.function(module.lower(), name)
        if len(name) >= _SHORTEST_WORD:
            self.know(name, made)
        return made

    def value(self, value: Kept) -> Kept:
        """Every text inside of tuples, lists, mappings and dataclasses; columns of numbers as they are."""
        return self._value(value)  # type: ignore[no-any-return]

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - what goes in comes out
        match value:
            case Enum():
                return value
            case str():
                return self.text(value)
            case Frame():
                return self.frame(value)
            case tuple() | list() | frozenset() if type(value) in (tuple, list, frozenset):
                return type(value)(map(self._value, value))
            case Mapping():
                return {self._value(key): self._value(each) for key, each in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **self._changed(value))
        return value

    def _changed(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass of any kind
        old = {each.name: getattr(value, each.name) for each in fields(value) if each.init and each.name not in _CODES}
        return {name: new for name, each in old.items() if (new := self._value(each)) is not each}

    def process(self, name: str) -> str:
        """The stand-in of a process that may have come since it was learnt which there are."""
        self.know_image(name, Kind.PROCESS)
        return self.text(name)

    def query(self, query: Query, functions: Mapping[str, str] = MappingProxyType({})) -> Query:
        """Filters as they were typed, as filters of the stand-ins: whole names, whatever the words were.

        ``functions``: those of the stacks, ``MODULE!FUNCTION``, and their stand-ins.
        """
        return replace(
            query,
            processes=self._words(WordKind.PROCESS, query.processes),
            drivers=self._words(WordKind.DRIVER, query.drivers),
            functions=self._whole(WordKind.FUNCTION, query.functions, functions),
        )

    def word(self, word: str) -> str:
        """What somebody typed for the name of a driver, or a part of it."""
        bare = word.removeprefix(WHOLE)
        known = self.text(bare)
        return word if self.is_own(bare) else known if known != bare else self.stand_ins.of(Kind.NAME, bare)

    def _words(self, kind: WordKind, words: tuple[str, ...]) -> tuple[str, ...]:
        return self._whole(kind, words, {name: self.text(name) for name in self._names[kind]} if words else {})

    def _whole(self, kind: WordKind, words: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
        """For each word the stand-ins of all names that it fits; ``names``: those there are, with their stand-ins."""
        made: dict[str, None] = {}
        for word in words:
            if kind is WordKind.PROCESS and word.removeprefix(WHOLE).isdecimal():
                made[word] = None
                continue
            fits = names_of(kind, word)
            found = [f"{WHOLE}{stand_in}" for name, stand_in in names.items() if fits(name)]
            made |= dict.fromkeys(found or [f"{WHOLE}{self.stand_ins.of(Kind.NAME, word)}"])
        return tuple(made)

    def error(self, error: Failed) -> Failed:
        """An error without names."""
        return error_through(self.text, error)

    def _shifted(self, address: int) -> int:
        return self.address(address)
