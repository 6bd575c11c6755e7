from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from analyzers.fleet.answer import answer
from analyzers.fleet.rows import FROM_TRACE, FindingRow, TraceRow
from benchmarks.fleet.cluster import dask_cluster
from fixtures.fleet import DRIVER
from tests.repository.files import ROOT
from tests.tui.fleet.fleets import LEAKS, make_fleet, plain_loop
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.fleet import engine, isolated
from tui.fleet.journal import NAME, Line
from tui.json_documents.fleet import fleet_document
from tui.json_documents.writing import document_text

pytestmark = pytest.mark.slow

_MANY = 20


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fleet(tmp_path_factory.mktemp("fleet"), _MANY)


@pytest.fixture(scope="module")
def plain(fleet: Path) -> tuple[list[TraceRow], list[FindingRow]]:
    return plain_loop(fleet)


def _run(*words: object) -> int:
    return main(["fleet", *map(str, words), "-q"])


def _document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _lines(out: Path) -> list[Line]:
    return [Line.read(json.loads(line)) for line in (out / NAME).read_bytes().splitlines()[1:]]


def _rows(out: Path) -> tuple[list[TraceRow], list[FindingRow]]:
    """Of the journal, in the order of their paths; fails where a trace is told twice."""
    lines = sorted((each for each in _lines(out) if each.trace is not None), key=lambda each: each.place)
    assert len({each.hash for each in lines}) == len(lines)
    return [each.trace for each in lines if each.trace], [one for each in lines for one in each.findings]


