"""The table of findings, and below them the groups that were cleared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.findings import Cleared, Finding
from analyzers.formatting import number, size
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tui.findings.rates import is_by_second, reliable_rate, size_a_second
from tui.findings.words import culprit, driver_words, process_words, whole_percent, whole_percents
from tui.tables.columns import Heading, MaybeUnknown, NumberColumn, TableModel, labels_of
from tui.tables.functions import of_stacks

_UNKNOWN_VALUE: Final = int(np.iinfo(np.int64).min)
"""Stands where there is no number; shown as a dash and sorted as the least."""
_MOST: Final = float(1 << 62)
"""More bytes an hour than any machine has."""


def finding_table(snapshot: Snapshot) -> TableModel:
    """One row per finding, then one per cleared group, each in the diagnosis' order."""
    findings, cleared = snapshot.diagnosis.findings, snapshot.diagnosis.cleared
    groups: tuple[Finding | Cleared, ...] = (*findings, *cleared)
    title, rate_size = ("Per sec", size_a_second) if is_by_second(snapshot) else ("Per hour", size)
    none, rates = [_UNKNOWN_VALUE] * len(cleared), [_rate(finding, snapshot) for finding in findings]
    columns = (
        _ranks([finding.rank for finding in findings], len(cleared)),
        labels_of(Heading("accused", "Accused", "w", 14, drop=1), [_accused(group) for group in groups]),
        _numbers("bytes", "Bytes", "b", 2, [group.bytes for group in groups], size),
        _numbers("sure", "Sure", "c", 4, [whole_percents(f.confidence) for f in findings] + none, whole_percent),
        labels_of(Heading("verdict", "Verdict", "v", 18, drop=3), [_verdict(group) for group in groups]),
        labels_of(Heading("tag", "Tag", "t", 4, drop=5), [tag_text(group.tag) for group in groups]),
        _numbers("outstanding", "Outst", "d", 6, [group.count for group in groups], number),
        labels_of(Heading("driver", "Driver", "", 12, drop=7), [driver_words(group.driver) for group in groups]),
        labels_of(Heading("process", "Process", "", 16, drop=8), [_process(group) for group in groups]),
        _numbers("retained", "Retained", "r", 9, [f.retained_bytes for f in findings] + none, size),
        _numbers("rate", title, "h", 10, rates + none, rate_size, "bytes_per_hour"),
    )
    stacks = np.array([*(finding.stack for finding in findings), *[-1] * len(cleared)], np.int32)
    return TableModel(columns, len(groups), by_function=of_stacks(snapshot.names, stacks))


def _ranks(ranks: list[int], others: int) -> NumberColumn:
    """Cleared groups have no rank, and come after the last one."""
    last = max(ranks, default=0)
    values = np.array([*ranks, *range(last + 1, last + 1 + others)], np.int64)
    return NumberColumn(Heading("rank", "#", "i", right=True), values, MaybeUnknown(str, last.__lt__, lambda _: "-"))


def _numbers(
    key: str, title: str, sort_key: str, drop: int, values: list[int], show: Callable[[int], str], exported: str = ""
) -> NumberColumn:
    heading = Heading(key, title, sort_key, drop=drop, right=True, most_first=True, exported=exported)
    return NumberColumn(heading, np.array(values, np.int64), MaybeUnknown(show, _UNKNOWN_VALUE.__eq__, lambda _: "-"))


def _rate(finding: Finding, snapshot: Snapshot) -> int:
    rate = reliable_rate(finding, snapshot)
    return _UNKNOWN_VALUE if rate is None else round(max(-_MOST, min(rate, _MOST)))


def _verdict(group: Finding | Cleared) -> str:
    return str(group.verdict) if isinstance(group, Finding) else f"cleared: {group.verdict}"


def _accused(group: Finding | Cleared) -> str:
    """Nobody is accused of what was cleared."""
    return culprit(group) if isinstance(group, Finding) else "-"


def _process(group: Finding | Cleared) -> str:
    """Who asks for the memory, where one process stands out."""
    return process_words(group) if isinstance(group, Finding) else ""
