"""``--from`` and ``--to``, and the times that they take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.selection.times import moment_of
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.tui.stories import SECOND
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.filters import Filters
from tui.selection import select

START = 133_900_000_000_000_000
"""As in the stories' header: 2025-04-24T20:26:40Z."""


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1.5s", 1_500_000_000),
        ("1.5", 1_500_000_000),
        ("+0.000605 s", 605_000),
        ("20ms", 20_000_000),
        ("7us", 7_000),
        ("12ns", 12),
        ("2min", 120 * SECOND),
        ("1h", 3600 * SECOND),
        ("+00:01:02", 62 * SECOND),
        ("00:01:02.25", 62 * SECOND + 250_000_000),
        ("01:02", 62 * SECOND),
        ("2025-04-24T20:26:41Z", SECOND),
        ("2025-04-24 20:26:40.1234567", 123_456_700),
        ("2025-04-24T22:26:50+02:00", 10 * SECOND),
        ("2025-04-24T20:26:39Z", -SECOND),
    ],
)
def test_times_are_since_the_start_or_a_date(text: str, ns: int) -> None:
    assert moment_of(text).since(START) == ns


@pytest.mark.parametrize(
    "text", ["", "soon", "1.5 parsecs", "-1s", "00:99:00", "2025-02-31T00:00:00Z", "1:2:3:4", "²s"]
)
def test_other_words_are_no_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"no time such as|day is out of range"):
        moment_of(text)
    assert main(["analyze", "x.etl", f"--from={text}"]) == ExitCode.USAGE


def test_only_what_was_allocated_in_the_interval_is_told(
    traces: Callable[..., None], leaking_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=leaking_snapshot)
    times = sorted(leaking_snapshot.pool.outstanding.time_ns.tolist())
    middle = times[len(times) // 2]
    for words, fitting in (
        (["--from", f"{middle}ns"], [time for time in times if time >= middle]),
        (["--to", f"{middle}ns"], [time for time in times if time < middle]),
        (["--from", f"{middle}ns", "--to", f"{middle + 1}ns"], [time for time in times if time == middle]),
    ):
        assert main(["analyze", "leak.etl", "--json", *words]) == ExitCode.DONE
        told = json.loads(capsys.readouterr().out)
        assert told["filter"]["outstanding_count"] == len(fitting) > 0
        assert sum(row["outstanding_count"] for row in told["pool"]["by_tag"]) == len(fitting)


def test_a_finding_none_of_whose_memory_is_in_the_interval_is_left_out(leaking_snapshot: Snapshot) -> None:
    last = int(leaking_snapshot.pool.outstanding.time_ns.max())
    chosen = select(leaking_snapshot, Filters(between=(last, last + 1)))
    held = {(int(tag), bool(paged)) for tag, paged in zip(chosen.pool.tags.tag, chosen.pool.tags.paged, strict=True)}
    ranks = [finding.rank for finding in chosen.diagnosis.findings]
    assert len(ranks) < len(leaking_snapshot.diagnosis.findings)
    for finding in leaking_snapshot.diagnosis.findings:
        shares = {(finding.tag, finding.paged), *((group.tag, group.paged) for group in finding.groups)}
        assert (finding.rank in ranks) == bool(shares & held)


@pytest.mark.parametrize("form", ["--quiet", "--short", "--full"])
def test_a_leak_is_told_as_in_the_whole_trace_and_the_interval_with_it(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(DEMO_TRACE), "--quiet", "--from", "1s", "--to", "1.5s", form]) == ExitCode.DONE
    told = " ".join(capsys.readouterr().out.split())
    assert "LEAK 1: 400 finished requests wait" in told
    if form != "--short":
        assert "Selected: allocated from +1.000000 s to +1.500000 s. A leak is told as it is in the whole" in told


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--from", "1h"], "nothing of the trace lies in the interval"),
        (["--to", "2001-01-01T00:00:00Z"], "nothing of the trace lies in the interval"),
        (["--from", "20ms", "--to", "10ms"], "the interval ends before it begins"),
    ],
)
def test_an_interval_with_nothing_in_it_is_wrong_use(
    traces: Callable[..., None], snapshot: Snapshot, words: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot, other=snapshot)
    assert main(["analyze", "leak.etl", *words]) == ExitCode.USAGE
    assert what in capsys.readouterr().err
    assert main(["analyze", "leak.etl", "other.etl", *words]) == ExitCode.DONE
    assert capsys.readouterr().err.count(f": {what}; the trace goes from 2025-04-24T20:26:40") == 2


def test_the_interface_begins_with_the_interval(
    traces: Callable[..., None], leaking_snapshot: Snapshot, tmp_path: Path
) -> None:
    traces(leak=leaking_snapshot)
    drawn = {}
    for name, keys in (("limited", ""), ("back", "escape")):
        path = tmp_path / f"{name}.svg"
        words = ["--from", "1s", "--to", "40s", "--view", "tags", "--size", "100x30", "--press", keys]
        assert main(["tui", "leak.etl", "--quiet", "--screenshot", str(path), *words]) == ExitCode.DONE
        drawn[name] = path.read_text(encoding="utf-8").replace("&#160;", " ")
    assert "+1.000000 s to +40.000000 s" in drawn["limited"]
    assert "+40.000000 s" not in drawn["back"]
