"""What ``--alert`` takes: ``nonpaged > 10MB/min``."""

from __future__ import annotations

import re
from enum import StrEnum
from math import ceil
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import UsageError
from tui.hints import did_you_mean

EXAMPLES: Final = "'nonpaged > 10MB/min', 'paged >= 2G', 'tag AfdE > 5000', 'driver contoso.sys > 1MB/h'"


class Subject(StrEnum):
    """Whose allocations count."""

    NONPAGED = "nonpaged"
    PAGED = "paged"
    TAG = "tag"
    DRIVER = "driver"

    @property
    def is_named(self) -> bool:
        """Whether a name goes with it."""
        return self in (Subject.TAG, Subject.DRIVER)


class Per(StrEnum):
    """The stretch of time in which a rate is counted."""

    SECOND = "s"
    MINUTE = "min"
    HOUR = "h"

    @property
    def nanoseconds(self) -> int:
        """How long it is."""
        return {Per.SECOND: 1, Per.MINUTE: 60, Per.HOUR: 3600}[self] * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Alert:
    """``name``: a word of :mod:`analyzers.selection.wording`, empty for a whole pool.

    ``amount``: bytes, or allocations where not ``in_bytes``. ``per``: it is growth within so long; ``None`` for what is
    there. ``with_equal``: the amount itself is too much already. ``text``: as it was typed.
    """

    subject: Subject
    name: str
    with_equal: bool
    amount: int
    in_bytes: bool
    per: Per | None
    text: str

    def is_reached(self, value: int) -> bool:
        """Whether an amount is too much."""
        return value > self.amount or (self.with_equal and value == self.amount)


_MULTIPLES: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
"""Sizes go by 1024, as everywhere in this program."""
_SUBJECT: Final = re.compile(r"\s*([a-z]+)\s*", re.IGNORECASE | re.ASCII)
_NAME: Final = re.compile(r"\s*(?:\"([^\"]+)\"|(=?[^\s>\"]+))\s*")
_ABOVE: Final = re.compile(r"\s*(>=|>)\s*")
_AMOUNT: Final = re.compile(
    r"(\d{1,18}(?:\.\d{1,6})?)\s*(?:([kmgt])?(i?b)?|allocs|allocations)?\s*(?:/\s*(s|min|h))?\s*",
    re.IGNORECASE | re.ASCII,
)
"""In ASCII: else ſ and İ are the letters s and i of another case, and no unit."""


def alert_of(text: str) -> Alert:
    """Read one.

    Raises:
        UsageError: it says no such limit.
    """
    subject, at = _subject(text)
    name, at = _name(text, subject, at)
    above = _ABOVE.match(text, at)
    if above is None:
        raise _refused(text, f"after {text[:at].strip()!r} comes > or >=: an alert is told when it becomes too much")
    amount = _AMOUNT.fullmatch(text, above.end())
    if amount is None:
        why = "a count, or bytes with B, k, M or G behind them; for growth then /s, /min or /h"
        raise _refused(text, f"{text[above.end() :].strip()!r} is no amount: it is {why}")
    number, letter, byte, per = amount.groups()
    from fractions import Fraction

    count = Fraction(number) * _MULTIPLES[(letter or "").lower()]
    rate = Per(per.lower()) if per else None
    with_equal = above[1] == ">="
    if not count and rate is None and with_equal:
        raise _refused(text, "there are always 0 or more")
    whole = ceil(count) if with_equal else int(count)  # what is counted is whole: half or more is one or more
    return Alert(subject, name, with_equal, whole, bool(letter or byte), rate, " ".join(text.split()))


def _subject(text: str) -> tuple[Subject, int]:
    match = _SUBJECT.match(text)
    word = match[1].lower() if match else ""
    if match is None or word not in list(Subject):
        known = "nonpaged, paged, tag NAME or driver NAME"
        hint = did_you_mean(word, [subject.value for subject in Subject])
        raise _refused(text, f"it begins with {known}{'; ' + hint if hint else ''}")
    return Subject(word), match.end()


def _name(text: str, subject: Subject, at: int) -> tuple[str, int]:
    if not subject.is_named:
        return "", at
    match = _NAME.match(text, at)
    if match is None:
        raise _refused(text, f"which {subject}? A name stands behind the word; ? and * stand for other characters")
    return match[1] or match[2], match.end()


def _refused(text: str, why: str) -> UsageError:
    return UsageError("bad-alert", f"--alert {text!r} cannot be understood", why=why, next=f"as in {EXAMPLES}")
