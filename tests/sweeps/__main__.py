"""Every prefix of small traces, and three changes of each of their bytes: ``python -m tests.sweeps``.

Each file must become a document that adds up, or an error that says where it is wrong, in bounded time and memory; and
where nothing leaks, nobody may be accused with more than half a confidence unless damage is told beside it. A process
of its own reads the files: one that hangs, or ends it, is told like any other. ``--only N`` runs one case again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

import numpy as np

from tests.sweeps.every_kind import TRACES
from tests.sweeps.judging import SURE, BrokenError, Outcome, outcome
from tests.tracer.traces import buffer_offsets
from tracer.etl import xpress
from tracer.etl.families import CLASSIC, FAMILY, KERNEL, MANIFEST, MESSAGE
from tracer.etl.headers import HEADER_BYTES, TRACE_MARKER, BufferFlag

WAYS: Final = 3
"""Changes of each byte: its lowest bit, its highest bit, and another value, drawn."""
HANGS_SECONDS: Final = 60.0
"""A second would do for a file of a few KiB; a busy machine takes its time."""
MORE_BYTES: Final = 512 << 20
"""Memory that a process may take beyond what it has when it has read the whole trace."""

_NAMED_BY: Final = {KERNEL: range(6, 8), CLASSIC: (4, *range(24, 40)), MANIFEST: range(24, 42)}
"""By kind of header: where it says which event a record is (:mod:`tracer.etl.headers`)."""
_FLAG_AT: Final = 0x34
"""Where a buffer's header has its flags."""
_OFTEN: Final = 5_000
"""Cases between two lines of progress."""


@dataclass(frozen=True)
class Case:
    """A changed trace. ``number``: below the trace's length a prefix of so many bytes, then the changes.

    ``offset``: of the byte that was changed, -1 for a prefix.
    """

    trace: str
    number: int
    data: bytes
    says: str
    offset: int = -1


def case(trace: str, whole: bytes, number: int, seed: int) -> Case:
    """That prefix or change."""
    if number < len(whole):
        return Case(trace, number, whole[:number], f"the first {number} bytes")
    offset, way = divmod(number - len(whole), WAYS)
    old = whole[offset]
    drawn = random.Random(f"{seed} {offset}").choice([n for n in range(256) if n not in {old, old ^ 1, old ^ 0x80}])
    new = (old ^ 1, old ^ 0x80, drawn)[way]
    changed = whole[:offset] + bytes([new]) + whole[offset + 1 :]
    says = f"byte {offset} (0x{offset:x}) 0x{new:02x} instead of 0x{old:02x}"
    return Case(trace, number, changed, says, offset)


@dataclass(frozen=True)
class Unchanged:
    """The whole trace: how many ``records`` it has, its bytes ``unpacked``, and which of these ``name`` an event.

    ``name``: offset → number of the record.
    """

    records: int
    unpacked: bytes
    name: Mapping[int, int]


def unpacked(whole: bytes) -> bytes:
    """The trace without compression."""
    out = b""
    for begin in buffer_offsets(whole):
        stride, valid = struct.unpack_from("<2I", whole, begin)
        header, body = whole[begin : begin + HEADER_BYTES], whole[begin + HEADER_BYTES : begin + stride]
        if header[_FLAG_AT] & BufferFlag.COMPRESSED:
            source, room = np.frombuffer(body + bytes(8), np.uint8), max(valid, HEADER_BYTES) - HEADER_BYTES
            output, results = np.zeros(room + 8, np.uint8), np.zeros((1, 2), np.int64)
            xpress.decompress(source, output, np.array([[0, len(body), 0, room]]), results)
            body = output[:room].tobytes()
            header = struct.pack("<I", HEADER_BYTES + room) + header[4:]
        out += header + body
    return out


def naming_bytes(plain: bytes) -> dict[int, int]:
    """Offsets of hook ids, of GUIDs of providers and of ids of their events; the number of the record that has each."""
    found: dict[int, int] = {}
    records = count()
    for begin in buffer_offsets(plain):
        at, end = begin + HEADER_BYTES, begin + struct.unpack_from("<I", plain, begin + 4)[0]
        while at < end:
            family = int(FAMILY[plain[at + 2]]) if plain[at + 3] == TRACE_MARKER else MESSAGE
            found |= dict.fromkeys((at + place for place in _NAMED_BY.get(family, ())), next(records))
            at += (struct.unpack_from("<H", plain, at + (4 if family == KERNEL else 0))[0] + 7) & ~7
    return found


def is_the_files_word(each: Case, became: Outcome, whole: Unchanged) -> bool:
    """Whether the accusations rest on what a well-formed file says, and nothing tells it from one in which that is so.

    Records say that they are other events, and no more blocks stay than they are: where the file is compressed, several
    may have the changed byte. Or the addresses of a call stack are others.
    """
    return became.records == whole.records and (_are_renamed(each, became, whole) or _have_moved(became, whole))


def _have_moved(became: Outcome, whole: Unchanged) -> bool:
    """Whether no call stack of those that are accused is in the whole trace."""
    found = became.document["findings"] if became.document is not None else ()
    stacks = [[int(frame["address"], 16) for frame in each["stack"]] for each in found if each["confidence"] > SURE]
    return all(frames and struct.pack(f"<{len(frames)}Q", *frames) not in whole.unpacked for frames in stacks)


