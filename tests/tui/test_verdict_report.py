"""The verdict in the text report: what a person reads first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from analyzers.findings import (
    NO_DIAGNOSIS,
    Accused,
    Apc,
    Cause,
    Diagnosis,
    Evidence,
    Explanation,
    Finding,
    Fits,
    HeldRequests,
    Kept,
    Verdict,
)
from analyzers.selection.query import Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from analyzers.verdicts.calls import CALLS
from analyzers.verdicts.coverage import Coverage
from tests.tui.diagnoses import (
    cleared,
    diagnosis,
    driver_kept,
    everything_held,
    growth,
    held,
    missing_free,
    open_growth,
    pending_apc,
    undrained_port,
    wordy,
)
from tests.tui.reports import report
from tests.tui.stories import FORBIDDEN, Story
from tests.tui.views.listings import scene
from tracer.events import afd
from tracer.live.profile import Recording, xperf_lines
from tracer.trace import Gap, Loss
from tui.findings.headline import headline
from tui.findings.words import HOW_SURE, how_sure, percent
from tui.json_documents.findings import StackParts, findings_part
from tui.json_documents.writing import document_text
from tui.report.analysis import analysis_report
from tui.report.cleared import NO_FINDING
from tui.report.explain import explanation
from tui.report.recording import ALL_EVIDENCE
from tui.views.findings import listing

DOCS = Path(__file__).parents[2] / "docs" / "findings.md"


def said(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_the_first_finding_is_told_in_full_before_any_table(leaking_snapshot: Snapshot) -> None:
    lines = report(leaking_snapshot)
    assert lines[:4] == [
        "leak.etl",
        "",
        "LEAK 1: 12 finished requests wait as user APCs on thread 88 of client.exe",
        "(4330), which never waits alertably",
    ]
    labels = [line[2:10].strip() for line in lines[2:] if re.match(r"  [a-z]+ ?[a-z]*  +\S", line)]
    assert labels[:9] == ["who", "call", "what", "how much", "how fast", "why", "excluded", "how sure", "next"]
    assert lines.index("Outstanding by tag") > lines.index(
        "  --explain 1 shows the way to this memory and the events behind it."
    )


@pytest.mark.parametrize(
    "words",
    [
        "who client.exe (4330) thread 88, by way of afd.sys call client.exe what",
        "what tag Irp in nonpaged pool: I/O request packets",
        "how much 12 allocations, 5.44 KiB; retains 18.0 KiB (18,432 bytes)",
        "how fast 720 KiB an hour (95 % interval 684 KiB to 762 KiB), over 1 min 30 s",
        "why 12 requests of this thread finished, and none of their IRPs was freed (inferred)",
        "100 requests of other threads were freed, 95 % within 1.20 ms excluded special kernel APC: thread 88",
        "how sure 93 %, very likely; lowered because: the trace has no Winsock events, so sockets are not known next",
        "next Look at the user APCs of thread 88 with !thread, and let it wait alertably.",
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
    assert re.search(r"END\n  also +reason", "\n".join(lines))


def test_further_findings_take_two_lines_each(leaking_snapshot: Snapshot) -> None:
    lines = report(leaking_snapshot)
    second = lines.index("LEAK 2: afd.sys does not free all of the AfdB memory that it allocates")
    assert lines[second + 1 : second + 6] == [
        "  12.0 KiB, 3 allocations of AfdB, 71 % sure; --explain 2",
        "",
        "LEAK 3: CM25 memory of an unknown driver keeps growing; the trace cannot show",
        "why it is not freed",
        "  12.0 KiB, 3 allocations of CM25, 71 % sure; --explain 3",
    ]


def test_a_further_finding_says_how_many_groups_go_with_it(story: Story) -> None:
    story.diagnosis = Diagnosis((missing_free(1), undrained_port(2)), ())
    assert "18.0 KiB, 12 allocations of Irp and 2 groups more, 93 % sure; --explain 2" in said(report(story.make()))


@pytest.mark.parametrize(
    ("finding", "sentence"),
    [
        (
            replace(pending_apc(), count=1),
            "1 finished request waits as a user APC on thread 88 of client.exe (4330), which never waits alertably",
        ),
        (
            replace(pending_apc(), thread_id=None),
            "12 finished requests wait as user APCs on threads of client.exe (4330) that never wait alertably",
        ),
        (
            replace(pending_apc(), apc=Apc.SPECIAL_KERNEL),
            "12 completed requests wait for special kernel APCs on thread 88 of client.exe (4330)",
        ),
        (undrained_port(), "12 finished requests wait in a completion port of server.exe (77) that nobody reads"),
        (
            undrained_port(readers=(5,)),
            "12 finished requests wait in a completion port of server.exe (77) that is read too slowly",
        ),
        (driver_kept(), "keeper.sys has never completed 12 requests that it was sent"),
        (driver_kept(kept=Kept.COMPLETION_STOPPED), "keeper.sys stopped the completion of 12 requests and keeps them"),
        (
            replace(missing_free(), accused=Accused.PROCESS, process_id=4330, process="client.exe"),
            "some AfdB memory that client.exe (4330) asks for is never freed",
        ),
        (
            open_growth(),
            "Irp memory that client.exe (4330) thread 88 asks for keeps growing; the trace cannot show which of 2"
            " reasons keeps it",
        ),
    ],
)
def test_a_headline_names_who_is_accused_and_what_happens(finding: Finding, sentence: str) -> None:
    assert headline(finding, NO_DIAGNOSIS) == sentence


def test_a_headline_counts_requests_even_where_irps_came_from_lookaside_lists(story: Story) -> None:
    story.diagnosis = everything_held()
    told = said(report(story.make()))
    assert "LEAK 1: 4 finished requests wait as user APCs on thread 88 of client.exe (4330)" in told
    assert "LEAK 3: keeper.sys has never completed 2 requests that it was sent" in told


def test_a_port_says_who_fills_it_and_who_reads_it_and_what_goes_with_it(story: Story) -> None:
    story.diagnosis = Diagnosis((undrained_port(),), ())
    told = said(report(story.make()))
    assert "who a completion port of server.exe (77); filled by threads 88, 99; read by no thread" in told
    assert "with it 12 File (4.50 KiB), 1 AfdE (464 B)" in told


def test_where_the_verdict_is_open_the_possible_reasons_come_first_and_what_would_tell_them_apart(story: Story) -> None:
    story.diagnosis = Diagnosis((open_growth(),), ())
    lines = report(story.make())
    at = next(row for row, line in enumerate(lines) if line.startswith("  could be"))
    assert lines[at : at + 6] == [
        "  could be  user APC, fits: only IRPs stay",
        "            completion port, fits: only IRPs stay",
        "            driver never completed it, not known: no event tells of completions",
        "  to tell   kernel queue events (KQUEUE)",
        "            IRP events (DRIVERS)",
        "  excluded  special kernel APC: thread 88 issued more requests since",
    ]


def test_a_verdict_that_names_the_reason_does_not_list_it_again(story: Story) -> None:
    other = Explanation(Cause.LIST, Fits.UNKNOWN, "no free of an IRP is in the trace")
    finding = replace(pending_apc(), explanations=(*pending_apc().explanations, other))
    story.diagnosis = Diagnosis((finding,), ())
    told = said(report(story.make()))
    assert " or lookaside list, not known: no free of an IRP is in the trace excluded special" in told
    assert "user APC, fits" not in told


def test_the_modules_of_a_call_are_told_once(leaking_snapshot: Snapshot) -> None:
    first, *others = leaking_snapshot.diagnosis.findings
    calls = Evidence(CALLS, "the program calls from client.exe")
    more = replace(first, evidence=(calls, *first.evidence))
    snapshot = replace(leaking_snapshot, diagnosis=replace(leaking_snapshot.diagnosis, findings=(more, *others)))
    plain = replace(leaking_snapshot.diagnosis, findings=(first, *others))
    assert report(snapshot) == report(replace(snapshot, diagnosis=plain))
    explained = [line.plain for line in explanation(snapshot, more, top=3, width=200)]
    assert not any("calls from" in line for line in explained)
    assert any(line.startswith(f"  1.  {first.evidence[0].says}") for line in explained)
    panel = listing(scene(snapshot)).describe(0).plain
    assert "calls from" not in panel
    assert "call: " in panel
    told = json.loads(document_text({"findings": findings_part(snapshot, StackParts(snapshot.names))}))
    assert told["findings"][0]["evidence"][0]["rule"] == CALLS
    nobody = replace(more, user_stack=-1)
    assert any("calls from" in line.plain for line in explanation(snapshot, nobody, top=3, width=200))


def test_a_trace_that_lacks_evidence_says_how_to_record_it_all(leaking_snapshot: Snapshot) -> None:
    poor = Coverage(stacks=True, context_switches=True, requests=True, sockets=True, wrapped=False, lost=0.0)
    assert ALL_EVIDENCE not in report(replace(leaking_snapshot, coverage=poor))
    lines = report(replace(leaking_snapshot, coverage=replace(poor, queues=False)))
    at = lines.index(ALL_EVIDENCE)
    for line in xperf_lines(Recording()):
        assert f"  {line}" in lines[at:]


def test_very_many_findings_are_counted(story: Story) -> None:
    story.diagnosis = Diagnosis(tuple(growth(rank) for rank in range(1, 15)), ())
    lines = report(story.make())
    assert sum(line.startswith("LEAK ") for line in lines) == 10
    assert "  and 4 findings more (--json has all)" in lines


def test_what_nobody_knows_is_said_to_be_unknown(story: Story) -> None:
    story.diagnosis = Diagnosis((growth(1),), ())
    told = said(report(story.make()))
    assert "who an unknown driver, no single process stands out" in told
    assert "in 1 min 30 s; too uneven for a rate" in told
    assert "tag CM25 in paged pool: Registry data" in told


def test_held_requests_are_summed_up_by_holder_and_called_inferred(leaking_snapshot: Snapshot) -> None:
    lines = report(leaking_snapshot, width=120)
    at = lines.index("Held requests, by what holds them")
    assert lines[at + 1] == "  13 requests are held, 13.0 KiB: 13 by user APCs on 2 threads."
    assert lines[at + 2].startswith("  Inferred: ")
    told = said(lines[at + 3 :])
    assert (
        "user APC on thread 88 of client.exe (4330): 12 requests, 12.0 KiB, the oldest for 1 min 27 s;"
        " since then the thread waited"
        " user APC on thread 99 of client.exe (4330): 1 request, 1.00 KiB, for 1 min 27 s;"
        " since then the thread did not run"
    ) in told


def test_every_kind_of_holder_has_its_line(story: Story) -> None:
    story.diagnosis = everything_held()
    told = said(report(story.make(), width=120))
    for words in (
        "port 2 of server.exe (77): 3 requests, 3.00 KiB, the oldest for 1 min 27 s",
        "never completed by keeper.sys: 2 requests",
        "completion stopped by stopper.sys: 1 request,",
        "and 1 holder more (--json has all)",
    ):
        assert words in told


def test_many_holders_are_counted(story: Story) -> None:
    story.diagnosis = Diagnosis((), (), HeldRequests.of(held(16 * n, thread=n) for n in range(1, 9)))
    assert "  and 3 holders more (--json has all)" in report(story.make())


def test_cleared_groups_are_counted_by_verdict_and_the_biggest_named_with_the_reason(story: Story) -> None:
    groups = [cleared(size=9_000 - n) for n in range(4)]
    groups += [cleared(Verdict.TRANSIENT, name="Irp ", paged=False, size=n) for n in (30, 20, 10)]
    story.diagnosis = Diagnosis((), tuple(groups))
    lines = report(story.make())
    at = lines.index("7 groups were looked at and cleared")
    assert lines[at + 1 : at + 8] == [
        "  4 cached, 3 short-lived",
        *["  CM25 Paged 8.79 KiB  cached: it grew and then levelled off"] * 4,
        "  Irp  Nonp      30 B  short-lived: it grew and then levelled off",
        "  and 2 groups more (--json has all)",
    ]


def test_the_reason_of_a_cleared_group_goes_on_below_itself(story: Story) -> None:
    groups = (cleared(), cleared(Verdict.TRANSIENT, name="Irp ", paged=False, size=30))
    story.diagnosis = Diagnosis((), groups)
    lines = report(story.make(), width=50)
    for begin in ("  CM25 Paged", "  Irp  Nonp"):
        at = next(place for place, line in enumerate(lines) if line.startswith(begin))
        assert lines[at + 1].startswith(" " * 23)
        assert lines[at + 1][23] != " "


def test_without_a_finding_one_plain_sentence_says_so_and_what_evidence_was_missing(snapshot: Snapshot) -> None:
    lines = report(snapshot)
    assert lines[2] == NO_FINDING
    lacking = said(lines[3 : lines.index("Trace")])
    assert "call stacks (" in lacking
    assert "context switches (" in lacking
    assert "I/O request (IRP) events (" in lacking
    assert "Winsock" not in lacking
    assert "LEAK" not in "\n".join(lines)


def test_with_every_kind_of_evidence_nothing_is_said_to_be_missing(snapshot: Snapshot) -> None:
    hooks = {0x0E20: 1, 0x1820: 1, 0x0524: 1, 0x0532: 1, 0x053E: 1, 0x0122: 1}
    whole = replace(snapshot, census=replace(snapshot.census, kernel_events=hooks, providers={afd.PROVIDER: 1}))
    assert "without some evidence" not in said(report(whole))


def test_a_selection_narrows_the_conclusions_and_says_how_many_findings_it_leaves_out(
    leaking_snapshot: Snapshot,
) -> None:
    filters = Query(tags=("AfdB",))
    lines = analysis_report(
        select(leaking_snapshot, filters), filters, top=10, width=80, whole=leaking_snapshot.diagnosis
    )
    told = said([line.plain for line in lines])
    assert told.count("LEAK") == 1
    assert "LEAK 2: afd.sys" in told
    assert "2 findings of this trace are outside of the selection" in told
    assert "Held requests" not in told


def test_a_selection_without_a_finding_does_not_clear_the_whole_trace(leaking_snapshot: Snapshot) -> None:
    told = said(report(leaking_snapshot, Query(tags=("File",))))
    assert NO_FINDING not in told
    assert "No leak found in the selection (tag File)." in told


@pytest.mark.parametrize("width", [60, 80, 132])
def test_every_line_of_the_verdict_fits_the_width_in_cells(story: Story, width: int) -> None:
    told = diagnosis()
    wide = [
        replace(finding, process="日本語の 名前の プロセス.exe", driver="ドライバ.sys") for finding in told.findings
    ]
    story.diagnosis = Diagnosis(tuple(wide), told.cleared, told.held_requests)
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
        (0.796, "very likely", "80 %"),
        (0.794, "likely", "79 %"),
        (0.946, "nearly certain", "95 %"),
        (0.595, "likely", "60 %"),
        (0.395, "possible", "40 %"),
        (0.4, "possible", "40 %"),
        (0.05, "a mere suspicion", "5 %"),
    ],
)
def test_a_confidence_is_told_in_words_and_is_never_100_percent(confidence: float, words: str, shown: str) -> None:
    assert how_sure(confidence) == words
    assert percent(confidence) == shown


def test_the_words_of_a_confidence_are_those_that_the_docs_list() -> None:
    listed = re.findall(r"^\| (?:(\d+) %|below) \| (.+) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert tuple((int(least or 0), words) for least, words in listed) == HOW_SURE


@pytest.mark.parametrize("thousandths", range(0, 1000, 5))
def test_the_words_are_told_by_the_percentage_that_is_shown(thousandths: int) -> None:
    shown = int(percent(thousandths / 1000).removesuffix(" %"))
    assert how_sure(thousandths / 1000) == next(words for least, words in HOW_SURE if shown >= least)
