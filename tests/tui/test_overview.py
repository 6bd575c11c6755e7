"""The report without options: one screenful that is a whole answer; its short form, and several traces."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from analyzers.findings import Diagnosis
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import growth, missing_free, pending_apc, undrained_port, wordy
from tests.tui.stories import FORBIDDEN, Story
from tracer.errors import Damage, DamageCode, InputError
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.filters import Filters
from tui.report.analysis import SCREENFUL
from tui.report.overview import overview
from tui.report.recording import NO_POOL_EVENTS
from tui.selection import select

COMMAND = "poolscope analyze leak.etl"


def screen(snapshot: Snapshot, filters: Filters | None = None, *, width: int = 80) -> list[str]:
    chosen = filters or Filters()
    shown = overview(select(snapshot, chosen), chosen, width=width, command=COMMAND, whole=snapshot.diagnosis)
    return [line.plain for line in shown]


def labels(lines: list[str]) -> list[str]:
    return [line[2:10].strip() for line in lines if re.match(r"  [a-z]+ ?[a-z]*  +\S", line)]


def test_a_screenful_says_who_what_how_much_how_sure_and_what_next_and_how_to_see_more(
    leaking_snapshot: Snapshot,
) -> None:
    lines = screen(leaking_snapshot)
    assert len(lines) <= SCREENFUL
    assert lines[0].startswith("leak.etl (")
    assert labels(lines)[:7] == ["who", "call", "what", "how much", "how fast", "how sure", "next"]
    assert lines[-2] == f"{COMMAND} --explain 1"
    assert "--full" in lines[-1]


def test_other_leaks_are_told_in_short_and_those_without_room_are_counted(leaking_snapshot: Snapshot) -> None:
    text = "\n".join(screen(leaking_snapshot))
    assert "LEAK 2: afd.sys does not free all of the AfdB memory" in text
    many = tuple(missing_free(rank) for rank in range(2, 30))
    lines = screen(replace(leaking_snapshot, diagnosis=Diagnosis((pending_apc(), *many), ())))
    assert len(lines) <= SCREENFUL
    left = [line for line in lines if line.endswith("leaks more: --short lists all")]
    shown = sum(line.startswith("LEAK") for line in lines)
    assert left == [f"  and {29 - shown} leaks more: --short lists all"]


def test_it_stays_on_the_screen_however_much_there_is_to_say(story: Story) -> None:
    story.simulated = True
    story.diagnosis = Diagnosis(
        (replace(wordy(pending_apc()), doubts=("one doubt of some length that lowers it " * 3,) * 6), growth(2)), ()
    )
    lines = screen(story.make())
    assert len(lines) <= SCREENFUL
    assert any(line.endswith("END") for line in lines)
    assert all(cell_len(line) <= 80 for line in lines)


def test_with_room_the_strongest_reasons_are_told_too(story: Story) -> None:
    story.diagnosis = Diagnosis((pending_apc(),), ())
    assert "why" in labels(screen(story.make()))


def test_without_a_leak_it_says_so_and_what_was_missing_and_shows_the_way_on(snapshot: Snapshot) -> None:
    text = " ".join(" ".join(screen(snapshot)).split())
    assert "No leak found" in text
    assert "Not in the trace: call stacks" in text
    assert f"{COMMAND} --full" in text
    assert "--explain" not in text


def test_a_trace_without_pool_events_says_how_to_record_one(empty_snapshot: Snapshot) -> None:
    lines = screen(empty_snapshot)
    assert f"warning: {NO_POOL_EVENTS}" in lines
    assert "  poolscope record pool.etl" in lines


def test_what_the_filters_leave_out_is_counted(leaking_snapshot: Snapshot) -> None:
    text = " ".join(screen(leaking_snapshot, Filters(tags=("AfdB",))))
    assert "2 findings of this trace are outside of the selection." in text


def test_an_interrupted_reading_says_how_far_it_came(snapshot: Snapshot) -> None:
    half = replace(snapshot, partial=True, at_ns=snapshot.info.duration_ns // 2)
    text = " ".join(" ".join(screen(half)).split())
    assert "interrupted at 45.0 s (50 %)" in text


def test_a_file_that_was_cut_says_how_many_buffers_are_missing_and_not_the_bytes_left_of_one(
    snapshot: Snapshot,
) -> None:
    cut = (
        Damage(458_752, DamageCode.FILE_TAIL, "the file ends inside a buffer header", 64),
        Damage(458_816, DamageCode.BUFFERS_MISSING, "2 of the 7 buffers that the session wrote are missing: cut", 0),
    )
    text = " ".join(" ".join(screen(replace(snapshot, damage=cut))).split())
    assert "incomplete trace: 2 of the 7 buffers that the session wrote are missing" in text
    assert "64 B" not in text


def test_hostile_names_do_nothing(hostile_snapshot: Snapshot) -> None:
    assert not FORBIDDEN & set("".join(screen(hostile_snapshot)))


def test_short_is_one_line_a_finding(
    traces: Callable[..., None], leaking_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=leaking_snapshot)
    assert main(["analyze", "leak.etl", "--short"]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["LEAK 1", "LEAK 2", "LEAK 3"]
    assert lines[1].endswith("; 12.0 KiB, 3 allocations of AfdB; 71 % sure")


def test_of_several_traces_each_short_line_says_whose_it_is(
    traces: Callable[..., None], leaking_snapshot: Snapshot, snapshot: Snapshot, empty_snapshot: Snapshot,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    calm = replace(snapshot, info=replace(snapshot.info, path="calm.etl"), diagnosis=Diagnosis((), ()))
    bare = replace(empty_snapshot, info=replace(empty_snapshot.info, path="bare.etl"))
    traces(leak=leaking_snapshot, calm=calm, bare=bare)
    main(["analyze", "leak.etl", "calm.etl", "bare.etl", "--short", "--quiet"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("leak.etl: LEAK 1: ")
    assert lines[-2:] == ["calm.etl: no leak found", "bare.etl: nothing can be said: the trace holds no pool events"]


def test_several_traces_begin_with_a_table_of_all_of_them(
    traces: Callable[..., None], leaking_snapshot: Snapshot, snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    calm = replace(snapshot, info=replace(snapshot.info, path="calm.etl"), diagnosis=Diagnosis((), ()))
    bad = InputError("header", "this is not an .etl file", where="bad.etl", why="it is not", next="give another")
    traces(leak=leaking_snapshot, calm=calm, bad=bad)
    assert main(["analyze", "leak.etl", "bad.etl", "calm.etl", "--quiet"]) == ExitCode.INPUT
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 traces, 1 with leaks"
    rows = [line.split() for line in lines[2 : lines.index("", 2)]]
    assert rows[0][:2] == ["Trace", "Leaks"]
    assert [row[:2] for row in rows if row[0].endswith(".etl")] == [
        ["leak.etl", "3"],
        ["bad.etl", "?"],
        ["calm.etl", "0"],
    ]
    assert "bad.etl       ?  cannot be read: this is not an .etl file" in "\n".join(lines)
    assert [line for line in lines[5:] if line.startswith(("leak.etl (", "calm.etl ("))]


@pytest.mark.parametrize("words", [["--short", "--full"], ["--short", "--json"], ["--full", "--explain", "1"]])
def test_two_reports_at_once_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "leak.etl", *words]) == ExitCode.USAGE
    assert "does not go with" in "".join(capsys.readouterr())


def test_rows_are_asked_of_the_full_report(
    traces: Callable[..., None], leaking_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=leaking_snapshot)
    assert main(["analyze", "leak.etl", "--top", "1"]) == ExitCode.DONE
    assert "Outstanding by tag" in capsys.readouterr().out


def test_a_port_and_what_goes_with_it_fit_as_well(story: Story) -> None:
    story.diagnosis = Diagnosis((undrained_port(),), ())
    lines = screen(story.make())
    assert len(lines) <= SCREENFUL
    assert "with it" in labels(lines)


def test_the_demos_report_says_nothing_in_words_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--full", "--quiet"]) == ExitCode.DONE
    text = " ".join(capsys.readouterr().out.split())
    assert "younger than this kind usually gets before it is freed" in text
    for puzzling in ("stage 2", "Mann-Kendall", "no older than", "transient", "have exactly one", "without leaving it"):
        assert puzzling not in text
