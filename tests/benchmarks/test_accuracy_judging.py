"""How findings are held against the truth, on findings made by hand."""

from __future__ import annotations

import pytest

from analyzers.findings import Finding, Verdict
from benchmarks.accuracy.corpus import Case, Writer, cases
from benchmarks.accuracy.judging import Judgement, Outcome, judge
from benchmarks.accuracy.limits import failures, limits
from benchmarks.accuracy.report import document, text
from benchmarks.accuracy.running import Result
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.accuracy.truth import Leak, Truth, plain

LEAK = Leak(("missing-free",), frozenset({"novflt"}), frozenset(), frozenset({tag_of("Zabc")}), 50, 5_000)
LOOP = Leak(("pending-apc",), frozenset({"afd", "nt"}), frozenset({4330}), frozenset({tag_of("Irp ")}), 50, 5_000)
LEAKING = Truth((LEAK,), lossy=False)
CLEAN = Truth((), lossy=False)
CLEAN_LOSSY = Truth((), lossy=True)


def finding(
    verdict: Verdict, tag: str, driver: str, *, thread: int | None = None, confidence: float = 0.9, rank: int = 1
) -> Finding:
    return Finding(
        rank=rank,
        verdict=verdict,
        confidence=confidence,
        tag=tag_of(tag),
        paged=False,
        count=50,
        bytes=5_000,
        retained_bytes=5_000,
        bytes_per_hour=1.0,
        bytes_per_hour_interval=(0.5, 1.5),
        process_id=None,
        process="",
        thread_id=thread,
        driver=driver,
        stack=-1,
        path=(),
        evidence=(),
        doubts=(),
        advice="",
    )


def outcome(truth: Truth, *findings: Finding, spoiling: Spoiling = Spoiling.NONE) -> Outcome:
    return judge(findings, truth, spoiling).outcome


def result(judgement: Judgement, truth: Truth) -> Result:
    return Result(Case(Writer.SCRIPTED, "growth", 1, Spoiling.NONE), judgement, truth, 1_000)


def test_the_right_verdict_on_the_right_driver_is_right_whatever_its_case_and_extension() -> None:
    assert outcome(LEAKING, finding(Verdict.MISSING_FREE, "Zabc", "NOVFLT.SYS")) is Outcome.RIGHT
    assert plain("ntkrnlpa.exe") == plain("ntoskrnl.exe") == plain("nt")


def test_a_thread_names_a_culprit_as_well_as_a_driver() -> None:
    loop = Truth((LOOP,), lossy=False)
    assert outcome(loop, finding(Verdict.PENDING_APC, "Irp ", "", thread=4330)) is Outcome.RIGHT
    assert outcome(loop, finding(Verdict.PENDING_APC, "Irp ", "", thread=4334)) is Outcome.WRONG_CULPRIT


def test_another_driver_or_another_tag_is_the_wrong_culprit() -> None:
    assert outcome(LEAKING, finding(Verdict.MISSING_FREE, "Zabc", "ntfs.sys")) is Outcome.WRONG_CULPRIT
    assert outcome(LEAKING, finding(Verdict.MISSING_FREE, "Zabd", "novflt.sys")) is Outcome.WRONG_CULPRIT


def test_another_accusation_of_the_right_culprit_is_the_wrong_verdict() -> None:
    assert outcome(LEAKING, finding(Verdict.GROWTH, "Zabc", "novflt")) is Outcome.WRONG_VERDICT


@pytest.mark.parametrize("spoiling", [Spoiling.NO_STACKS, Spoiling.NO_SWITCHES, Spoiling.NO_REQUESTS])
def test_without_a_kind_of_evidence_a_weaker_accusation_is_right_and_a_stronger_one_is_not(spoiling: Spoiling) -> None:
    weaker = finding(Verdict.GROWTH, "Zabc", "novflt")
    assert outcome(LEAKING, weaker, spoiling=spoiling) is Outcome.WEAKER
    stronger = finding(Verdict.PENDING_APC, "Zabc", "novflt")
    assert outcome(LEAKING, stronger, spoiling=spoiling) is Outcome.WRONG_VERDICT