def _are_renamed(each: Case, became: Outcome, whole: Unchanged) -> bool:
    plain = unpacked(each.data)
    changed = [at for at, (new, old) in enumerate(zip(plain, whole.unpacked, strict=False)) if new != old]
    renamed = {whole.name.get(at) for at in changed}
    if len(plain) != len(whole.unpacked) or None in renamed:
        return False
    return sum(blocks for *_, blocks in became.accusations) <= len(renamed)


def failure(each: Case, path: Path, whole: Unchanged) -> tuple[str, str]:
    """What is wrong with what became of it, empty for nothing; and what did."""
    path.write_bytes(each.data)
    try:
        became = outcome(path)
    except BrokenError as error:
        return str(error), "broken"
    if became.accusations and not became.shows_damage and each.trace != "leaking":
        if is_the_files_word(each, became, whole):
            return "", "blocks accused, as the file has it"
        return f"accused without damage: {became.accusations}", became.told
    return "", became.told


def work(trace: str, numbers: Sequence[int], seed: int) -> None:
    """In a process of its own: each case is announced on stdout before it is read; it is told where it failed."""
    whole = TRACES[trace]()
    told: Counter[str] = Counter()
    with TemporaryDirectory(prefix="poolscope-sweep-") as folder:
        path = Path(folder) / "swept.etl"
        path.write_bytes(whole)
        plain = unpacked(whole)
        unchanged = Unchanged(outcome(path).records, plain, naming_bytes(plain))
        _bound_memory()
        for number in numbers:
            _say({"begins": number})
            wrong, became = failure(case(trace, whole, number, seed), path, unchanged)
            told[became] += 1
            if wrong:
                _say({"failed": number, "why": wrong})
    _say({"told": told})


def _bound_memory() -> None:
    if sys.platform == "linux":
        import resource

        now = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MORE_BYTES, now + MORE_BYTES))


def _say(said: object) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


class Sweep:
    """Runs cases of one trace. ``failed``: number → why; ``told``: how often what came of them."""

    command: ClassVar = [sys.executable, "-m", "tests.sweeps"]

    def __init__(self, trace: str, seed: int) -> None:
        self.trace = trace
        self.seed = seed
        self.whole = TRACES[trace]()
        self.failed: dict[int, str] = {}
        self.told: Counter[str] = Counter()
        self._latest = -1
        self._begun = 0

    def run(self, numbers: Sequence[int]) -> None:
        """All of them; where the process ends or hangs, another goes on behind the case that was read."""
        left = list(numbers)
        while left:
            self._latest = -1
            ended = self._process(left)
            if not ended:
                return
            self._fail(self._latest, ended)
            left = left[left.index(self._latest) + 1 :] if self._latest >= 0 else []

    def _process(self, numbers: list[int]) -> str:
        """Run a process on these; gives how it ended before it was through, empty where it was through."""
        words = ["--trace", self.trace, "--seed", str(self.seed), "--worker"]
        with subprocess.Popen(
            [*self.command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps(numbers).encode())
            child.stdin.close()
            other: list[str] = []
            for line in _lines(child.stdout.fileno(), child):
                if line is None:
                    child.kill()
                    return f"no answer for {HANGS_SECONDS:.0f} s"
                if self._take(line, other):
                    return ""
        return f"the process ended with code {child.returncode}: {' '.join(other)[-2000:]}"

    def _take(self, line: str, other: list[str]) -> bool:
        """One line of the process; whether it was the last."""
        try:
            said = json.loads(line)
        except ValueError:
            other.append(line)
            return False
        if "begins" in said:
            self._latest = said["begins"]
            self._begun += 1
            if self._begun % _OFTEN == 0:
                print(f"{self.trace}: {self._begun:,} begun, {len(self.failed):,} failed", flush=True)
        elif "failed" in said:
            self._fail(said["failed"], said["why"])
        else:
            self.told.update(said["told"])
            return True
        return False

    def _fail(self, number: int, why: str) -> None:
        self.failed[number] = why
        says = case(self.trace, self.whole, number, self.seed).says if number >= 0 else "before the first"
        print(f"FAILED: {self.trace} --only {number}: {says}: {why}", flush=True)


def _lines(stream: int, child: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """Lines as they come, ``None`` where none has for too long."""
    rest = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(stream, selectors.EVENT_READ)
        while waiting.select(HANGS_SECONDS):
            some = os.read(stream, 1 << 16)
            if not some:
                child.wait()
                return
            *whole, rest = (rest + some).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
    yield None


def _numbers(options: argparse.Namespace, length: int) -> list[int]:
    if options.only is not None:
        return [options.only]
    part, parts = (int(word) for word in options.part.split("/"))
    every = range((1 + WAYS) * length)
    return [number for number in every[options.seed % options.step :: options.step] if number % parts == part - 1]


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweeps", description=__doc__)
    parser.add_argument("--trace", choices=TRACES, action="append", help="only this one; may be given several times")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="every Nth case, from the Kth on")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="one case in so many: a sample")
    parser.add_argument("--seed", type=int, default=1, help="of the drawn values, and of the sample")
    parser.add_argument("--only", type=int, metavar="N", help="one case by its number")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        work(options.trace[0], json.load(sys.stdin), options.seed)
        return 0
    failed = 0
    for trace in options.trace or TRACES:
        sweep = Sweep(trace, options.seed)
        numbers = _numbers(options, len(sweep.whole))
        sweep.run(numbers)
        print(f"{trace}: {len(sweep.whole):,} bytes, {len(numbers):,} files, {len(sweep.failed):,} failed", flush=True)
        for told, times in sweep.told.most_common():
            print(f"{times:>9,}  {told}", flush=True)
        failed += len(sweep.failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
