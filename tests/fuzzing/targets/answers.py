"""What the process that reads PDB files answers: a hostile file may have made it say anything."""

from __future__ import annotations

import io
import json
import subprocess
from typing import Any, cast

from tests.fuzzing.mutations import text
from tests.fuzzing.scratch import folder
from tests.fuzzing.target import Target, insist
from tests.tracer.symbols.named import DEBUG, FILE, PDB
from tracer.symbols.reader import NotReadError, Reader
from tracer.symbols.symbol import Symbol

_ADDRESSES = [0x1000, 0x1050, 0]


class _Process:
    """Stands for the child: takes a question, and has its answer ready."""

    def __init__(self, said: bytes) -> None:
        self.stdin, self.stdout = io.BytesIO(), io.BytesIO(said)

    def poll(self) -> None:
        return None

    def kill(self) -> None:
        return None

    def wait(self, _seconds: float | None = None) -> int:
        return 0


class _Answered(Reader):
    said = b""

    def _started(self) -> subprocess.Popen[bytes]:
        return cast("subprocess.Popen[bytes]", _Process(self.said))


def _seeds() -> list[bytes]:
    symbols: list[Any] = [["F", 0, "f.c", 3, [["G", "g.c", 1]]], None, ["F", 16, "", 0, []]]
    said: list[Any] = [
        {"symbols": symbols}, {"guid": DEBUG.guid.hex, "age": 1}, {"error": "it is damaged"}, {"symbols": []}, [], None,
        {"do": "symbols", "path": "x", "guid": DEBUG.guid.hex, "age": 1, "size": 4096, "addresses": [1, 0]},
        {"do": "identity", "path": "x"}, {"do": "exports", "path": "x", "stamp": 1, "size": 2, "addresses": [0]},
    ]  # fmt: skip
    return [json.dumps(each).encode() + b"\n" for each in said]


def check(data: bytes) -> None:
    reader = _Answered(folder() / "cache")
    reader.said = data
    with reader:
        for ask in (
            lambda: reader.identity(PDB),
            lambda: reader.symbols(PDB, DEBUG, FILE.size, _ADDRESSES),
            lambda: reader.exports(PDB, FILE, _ADDRESSES),
        ):
            try:
                found = ask()
            except NotReadError as error:
                insist(str(error), "a file is given up without a word")
                continue
            if isinstance(found, list):
                insist(len(found) == len(_ADDRESSES), f"{len(found)} answers for {len(_ADDRESSES)} addresses")
                for symbol in filter(None, found):
                    _check_symbol(symbol)
            else:
                insist(isinstance(found.age, int), f"an age of {found.age!r}")


def _check_symbol(symbol: Symbol) -> None:
    names = [symbol.function, symbol.file, *(text for each in symbol.inlined for text in (each.function, each.file))]
    numbers = [symbol.displacement, symbol.line, *(each.line for each in symbol.inlined)]
    insist(all(isinstance(each, str) for each in names), f"names {names!r}")
    insist(all(type(each) is int for each in numbers), f"numbers {numbers!r}")


TARGET = Target(
    check,
    _seeds,
    text('"symbols": ', '"error": ', "null", "[]", "{}", "[", "]", ",", '""', "true", "1e999", "NaN"),
    4_000,
)
