"""Hostile PDB files without end, each another mutation of ``fixtures/named``: ``python -m tests.tracer.symbols.fuzz``.

Each must be read or be an error of that file alone, within its time and memory, and the next file must be read right.
A mutation is told by a seed and its number: ``--seed S --first N --files 1`` makes it again. What outside software does
to a file in the reading process is counted, and is no failure.
"""

from __future__ import annotations

import argparse
import random
import re
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.tracer.symbols.named import DEBUG, FILE, PDB, truth
from tracer.symbols.child import MEMORY
from tracer.symbols.pdbs import MOST_INLINED, MOST_TEXT
from tracer.symbols.reader import NotReadError, Reader
from tracer.symbols.symbol import Symbol

ANSWER_SECONDS: Final = 20.0
SLACK_SECONDS: Final = 20.0
"""Beyond which an answer hangs: a busy machine is slow to end a process and to start the next."""
PYTHON_BYTES: Final = 96 << 20
"""What a process takes before it reads anything."""
BLOCK: Final = 4096
ADDRESSES: Final = [0, *range(0xFF0, 0x10E0), 0x3FFF, 0x4000, 0xFFFFFFFF]
ODD: Final = (0, 1, 2, 4, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)

TOLD: Final = re.compile(
    r"FILE (is no PDB file|belongs to another build: .*|takes more than 512 MB to read"
    r"|was given up: the process that read it ended with code .*|was given up: reading it took longer than .*"
    r"|cannot be read: .*"
    r"|is damaged: (invalid pdb file|bad debug file|symbolic panicked|unsupported object file format)"
    r".*)"
)
"""All that is said of such files; other words are from an exception of our own code."""

Mutation = Callable[[random.Random, bytearray], None]


class FailedError(Exception):
    """Ours broke; the message says how."""