def test_the_answer_is_that_of_a_plain_loop(
    fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(fleet, "--out", tmp_path, "--workers", 2, "--json") == ExitCode.DONE
    told = capsys.readouterr().out
    assert _rows(tmp_path) == plain
    assert told == document_text(fleet_document(answer(*plain), partial=False)) + "\n"
    [signature] = json.loads(told)["signatures"]
    assert (signature["driver"], signature["machines"]) == (DRIVER, _MANY // 2)
    assert signature["separates"]["with"] == {"leaking": _MANY // 2, "machines": _MANY // 2}
    assert signature["separates"]["without"] == {"leaking": 0, "machines": _MANY // 2}
    assert all(each.machine_from == FROM_TRACE for each in plain[0])


def test_two_runs_write_the_same_tables_and_page(fleet: Path, tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        assert _run(fleet / "a", "--out", tmp_path / name, "--workers", workers) == ExitCode.DONE
    files = ["drivers.parquet", "findings.parquet", "report.html", "traces.parquet"]
    assert sorted(each.name for each in (tmp_path / "one").iterdir() if each.name != NAME) == files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_trace_that_kills_fills_or_hangs_is_a_row_and_the_others_are_told(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(isolated, "_PROGRAM", "tests.tui.fleet.strange_child")
    monkeypatch.chdir(ROOT)
    folder = shutil.copytree(fleet / "a", tmp_path / "traces")
    one = folder / "trace-001.etl"
    for name in ("kills", "fills", "hangs"):
        (folder / f"{name}.etl").write_bytes(
            one.read_bytes().replace("PC-".encode("utf-16-le"), name[:3].encode("utf-16-le"))
        )
    (folder / "damaged.etl").write_bytes(bytes(range(256)) * 40)
    code = _run(folder, "--out", tmp_path / "out", "--workers", 2, "--memory", "1G", "--timeout", "20s", "--json")
    assert code == ExitCode.DONE
    found = _document(capsys)
    codes = {Path(each["path"]).stem: each["error"]["code"] for each in found["failed"]}
    assert codes == {"kills": "worker-died", "fills": "out-of-memory", "hangs": "timeout", "damaged": "not-etl"}
    assert all(each["hash"] for each in found["failed"])
    assert found["read"] == _MANY // 2
    assert not list(Path(tempfile.gettempdir()).glob(f"poolscope-fleet-*-{os.getpid()}-*"))


def test_copies_of_a_trace_count_once(fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    for name in ("x.etl", "y.etl", "z.etl"):
        shutil.copy(fleet / "a" / "trace-001.etl", folder / name)
    assert _run(folder, "--out", tmp_path / "out", "--workers", 1, "--json") == ExitCode.DONE
    first = _document(capsys)
    assert (first["traces"], first["worst"][0]["path"]) == (1, str(folder / "x.etl"))
    shutil.copy(folder / "x.etl", folder / "w.etl")
    assert _run(folder, "--out", tmp_path / "out", "--workers", 1, "--json") == ExitCode.DONE
    assert _document(capsys)["signatures"] == first["signatures"]
    assert [each.trace for each in _lines(tmp_path / "out") if each.place.endswith("w.etl")] == [None]


def test_what_is_done_is_not_done_again_and_what_failed_only_when_asked(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(fleet / "a", tmp_path / "traces")
    (folder / "damaged.etl").write_bytes(b"no trace" * 100)
    done: list[str] = []

    def noted(client: Any, jobs: Iterator[engine.Job], *rest: Any) -> None:
        done.extend(each["place"] for each in jobs)

    out = tmp_path / "out"
    assert _run(folder, "--out", out, "--workers", 2) == ExitCode.DONE
    before = (out / NAME).read_bytes()
    monkeypatch.setattr("tui.fleet.running.run", noted)
    assert _run(folder, "--out", out) == ExitCode.DONE
    assert (done, (out / NAME).read_bytes()) == ([], before)
    assert _run(folder, "--out", out, "--retry") == ExitCode.DONE
    assert [Path(each).name for each in done] == ["damaged.etl"]


def test_a_journal_that_was_torn_goes_on_from_its_last_whole_line(
    fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]], tmp_path: Path
) -> None:
    assert _run(fleet, "--out", tmp_path, "--workers", 2) == ExitCode.DONE
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[: len(whole) * 2 // 3])
    assert _run(fleet, "--out", tmp_path, "--workers", 2) == ExitCode.DONE
    assert _rows(tmp_path) == plain


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches a process group there, and this is one of it")
def test_a_run_that_is_interrupted_or_killed_goes_on_and_tells_all_once(
    fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "poolscope", "fleet", str(fleet), "--out", str(tmp_path), "--workers", "2"]
    for number, lines in ((signal.SIGINT, 4), (signal.SIGKILL, 10)):
        run = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _wait_for_lines(tmp_path / NAME, lines, run)
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
        if number == signal.SIGINT:
            assert run.returncode == ExitCode.INTERRUPTED
            assert "the same command goes on from here" in said
            assert "Traceback" not in said
        assert len((tmp_path / NAME).read_bytes().splitlines()) < _MANY + 1
    assert _run(fleet, "--out", tmp_path, "--workers", 2) == ExitCode.DONE
    assert _rows(tmp_path) == plain


def _wait_for_lines(path: Path, lines: int, run: subprocess.Popen[str]) -> None:
    while run.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < lines):
        time.sleep(0.02)


def test_a_scheduler_with_two_workers_gives_the_same_answer_though_one_is_killed(
    fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]], tmp_path: Path
) -> None:
    with dask_cluster([(), ("--no-nanny",)], tmp_path) as cluster:
        words = [
            sys.executable,
            "-m",
            "poolscope",
            "fleet",
            str(fleet),
            "--out",
            str(tmp_path / "out"),
            "--scheduler",
            cluster.address,
        ]
        run = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _wait_for_lines(tmp_path / "out" / NAME, 5, run)
        cluster.workers[1].kill()
        out, said = run.communicate(timeout=120)
    assert (run.returncode, said.count("\n"), said.split(": ")[:2][-1][:5]) == (0, 1, "wrote")
    assert f"of {_MANY} machines" in out
    assert _rows(tmp_path / "out") == plain


def test_a_scheduler_that_dies_is_told_and_what_is_done_is_kept(
    fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "poolscope", "fleet", str(fleet), "--out", str(tmp_path / "out")]
    with dask_cluster([()], tmp_path) as cluster:
        given = [*words, "--scheduler", cluster.address, "-q"]
        run = subprocess.Popen(given, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _wait_for_lines(tmp_path / "out" / NAME, 5, run)
        cluster.scheduler.kill()
        _, said = run.communicate(timeout=120)
    assert run.returncode == ExitCode.MACHINE
    assert "the connection to the Dask cluster is lost" in said
    assert "Traceback" not in said
    kept = _rows(tmp_path / "out")[0]
    assert 4 <= len(kept) < _MANY
    assert all(each in plain[0] for each in kept)


def test_a_local_cluster_of_processes_gives_the_same_answer(
    fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]], tmp_path: Path
) -> None:
    made = (
        "import sys, distributed\n"
        "if __name__ == '__main__':\n"
        "    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        print(cluster.scheduler_address, flush=True)\n"
        "        sys.stdin.read()\n"
    )
    (tmp_path / "cluster.py").write_text(made)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "cluster.py")], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as cluster:  # fmt: skip
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        assert _run(fleet, "--out", tmp_path / "out", "--scheduler", address) == ExitCode.DONE
        cluster.communicate()
    assert _rows(tmp_path / "out") == plain


def test_where_no_scheduler_answers_that_is_told(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "_PATIENCE_SECONDS", 1)
    assert _run(fleet, "--out", tmp_path, "--scheduler", "tcp://127.0.0.1:9") == ExitCode.MACHINE
    said = capsys.readouterr().err
    assert "there is no Dask cluster" in said
    assert "tcp://127.0.0.1:9" in said


def test_the_cluster_of_this_process_listens_on_this_machine_only_and_has_no_pages() -> None:
    me = psutil.Process()
    with engine.cluster(None, workers=2, dashboard=False) as client:
        listening = [each.laddr for each in me.net_connections("inet") if each.status == psutil.CONN_LISTEN]
        assert client.scheduler.address.startswith("inproc://")
        assert {each.ip for each in listening} <= {"127.0.0.1"}
        for each in listening:
            assert _status(each.port) == b"404"


def _status(port: int) -> bytes:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=10) as asked:
        asked.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        return asked.recv(100).split()[1]


