"""Inputs that are kept, as text: ``corpus/TARGET.txt`` leads into the code, ``found/TARGET.txt`` once broke it.

A line is an input: ``b'…'`` as Python writes bytes, or base85 of zlib's stream of them. Lines with ``#`` say where
those below are from. None is of a real machine: seeds are simulated or typed, the rest is made of them.
"""

from __future__ import annotations

import ast
import base64
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.fuzzing.target import Target, load

FOLDER: Final = Path(__file__).parent
_SHORT: Final = 100
"""Letters of a line up to which bytes are written so that people can read them."""


def line_of(data: bytes) -> str:
    """An input as a line."""
    plain = repr(data)
    if len(plain) <= _SHORT and plain.startswith("b'"):
        return plain
    return base64.b85encode(zlib.compress(data, 9)).decode("ascii")


def input_of(line: str) -> bytes:
    """The input that a line is."""
    if line.startswith("b'"):
        data: bytes = ast.literal_eval(line)
        return data
    return zlib.decompress(base64.b85decode(line))


def read_lines(path: Path) -> list[bytes]:
    """The inputs of a file; none where there is no file."""
    if not path.exists():
        return []
    lines = path.read_text("ascii").splitlines()
    return [input_of(line) for line in lines if line and not line.startswith("#")]


def write_lines(path: Path, origin: str, inputs: Iterable[bytes]) -> None:
    """Put some at the end of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii", newline="\n") as file:
        file.write("".join(f"{line}\n" for line in (f"# {origin}", *map(line_of, inputs))))


def kept(name: str) -> list[bytes]:
    """What the repository keeps for a target."""
    return [each for folder in ("corpus", "found") for each in read_lines(FOLDER / folder / f"{name}.txt")]


@cache
def inputs_of(name: str) -> tuple[Target, Sequence[bytes]]:
    """A target and all that it starts from, always in the same order."""
    target = load(name)
    return target, tuple(dict.fromkeys([*target.seeds(), *kept(name)]))
