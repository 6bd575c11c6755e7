"""The verdict in the text report: what a person reads first."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from analyzers.findings import Diagnosis, PendingApcs, Verdict
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import cleared, diagnosis, growth, missing_free, pending, pending_apc, wordy
from tests.tui.stories import FORBIDDEN, Story
from tests.tui.test_reports import report
from tracer.events import afd
from tracer.trace import Gap, Loss
from tui.filters import Filters
from tui.findings.words import how_sure, percent
from tui.report.analysis import analysis_report
from tui.report.cleared import NO_FINDING
from tui.selection import select


def said(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_the_first_finding_is_told_in_full_before_any_table(leaking_snapshot: Snapshot) -> None:
    lines = report(leaking_snapshot)
    assert lines[:3] == [
        "leak.etl",
        "",
        "LEAK 1: I/O completion APCs of client.exe (4330) thread 88 seem never to run",
    ]
    labels = [line[2:10].strip() for line in lines[2:] if re.match(r"  [a-z]+ ?[a-z]*  +\S", line)]
    assert labels[:7] == ["who", "what", "how much", "how fast", "why", "how sure", "next"]
    assert lines.index("Outstanding by tag") > lines.index(
        "  --explain 1 shows the way to this memory and the events behind it."
    )


@pytest.mark.parametrize(
    "words",
    [
        "who process client.exe (4330), thread 88, driver afd.sys",
        "what tag Irp in nonpaged pool: I/O request packets",
        "how much 12 allocations, 5.44 KiB; retains 18.0 KiB (18,432 bytes)",
        "how fast 720 KiB an hour (95 % interval 684 KiB to 762 KiB), over 1 min 30 s",
        "why 12 requests of this thread were completed on another CPU and none of them was retired (inferred)",
        "100 requests of other threads were freed, 95 % within 1.20 ms how sure",
        "how sure 93 %, very likely; lowered because: the trace has no Winsock events, so sockets are not known next",
        "next In a kernel debugger, look at thread 88 of client.exe for a guarded region.",
    ],
)
def test_each_question_has_its_answer(leaking_snapshot: Snapshot, words: str) -> None:
    assert words in said(report(leaking_snapshot))


def test_the_whole_verdict_stands_on_a_screen_of_80_by_24_however_much_there_is_to_say(story: Story) -> None:
    story.simulated = True
    story.diagnosis = Diagnosis((wordy(pending_apc()),), ())
    story.loss = Loss(3, 1, tuple(Gap(0, 1, 0, "lost") for _ in range(9)))
    lines = report(story.make())
    screen = lines[:23]
    assert any(line.startswith("LEAK 1") for line in screen)
    assert any(line.endswith("END") for line in screen)
    assert "reason 0" in said(screen)
    later = said(lines)
    assert all(f"reason {n}" in later for n in range(6))
    assert re.search(r"  also +reason", "\n".join(lines[23:]))


def test_further_findings_take_two_lines_each(leaking_snapshot: Snapshot) -> None:
    lines = report(leaking_snapshot)
    second = lines.index("LEAK 2: afd.sys does not free all of the AfdB memory that it allocates")
    assert lines[second + 1 : second + 5] == [
        "  12.0 KiB, 3 allocations of AfdB, 71 % sure; --explain 2",
        "",
        "LEAK 3: CM25 memory of (driver not known) keeps growing, and nothing shows why",
        "  12.0 KiB, 3 allocations of CM25, 71 % sure; --explain 3",
    ]


def test_a_second_thread_with_pending_apcs_names_the_driver(story: Story) -> None:
    story.diagnosis = Diagnosis((missing_free(1), pending_apc(2)), ())
    assert "18.0 KiB, 12 allocations of Irp by afd.sys, 93 % sure; --explain 2" in said(report(story.make()))


def test_very_many_findings_are_counted(story: Story) -> None:
    story.diagnosis = Diagnosis(tuple(growth(rank) for rank in range(1, 15)), ())
    lines = report(story.make())
    assert sum(line.startswith("LEAK ") for line in lines) == 10
    assert "  and 4 findings more (--json has all)" in lines


def test_what_nobody_knows_is_said_to_be_unknown(story: Story) -> None:
    story.diagnosis = Diagnosis((growth(1),), ())
    told = said(report(story.make()))
    assert "who no single process stands out, driver (driver not known)" in told
    assert "how fast the trace is too short to tell" in told
    assert "tag CM25 in paged pool: Registry data" in told


def test_pending_apcs_are_summed_up_by_thread_and_called_inferred(leaking_snapshot: Snapshot) -> None:
    lines = report(leaking_snapshot, width=120)
    at = lines.index("Pending I/O completion APCs, by thread")
    assert lines[at + 1].startswith("  Inferred: ")
    assert [line.removeprefix("  client.exe (4330), thread ") for line in lines[at + 2 : at + 4]] == [
        "88: 12 requests, 12.0 KiB, the oldest for 1 min 27 s; since then the thread never ran",
        "99: 1 request, 1.00 KiB, the oldest for 1 min 27 s; since then the thread waited",
    ]


def test_many_threads_with_pending_apcs_are_counted(story: Story) -> None:
    story.diagnosis = Diagnosis((), (), PendingApcs.of(pending(16 * n, thread=n) for n in range(1, 9)))
    assert "  and 3 threads more (--json has all)" in report(story.make())


def test_cleared_groups_are_counted_by_verdict_and_the_biggest_named_with_the_reason(story: Story) -> None:
    groups = [cleared(size=9_000 - n) for n in range(4)]
    groups += [cleared(Verdict.TRANSIENT, name="Irp ", paged=False, size=n) for n in (30, 20, 10)]
    story.diagnosis = Diagnosis((), tuple(groups))
    lines = report(story.make())
    at = lines.index("7 groups were looked at and cleared")
    assert lines[at + 1 : at + 8] == [
        "  4 cache (a cache that levelled off), 3 transient (short-lived)",
        *["  CM25 Paged 8.79 KiB  cache: it grew and then levelled off"] * 4,
        "  Irp  Nonp      30 B  transient: it grew and then levelled off",
        "  and 2 groups more (--json has all)",
    ]


def test_without_a_finding_one_plain_sentence_says_so_and_what_evidence_was_missing(snapshot: Snapshot) -> None:
    lines = report(snapshot)
    assert lines[2] == NO_FINDING
    lacking = said(lines[3 : lines.index("Trace")])
    assert "no call stacks (" in lacking
    assert "no context switches (" in lacking
    assert "no I/O request (IRP) events (" in lacking
    assert "Winsock" not in lacking
    assert "LEAK" not in "\n".join(lines)


def test_with_every_kind_of_evidence_nothing_is_said_to_be_missing(snapshot: Snapshot) -> None:
    hooks = {0x0E20: 1, 0x1820: 1, 0x0524: 1, 0x0122: 1}
    whole = replace(snapshot, census=replace(snapshot.census, kernel_events=hooks, providers={afd.PROVIDER: 1}))
    assert "without some evidence" not in said(report(whole))


def test_a_selection_narrows_the_conclusions_and_says_how_many_findings_it_leaves_out(
    leaking_snapshot: Snapshot,
) -> None:
    filters = Filters(tags=("AfdB",))
    lines = analysis_report(
        select(leaking_snapshot, filters), filters, top=10, width=80, whole=leaking_snapshot.diagnosis
    )
    told = said([line.plain for line in lines])
    assert told.count("LEAK") == 1
    assert "LEAK 2: afd.sys" in told
    assert "2 findings of this trace are outside of the selection" in told
    assert "Pending I/O completion" not in told


def test_a_selection_without_a_finding_does_not_clear_the_whole_trace(leaking_snapshot: Snapshot) -> None:
    told = said(report(leaking_snapshot, Filters(tags=("File",))))
    assert NO_FINDING not in told
    assert "No leak found in the selection (tag File)." in told


@pytest.mark.parametrize("width", [60, 80, 132])
def test_every_line_of_the_verdict_fits_the_width_in_cells(story: Story, width: int) -> None:
    told = diagnosis()
    wide = [
        replace(finding, process="日本語の 名前の プロセス.exe", driver="ドライバ.sys") for finding in told.findings
    ]
    story.diagnosis = Diagnosis(tuple(wide), told.cleared, told.pending_apcs)
    lines = report(story.make(), width=width)
    verdict = lines[: lines.index("Outstanding by tag")]
    assert [line for line in verdict if cell_len(line) > width] == []
    assert any("日本語の" in line for line in verdict)


def test_hostile_names_in_conclusions_are_shown_and_do_nothing(hostile_snapshot: Snapshot) -> None:
    text = "".join(report(hostile_snapshot, width=80))
    assert not FORBIDDEN & set(text)
    assert "next      \\x1b[2Jevil\\u202egpj.exe" in text


@pytest.mark.parametrize(
    ("confidence", "words", "shown"),
    [
        (0.999, "nearly certain", "99 %"),
        (0.95, "nearly certain", "95 %"),
        (0.8, "very likely", "80 %"),
        (0.79, "likely", "79 %"),
        (0.4, "possible", "40 %"),
        (0.05, "a mere suspicion", "5 %"),
    ],
)
def test_a_confidence_is_told_in_words_and_is_never_100_percent(confidence: float, words: str, shown: str) -> None:
    assert how_sure(confidence) == words
    assert percent(confidence) == shown
