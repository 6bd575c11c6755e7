"""Ways by which a name could get out that no list of names covers, each tried."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest

from analyzers.pool_tables import Frame
from fixtures.demo import DEMO_MAP, DEMO_TRACE
from tests.analyzers.named_trace import write_named
from tests.tracer.symbols.named import DEBUG, FOLDER
from tests.tui.redaction.conftest import Run
from tests.tui.redaction.planted import RENAMED, USERS, found_in
from tests.tui.stories import HandmadeNames
from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile
from tracer.symbols.symbol import Symbol
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.exports.registry import FORMS, REPORT_FORMS, ExportForm
from tui.redaction.contents import redacted_image
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import RedactedNames
from tui.redaction.talk import talk_of

SECRETS = ("erika", "müller", "buchhaltung7", "contoso", "geheim", "10.1.2.3", "fe80", "payroll")


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in unquote(text).casefold()]


@pytest.mark.parametrize(
    "text",
    [
        r"\\BUCHHALTUNG7\share\a b\geheim.dll",
        r"\\?\UNC\BUCHHALTUNG7\geheim teil\x.etl is cut",
        r"\Device\Mup\BUCHHALTUNG7\share\geheim.dll",
        r"\Device\LanmanRedirector\;Z:000\BUCHHALTUNG7\geheim\x.sys",
        r"\??\C:\Users\erika müller\geheim 1.etl",
        r"%TEMP%\erika\geheim.etl",
        r"\SystemRoot\System32\drivers\geheim.sys",
        r"\SystemRoot\System32\drivers\afd.sys, \SystemRoot\System32\drivers\geheim.sys",
        "read /data/erika müller/geheim 1.etl: 5 bytes are damaged",
        "/Users/erika/geheim",
        "file:///C:/Users/erika/geheim.etl",
        "https://symbols.contoso.local/geheim/x.pdb",
        "smb://buchhaltung7/geheim",
        "of erika.müller@contoso.com",
        "by ERIKA@contoso.local, 12 events",
        "[fe80::1:2%12]:445 and fe80::9%Ethernet",
        "::ffff:10.1.2.3",
        "from 10.1.2.3:445",
        r"d:\src\geheim\secretbuild.pdb",
        r"C:/src/erika/geheim.c",
    ],
)
def test_what_looks_like_a_name_is_replaced_though_nobody_has_told_it(text: str) -> None:
    assert secrets_in(Redaction().text(text)) == []


def test_the_name_in_an_address_of_mail_does_not_leave_its_domain_behind() -> None:
    redaction = Redaction()
    redaction.know_images([("x.exe", r"C:\Users\erika.müller\x.exe")])
    assert secrets_in(redaction.text("erika.müller@contoso.com and erika.müller")) == []


@pytest.mark.parametrize(
    "path",
    [
        r"\\BUCHHALTUNG7\share\x.dll",
        r"\\?\UNC\BUCHHALTUNG7\share\x.dll",
        r"\??\UNC\BUCHHALTUNG7\share\x.dll",
        r"\Device\Mup\BUCHHALTUNG7\share\x.dll",
        r"\Device\Mup\;LanmanRedirector\;Z:0000000000012345\BUCHHALTUNG7\share\x.dll",
        r"\Device\LanmanRedirector\BUCHHALTUNG7\share\x.dll",
    ],
)
def test_a_computer_is_known_by_every_form_of_its_shares(path: str) -> None:
    redaction = Redaction()
    redaction.know_images([("x.dll", path)])
    assert redaction.text("seen on BUCHHALTUNG7") == "seen on host-1"


@pytest.mark.parametrize("folder", [r"C:\Users", r"\Device\HarddiskVolume3\Documents and Settings"])
def test_a_user_is_known_by_the_folder_of_a_program(folder: str) -> None:
    redaction = Redaction()
    redaction.know_images([("x.exe", rf"{folder}\erika\x.exe")])
    assert redaction.text("of erika") == "of user-1"


def test_a_name_that_is_learnt_after_the_snapshot_is_a_stand_in() -> None:
    late = Frame(0xFFFFF80000000010, "geheim.sys", 16, Symbol("GeheimSend", 0))
    names = RedactedNames(HandmadeNames({4: "payroll.exe", 8: "payroll two"}, {1: (late,)}), Redaction())
    said = [names.process(4), *(life.name for life in names.lives(8)), *(name for _, name in names.process_names())]
    said += [*(str(frame) for frame in names.frames(1)), *(text for pair in names.images() for text in pair)]
    assert secrets_in("\n".join(said)) == []
    assert "geheim" not in repr(names)


def test_a_pdb_of_windows_loses_its_folder_and_somebodys_its_name() -> None:
    def pdb(image: str, name: str) -> str:
        file = ImageFile(image, 4096, 1, DebugFile(uuid.UUID(int=1), 1, name))
        made = redacted_image(file, Redaction()).debug
        assert made is not None
        return made.name

    assert pdb("ntoskrnl.exe", "ntkrnlmp.pdb") == "ntkrnlmp.pdb"
    assert pdb("ntdll.dll", r"d:\geheim\wntdll.pdb") == "wntdll.pdb"
    assert pdb("afd.sys", r"c:\geheim\geheim.pdb") == "afd.pdb"
    assert pdb("geheim.sys", r"c:\geheim\geheim.pdb") == "driver-1.pdb"


FILTERS = [("--function", "CtSecret1"), ("--function", "*!CtSecret*")]


@pytest.mark.parametrize("words", FILTERS)
@pytest.mark.parametrize("form", ["--json", "--full"])
def test_a_filter_by_function_selects_the_same_and_is_told_without_it(
    run: Run, traces: tuple[str, str], words: tuple[str, ...], form: str
) -> None:
    plain, told = (run("analyze", traces[1], form, *words, *more) for more in ((), ("--redact",)))
    assert found_in(told) == []
    if form == "--json":
        fits = [json.loads(each)["pool"]["by_tag"] for each in (plain, told)]
        assert [row["tag"] for row in fits[0]] == [row["tag"] for row in fits[1]] != []


def test_an_error_on_stderr_names_neither_path_nor_filter(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    there = tmp_path / "erika.müller" / "geheim 1.etl"
    there.parent.mkdir()
    there.write_bytes(b"no trace at all")
    for words in (
        ["analyze", str(there)],
        ["info", str(tmp_path / "geheim*.etl")],
        ["analyze", str(DEMO_TRACE), "--driver", "geheim", "--process=payroll"],
        ["export", str(DEMO_TRACE), "--to", str(tmp_path / "erika" / "x.csv")],
        ["tui", str(there), "--screenshot", str(tmp_path / "geheim.svg")],
        ["report", str(DEMO_TRACE), "--to", str(tmp_path / "erika.docx")],
        ["record", str(there), "--for", "1s"],
        ["analyze", str(there), "--pooltag", str(tmp_path / "geheim.txt"), "--explian"],
    ):
        assert main([*words, "--redact"]) != ExitCode.DONE
        said = capsys.readouterr()
        assert said.err.startswith("poolscope")
        assert secrets_in(said.err + said.out) == [], words


def test_talk_keeps_words_that_are_no_names() -> None:
    say = talk_of(["analyze", "geheim 1.etl", "--tag", "Thre", "--view", "tags", "--driver=erika"], Redaction())
    assert say("Thre is in tags, erika not, of geheim 1.etl") == "Thre is in tags, path-1 not, of trace-1.etl"


def test_talk_loses_names_behind_colours_and_of_files_that_nobody_typed() -> None:
    say = talk_of(["analyze", "geheim 1.etl"], Redaction())
    assert say("\r\x1b[2K\x1b[1;31mgeheim 1.etl\x1b[0m 5 %") == "\r\x1b[2K\x1b[1;31mtrace-1.etl\x1b[0m 5 %"
    assert say("note: erika_002.etl lies beside trace-1.etl") == "note: trace-2.etl lies beside trace-1.etl"


def test_files_that_a_pattern_stands_for_are_not_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("geheim 1.etl", "geheim 2.etl"):
        (tmp_path / name).write_bytes(b"no trace at all")
    assert main(["info", str(tmp_path / "*.etl"), "--redact", "--json"]) != ExitCode.DONE
    said = capsys.readouterr()
    assert "where  trace-" in said.err
    assert secrets_in(said.err + said.out) == []


def test_notes_and_progress_name_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tags = tmp_path / "erika" / "geheim.txt"
    tags.parent.mkdir()
    tags.write_text("Ctxa - contoso.sys - geheim\n", encoding="utf-8")
    picture = tmp_path / "geheim.svg"
    words = ["--pooltag", str(tags), "--screenshot", str(picture), "--symbols", str(tmp_path / "erika2")]
    assert main(["tui", str(DEMO_TRACE), *words, "--redact"]) == ExitCode.DONE
    said = capsys.readouterr().err
    assert "wrote" in said
    assert secrets_in(said) == []


@pytest.mark.parametrize("form", [*FORMS, *REPORT_FORMS], ids=lambda form: form.name)
def test_no_metadata_of_a_file_tells_any(run: Run, traces: tuple[str, str], tmp_path: Path, form: ExportForm) -> None:
    """URIs with per cent signs, titles, and what a form says of itself besides its rows."""
    path = tmp_path / "out"
    command = "report" if form in REPORT_FORMS else "export"
    run(command, traces[1], "--to", str(path), "--format", form.name, "--redact")
    data = path.read_bytes()
    if form.name == "parquet":
        about = pq.read_metadata(path).metadata or {}
        data += b"\n".join(part for pair in about.items() for part in pair)
    assert found_in(unquote(data.decode("utf-8", "replace"))) == []
    for name in (USERS[0], RENAMED["server.exe"]):
        assert name.encode("utf-16-le") not in data


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    monkeypatch.setattr("tracer.symbols.defaults.user_cache_path", lambda *_, **__: tmp_path / "own")
    return write_named(tmp_path / "geheim.etl")


def entries(text: str) -> int:
    """Lines that begin something: where a name wraps the lines beneath is its length's matter."""
    return sum(not line.startswith(" " * 12) for line in text.splitlines())


@pytest.mark.parametrize("more", [(), ("--json",), ("--ln",)])
def test_what_symbols_are_needed_is_told_without_names(
    named: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    def said(*words: str) -> str:
        assert main(["symbols", str(named), *more, *words]) == ExitCode.DONE
        return capsys.readouterr().out

    plain, told = said("--symbols", str(FOLDER)), said("--symbols", str(FOLDER), "--redact")
    stem = DEBUG.name.rpartition(".")[0]
    assert more == ("--ln",) or stem.casefold() in plain.casefold()
    assert stem.casefold() not in told.casefold()
    assert str(DEBUG.guid) not in told
    assert str(FOLDER) not in told
    assert entries(told) == entries(plain)


def test_a_manifest_of_stand_ins_is_refused(named: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["symbols", str(named), "--manifest", str(tmp_path / "m.txt"), "--redact"]) == ExitCode.USAGE
    assert "no symbol server knows a stand-in" in capsys.readouterr().err


def test_a_map_of_names_is_not_named(run: Run, traces: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "erika.müller.map"
    path.write_bytes(DEMO_MAP.read_bytes())
    assert found_in(run("analyze", traces[0], "--full", "--map", str(path), "--redact")) == []
