from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.text import Text

from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tests.tui.reports import contents, report
from tests.tui.stories import FORBIDDEN, Story
from tui.console import PlainConsole, write_lines
from tui.report.analysis import analysis_report
from tui.report.info import info_report
from tui.report.recording import NO_POOL_EVENTS
from tui.report.trace import SIMULATED_NOTICE


def part(lines: list[str], heading: str) -> list[str]:
    start = lines.index(heading) + 1
    return lines[start : lines.index("", start)]


def test_the_ledger_is_told_as_two_equations(snapshot: Snapshot) -> None:
    said = " ".join(" ".join(report(snapshot)).split())
    assert "allocations 202 = 184 freed + 18 outstanding frees" in said
    assert "frees 191 = 184 of these allocations + 7 of blocks from before the trace" in said
    assert "outstanding 18 allocations, 18.9 KiB (19,336 bytes)" in said


def test_tags_that_hold_nothing_are_left_out_and_the_others_come_most_bytes_first(snapshot: Snapshot) -> None:
    rows = part(report(snapshot), "Outstanding by tag")
    assert [row.split()[0] for row in rows] == ["Tag", "AfdB", "Irp", "CM25"]
    assert rows[1].split()[:7] == ["AfdB", "Nonp", "23", "20", "3", "12.0", "KiB"]


def test_processes_and_drivers_have_their_tables_and_what_is_inferred_is_called_so(snapshot: Snapshot) -> None:
    lines = report(snapshot, width=120)
    assert [row.split(maxsplit=3)[-1] for row in part(lines, "By process")[1:4]] == [
        "client.exe (4330)",
        "System (4)",
        "(process not known)",
    ]
    assert "2 inferred from context switches" in part(lines, "By process")[-1]
    assert part(lines, "By driver")[1].endswith("afd.sys")


def test_stacks_are_shown_by_module_and_offset(snapshot: Snapshot) -> None:
    lines = report(snapshot)
    at = lines.index("  2. Irp  Nonp  12 allocations, 5.44 KiB (5,568 bytes)")
    assert lines[at + 1 : at + 5] == [
        "     ntoskrnl.exe+0x100123",
        "     ntoskrnl.exe+0x200456",
        "     afd.sys+0x3010",
        "     ntoskrnl.exe+0x300789",
    ]
    assert "     nt!CmpAllocate+0x41" in lines


def test_top_limits_every_table_and_says_how_many_more_there_are(snapshot: Snapshot) -> None:
    lines = report(snapshot, top=1)
    assert part(lines, "Outstanding by tag")[-1] == "  and 2 more (--top shows more)"
    assert [line for line in lines if re.match(r"  \d+\. ", line)] == [
        "  1. AfdB Nonp  3 allocations, 12.0 KiB (12,288 bytes)"
    ]


def test_filters_are_told_with_what_they_let_through(snapshot: Snapshot) -> None:
    lines = report(snapshot, Query(processes=("System",)))
    assert "  selected      2 allocations, 1.25 KiB (1,280 bytes) (process System)" in lines
    assert any(line.startswith("  allocations   202 =") for line in lines)
    nothing = report(snapshot, Query(tags=("None",)))
    assert nothing.count("  (nothing is outstanding)") == 3


@pytest.mark.parametrize("make", ["analysis", "info"])
def test_a_simulated_trace_is_called_simulated_before_anything_else(story: Story, make: str) -> None:
    story.simulated = True
    snapshot = story.make()
    lines = report(snapshot) if make == "analysis" else [t.plain for t in info_report(contents(snapshot), width=80)]
    assert lines[0] == SIMULATED_NOTICE
    real = report(replace(snapshot, info=replace(snapshot.info, simulated=False)))
    assert not any("SIMULATED" in line for line in real)


