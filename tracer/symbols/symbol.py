"""What is known of an address in an image: the function, where in it, and the source line."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from tracer.data_classes import dataclass


class Source(StrEnum):
    """Where names came from, the surest first."""

    PDB = "pdb"
    EXPORTS = "nearest export"
    MAP = "map file"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Inlined:
    """A function whose code was put into another's."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """The function at an address; ``file`` is empty and ``line`` 0 where its PDB has no lines.

    ``displacement``: bytes from the function's begin to the address itself, also of a return address. ``inlined``: the
    functions inlined there, innermost first; ``line`` is then that of the outermost call.
    """

    function: str
    displacement: int
    file: str = ""
    line: int = 0
    inlined: tuple[Inlined, ...] = ()


def symbol_from(values: Sequence[Any]) -> Symbol:
    """The symbol whose fields came as lists. Raises ValueError or TypeError for what is none."""
    function, displacement, file, line, inlined = values
    symbol = Symbol(function, displacement, file, line, tuple(Inlined(*fields) for fields in inlined))
    lines = [(each.function, each.file, each.line) for each in symbol.inlined]
    for name, source, number in [(function, file, line), (function, file, displacement), *lines]:
        if not (isinstance(name, str) and isinstance(source, str) and type(number) is int):
            raise ValueError(f"not names and numbers: {symbol}")
    return symbol
