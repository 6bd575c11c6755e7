"""Names of functions on the command line: in reports, documents and lists of PDB files, and where none are."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analyzers.symbolization import ImageNames, NamesFound
from analyzers.tags import TagNames
from tests.analyzers.named_trace import NAMED, write_named
from tests.tracer.symbols.loopback import gives, serving
from tests.tracer.symbols.named import DEBUG, FILE, FOLDER, PDB
from tracer.symbols import reader
from tracer.symbols.map_file import MapFile
from tracer.symbols.path import parse_symbol_path
from tracer.symbols.symbol import Source
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.findings.markdown import finding_markdown
from tui.reading.progress import FileMeter
from tui.reading.symbols import NameSource
from tui.reading.trace import read_snapshot
from tui.report.names import names_lines, short_lines

Run = Callable[..., tuple[str, str]]
KEY = "E307D01E69477B674C4C44205044422E1"


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the store nor the path of whoever runs the tests."""
    for name in ("_NT_SYMBOL_PATH", "_NT_ALT_SYMBOL_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tracer.symbols.defaults.user_cache_path", lambda *_, **__: tmp_path / "own")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_named(tmp_path / "named.etl")


@pytest.fixture
def needs_reader() -> None:
    if sys.platform == "win32":
        pytest.skip("tests/windows reads PDB files by dbghelp")
    pytest.importorskip("symbolic")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def told(command: str, *words: object, code: ExitCode = ExitCode.DONE) -> tuple[str, str]:
        assert main([command, *map(str, words)]) == code
        return capsys.readouterr()

    return told


