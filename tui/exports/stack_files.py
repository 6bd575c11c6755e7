"""Stacks for the programs that draw them as flame graphs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

from analyzers.snapshot import Snapshot
from tui.exports.protobuf import Message
from tui.exports.weights import Weight, WeightedStack, frame_name, weighted_stacks
from tui.report.trace import name_of
from tui.safe_text import safe

_SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def folded(snapshot: Snapshot, weight: Weight) -> Iterator[bytes]:
    """Brendan Gregg's collapsed stacks: frames from the outermost, by ``;``, a blank and the weight, a line a stack.

    Source: stackcollapse scripts of github.com/brendangregg/FlameGraph, which split at ``;`` and at the last blank.
    """
    lines: dict[str, int] = {}
    for stack in weighted_stacks(snapshot, weight):
        line = ";".join(name.replace(";", ":") for name in stack.names())
        lines[line] = lines.get(line, 0) + stack.value
    for line, value in lines.items():
        yield f"{line} {value}\n".encode()


def speedscope(snapshot: Snapshot, weight: Weight) -> Iterator[bytes]:
    """A sampled profile of speedscope: https://www.speedscope.app/file-format-schema.json."""
    stacks = weighted_stacks(snapshot, weight)
    frames: dict[str, int] = {}
    samples = [[frames.setdefault(name, len(frames)) for name in stack.names()] for stack in stacks]
    weights = [stack.value for stack in stacks]
    name = f"{name_of(snapshot.info)}: {weight}"
    yield json.dumps(
        {
            "$schema": _SPEEDSCOPE_SCHEMA,
            "exporter": "poolscope",
            "name": name,
            "activeProfileIndex": 0,
            "shared": {"frames": [{"name": frame} for frame in frames]},
            "profiles": [
                {
                    "type": "sampled",
                    "name": name,
                    "unit": "bytes" if weight.is_bytes else "none",
                    "startValue": 0,
                    "endValue": sum(weights),
                    "samples": samples,
                    "weights": weights,
                }
            ],
        }
    ).encode()


def pprof(snapshot: Snapshot, weight: Weight) -> Iterator[bytes]:
    """A gzipped profile of pprof: proto/profile.proto of github.com/google/pprof.

    Each sample has the weight and the number of outstanding allocations, and labels ``tag``, ``pool`` and ``driver``.
    """
    yield gzip.compress(_Pprof(weight).profile(weighted_stacks(snapshot, weight)), mtime=0)


class _Pprof:
    """The tables of one profile: strings, functions, locations and mappings, each by number."""

    def __init__(self, weight: Weight) -> None:
        self._weight = weight
        self._strings = {"": 0}
        self._mappings: dict[str, int] = {}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[tuple[int, int, str], tuple[int, Message]] = {}

    def profile(self, stacks: list[WeightedStack]) -> bytes:
        whole = Message()
        unit = "bytes" if self._weight.is_bytes else "count"
        kinds = [(str(self._weight).replace("-", "_"), unit), ("outstanding_count", "count")]
        for name, of in kinds if self._weight is not Weight.OUTSTANDING_COUNT else kinds[:1]:
            whole.message(1, Message().number(1, self._string(name)).number(2, self._string(of)))
        for stack in stacks:
            whole.message(2, self._sample(stack))
        for name, number in self._mappings.items():
            whole.message(3, Message().number(1, number).number(5, self._string(name)))
        for _, location in self._locations.values():
            whole.message(4, location)
        for (name, file), number in self._functions.items():
            function = Message().number(1, number).number(2, self._string(name)).number(3, self._string(name))
            whole.message(5, function.number(4, self._string(file)))
        for string in self._strings:
            whole.text(6, string)
        return bytes(whole)

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _sample(self, stack: WeightedStack) -> Message:
        values = [stack.value] if self._weight is Weight.OUTSTANDING_COUNT else [stack.value, stack.count]
        sample = Message().packed(1, [self._location(stack, at) for at in range(len(stack.frames))]).packed(2, values)
        labels = {"tag": stack.tag, "pool": "paged" if stack.paged else "nonpaged", "driver": stack.driver}
        for key, value in labels.items():
            if value:
                sample.message(3, Message().number(1, self._string(key)).number(2, self._string(value)))
        return sample

    def _location(self, stack: WeightedStack, at: int) -> int:
        frame = stack.frames[at]
        name = frame_name(frame)
        key = (frame.address, frame.offset, name)
        if key not in self._locations:
            function = self._functions.setdefault((name, ""), len(self._functions) + 1)
            made = Message().number(1, len(self._locations) + 1)
            if frame.module:
                made.number(2, self._mappings.setdefault(safe(frame.module), len(self._mappings) + 1))
            made.number(3, frame.address).message(4, Message().number(1, function))
            self._locations[key] = (len(self._locations) + 1, made)
        return self._locations[key][0]
