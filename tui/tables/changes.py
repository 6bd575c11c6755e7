"""The table of what changed between traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from analyzers.comparison.changes import Comparison, Difference
from analyzers.comparison.populations import By
from analyzers.formatting import number, size
from tui.findings.words import whole_percent, whole_percents
from tui.report.diff import change_word, is_changed, rate_unit, what_words
from tui.tables.columns import (
    ChangeColumn,
    Column,
    DrawnColumn,
    Heading,
    MaybeUnknown,
    NumberColumn,
    TableModel,
    labels_of,
)
from tui.tables.sparkline import CELLS, sparkline

KINDS: Final = {
    By.TAG: "tag",
    By.DRIVER: "driver",
    By.SITE: "call site",
    By.PROCESS: "process",
    By.VERDICT: "verdict",
}
"""What each kind is called."""
_TITLES: Final = {"an hour": "Per hour", "a second": "Per sec"}
_NOT_SURE: Final = -1
"""Stands where nothing has changed; shown as a dash."""


def in_order(found: Comparison) -> list[Difference]:
    """What changed first, by kind."""
    return sorted(found.differences, key=lambda each: not is_changed(each))


def change_table(found: Comparison, differences: Sequence[Difference]) -> TableModel:
    """One row for each of ``differences``, in their order."""
    unit, firsts, lasts = rate_unit(found), [each.before for each in differences], [each.after for each in differences]
    sure = [whole_percents(each.confidence) if is_changed(each) else _NOT_SURE for each in differences]
    columns: list[Column] = [
        _numbers("rank", "#", "i", 12, range(1, len(differences) + 1), str),
        labels_of(Heading("what", "What", "w", 18, drop=1), [what_words(each) for each in differences]),
        labels_of(Heading("change", "Change", "c", 6, drop=2), [change_word(each) for each in differences]),
        labels_of(Heading("by", "By", "t", 9, drop=5), [KINDS[each.by] for each in differences]),
        _numbers("bytes-before", "Before", "u", 6, [int(each.bytes) for each in firsts], size, "before_bytes"),
        _numbers("bytes", "After", "b", 3, [int(each.bytes) for each in lasts], size, "after_bytes"),
        NumberColumn(
            Heading("sure", "Sure", "s", drop=4, right=True, most_first=True),
            np.array(sure, np.int64),
            MaybeUnknown(whole_percent, _NOT_SURE.__eq__, lambda _: "-"),
        ),
    ]
    if len(found.traces) > 2:
        columns.append(DrawnColumn(Heading("series", "Series", drop=7), len(differences), _drawn(differences), CELLS))
    if unit is not None:
        hourly = np.array([round(each.per_hour.bytes) * is_changed(each) for each in differences], np.int64)
        heading = Heading("rate", _TITLES[unit[0]], "h", drop=8, right=True, most_first=True, exported="bytes_per_hour")
        columns.append(ChangeColumn(heading, hourly, unit[1]))
    columns += [
        _numbers("outstanding-before", "Outst before", "", 10, [int(each.count) for each in firsts], number),
        _numbers("outstanding", "Outst after", "d", 9, [int(each.count) for each in lasts], number),
    ]
    return TableModel(tuple(columns), len(differences))


def _drawn(differences: Sequence[Difference]) -> Callable[[int], str]:
    def draw(row: int) -> str:
        return sparkline(np.array([int(each.bytes) for each in differences[row].series], np.int64))

    return draw


def _numbers(
    key: str,
    title: str,
    sort_key: str,
    drop: int,
    values: Sequence[int],
    show: Callable[[int], str],
    exported: str = "",
) -> NumberColumn:
    most_first = key != "rank"
    heading = Heading(key, title, sort_key, drop=drop, right=True, most_first=most_first, exported=exported)
    return NumberColumn(heading, np.array(values, np.int64), show)