def test_loss_alone_excuses_no_weaker_accusation() -> None:
    weaker = finding(Verdict.GROWTH, "Zabc", "novflt")
    assert outcome(LEAKING, weaker, spoiling=Spoiling.LOST_EVENTS) is Outcome.WRONG_VERDICT


def test_a_driver_need_not_be_named_where_there_are_no_stacks_but_a_wrong_one_is_wrong() -> None:
    unnamed, wrong = (finding(Verdict.MISSING_FREE, "Zabc", driver) for driver in ("", "ntfs.sys"))
    assert outcome(LEAKING, unnamed, spoiling=Spoiling.NO_STACKS) is Outcome.RIGHT
    assert outcome(LEAKING, unnamed) is Outcome.WRONG_CULPRIT
    assert outcome(LEAKING, wrong, spoiling=Spoiling.NO_STACKS) is Outcome.WRONG_CULPRIT


def test_only_the_first_finding_counts_and_the_others_are_leaks_named_or_extras() -> None:
    first = finding(Verdict.MISSING_FREE, "Zabc", "novflt")
    other = finding(Verdict.GROWTH, "Zxyz", "ntfs.sys", confidence=0.6, rank=2)
    judgement = judge([first, other], LEAKING, Spoiling.NONE)
    assert judgement.outcome is Outcome.RIGHT
    assert (judgement.found, judgement.leaks, judgement.extras, judgement.sure_extras) == (1, 1, 1, 1)
    assert outcome(LEAKING, other, first) is not Outcome.RIGHT
    assert outcome(LEAKING) is Outcome.MISSED


def test_a_clean_trace_has_no_finding_and_a_lossy_one_no_sure_finding() -> None:
    sure, unsure = (finding(Verdict.GROWTH, "Zabc", "novflt", confidence=much) for much in (0.51, 0.5))
    assert outcome(CLEAN) is Outcome.CLEAN
    assert outcome(CLEAN, unsure) is Outcome.FALSE
    assert outcome(CLEAN_LOSSY, unsure) is Outcome.DOUBTFUL
    assert outcome(CLEAN_LOSSY, unsure, sure) is Outcome.FALSE


def test_a_leak_that_the_file_hardly_shows_is_not_asked_for() -> None:
    faint = Truth((Leak(("growth",), frozenset(), frozenset(), frozenset(), 3, 300),), lossy=False)
    assert outcome(faint) is Outcome.FAINT


def test_limits_are_kept_or_missed_by_the_share_that_is_right() -> None:
    right, missed = result(Judgement(Outcome.RIGHT), LEAKING), result(Judgement(Outcome.MISSED), LEAKING)
    accuracy, *others = limits([right] * 98 + [missed] * 2)
    assert accuracy.kept
    assert all(limit.kept for limit in others)
    assert not limits([right] * 97 + [missed] * 3)[0].kept


@pytest.mark.parametrize(
    ("judgement", "truth", "missed"),
    [
        (Judgement(Outcome.FALSE), CLEAN, 1),
        (Judgement(Outcome.FALSE), CLEAN_LOSSY, 2),
        (Judgement(Outcome.RIGHT, sure_extras=1), Truth((LEAK,), lossy=True), 2),
        (Judgement(Outcome.BROKEN), CLEAN, 3),
    ],
)
def test_each_way_of_being_wrong_misses_its_own_limit(judgement: Judgement, truth: Truth, missed: int) -> None:
    one = result(judgement, truth)
    assert [place for place, limit in enumerate(limits([one])) if not limit.kept] == [missed]
    assert failures([one]) == [one]


def test_the_report_counts_every_outcome_and_says_how_to_play_a_failure_again() -> None:
    right = result(Judgement(Outcome.RIGHT, found=1, leaks=1), LEAKING)
    missed = result(Judgement(Outcome.MISSED, says="no finding"), LEAKING)
    shown = text([right, right, missed])
    assert "MISSED  leaking: verdict and culprit right: 2 of 3 (66.7%)" in shown
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
    corpus = cases(list(Writer), (), (), 1, 420)
    assert len(corpus) == len(set(corpus)) == 420
    assert {(case.writer, case.kind) for case in corpus} == {
        (writer, kind) for writer in Writer for kind in writer.kinds
    }
    assert {case.spoiling for case in corpus} == set(Spoiling)