def test_no_name_of_a_trace_reaches_dasks_pages(fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    real = engine.cluster

    @contextmanager
    def watched(*words: Any, **named: Any) -> Iterator[Any]:
        with real(*words, **named) as client:
            submit = client.submit

            def noted(*given: Any, **options: Any) -> Any:
                keys.append(options["key"])
                return submit(*given, **options)

            client.submit = noted
            yield client

    monkeypatch.setattr("tui.fleet.running.cluster", watched)
    assert _run(fleet / "a", "--out", tmp_path, "--workers", 1) == ExitCode.DONE
    assert len(keys) == _MANY // 2
    assert all(key.startswith("poolscope-") and "trace" not in key for key in keys)


def test_without_pyarrow_the_extra_of_fleets_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["fleet", str(tmp_path), "--out", str(tmp_path / "out"), "-q"]) == ExitCode.MACHINE
    assert "pip install 'poolscope[fleet]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_redacted_outputs_name_nobody(fleet: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    folder = shutil.copytree(fleet / "a", tmp_path / "secretplace")
    (folder / "secretfile.etl").write_bytes(b"no trace" * 100)
    out = tmp_path / "out"
    for words in ((), ("--json",)):
        given = ["fleet", str(folder), "--out", str(out), "--workers", "1", "--redact", *words]
        assert main(given) == ExitCode.DONE
    told = capsysbinary.readouterr()
    assert b"wrote traces.parquet" in told.err
    written = told.out + told.err
    import pyarrow.parquet as pq

    for name in ("traces", "findings", "drivers"):
        written += str(pq.read_table(out / f"{name}.parquet").to_pydict()).encode()
    written += (out / "report.html").read_bytes()
    for word in (b"secretplace", b"secretfile", b"contoso", b"PC-0", str(tmp_path).encode()):
        assert word.lower() not in written.lower()
    assert b"driver-" in written
    assert b"afd.sys" in written


def test_a_fleet_of_another_run_is_not_written_over(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(fleet / "a" / "trace-001.etl", "--out", tmp_path, "--workers", 1) == ExitCode.DONE
    (tmp_path / "names.map").write_text("contosoflt.sys 0x1000 CtSomething\n")
    words = (fleet / "a" / "trace-001.etl", "--out", tmp_path, "--workers", 1, "--map", tmp_path / "names.map")
    assert _run(*words) == ExitCode.USAGE
    assert "made otherwise" in capsys.readouterr().err
    assert _run(*words, "--force", "--json") == ExitCode.DONE
    assert _document(capsys)["signatures"][0]["site"] == "contosoflt!CtSomething"


def test_a_fleet_of_which_nothing_can_be_read_is_an_input_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.etl").write_bytes(b"no trace" * 100)
    assert _run(tmp_path, "--out", tmp_path / "out", "--workers", 1) == ExitCode.INPUT


def test_strict_and_fail_on_finding_decide_the_exit_code(fleet: Path, tmp_path: Path) -> None:
    assert _run(fleet, "--out", tmp_path, "--workers", 2, "--fail-on-finding") == ExitCode.FOUND
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "a.etl").write_bytes(b"no trace" * 100)
    assert _run(fleet, folder, "--out", tmp_path, "--workers", 2, "--strict") == ExitCode.INCOMPLETE


def test_sql_answers_from_the_folder(fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(fleet, "--out", tmp_path, "--workers", 2) == ExitCode.DONE
    capsys.readouterr()
    query = (
        "select d.version, count(distinct f.machine) as leaking, count(distinct d.machine) as machines"
        " from drivers d left join findings f on f.hash = d.hash where d.driver = 'contosoflt.sys'"
        " group by all order by leaking desc"
    )
    assert main(["sql", str(tmp_path), query, "--format", "csv"]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[2] for line in lines] == ["leaking,machines", "10,10", "0,10"]
    assert main(["sql", str(tmp_path), query, "--redact"]) == ExitCode.USAGE
    said = capsys.readouterr()
    assert "the tables of a fleet are not redacted here" in said.err
    assert not said.out


def test_the_hash_is_that_of_the_files_bytes(fleet: Path, plain: tuple[list[TraceRow], list[FindingRow]]) -> None:
    data = (fleet / "a" / "trace-000.etl").read_bytes()
    assert plain[0][0].hash == hashlib.blake2b(data, digest_size=32).hexdigest()
    assert LEAKS == 2
