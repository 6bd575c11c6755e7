"""The commands on real and simulated traces, through reader and analysis."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.scenarios import SCENARIOS
from tests.conftest import SAMPLES
from tests.tui.document_shapes import ANALYSIS, INFO
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.report.recording import NO_POOL_EVENTS
from tui.report.trace import SIMULATED_NOTICE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short simulated trace with some loss, its truth beside it."""
    folder = tmp_path_factory.mktemp("simulated")
    words = ["simulate", "missing-free", str(folder / "leak.etl"), "--truth", str(folder / "leak.json")]
    assert main([*words, "--seed", "7", "--iterations", "30", "--quiet"]) == ExitCode.DONE
    return folder / "leak.etl"


def document(words: list[str], capsys: pytest.CaptureFixture[str], code: int = ExitCode.DONE) -> Any:
    assert main(words) == code
    out, _ = capsys.readouterr()
    return json.loads(out)


def test_the_demo_is_a_document_that_keeps_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(["demo", "--json"], capsys)
    assert ANALYSIS(told)
    assert told["simulated"] is True
    assert told["partial"] is False
    pool = told["pool"]
    assert pool["allocations"] == pool["matched"] + pool["replaced_without_free"] + pool["outstanding_count"]
    assert pool["by_tag"][0]["tag"] == "Irp "
    assert pool["by_process"][0]["name"] == "client.exe"


def test_the_demo_is_a_report_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--quiet", "--full"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert out.startswith(SIMULATED_NOTICE)
    assert "client.exe" in out
    assert "by way of afd.sys" in out
    assert err == ""
    tables = out[: out.index("Allocated at")]
    assert max(len(line) for line in tables.splitlines()) <= 80


def test_the_demo_names_the_looping_thread_on_its_first_screen(capsys: pytest.CaptureFixture[str]) -> None:
    (finding,) = document(["demo", "--json"], capsys)["findings"]
    assert (finding["verdict"], finding["process"]["name"]) == ("pending-apc", "client.exe")
    assert main(["demo", "--quiet"]) == ExitCode.DONE
    screen = capsys.readouterr().out.splitlines()[:24]
    assert any(line.startswith("LEAK 1: ") and f"thread {finding['thread_id']}" in line for line in screen)
    assert any(line.startswith("  next ") for line in screen)
    assert main(["demo", "--quiet", "--explain", "1"]) == ExitCode.DONE
    assert "(inferred)" in capsys.readouterr().out
    assert main(["demo", "--quiet", "--explain", "2"]) == ExitCode.USAGE


def test_the_demo_as_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "tags.svg"
    assert main(["demo", "--screenshot", str(picture), "--size", "100x30", "--press", "enter,enter"]) == ExitCode.DONE
    assert "SIMULATED" in picture.read_text(encoding="utf-8")
    assert main(["demo", "--screenshot", str(tmp_path / "none" / "tags.svg")]) == ExitCode.OUTPUT
    assert "cannot write the picture" in capsys.readouterr().err


def test_a_trace_as_a_picture(simulated: Path, tmp_path: Path) -> None:
    assert main(["tui", str(simulated), "--screenshot", str(tmp_path / "tags.svg"), "-q"]) == ExitCode.DONE
    assert (tmp_path / "tags.svg").stat().st_size > 10_000


