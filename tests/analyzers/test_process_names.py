"""Names in a code page that nobody knows, names that were cut, and the Unicode sources that tell them whole."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.process_names import fits, program_of, shown
from analyzers.processes import Processes
from tests.analyzers.event_tables import event_table
from tracer.columns import BlobColumn, Column
from tracer.events import image, process

pytestmark = pytest.mark.unjitted

CHINESE, CUT = "\u4e2d\u6587.exe", b"MpDefenderCoreS"
GBK = CHINESE.encode("gbk")


def column(*values: bytes) -> BlobColumn:
    lengths = np.array([len(value) for value in values], np.int64)
    return BlobColumn(np.frombuffer(b"".join(values), np.uint8), np.cumsum(lengths) - lengths, lengths)


def named(*rows: tuple[int, bytes, str], event: int = process.RUNDOWN_START) -> Processes:
    """Processes of (id, name as logged, command line)."""
    found = Processes()
    ids = np.array([pid for pid, _, _ in rows], np.uint32)
    fields: dict[str, Column] = {
        "process": ids,
        "parent": ids,
        "image_name": column(*(raw for _, raw, _ in rows)),
        "command_line": column(*(line.encode("utf-16-le") for _, _, line in rows)),
    }
    found.feed(event_table("process", event, fields, time=[100] * len(rows)))
    return found


def images(found: Processes, *rows: tuple[int, str], time: int = 200) -> None:
    """Images of (process, path)."""
    fields: dict[str, Column] = {
        "process": np.array([pid for pid, _ in rows], np.uint32),
        "file_name": column(*(path.encode("utf-16-le") for _, path in rows)),
    }
    found.feed_images(event_table("image", image.LOAD, fields, time=[time] * len(rows)))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (r'"C:\Program Files\Some Tool\tool.exe" -x "a b.exe"', "tool.exe"),
        (r"C:\Program Files\Some Tool\tool.EXE -x b.exe", "tool.EXE"),
        (r"\SystemRoot\System32\smss.exe", "smss.exe"),
        ("clipboardcleaner now", "clipboardcleaner"),
        ('"unfinished.exe', "unfinished.exe"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_a_command_line_begins_with_the_program(line: str, name: str) -> None:
    assert program_of(line) == name


def test_what_is_not_ascii_is_shown_as_bytes_whatever_the_code_page() -> None:
    found = named((8, GBK, ""), (12, "na\xefve.exe".encode("cp1252"), ""))
    assert (found.name(8), found.name(12)) == (r"\xd6\xd0\xce\xc4.exe", r"na\xefve.exe")


def test_a_command_line_tells_a_name_in_unicode() -> None:
    found = named((8, GBK, f'"C:\\tools\\{CHINESE}" /run'), (12, b"na\xefve.exe", "C:\\na\xefve.exe"))
    assert (found.name(8), found.name(12)) == (CHINESE, "na\xefve.exe")


@pytest.mark.parametrize("line", ["other.exe", "\u4e2d\u6587.com", "x\u4e2d\u6587", "cmd /c \u4e2d\u6587.exe"])
def test_a_command_line_that_contradicts_the_logged_name_is_not_believed(line: str) -> None:
    assert named((8, GBK, line)).name(8) == r"\xd6\xd0\xce\xc4.exe"


def test_an_image_of_the_process_tells_its_name_where_the_command_line_does_not() -> None:
    found = named((8, GBK, ""), (12, CUT, ""))
    images(found, (8, r"C:\x\helper.dll"), (12, rf"C:\other\{CHINESE}"), (8, rf"\Device\HarddiskVolume2\{CHINESE}"))
    images(found, (12, r"C:\x\MpDefenderCoreService.exe"), (8, r"C:\x\later.exe"))
    assert (found.name(8), found.name(12)) == (CHINESE, "MpDefenderCoreService.exe")


def test_a_name_that_may_have_been_cut_is_marked_and_completed_where_that_is_told() -> None:
    found = named((8, CUT, ""), (12, CUT, r"C:\x\MpDefenderCoreService.exe"), (16, b"SearchProtocol", ""))
    assert [found.name(pid) for pid in (8, 12, 16)] == [
        "MpDefenderCoreS\u2026", "MpDefenderCoreService.exe", "SearchProtocol\u2026",
    ]  # fmt: skip
    assert found.at(8, 150).name == "MpDefenderCoreS\u2026"


@pytest.mark.parametrize(
    "raw", [b"fontdrvhost.exe", b"Calculator.exe", b"MemCompression", b"Registry", b"thirteen_long"]
)
def test_a_name_that_was_not_cut_is_not_marked(raw: bytes) -> None:
    assert named((8, raw, "")).name(8) == raw.decode()


def test_where_longer_names_are_in_the_trace_none_was_cut() -> None:
    found = named((8, b"FifteenOrMoreIt", ""), (12, b"SearchProtocolHost.exe", ""))
    assert found.name(8) == "FifteenOrMoreIt"


def test_an_empty_name_stays_empty_where_nothing_tells_it() -> None:
    found = named((8, b"", ""), (12, b"", r"C:\x\tool.exe -a"), (16, b"", "svchost"))
    assert [found.name(pid) for pid in (8, 12, 16)] == ["", "tool.exe", ""]


def test_a_whole_name_is_never_another_source_s() -> None:
    found = named((8, b"server.exe", r"C:\x\argv0-says-so.exe"))
    images(found, (8, r"C:\x\loaded.exe"))
    assert found.name(8) == "server.exe"


def test_an_id_used_again_takes_the_names_of_its_own_time() -> None:
    found = named((8, GBK, ""))
    ended: dict[str, Column] = {
        "process": np.array([8], np.uint32),
        "parent": np.array([4], np.uint32),
        "image_name": column(GBK),
    }
    found.feed(event_table("process", process.END, ended, time=[300]))
    started = ended | {"image_name": column(CUT)}
    found.feed(event_table("process", process.START, started, time=[400]))
    images(found, (8, r"C:\x\MpDefenderCoreService.exe"), time=500)
    assert [found.at(8, time).name for time in (200, 450)] == [r"\xd6\xd0\xce\xc4.exe", "MpDefenderCoreService.exe"]


def test_a_name_with_a_byte_cut_in_half_fits_by_its_beginning_only() -> None:
    raw = "Werkzeug\xfcbersicht.exe".encode("cp1252")[:15]
    assert shown(raw) == r"Werkzeug\xfcbersic" + "\u2026"
    assert fits(raw, "Werkzeug\xfcbersicht.exe")
    assert not fits(raw, "Werk\xfcbersicht.exe")