def test_a_file_that_overwrote_its_beginning_says_from_when_on_it_is_whole(snapshot: Snapshot) -> None:
    overwritten = replace(snapshot, loss=replace(snapshot.loss, complete_from_ns=1_500_000_000))
    said = "\n".join(report(overwritten, width=200))
    assert "incomplete trace: its beginning overwritten" in said
    assert "it has all processors' events only from +1.500000 s on" in said


def test_everything_that_is_missing_is_told_before_the_totals(broken_snapshot: Snapshot) -> None:
    analysed = report(broken_snapshot, width=200)
    assert analysed[1].startswith(
        "warning: incomplete trace: interrupted at 1 min 30 s (100 %), 3 events and 1 buffer lost, 1 place damaged, "
    )
    for lines, totals in (
        (analysed, "Pool"),
        ([line.plain for line in info_report(contents(broken_snapshot), width=200)], ""),
    ):
        said = "\n".join(lines[: lines.index(totals)])
        assert "reading was interrupted" in said
        assert "still running, or crashed" in said
        assert "lost 3 events and 1 buffer" in said
        assert "+1.000000 s to +2.000000 s, CPU 2: buffer lost" in said
        assert "CPU not known: sequence" in said
        assert "at byte 4,168: a record of size 0" in said


def test_a_whole_trace_has_no_warning(snapshot: Snapshot) -> None:
    assert not any("warning" in line for line in report(snapshot))


def test_a_trace_without_pool_events_says_so_and_how_to_record_one(empty_snapshot: Snapshot) -> None:
    lines = report(empty_snapshot)
    assert f"warning: {NO_POOL_EVENTS}" in lines
    assert any("xperf -on" in line and "PoolAlloc+PoolFree" in line for line in lines)
    assert any("wpr -start" in line for line in lines)
    assert not any("Outstanding" in line for line in lines)


@pytest.mark.parametrize("width", [80, 60, 132])
def test_no_line_but_stacks_and_commands_is_longer_than_the_width(broken_snapshot: Snapshot, width: int) -> None:
    long = [line for line in report(broken_snapshot, width=width) if cell_len(line) > width]
    assert [line for line in long if not line.startswith("     ")] == []


def test_the_info_report_names_hooks_and_providers_that_poolscope_reads(snapshot: Snapshot) -> None:
    lines = [line.plain for line in info_report(contents(snapshot), width=80)]
    assert "Records: 1,204" in lines
    assert "  0E20  700  pool allocation or free" in lines
    named = next(line for line in lines if "e53c6823-7bb8-44bb-90dc-3f86090d48a6" in line)
    assert "a name" in named
    assert named.endswith("(read: afd)")
    assert "\x1b" not in named
    assert [line.split() for line in lines[-4:]] == [
        ["headers", "720"],
        ["records", "60,000"],
        ["padding", "4,816"],
        ["skipped", "0"],
    ]


def written(lines: list[Text], *, terminal: bool, no_color: bool | None = None) -> str:
    out = io.StringIO()
    to = PlainConsole(
        file=out, force_terminal=terminal, color_system="standard" if terminal else None, no_color=no_color, width=80
    )
    write_lines(lines, to)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_no_escape_in_a_name_reaches_the_output(hostile_snapshot: Snapshot, width: int) -> None:
    lines = analysis_report(hostile_snapshot, Query(), top=10, width=width)
    lines += info_report(contents(hostile_snapshot), width=width)
    text = written(lines, terminal=False)
    assert not (FORBIDDEN - {"\n"}) & set(text)
    assert text.count("\n") == len(lines)
    assert "\\x1b[2Jevil\\u202egpj.exe" in text
    assert "[/x]" in text


def test_colour_is_for_terminals_only_and_no_color_switches_it_off(snapshot: Snapshot) -> None:
    lines = analysis_report(snapshot, Query(), top=10, width=80)
    assert "\x1b" not in written(lines, terminal=False)
    assert re.search(r"\x1b\[3\dm", written(lines, terminal=True))
    assert not re.search(r"\x1b\[[\d;]*3\dm", written(lines, terminal=True, no_color=True))