@pytest.mark.repeats
@pytest.mark.parametrize("scenario", list(SCENARIOS)[::3])
def test_the_pool_of_a_simulated_trace_equals_the_truth(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, truth_path = tmp_path / "t.etl", tmp_path / "t.json"
    words = [scenario, str(trace), "--truth", str(truth_path), "--seed", "3", "--iterations", "20"]
    assert main(["simulate", *words, "--lost-events", "0.02"]) == ExitCode.DONE
    assert "a simulated trace of" in capsys.readouterr().err
    truth = json.loads(truth_path.read_text(encoding="utf-8"))["pool"]
    pool = document(["analyze", str(trace), "--json"], capsys)["pool"]
    totals = {key: value for key, value in truth.items() if isinstance(value, int)}
    assert totals
    assert {key: pool[key] for key in totals} == totals


def test_info_of_a_simulated_trace_accounts_for_every_byte(simulated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(["info", str(simulated), "--json"], capsys)
    assert INFO(told)
    assert told["simulated"] is True
    assert sum(told["bytes"].values()) == told["trace"]["bytes"] == simulated.stat().st_size
    assert main(["info", str(simulated)]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith(SIMULATED_NOTICE)


def test_filters_narrow_the_document(simulated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = document(["analyze", str(simulated), "--json"], capsys)["pool"]
    tag = whole["by_tag"][0]
    chosen = document(["analyze", str(simulated), "--json", "--tag", tag["tag"]], capsys)
    assert ANALYSIS(chosen)
    same = [row for row in whole["by_tag"] if row["tag"] == tag["tag"]]
    assert chosen["pool"]["by_tag"] == same
    assert chosen["filter"]["outstanding_bytes"] == sum(row["outstanding_bytes"] for row in same)


def test_a_users_list_of_tags_counts_first(simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = tmp_path / "pooltag.txt"
    tag = document(["analyze", str(simulated), "--json"], capsys)["pool"]["by_tag"][0]["tag"]
    listing.write_text(f"{tag} - mine.sys - my own words\n", encoding="utf-8")
    told = document(["analyze", str(simulated), "--json", "--pooltag", str(listing)], capsys)
    assert [told["pool"]["by_tag"][0][key] for key in ("driver", "description")] == ["mine.sys", "my own words"]
    assert main(["analyze", str(simulated), "--pooltag", str(listing)]) == ExitCode.DONE
    assert f"1 tag name taken from {listing}" in capsys.readouterr().err
    assert main(["analyze", str(simulated), "--pooltag", str(tmp_path / "none.txt")]) == ExitCode.INPUT


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.etl")) or ["(no samples)"])
def test_info_of_a_real_trace_is_what_an_independent_reader_counted(
    name: str, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads((samples / "expected.json").read_text(encoding="utf-8"))[name]
    told = document(["info", str(samples / name), "--json"], capsys)
    assert INFO(told)
    assert told["simulated"] is False
    trace, records = told["trace"], told["records"]
    assert {
        "bytes": trace["bytes"],
        "buffers": trace["buffers"],
        "compressed_buffers": trace["compressed_buffers"],
        "records_total": records["total"],
        "records_by_header": records["by_header"],
        "kernel_events": records["kernel_events"],
        "providers": records["providers"],
        "build": trace["os_build"],
        "pointer_size": trace["pointer_size"],
        "processors": trace["processors"],
        "events_lost": told["loss"]["events_lost"],
        "buffers_lost": told["loss"]["buffers_lost"],
        "qpc_frequency": trace["clock_frequency"],
    } == {key: value for key, value in expected.items() if key not in {"sha256", "session", "start"}}
    assert trace["start"].replace("T", " ").startswith(expected["start"][:-1])
    assert sum(told["bytes"].values()) == trace["bytes"]


def test_a_real_trace_without_pool_events_says_so(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(samples / "kernel-logger-win10.etl")]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert NO_POOL_EVENTS in out
    assert "xperf" in out
    assert "SIMULATED" not in out


def test_lost_events_make_strict_fail(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lossy = str(samples / "events-lost.etl")
    assert main(["info", lossy]) == ExitCode.DONE
    assert main(["info", lossy, "--strict"]) == ExitCode.INCOMPLETE
    assert main(["analyze", lossy, "--strict"]) == ExitCode.UNJUDGED  # it has no pool events either
    assert "lost 3 events" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"x", b"not a trace\n" * 100, b"PK\x03\x04" + bytes(100), bytes(4096)])
def test_what_is_no_trace_is_told_in_words(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.etl"
    path.write_bytes(content)
    for command in ("info", "analyze"):
        told = document([command, str(path), "--json"], capsys, ExitCode.INPUT)
        assert all(told["error"][key] for key in ("code", "what", "where", "why", "next")), told
    assert main(["analyze", str(tmp_path)]) == ExitCode.INPUT
    assert main(["analyze", str(tmp_path / "missing.etl")]) == ExitCode.INPUT


def test_a_trace_that_is_cut_is_read_as_far_as_it_goes(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = simulated.read_bytes()
    cut = tmp_path / "cut.etl"
    cut.write_bytes(whole[: len(whole) * 2 // 3 + 5])
    told = document(["analyze", str(cut), "--json", "--strict"], capsys, ExitCode.INCOMPLETE)
    assert told["damage"]
    assert told["pool"]["allocations"] > 0


def started(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )


@pytest.mark.parametrize("command", ["analyze", "info"])
def test_json_never_imports_textual(command: str, simulated: Path) -> None:
    words = [command, str(simulated), "--json"]
    done = started(
        f"import sys; from tui.cli import main; code = main({words!r});"
        "print('textual' in sys.modules, code, file=sys.stderr)"
    )
    assert done.stderr.splitlines()[-1] == "False 0", done.stderr
    assert json.loads(done.stdout)["schema"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
def test_ctrl_c_while_reading_gives_a_partial_document_and_130(simulated: Path) -> None:
    done = started(
        "import os, signal, sys; from tui.cli import main; from analyzers.analysis import Analysis;"
        "feed = Analysis.feed\n"
        "def fed(self, batch):\n    os.kill(os.getpid(), signal.SIGINT)\n    feed(self, batch)\n"
        f"Analysis.feed = fed\nsys.exit(main(['analyze', {str(simulated)!r}, '--json']))"
    )
    assert done.returncode == ExitCode.INTERRUPTED == 128 + signal.SIGINT
    assert json.loads(done.stdout)["partial"] is True
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pipe")
def test_a_closed_pipe_is_quiet(simulated: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "poolscope", "analyze", str(simulated), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait() == ExitCode.DONE
    assert b"Traceback" not in said
    assert b"BrokenPipe" not in said
