"""``python -m benchmarks.thresholds``: which numbers of :mod:`analyzers.policy` no test holds in place.

Each number is made 30 % larger, then 30 % smaller (whole numbers by 1 at least), and the tests that read it are run,
quickest first, until one fails. A number that none notices is listed: it needs a test at its boundary, or is not
needed. The tests are run once before that, to learn which of them reads what; those that fail then are left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Final

import pytest
from _pytest.runner import runtestprotocol

from analyzers import policy
from benchmarks.policy_numbers import Number, numbers

_TESTS: Final = "tests/analyzers"
_SHARE: Final = 0.3


def moved(number: Number, sign: int) -> float:
    """What it is 30 % larger (``sign`` 1) or smaller (-1)."""
    value = number.value * (1 + sign * _SHARE)
    if isinstance(number.value, int):
        return max(number.value + 1, round(value)) if sign > 0 else min(number.value - 1, round(value))
    return value


@contextmanager
def _noted(read: set[Number]) -> Iterator[None]:
    """Within the block every number that is read is added to ``read``."""
    records = {number.group: getattr(policy, number.group) for number in numbers()}
    kinds = {group: type(record) for group, record in records.items()}

    def noting(group: str, kind: type) -> type:
        def get(record: object, name: str) -> object:
            if not name.startswith("_"):
                read.add(Number(group, name))
            return object.__getattribute__(record, name)

        return type(kind.__name__, (kind,), {"__slots__": (), "__getattribute__": get})

    for group, record in records.items():
        object.__setattr__(record, "__class__", noting(group, kinds[group]))
    try:
        yield
    finally:
        for group, record in records.items():
            object.__setattr__(record, "__class__", kinds[group])


class Mutations:
    """Takes the place of pytest's loop over the tests. ``survived``: numbers with the values that no test noticed."""

    def __init__(self, only: Sequence[str], most_seconds: float) -> None:
        self._only, self._most_seconds = only, most_seconds
        self._seconds: dict[pytest.Item, float] = {}
        self._readers: dict[Number, list[pytest.Item]] = {number: [] for number in numbers()}
        self.survived: dict[Number, list[float]] = {}
        self.unread: list[Number] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run each test once, then those that read a number for each of its mutations."""
        if session.testsfailed:
            raise session.Interrupted("not all tests could be loaded")
        for item in session.items:
            self._learn(item)
        chosen = [number for number in self._readers if not self._only or str(number).startswith(tuple(self._only))]
        for number in chosen:
            self._mutate(number)
        return True

    def _learn(self, item: pytest.Item) -> None:
        read: set[Number] = set()
        began = time.process_time()
        with _noted(read):
            passes = _passes(item)
        self._seconds[item] = time.process_time() - began
        if passes and self._seconds[item] <= self._most_seconds:
            for number in read:
                self._readers[number].append(item)

    def _mutate(self, number: Number) -> None:
        readers = sorted(self._readers[number], key=self._seconds.__getitem__)
        if not readers:
            self.unread.append(number)
            _say(f"{number}: no test reads it")
            return
        for value in (moved(number, 1), moved(number, -1)):
            with number.set_to(value):
                noticed = next((item for item in readers if not _passes(item)), None)
            if noticed is None:
                self.survived.setdefault(number, []).append(value)
            _say(f"{number} {number.value:g} -> {value:g}: {'no test notices' if noticed is None else noticed.name}")


def _passes(item: pytest.Item) -> bool:
    """Run one test with fixtures of its own, so that nothing is left from a run with other numbers."""
    with redirect_stdout(StringIO()):
        reports = runtestprotocol(item, log=False, nextitem=None)
    return all(report.passed or report.skipped for report in reports)


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every mutation is noticed, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.thresholds", description=__doc__)
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="these, as COURSE or COURSE.pause")
    parser.add_argument("--tests", nargs="+", default=(_TESTS,), metavar="PATH", help=f"these tests ({_TESTS})")
    parser.add_argument(
        "--at-most", type=float, default=float("inf"), metavar="S", help="tests that take S seconds at most (all)"
    )
    options = parser.parse_args(arguments)
    mutations = Mutations(options.only, options.at_most)
    pytest.main([*options.tests, "-n", "0", "-q", "-m", "not repeats", "-p", "no:cacheprovider"], plugins=[mutations])
    for number in mutations.unread:
        print(f"{number}: no test reads it")
    for number, values in mutations.survived.items():
        print(f"{number} = {number.value:g}: no test notices {', '.join(f'{value:g}' for value in values)}")
    return 1 if mutations.survived or mutations.unread else 0


if __name__ == "__main__":
    sys.exit(main())
