"""How findings are held against the truth, on findings made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers.findings import (
    NO_HELD_REQUESTS,
    Accused,
    Apc,
    Cause,
    Diagnosis,
    EventRef,
    Explanation,
    Finding,
    Fits,
    HeldRequest,
    HeldRequests,
    Kept,
    PortPart,
    ThreadSince,
    Verdict,
    Why,
)
from benchmarks.accuracy.corpus import Case, Writer, cases
from benchmarks.accuracy.judging import Judgement, Outcome, judge
from benchmarks.accuracy.limits import failures, limits
from benchmarks.accuracy.report import document, text
from benchmarks.accuracy.running import Result
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.spoilings import WEAKENING, Spoiling
from benchmarks.accuracy.truth import Leak, Truth, plain

IRP = frozenset({tag_of("Irp ")})
IRPS = frozenset(range(0x1000, 0x1000 + 100))
LEAK = Leak(
    ("missing-free",), frozenset({"driver"}), "missing-free", frozenset({tag_of("Zabc")}), 50, 5_000,
    drivers=frozenset({"novflt"}),
)  # fmt: skip
LOOP = Leak(
    ("pending-apc",), frozenset({"process"}), "user-apc", IRP, 100, 5_000, processes=frozenset({40}),
    threads=frozenset({4330}), apc="user", why="user-apc", held=IRPS,
)  # fmt: skip
PORT = replace(LOOP, verdicts=("undrained-port",), accused=frozenset({"port"}), cause="port", apc="", why="port")
KEPT = replace(
    LOOP, verdicts=("driver-kept",), accused=frozenset({"driver"}), cause="driver-kept", apc="", why="driver-kept",
    kept="never-completed", drivers=frozenset({"novflt"}),
)  # fmt: skip
STARVED = replace(LOOP, cause="special-apc", why="special-apc", apc="special-kernel")
LEAKING = Truth((LEAK,), lossy=False)
CLEAN = Truth((), lossy=False)
CLEAN_LOSSY = Truth((), lossy=True)


def finding(verdict: Verdict, tag: str, driver: str = "", **others: Any) -> Finding:
    values: dict[str, Any] = {
        "rank": 1, "confidence": 0.9, "paged": False, "count": 50, "bytes": 5_000, "retained_bytes": 5_000,
        "bytes_per_hour": 1.0, "bytes_per_hour_interval": (0.5, 1.5), "process_id": None, "process": "",
        "thread_id": None, "stack": -1, "path": (), "evidence": (), "doubts": (), "advice": "",
    }  # fmt: skip
    return Finding(verdict=verdict, tag=tag_of(tag), driver=driver, **(values | others))


def of_program(verdict: Verdict, thread: int | None = 4330, process: int = 40, **others: Any) -> Finding:
    return finding(verdict, "Irp ", accused=Accused.PROCESS, process_id=process, thread_id=thread, **others)


def pending(thread: int | None = 4330, process: int = 40, **others: Any) -> Finding:
    return of_program(Verdict.PENDING_APC, thread, process, apc=others.pop("apc", Apc.USER), **others)


def of_port(process: int = 40) -> Finding:
    port = PortPart(1, process, "server.exe", (4330,), (), 100)
    return finding(Verdict.UNDRAINED_PORT, "Irp ", accused=Accused.PORT, process_id=process, port=port)


def kept(driver: str, how: Kept = Kept.NEVER_COMPLETED) -> Finding:
    return finding(Verdict.DRIVER_KEPT, "Irp ", driver, accused=Accused.DRIVER, kept=how)


def fitting(*causes: Cause) -> tuple[Explanation, ...]:
    return tuple(Explanation(cause, Fits.YES if cause in causes else Fits.NO, "") for cause in Cause)


def held(irps: frozenset[int], why: Why, process: int = 40) -> HeldRequests:
    event = EventRef(0, "irp", 0, -1)
    return HeldRequests.of(
        HeldRequest(
            irp=irp, match_id=0, why=why, thread_id=4330, process_id=process, process="", issued_ns=0, completed_ns=0,
            age_ns=0, since=ThreadSince.RAN, says="", endpoint=0, port=0, driver="", retained_bytes=0, rule="",
            inferred=True, issued=event, completed=event,
        )
        for irp in sorted(irps)
    )  # fmt: skip


def outcome(
    truth: Truth | Leak, *findings: Finding, spoiling: Spoiling = Spoiling.NONE, held: HeldRequests = NO_HELD_REQUESTS
) -> Outcome:
    of = truth if isinstance(truth, Truth) else Truth((truth,), lossy=False)
    return judge(Diagnosis(findings, (), held), of, spoiling).outcome


def result(
    judgement: Judgement, truth: Truth, spoiling: Spoiling = Spoiling.NONE, with_names: Judgement | None = None
) -> Result:
    return Result(Case(Writer.SCRIPTED, "growth", 1, spoiling), judgement, with_names or judgement, truth, 1_000)


def test_the_right_verdict_on_the_right_driver_is_right_whatever_its_case_and_extension() -> None:
    assert outcome(LEAKING, finding(Verdict.MISSING_FREE, "Zabc", "NOVFLT.SYS")) is Outcome.RIGHT
    assert plain("ntkrnlpa.exe") == plain("ntoskrnl.exe") == plain("nt")


def test_another_driver_another_tag_or_another_kind_of_culprit_is_the_wrong_culprit() -> None:
    assert outcome(LEAKING, finding(Verdict.MISSING_FREE, "Zabc", "ntfs.sys")) is Outcome.WRONG_CULPRIT
    assert outcome(LEAKING, finding(Verdict.MISSING_FREE, "Zabd", "novflt.sys")) is Outcome.WRONG_CULPRIT
    accused = finding(Verdict.MISSING_FREE, "Zabc", "novflt.sys", accused=Accused.PROCESS, process_id=40)
    assert outcome(LEAKING, accused) is Outcome.WRONG_CULPRIT


def test_another_accusation_of_the_right_culprit_is_the_wrong_verdict() -> None:
    assert outcome(LEAKING, finding(Verdict.GROWTH, "Zabc", "novflt")) is Outcome.WRONG_VERDICT


@pytest.mark.parametrize(
    ("leak", "right", "why", "wrong"),
    [
        (LOOP, pending(), Why.USER_APC, of_port()),
        (PORT, of_port(), Why.PORT, pending()),
        (KEPT, kept("novflt.sys"), Why.DRIVER_KEPT, pending()),
    ],
)
def test_verdict_culprit_and_holder_are_all_asked_for(leak: Leak, right: Finding, why: Why, wrong: Finding) -> None:
    assert outcome(leak, right, held=held(IRPS, why)) is Outcome.RIGHT
    assert outcome(leak, wrong, held=held(IRPS, why)) is Outcome.WRONG_CULPRIT
    assert outcome(leak, right, held=held(IRPS, Why.UNKNOWN)) is Outcome.WRONG_HOLDER


def test_the_thread_of_a_user_apc_is_to_be_named_and_the_right_one() -> None:
    there = held(IRPS, Why.USER_APC)
    assert outcome(LOOP, pending(None), held=there) is Outcome.WRONG_CULPRIT
    assert outcome(LOOP, pending(4334), held=there) is Outcome.WRONG_CULPRIT
    assert outcome(LOOP, pending(process=44), held=there) is Outcome.WRONG_CULPRIT
    several = replace(LOOP, threads=frozenset({4330, 4334}))
    assert outcome(several, pending(None), held=there) is Outcome.RIGHT


def test_held_requests_may_differ_from_the_irps_by_three_in_a_hundred() -> None:
    fewer, more = IRPS - set(range(0x1000, 0x1004)), IRPS | set(range(0x2000, 0x2004))
    nearly = IRPS - {0x1000, 0x1001, 0x1002}
    assert outcome(LOOP, pending(), held=held(nearly, Why.USER_APC)) is Outcome.RIGHT
    assert outcome(LOOP, pending(), held=held(fewer, Why.USER_APC)) is Outcome.WRONG_HOLDER
    assert outcome(LOOP, pending(), held=held(more, Why.USER_APC)) is Outcome.WRONG_HOLDER
    unseen = replace(LOOP, unseen=frozenset(range(0x2000, 0x2004)))
    assert outcome(unseen, pending(), held=held(more, Why.USER_APC)) is Outcome.RIGHT
    assert outcome(LOOP, pending(), held=held(fewer, Why.USER_APC), spoiling=Spoiling.NO_STACKS) is Outcome.RIGHT


def test_which_apc_and_how_a_driver_keeps_belong_to_the_verdict() -> None:
    assert outcome(LOOP, pending(apc=Apc.SPECIAL_KERNEL, confidence=0.4)) is Outcome.WRONG_VERDICT
    assert outcome(KEPT, kept("novflt.sys", Kept.COMPLETION_STOPPED)) is Outcome.WRONG_VERDICT


def test_nobody_is_sure_of_special_apcs() -> None:
    there = held(IRPS, Why.SPECIAL_APC)
    unsure, sure = (pending(apc=Apc.SPECIAL_KERNEL, confidence=much) for much in (0.5, 0.51))
    assert outcome(STARVED, unsure, held=there) is Outcome.RIGHT
    assert outcome(STARVED, sure, held=there) is Outcome.WRONG_VERDICT
    judgement = judge(Diagnosis((sure,), ()), CLEAN, Spoiling.NONE)
    assert judgement.sure_special == 1


@pytest.mark.parametrize("spoiling", sorted(WEAKENING))
@pytest.mark.parametrize(
    ("leak", "cause"),
    [(LOOP, Cause.USER_APC), (PORT, Cause.PORT), (KEPT, Cause.DRIVER_KEPT)],
    ids=lambda one: str(one)[:8],
)
def test_with_less_evidence_the_program_may_be_accused_of_less_if_the_true_reason_is_among_those_that_fit(
    spoiling: Spoiling, leak: Leak, cause: Cause
) -> None:
    told = of_program(Verdict.GROWTH, explanations=fitting(cause, Cause.LIST))
    excluded = of_program(Verdict.GROWTH, explanations=fitting(Cause.LIST))
    elsewhere = of_program(Verdict.GROWTH, process=44, explanations=fitting(cause))
    assert outcome(leak, told, spoiling=spoiling) is Outcome.WEAKER
    assert outcome(leak, excluded, spoiling=spoiling) is Outcome.WRONG_VERDICT
    assert outcome(leak, elsewhere, spoiling=spoiling) is Outcome.WRONG_CULPRIT
    assert outcome(leak, told) in {Outcome.WRONG_VERDICT, Outcome.WRONG_CULPRIT}


@pytest.mark.parametrize("spoiling", [Spoiling.NO_STACKS, Spoiling.NO_SWITCHES, Spoiling.NO_REQUESTS])
def test_with_less_evidence_a_stronger_accusation_is_not_right(spoiling: Spoiling) -> None:
    assert outcome(LEAKING, finding(Verdict.GROWTH, "Zabc", "novflt"), spoiling=spoiling) is Outcome.WEAKER
    stronger = finding(Verdict.DRIVER_KEPT, "Zabc", "novflt", kept=Kept.NEVER_COMPLETED)
    assert outcome(LEAKING, stronger, spoiling=spoiling) is Outcome.WRONG_VERDICT


def test_without_events_of_requests_either_way_of_keeping_is_the_true_reason() -> None:
    told = of_program(Verdict.GROWTH, explanations=fitting(Cause.COMPLETION_STOPPED))
    assert outcome(KEPT, told, spoiling=Spoiling.NO_REQUESTS) is Outcome.WEAKER
    assert outcome(LOOP, told, spoiling=Spoiling.NO_REQUESTS) is Outcome.WRONG_VERDICT


def test_loss_alone_excuses_no_weaker_accusation() -> None:
    weaker = finding(Verdict.GROWTH, "Zabc", "novflt")
    assert outcome(LEAKING, weaker, spoiling=Spoiling.LOST_EVENTS) is Outcome.WRONG_VERDICT


def test_a_driver_need_not_be_named_where_evidence_is_missing_but_a_wrong_one_is_wrong() -> None:
    unnamed, wrong = (finding(Verdict.MISSING_FREE, "Zabc", driver) for driver in ("", "ntfs.sys"))
    assert outcome(LEAKING, unnamed, spoiling=Spoiling.NO_STACKS) is Outcome.RIGHT
    assert outcome(LEAKING, unnamed) is Outcome.WRONG_CULPRIT
    assert outcome(LEAKING, wrong, spoiling=Spoiling.NO_STACKS) is Outcome.WRONG_CULPRIT


def test_only_the_first_finding_counts_and_the_others_are_leaks_named_or_extras() -> None:
    first = finding(Verdict.MISSING_FREE, "Zabc", "novflt")
    other = finding(Verdict.GROWTH, "Zxyz", "ntfs.sys", confidence=0.6, rank=2)
    judgement = judge(Diagnosis((first, other), ()), LEAKING, Spoiling.NONE)
    assert judgement.outcome is Outcome.RIGHT
    assert (judgement.found, judgement.leaks, judgement.extras, judgement.sure_extras) == (1, 1, 1, 1)
    assert outcome(LEAKING, other, first) is not Outcome.RIGHT
    assert outcome(LEAKING) is Outcome.MISSED


def test_retained_bytes_are_compared_where_one_leak_of_requests_is_named() -> None:
    there = held(IRPS, Why.USER_APC)
    for size, same in ((5_000, True), (5_008, False)):
        found = Diagnosis((pending(retained_bytes=size),), (), there)
        assert judge(found, Truth((LOOP,), lossy=False), Spoiling.NONE).retained is same
    forgotten = Diagnosis((finding(Verdict.MISSING_FREE, "Zabc", "novflt"),), ())
    assert judge(forgotten, LEAKING, Spoiling.NONE).retained is None


def test_a_clean_trace_has_no_finding_and_a_lossy_one_no_sure_finding() -> None:
    sure, unsure = (finding(Verdict.GROWTH, "Zabc", "novflt", confidence=much) for much in (0.51, 0.5))
    assert outcome(CLEAN) is Outcome.CLEAN
    assert outcome(CLEAN, unsure) is Outcome.FALSE
    assert outcome(CLEAN_LOSSY, unsure) is Outcome.DOUBTFUL
    assert outcome(CLEAN_LOSSY, unsure, sure) is Outcome.FALSE


def test_a_leak_that_the_file_hardly_shows_is_not_asked_for() -> None:
    assert outcome(replace(LEAK, count=3)) is Outcome.FAINT


def test_what_special_apcs_hold_is_asked_for_where_the_evidence_is_whole() -> None:
    assert outcome(STARVED) is Outcome.MISSED
    assert outcome(STARVED, spoiling=Spoiling.NO_SWITCHES) is Outcome.FAINT
    assert outcome(STARVED, of_port(), spoiling=Spoiling.NO_SWITCHES) is Outcome.WRONG_CULPRIT


@pytest.mark.parametrize(("spoiling", "place", "enough"), [(Spoiling.NONE, 0, 98), (Spoiling.NO_STACKS, 1, 95)])
def test_limits_are_kept_or_missed_by_the_share_that_is_right(spoiling: Spoiling, place: int, enough: int) -> None:
    right, missed = (result(Judgement(each), LEAKING, spoiling) for each in (Outcome.RIGHT, Outcome.MISSED))
    found = limits([right] * enough + [missed] * (100 - enough))
    assert all(limit.kept is not False for limit in found)
    assert limits([right] * (enough - 1) + [missed] * (101 - enough))[place].kept is False


def test_a_weaker_verdict_counts_where_evidence_is_missing() -> None:
    weaker = result(Judgement(Outcome.WEAKER), LEAKING, Spoiling.NO_STACKS)
    assert (limits([weaker])[1].have, limits([weaker])[1].of) == (1, 1)


@pytest.mark.parametrize(
    ("judgement", "truth", "missed"),
    [
        (Judgement(Outcome.WRONG_CULPRIT), Truth((LEAK,), lossy=False), [0, 2]),
        (Judgement(Outcome.FALSE), CLEAN, [3]),
        (Judgement(Outcome.FALSE), CLEAN_LOSSY, [4]),
        (Judgement(Outcome.RIGHT, sure_extras=1), Truth((LEAK,), lossy=True), [4]),
        (Judgement(Outcome.RIGHT, sure_special=1), Truth((LEAK,), lossy=False), [5]),
        (Judgement(Outcome.BROKEN), CLEAN, [6]),
    ],
)
def test_each_way_of_being_wrong_misses_its_own_limit(judgement: Judgement, truth: Truth, missed: list[int]) -> None:
    one = result(judgement, truth)
    assert [place for place, limit in enumerate(limits([one])) if limit.kept is False] == missed
    assert failures([one]) == [one]


@pytest.mark.parametrize(
    ("without", "with_names", "better", "worse"),
    [
        (Outcome.WEAKER, Outcome.RIGHT, 1, 0),
        (Outcome.RIGHT, Outcome.WEAKER, 0, 1),
        (Outcome.MISSED, Outcome.WRONG_VERDICT, 1, 0),
        (Outcome.CLEAN, Outcome.FALSE, 0, 1),
        (Outcome.RIGHT, Outcome.RIGHT, 0, 0),
    ],
)
def test_names_that_make_a_conclusion_worse_miss_a_limit(
    without: Outcome, with_names: Outcome, better: int, worse: int
) -> None:
    one = result(Judgement(without), LEAKING, Spoiling.NO_QUEUES, Judgement(with_names))
    by_name = {limit.name: limit for limit in limits([one])}
    assert by_name["with names: better than without"].have == better
    assert by_name["with names: worse than without"].have == worse
    assert by_name["with names: worse than without"].kept is (worse == 0)


def test_the_report_shows_where_names_made_a_difference() -> None:
    judged = Judgement(Outcome.WEAKER, says="growth"), Judgement(Outcome.RIGHT, says="pending-apc")
    one = result(judged[0], LEAKING, Spoiling.NO_QUEUES, judged[1])
    assert "better with names: weaker, with names right\n    growth\n    pending-apc\n" in text([one])
    row = next(line for line in text([one]).splitlines() if line.startswith("all, with names of functions"))
    assert row.split() == ["all,", "with", "names", "of", "functions", "1", "·", "·"]
    assert document([one])["with_names"] == {
        "outcomes": {"right": 1},
        "better": [
            {
                "kind": "growth", "spoiling": "no-queue", "without": "weaker", "with": "right",
                "again": one.case.again,
            }
        ],
        "worse": [],
    }  # fmt: skip


def test_the_report_counts_every_outcome_and_says_how_to_play_a_failure_again() -> None:
    right = result(Judgement(Outcome.RIGHT, found=1, leaks=1), LEAKING)
    missed = result(Judgement(Outcome.MISSED, says="no finding"), LEAKING)
    shown = text([right, right, missed])
    assert "MISSED  leaking, whole evidence: verdict, holder, culprit right: 2 of 3 (66.7%)" in shown
    assert "--writer scripted --only growth --spoiling none --seed 1 --traces 1" in shown
    row = next(line for line in shown.splitlines() if line.startswith("scripted growth"))
    assert row.split() == ["scripted", "growth", "2", "1", "·"]
    found = document([right, missed])
    assert found["kinds"] == [{"writer": "scripted", "kind": "growth", "outcomes": {"right": 1, "missed": 1}}]


def test_a_case_is_played_again_by_the_command_that_its_failure_shows() -> None:
    corpus = cases(list(Writer), (), (), 7, 500)
    case = corpus[-1]
    again = cases([case.writer], [case.kind], [case.spoiling], case.seed, 1)
    assert again == [case]


def test_the_default_corpus_has_every_kind_of_both_writers_and_every_spoiling() -> None:
    corpus = cases(list(Writer), (), (), 1, 510)
    assert len(corpus) == len(set(corpus)) == 510
    assert {(case.writer, case.kind) for case in corpus} == {
        (writer, kind) for writer in Writer for kind in writer.ended
    }
    assert {case.spoiling for case in corpus} == set(Spoiling) - {Spoiling.CUT}


def test_what_is_not_over_when_its_trace_ends_is_played_where_it_is_asked_for() -> None:
    (case,) = cases([Writer.SCRIPTED], ["long-job"], (), 1, 1)
    assert case.kind == "long-job"
