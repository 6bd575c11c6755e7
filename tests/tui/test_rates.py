"""How fast memory grows is told by a unit that the trace bears out, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Diagnosis, Finding
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import pending_apc
from tests.tui.stories import SECOND, Story
from tests.tui.views.listings import scene
from tui.findings.rates import rate_words
from tui.json_documents.findings import StackParts, findings_part
from tui.report.explain import explanation
from tui.report.findings import finding_lines
from tui.tables.export_values import exact_columns
from tui.tables.findings import finding_table
from tui.tables.model import SortedTable
from tui.views.findings import listing

HOURLY = 3_600 * 1024.0
"""A KiB a second."""


@pytest.fixture
def snapshot(story: Story) -> Snapshot:
    story.diagnosis = Diagnosis((_growing(0.8, 1.2),), ())
    return story.make()


def _growing(low: float, high: float, rate: float = HOURLY) -> Finding:
    return replace(pending_apc(), bytes_per_hour=rate, bytes_per_hour_interval=(low * HOURLY, high * HOURLY))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.99, "5.44 KiB in 990.0 ms; too short for a rate"),
        (1.0, "1.00 KiB a second (95 % interval 819 B to 1.20 KiB), over 1.00 s"),
        (59.9, "1.00 KiB a second (95 % interval 819 B to 1.20 KiB), over 59.9 s"),
        (60.0, "3.52 MiB an hour (95 % interval 2.81 MiB to 4.22 MiB), over 1 min 00 s"),
    ],
)
def test_rates_are_by_the_second_under_a_minute_and_there_is_none_under_a_second(
    snapshot: Snapshot, seconds: float, words: str
) -> None:
    (finding,) = snapshot.diagnosis.findings
    assert rate_words(finding, replace(snapshot, at_ns=int(seconds * SECOND))) == words


@pytest.mark.parametrize(("low", "high", "is_told"), [(0.5, 1.5, True), (0.49, 1.5, False), (-0.2, 0.9, False)])
def test_an_interval_wider_than_its_rate_tells_no_rate(
    snapshot: Snapshot, low: float, high: float, is_told: bool
) -> None:
    for length in (10, 7_200):
        at = replace(snapshot, at_ns=length * SECOND)
        assert ("too uneven for a rate" not in rate_words(_growing(low, high), at)) is is_told


def test_what_an_unloaded_driver_left_has_no_rate_on_screens_and_in_text_and_keeps_its_number_in_the_document(
    snapshot: Snapshot,
) -> None:
    left = replace(_growing(0.8, 1.2), unloaded_ns=SECOND)
    shown = replace(snapshot, at_ns=100 * SECOND, diagnosis=Diagnosis((left,), ()))
    assert rate_words(left, shown) == ""
    assert finding_table(shown).column("rate").text(0) == "-"
    for lines in (finding_lines(shown, 80, 60), explanation(shown, left, top=3, width=80)):
        assert not any("how fast" in line.plain for line in lines)
    assert "how fast" not in listing(scene(shown)).describe(0).plain
    [told] = findings_part(shown, StackParts(shown.names))
    assert told["bytes_per_hour"] == HOURLY


def test_a_rate_that_is_no_number_is_not_told(snapshot: Snapshot) -> None:
    assert rate_words(_growing(0.8, 1.2, rate=float("nan")), snapshot).endswith("too uneven for a rate")
    assert rate_words(_growing(0.8, float("inf")), snapshot).endswith("too uneven for a rate")


@pytest.mark.parametrize(
    ("seconds", "title", "cell", "exported"),
    [
        (90, "Per hour", "3.52 MiB", ("bytes_per_hour", 3_686_400)),
        (10, "Per sec", "1.00 KiB", ("bytes_per_hour", 3_686_400)),
        (0.5, "Per sec", "-", ("bytes_per_hour", None)),
    ],
)
def test_the_list_and_its_export_tell_the_same_rate(
    snapshot: Snapshot, seconds: float, title: str, cell: str, exported: tuple[str, int | None]
) -> None:
    model = finding_table(replace(snapshot, at_ns=int(seconds * SECOND)))
    column = next(each for each in model.columns if each.heading.key == "rate")
    assert (column.heading.title, column.text(0)) == (title, cell)
    (exact,) = exact_columns((column,))
    assert (exact.name, exact.value(0)) == exported


@pytest.mark.parametrize(
    ("seconds", "filter_words", "rows"), [(10, "rate>1000", 1), (10, "rate>2k", 0), (90, "rate>3m", 1)]
)
def test_a_filter_compares_with_what_the_list_shows(
    snapshot: Snapshot, seconds: int, filter_words: str, rows: int
) -> None:
    view = SortedTable(finding_table(replace(snapshot, at_ns=seconds * SECOND)), "rank", descending=False)
    view.filter_by(filter_words)
    assert len(view.order) == rows
