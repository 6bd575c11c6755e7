"""Moments and spans as people type them, and numbers of options."""

from __future__ import annotations

import argparse
from fractions import Fraction

from analyzers.selection.times import moment_of
from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import typed
from tui.commands.options import at_least_one, name_word, number, span, speed, whole_number
from tui.filtering.amounts import amount

_SEEDS = (
    b"1.5s", b"+00:01:02", b"2024-09-05T08:53:20Z", b"2024-09-05 08:53:20.1234567 +02:00", b"1:02.5", b"60s", b"10m",
    b"1h", b"500ms", b"30d", b"max", b"7", b"0x1f", b"4k", b"1.5MiB", b"1,000", b"2us", "3µs".encode(),
    b"9999-12-31T23:59", b"0001-01-01T00:00-23:59", b"-1", b"=Irp",
)  # fmt: skip
_YEARS = 10_000 * 366 * 86_400 * 10**9


def check(data: bytes) -> None:
    word = typed(data)
    try:
        found = moment_of(word)
    except ValueError:
        pass
    else:
        insist(found.is_date or found.ns >= 0, f"a moment of {found.ns} ns after the start")
        insist(not found.is_date or abs(found.ns) < _YEARS, f"a date {found.ns} ns after 1601")
        insist(found.text == word and isinstance(found.since(0), int), "another text")
    for is_time in (False, True):
        size = amount(word, is_time=is_time)
        insist(size is None or isinstance(size, Fraction), "an amount is a fraction")
    for parse in (at_least_one, name_word, number, span, speed, whole_number):
        try:
            parse(word)
        except argparse.ArgumentTypeError as error:
            insist(str(error), f"{parse.__name__} complains without a word")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text("s", "ms", "min", "h", "d", "Z", "UTC", "+02:00", "T", ":", ".", "-", "inf", "e9", "nan"),
    15_000,
)