def cut(rng: random.Random, data: bytearray) -> None:
    """The file ends early, sometimes between two blocks."""
    unit = rng.choice((1, BLOCK))
    del data[rng.randrange(len(data)) // unit * unit :]


def scribble(rng: random.Random, data: bytearray) -> None:
    """Random bytes in a few places."""
    for _ in range(rng.randint(1, 8)):
        _put(data, rng.randrange(len(data)), rng.randbytes(rng.choice((1, 2, 4, 16, 200))))


def odd_header(rng: random.Random, data: bytearray) -> None:
    """Counts of the container's header: block size, free map, blocks, directory's bytes, directory's place."""
    _put_number(data, rng.randrange(32, 56, 4), rng.choice((*ODD, BLOCK, rng.randrange(len(data) // BLOCK + 2))))


def odd_directory(rng: random.Random, data: bytearray) -> None:
    """Sizes and blocks of streams: huge, another's, or the directory itself, which makes it a ring."""
    blocks_of_directory = struct.unpack_from("<I", data, 52)[0] * BLOCK
    if blocks_of_directory + 4 > len(data):
        return
    block = struct.unpack_from("<I", data, blocks_of_directory)[0]
    length = struct.unpack_from("<I", data, 44)[0]
    for _ in range(rng.randint(1, 4)):
        at = block * BLOCK + 4 * rng.randrange(max(1, min(length, BLOCK) // 4))
        ring = (block, blocks_of_directory // BLOCK, rng.randrange(len(data) // BLOCK + 1))
        _put_number(data, at, rng.choice((*ODD, *ring)))
    if rng.random() < 0.2:
        _put_number(data, blocks_of_directory, rng.choice(ring))


def odd_numbers(rng: random.Random, data: bytearray) -> None:
    """Numbers of two or four bytes, wherever something stands: lengths, counts, offsets, kinds."""
    for _ in range(rng.randint(1, 6)):
        at = _somewhere(rng, data)
        if rng.random() < 0.5:
            _put_number(data, at & ~3, rng.choice((*ODD, rng.randrange(len(data)))))
        else:
            _put(data, at & ~1, struct.pack("<H", rng.choice(ODD) & 0xFFFF))


def nudged_numbers(rng: random.Random, data: bytearray) -> None:
    """Numbers that are a little off."""
    for _ in range(rng.randint(1, 6)):
        at = _somewhere(rng, data)
        data[at] = (data[at] + rng.choice((-4, -2, -1, 1, 2, 4))) & 0xFF


def blocks_over_others(rng: random.Random, data: bytearray) -> None:
    """A stream's content where another's should be."""
    count = len(data) // BLOCK
    for _ in range(rng.randint(1, 3)):
        source, target = rng.randrange(count), rng.randrange(1, count)
        data[target * BLOCK : (target + 1) * BLOCK] = data[source * BLOCK : (source + 1) * BLOCK]


def spliced(rng: random.Random, data: bytearray) -> None:
    """Records once more, over others."""
    length = rng.choice((8, 64, 512))
    at = _somewhere(rng, data)
    _put(data, _somewhere(rng, data), bytes(data[at : at + length]))


def hostile_names(rng: random.Random, data: bytearray) -> None:
    """Names that a terminal would obey, that are no UTF-8, or that go on into what follows."""
    name = rng.choice((b"CtCount", b"CtDispatch", b"DriverEntry", b"contosodev.c", b"CtProcessRequest"))
    bad = rng.choice((b"\x1b]0;x\x07", b"\xff\xfe\xed\xa0\x80", b"?$A@?$A@", b"\xe2\x80\xae", b"(((<<<", b"\r\n\t\x00"))
    at = -1
    while (at := data.find(name, at + 1)) >= 0:
        _put(data, at, (bad * 20)[: len(name) + rng.randint(0, 1)])


MUTATIONS: Final[Sequence[Mutation]] = (
    cut, scribble, odd_header, odd_directory, odd_numbers, nudged_numbers, blocks_over_others, spliced, hostile_names,
)  # fmt: skip


def mutated(whole: bytes, seed: int, number: int) -> bytes:
    """That mutation, of one or a few kinds."""
    rng = random.Random(f"{seed} {number}")
    data = bytearray(whole)
    for mutation in rng.choices(MUTATIONS, k=rng.choice((1, 1, 2, 3))):
        if len(data) >= 2 * BLOCK:
            mutation(rng, data)
    return bytes(data)


def _somewhere(rng: random.Random, data: bytearray) -> int:
    """A place where something stands: most of the file is zeros, and its map of free blocks ones."""
    for _ in range(50):
        at = rng.randrange(len(data))
        if data[at] not in {0, 0xFF}:
            return at
    return 0


def _put(data: bytearray, at: int, written: bytes) -> None:
    data[at : at + len(written)] = written[: max(0, len(data) - at)]


def _put_number(data: bytearray, at: int, number: int) -> None:
    _put(data, at, struct.pack("<I", number))


class Fuzzer:
    """Reads one file after another by one reader; ``told``: how often what was said of them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.told: Counter[str] = Counter()
        self._seed = seed
        self._folder = folder
        self._path = folder / "hostile.pdb"
        self._cache = folder / "cache"
        self._whole = PDB.read_bytes()

    def run(self, first: int, files: int, seconds: float) -> int:
        """How many files it read: at most so many, for that long. Raises FailedError."""
        ends = time.monotonic() + seconds
        number = first
        with Reader(self._cache, seconds=ANSWER_SECONDS) as reader:
            while number < first + files and time.monotonic() < ends:
                self._one(reader, number)
                number += 1
            _check_next(reader)
        return number - first

    def _one(self, reader: Reader, number: int) -> None:
        self._path.write_bytes(mutated(self._whole, self._seed, number))
        began = time.monotonic()
        try:
            told = _checked(reader.symbols(self._path, DEBUG, FILE.size, ADDRESSES))
        except NotReadError as error:
            told = str(error)
            if not TOLD.fullmatch(told.replace(str(self._path), "FILE")):
                raise FailedError(f"seed {self._seed}, file {number}: {told}") from error
        except Exception as error:
            raise FailedError(f"seed {self._seed}, file {number}: {type(error).__name__}: {error}") from error
        if time.monotonic() - began > ANSWER_SECONDS + SLACK_SECONDS:
            raise FailedError(f"seed {self._seed}, file {number}: no answer for {time.monotonic() - began:.0f} s")
        self.told[_kind(told, self._path)] += 1
        if "given up" in told:
            print(f"seed {self._seed}, file {number}: {told}", flush=True)
            _check_next(reader)
        for kept in self._cache.glob("*") if self._cache.is_dir() else ():
            kept.unlink()


def _checked(symbols: list[Symbol | None]) -> str:
    """What the file is called in the count. Raises FailedError where a name is longer than ours may be."""
    if len(symbols) != len(ADDRESSES):
        raise FailedError(f"{len(symbols)} answers for {len(ADDRESSES)} addresses")
    for symbol in symbols:
        if symbol is None:
            continue
        texts = [
            symbol.function,
            symbol.file,
            *(text for each in symbol.inlined for text in (each.function, each.file)),
        ]
        if max(map(len, texts)) > MOST_TEXT or len(symbol.inlined) > MOST_INLINED:
            raise FailedError("a name is longer, or more are inlined, than we take")
    if [truth(address) for address in ADDRESSES] == symbols:
        return "(read right)"
    return "(read, with other names)" if any(symbols) else "(read, without names)"


def _check_next(reader: Reader) -> None:
    try:
        right = reader.symbols(PDB, DEBUG, FILE.size, [0x1000]) == [truth(0x1000)]
    except NotReadError as error:
        raise FailedError(f"the next file is not read: {error}") from error
    if not right:
        raise FailedError("the next file is read wrongly")


def _kind(told: str, path: Path) -> str:
    return re.sub(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", told.replace(str(path), "FILE"))[:140]


STATUS = Path("/proc/self/status")


def most_bytes() -> tuple[int, int]:
    """Most memory that this process had, and the largest of those that it started and that have ended."""
    if sys.platform == "win32":
        return 0, 0
    import resource

    if STATUS.exists():  # what a process that was forked had before is counted with it by getrusage
        own = re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text("ascii", "replace"), re.MULTILINE)
        if own is not None:
            return int(own[1]) << 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    unit = 1 if sys.platform == "darwin" else 1024
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    ours, readers = (resource.getrusage(each).ru_maxrss * unit for each in who)
    return ours, readers


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where something of ours broke or took too much memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.tracer.symbols.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first file")
    parser.add_argument("--files", type=int, default=sys.maxsize, help="at most so many")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="poolscope-fuzz-") as folder:
        fuzzer = Fuzzer(Path(folder), options.seed)
        try:
            files = fuzzer.run(options.first, options.files, options.seconds)
        except FailedError as error:
            print(f"FAILED: {error}")
            return 1
    ours, readers = most_bytes()
    for told, times in fuzzer.told.most_common(60):
        print(f"{times:>8,}  {told}")
    print(f"{files:,} files; at most {ours >> 20} MB here, {readers >> 20} MB in a reading process")
    return 0 if max(ours, readers) <= MEMORY + PYTHON_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
