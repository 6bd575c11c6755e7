"""The command, from playing to the exit code, on a few small traces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.accuracy import __main__ as command
from benchmarks.accuracy import from_kernel, running
from benchmarks.accuracy.corpus import Case, Writer, cases
from benchmarks.accuracy.cost import rows
from benchmarks.accuracy.judging import Outcome
from benchmarks.accuracy.running import Result
from benchmarks.accuracy.scripted import playing
from benchmarks.accuracy.spoilings import UNTOLD, Spoiling
from tests.analyzers.against_truth import analysed
from tracer.etl.file import EtlFile


def test_clean_traces_are_counted_and_the_exit_code_says_whether_limits_are_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = command.main(["--only", "threads-that-exit", "--traces", "1", "--processes", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["traces"] == 1
    assert [limit["name"] for limit in found["limits"]][-4] == "analysis failed"
    assert code == int(any(limit["kept"] is False for limit in found["limits"]))


def test_the_parts_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[Case] = []

    def no_results(chosen: Sequence[Case], _processes: int) -> Iterator[Result]:
        played.extend(chosen)
        return iter(())

    monkeypatch.setattr(command, "judged", no_results)
    for part in ("1/3", "2/3", "3/3"):
        command.main(["--traces", "20", "--part", part])
    assert sorted(map(str, played)) == sorted(map(str, cases(list(Writer), (), (), 1, 20)))


@pytest.mark.parametrize("part", ["0/3", "4/3", "2", "a/b"])
def test_a_part_that_there_is_not_is_refused(part: str) -> None:
    with pytest.raises(SystemExit):
        command.main(["--part", part])


def test_an_error_of_the_analysis_is_an_outcome_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_files: Sequence[bytes], _names: Sequence[object]) -> tuple[()]:
        raise IndexError("past the end")

    monkeypatch.setattr(running, "_diagnosis", broken)
    result = running.judge_case(Case(Writer.SCRIPTED, "growth", 1, Spoiling.NONE))
    assert result.judgement.outcome is Outcome.BROKEN
    assert "IndexError at test_accuracy_command.py" in result.judgement.says


def reading(data: bytes, folder: Path) -> tuple[tuple[str, ...], bool]:
    """The file's mode, and whether it says that something was lost."""
    path = folder / "trace.etl"
    path.write_bytes(data)
    with EtlFile.open(path) as source:
        assert source.info.simulated
        source.scan()
        return source.info.mode, bool(source.loss.events_lost or source.loss.buffers_lost)


@pytest.mark.parametrize("spoiling", list(Spoiling))
def test_the_scripted_writer_plays_under_every_spoiling(spoiling: Spoiling, tmp_path: Path) -> None:
    data, truth = playing.play("error-path", 3, spoiling, events=3_000)
    mode, lost = reading(data, tmp_path)
    assert ("circular" in mode) is (spoiling is Spoiling.WRAPPED)
    assert lost is (truth.lossy and spoiling not in UNTOLD)


def test_what_a_script_leaks_is_outstanding_in_the_analysis_of_its_file(tmp_path: Path) -> None:
    data, truth = playing.play("two-leaks", 3, Spoiling.NONE, events=3_000)
    path = tmp_path / "trace.etl"
    path.write_bytes(data)
    tags = analysed(path).pool.tags
    found = {int(tag): int(count) for tag, count in zip(tags.tag, tags.outstanding_count, strict=True)}
    for leak in truth.leaks:
        assert leak.count <= sum(found[tag] for tag in leak.tags) < leak.count + 200


@pytest.mark.parametrize("spoiling", list(Spoiling))
def test_the_simulated_kernel_plays_under_every_spoiling(spoiling: Spoiling, tmp_path: Path) -> None:
    data, truth = from_kernel.play("missing-free", 3, spoiling)
    mode, lost = reading(data, tmp_path)
    assert ("circular" in mode) is (spoiling is Spoiling.WRAPPED)
    assert lost is (truth.lossy and spoiling not in UNTOLD)
    assert truth.leaks[0].verdicts == ("missing-free",)
    assert truth.lossy is (spoiling in {Spoiling.LOST_EVENTS, Spoiling.LOST_BUFFERS, Spoiling.SILENT_LOSS})


@pytest.mark.parametrize("writer", list(Writer))
def test_a_session_that_is_stopped_early_shows_the_first_part_of_the_same_leak(writer: Writer, tmp_path: Path) -> None:
    whole, cut = (Case(writer, "growth", 3, spoiling).play() for spoiling in (Spoiling.NONE, Spoiling.CUT))
    assert len(cut[0]) < len(whole[0])
    [leak], [part] = whole[1].leaks, cut[1].leaks
    assert 0 < part.count < leak.count
    assert part.tags == leak.tags
    path = tmp_path / "trace.etl"
    path.write_bytes(cut[0])
    assert not analysed(path).loss.events_lost


def test_both_writers_have_the_same_kinds_that_are_not_over_when_their_trace_ends() -> None:
    for writer in Writer:
        assert set(writer.kinds) - set(writer.ended) == set(from_kernel.UNENDED)
    data, truth = from_kernel.play("cache-fills", 3, Spoiling.NONE)
    assert truth.clean
    assert len(data) > 0x1000


def test_an_unknown_kind_is_wrong_use() -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(["--only", "nothing-such"])
    assert stopped.value.code == 2


def test_the_cost_tells_verdicts_from_what_comes_before_them() -> None:
    matching, following, verdicts = rows(2, events=1_500)
    assert matching.value is not None
    assert following.value is not None
    assert verdicts.value is not None
    assert verdicts.limit == 1.0
    assert verdicts.ratio == pytest.approx(verdicts.value / (matching.value + following.value))
    assert "every held request" in verdicts.note