def document(run: Run, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json", "--quiet")[0])
    return found


@pytest.mark.usefixtures("needs_reader")
def test_an_explanation_names_functions_and_lines_and_says_where_from(trace: Path, run: Run) -> None:
    out, _ = run("analyze", trace, "--symbols", FOLDER, "--explain", 1, "--quiet")
    lines = [line.strip() for line in out.splitlines()]
    at = lines.index("Allocated at")
    sources = ["contosodev.c:20", "contosodev.c:29", "contosodev.c:38"]
    assert lines[at + 2 : at + 5] == [f"{name}  {source}" for name, source in zip(NAMED, sources, strict=True)]
    assert "contosodev.sys: 3 of 3 named by its PDB," in out
    assert "contosodev!CtDispatch+0x14 is in the stacks of all 60 kept blocks" in out


@pytest.mark.usefixtures("needs_reader")
def test_a_document_has_names_lines_and_how_many_frames_are_named(trace: Path, run: Run) -> None:
    found = document(run, "analyze", trace, "--symbols", FOLDER)
    frame = found["findings"][0]["stack"][1]
    assert (frame["symbol"], frame["displacement"], frame["named_by"]) == ("CtAllocateContext", 0x15, "pdb")
    assert frame["source"] == {"file": r"C:\contoso\contosodev.c", "line": 20}
    assert frame["inlined"] == []
    assert found["findings"][0]["stack"][0]["symbol"] is None
    assert found["findings"][0]["separates"]["frame"]["symbol"] == "CtDispatch"
    assert found["evidence"]["symbols"] == "some"


@pytest.mark.usefixtures("needs_reader")
def test_the_environment_s_path_is_taken_and_an_option_instead_of_it(
    trace: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("_NT_SYMBOL_PATH", str(FOLDER))
    assert document(run, "analyze", trace)["evidence"]["symbols"] == "some"
    assert document(run, "analyze", trace, "--symbols", tmp_path)["evidence"]["symbols"] == "none"


@pytest.mark.skipif(sys.platform == "win32", reason="there images on the machine may have names")
def test_without_any_of_it_frames_are_as_they_were_and_no_process_is_started(
    trace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.symbols.reader.subprocess.Popen", lambda *_, **__: pytest.fail("started"))
    frame = document(run, "analyze", trace)["findings"][0]["stack"][1]
    assert set(frame) == {"address", "module", "offset", "symbol"}
    assert frame["symbol"] is None
    assert "Names" not in run("analyze", trace, "--full", "--quiet")[0]


def test_without_a_reader_one_line_says_how_to_get_names(
    trace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "missing_reader", lambda: "PDB files are not read here")
    monkeypatch.setattr("tracer.symbols.resolver.missing_reader", lambda: "PDB files are not read here")
    out, _ = run("analyze", trace, "--symbols", FOLDER, "--quiet")
    assert out.count("No function is named: PDB files are not read here.") == 1


def test_a_map_names_what_no_pdb_does_and_is_said_to_have_no_identity(trace: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "names.map"
    path.write_text("ntoskrnl.exe 5000 ExAllocatePool2\ncontosodev.sys 1050 CtAllocateContext\n")
    out, _ = run("analyze", trace, "--map", path, "--explain", 1, "--all-frames", "--quiet")
    assert "     nt!ExAllocatePool2+0x10\n     contosodev!CtAllocateContext+0x15\n" in out
    assert out.count("A map file has no identity") == 1


def test_a_map_that_cannot_be_read_is_an_error_with_its_line(trace: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "names.map"
    path.write_text("contosodev.sys here CtDispatch\n")
    _, err = run("analyze", trace, "--map", path, code=ExitCode.INPUT)
    assert f"{path}, line 1" in err


def test_servers_in_the_path_are_not_asked_and_said_to_be_skipped(trace: Path, run: Run, tmp_path: Path) -> None:
    with serving() as loopback:
        path = f"srv*{tmp_path / 'store'}*{loopback.url}"
        _, err = run("analyze", trace, "--symbols", path)
        assert f"{loopback.url} is skipped: the network is used only when it is asked for" in err
        assert "--symbol-server asks it" in err
        assert loopback.asked == []


@pytest.mark.usefixtures("needs_reader")
def test_what_was_fetched_once_is_found_again_without_any_option(
    trace: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as loopback:
        loopback.serve(f"/contosodev.pdb/{KEY}/contosodev.pdb", gives(PDB.read_bytes()))
        found = document(run, "symbols", trace, "--symbols", f"srv*{loopback.url}", "--fetch")
        assert [module["named_by"] for module in found["modules"]] == ["none", "pdb"]
    assert (tmp_path / "own" / "symbols" / "contosodev.pdb" / KEY / "contosodev.pdb").is_file()
    assert document(run, "analyze", trace)["evidence"]["symbols"] == "some"


def test_the_list_tells_which_pdb_belongs_to_each_image_and_why_it_is_not_there(
    trace: Path, run: Run, tmp_path: Path
) -> None:
    found = document(run, "symbols", trace, "--symbols", tmp_path)
    kernel, driver = found["modules"]
    assert (driver["name"], driver["pdb"], driver["guid"], driver["age"]) == (
        "contosodev.sys", "contosodev.pdb", str(DEBUG.guid), 1,
    )  # fmt: skip
    assert (driver["found"], driver["outstanding_bytes"]) == (None, 60 * 256)
    assert str(tmp_path) in driver["why"] or "missing" in driver["why"]
    assert (kernel["pdb"], kernel["why"]) == (
        None, "neither the trace nor a file on this machine says which PDB belongs to it",
    )  # fmt: skip
    out, _ = run("symbols", trace, "--symbols", tmp_path)
    assert f"contosodev.pdb, GUID {DEBUG.guid}, age 1" in out


def test_a_manifest_has_a_line_for_each_pdb_that_is_missing(trace: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "missing.txt"
    run("symbols", trace, "--manifest", path, "--quiet")
    assert path.read_bytes() == f"contosodev.pdb,{KEY},1\r\n".encode()
    run("symbols", trace, "--manifest", path, "--quiet", code=ExitCode.USAGE)
    run("symbols", trace, "--manifest", path, "--quiet", "--force")


@pytest.mark.usefixtures("needs_reader")
def test_a_manifest_has_nothing_that_is_there(trace: Path, run: Run, tmp_path: Path) -> None:
    run("symbols", trace, "--symbols", FOLDER, "--manifest", tmp_path / "missing.txt", "--quiet")
    assert (tmp_path / "missing.txt").read_bytes() == b""


def test_debugger_commands_name_what_has_no_name(trace: Path, run: Run) -> None:
    out, _ = run("symbols", trace, "--ln", "--quiet")
    driver = [f"ln contosodev+0x{offset}" for offset in ("102b", "1065", "1084")]
    assert out.splitlines() == ["ln nt+0x5010", "ln nt+0x7020", *driver]


@pytest.mark.usefixtures("needs_reader")
@pytest.mark.parametrize("word", ["ctdispatch", "contosodev!Ct*", "=CtProcessRequest"])
def test_a_function_selects_what_is_allocated_through_it(trace: Path, run: Run, word: str) -> None:
    out, _ = run("analyze", trace, "--symbols", FOLDER, "--function", word, "--short", "--quiet")
    assert out.startswith("LEAK 1: contosodev.sys")


@pytest.mark.usefixtures("needs_reader")
def test_a_function_that_fits_nothing_is_wrong_use_and_names_those_that_are_there(trace: Path, run: Run) -> None:
    _, err = run("analyze", trace, "--symbols", FOLDER, "--function", "CtDispatc?x", code=ExitCode.USAGE)
    assert "the trace has contosodev!CtAllocateContext, contosodev!CtProcessRequest, contosodev!CtDispatch" in err


def test_a_function_where_nothing_is_named_says_how_to_get_names(trace: Path, run: Run) -> None:
    _, err = run("analyze", trace, "--function", "CtDispatch", code=ExitCode.USAGE)
    assert "no frame of its stacks has a name" in err
    assert "--symbols PATH" in err


@pytest.mark.usefixtures("needs_reader")
def test_ctrl_c_while_names_are_looked_for_leaves_the_report_without_them(
    trace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracer.symbols.resolver.Resolver.resolve", interrupt)
    out, _ = run("analyze", trace, "--symbols", FOLDER, "--explain", 1, "--quiet", code=ExitCode.INTERRUPTED)
    assert "contosodev.sys+0x1065" in out


def test_a_folder_that_is_not_there_is_told(trace: Path, run: Run, tmp_path: Path) -> None:
    _, err = run("analyze", trace, "--symbols", tmp_path / "nowhere")
    assert f"{tmp_path / 'nowhere'} is no folder here" in err


def test_where_every_address_has_a_name_all_are_named_and_the_map_s_images_stand_on_one_line(
    trace: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "names.map"
    path.write_text("ntoskrnl.exe 5000 CmpAllocate\ncontosodev 1000 CtProcessRequest\n")
    out, _ = run("analyze", trace, "--map", path, "--full", "--quiet")
    assert "ntoskrnl.exe, contosodev.sys: 5 of 5 named by the map file" in " ".join(out.split())
    assert document(run, "analyze", trace, "--map", path)["evidence"]["symbols"] == "all"


def test_names_by_exports_are_said_to_be_the_nearest_ones_once() -> None:
    exports = ImageNames(FILE, "", 2, 2, (), Source.EXPORTS, r"C:\a.sys", (), is_known=True)
    lines = [line.plain for line in names_lines(NamesFound((exports, exports)))]
    assert r"  contosodev.sys: 2 of 2 named by the nearest export in C:\a.sys" in lines
    assert [line for line in lines if "may well be in another function" in line] == [lines[-1]]
    assert [line.plain for line in short_lines(NamesFound((exports, exports)))] == [lines[-1]]


@pytest.mark.usefixtures("needs_reader")
def test_markdown_has_names_and_what_is_to_be_thought_of_them(trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "names.map"
    path.write_text("ntoskrnl.exe 5000 CmpAllocate")
    source = NameSource(
        parse_symbol_path(str(FOLDER), tmp_path),
        MapFile(path),
        lambda _: None,
        FileMeter(quiet=True),
        is_thorough=False,
    )
    with closing(source):
        snapshot = read_snapshot(trace, TagNames(()), quiet=True, symbols=source.symbols())
    text = finding_markdown(snapshot.diagnosis.findings[0], snapshot)
    assert "nt!CmpAllocate+0x10\ncontosodev!CtAllocateContext+0x15  contosodev.c:20\n" in text
    assert text.count("A map file has no identity") == 1
