"""The report as a PDF, read back by pypdf: it says what the page says, and nothing of who made it and where."""

from __future__ import annotations

import getpass
import json
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from tests.tui.stories import HOSTILE
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.exports.drawings import Drawing
from tui.exports.html_report import html_report
from tui.exports.pdf_report import pdf_report
from tui.exports.report_blocks import report_blocks
from tui.reading.trace import read_snapshot
from tui.safe_text import safe


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return read_snapshot(DEMO_TRACE, TagNames.load(), quiet=True)


def _read(snapshot: Snapshot) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(b"".join(pdf_report(snapshot))))


def _text(snapshot: Snapshot) -> str:
    return _packed("".join(page.extract_text() for page in _read(snapshot).pages))


def _packed(text: str) -> str:
    """Without spaces: where a line ends is the PDF's own choice."""
    return "".join(text.replace("→", "->").split())


def test_it_has_the_totals_of_the_document(demo: Snapshot, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(DEMO_TRACE), "--json", "-q"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    text = _text(demo)
    assert _packed(f"{document['pool']['outstanding_count']} allocations") in text
    assert f"({document['pool']['outstanding_bytes']:,}bytes)" in text
    for finding in document["findings"]:
        assert f"({finding['bytes']:,}bytes)" in text
        for words in (finding["says"], finding["advice"], *(each["says"] for each in finding["evidence"])):
            assert _packed(words) in text


class _Words(HTMLParser):
    """The words of a page, but for its script, its style and what only searching needs."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as its base has it
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style", "title", "button", "noscript") and data.strip():
            self.words.append(data)


@pytest.mark.parametrize("name", ["demo", "holding_snapshot"])
def test_it_says_all_that_the_page_says(name: str, request: pytest.FixtureRequest) -> None:
    snapshot: Snapshot = request.getfixturevalue(name)
    page, text = _Words(), _text(snapshot)
    page.feed(b"".join(html_report(snapshot)).decode())
    assert len(page.words) > 50
    assert [words for words in page.words if _packed(words) not in text] == []


def test_a_drawing_of_what_holds_it_has_its_words(demo: Snapshot) -> None:
    [graph] = [each for each in report_blocks(demo) if isinstance(each, Drawing) and each.name == "graph"]
    text = _text(demo)
    assert len(graph.labels) > 8
    assert all(_packed(label.words) in text for label in graph.labels)


def test_the_flame_graph_names_its_widest_frames(demo: Snapshot) -> None:
    text = _text(demo)
    assert "Irp(nonpaged)" in text
    assert "ntoskrnl.exe+0xc50796" in text


def test_two_of_one_trace_are_the_same_bytes_and_name_nobody(demo: Snapshot) -> None:
    demo = replace(demo, info=replace(demo.info, path="/srv/erika/host7/leak.etl"))
    whole = b"".join(pdf_report(demo))
    assert whole == b"".join(pdf_report(demo))
    told = pypdf.PdfReader(BytesIO(whole)).metadata
    assert told is not None
    assert told.creation_date is not None
    assert f"{told.creation_date:%Y-%m-%dT%H:%M:%S}" == "2024-09-05T08:53:20"  # the trace's start
    assert (told.title, told.author, told.subject, told.creator) == ("Poolscope: leak.etl", "", "", "Poolscope")
    values = " ".join(map(str, told.values()))
    assert [name for name in (getpass.getuser(), socket.gethostname(), "erika") if name in values] == []


def test_parts_stand_in_the_outline(demo: Snapshot) -> None:
    outline: Any = _read(demo).outline
    first, below = outline
    assert first["/Title"].startswith("1 leak in ")
    assert [each["/Title"][:11] for each in below] == ["1. 400 fini", "Outstanding", "Outstanding", "Tags"]


def test_hostile_names_are_text(hostile_snapshot: Snapshot) -> None:
    reader: Any = _read(hostile_snapshot)
    text = _packed("".join(page.extract_text() for page in reader.pages))
    assert _packed(safe(HOSTILE)) in text or _packed(safe(HOSTILE).encode("ascii", "backslashreplace").decode()) in text
    assert not any("/Annots" in page for page in reader.pages)
    assert not {"/OpenAction", "/AA", "/Names"} & set(reader.trailer["/Root"].keys())


def test_markup_in_a_name_is_text(demo: Snapshot) -> None:
    markup = "<b>bold</b><a href='http://x'>&amp;<img src='/etc/passwd'/><br/>"
    reader = _read(replace(demo, info=replace(demo.info, path=markup)))
    assert _packed(markup) in _packed(reader.pages[0].extract_text())
    assert not any("/Annots" in page for page in reader.pages)


def test_letters_that_the_font_lacks_are_escaped(demo: Snapshot) -> None:
    text = _text(replace(demo, info=replace(demo.info, path="Grüße 名前 \U0001f600.etl")))
    assert "Grüße\\u540d\\u524d\\U0001f600.etl" in text


def test_a_name_longer_than_a_page_is_set_as_far_as_anything_is_said(demo: Snapshot) -> None:
    finding = demo.diagnosis.findings[0]
    path = tuple(replace(node, label="node" * 1_000) for node in finding.path)
    found = (replace(finding, path=path, process="zqzq" * 2_000),)
    made = replace(demo, diagnosis=replace(demo.diagnosis, findings=found), context=None)
    text = _text(made)
    assert 1_000 - 10 < text.count("zqzq") < 2_000 - 10  # a page may end inside of one
    assert "letters)" in text
    assert text.count("node") > (1_000 - 150) * len(path)  # a line may end inside of one


def test_a_cell_is_cut_at_what_a_file_may_be_called(demo: Snapshot) -> None:
    tags = replace(demo.pool.tags, driver=("x" * 20_000,) * len(demo.pool.tags.driver))
    text = _text(replace(demo, pool=replace(demo.pool, tags=tags)))
    assert text.count("x" * 255 + "...(20,000letters)") == len(tags.driver)


def test_a_million_allocations_stay_small(big_snapshot: Callable[[int], Snapshot]) -> None:
    assert len(b"".join(pdf_report(big_snapshot(1_000_000)))) < 500_000


def test_without_reportlab_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "reportlab", None)
    path = tmp_path / "r.pdf"
    assert main(["report", str(DEMO_TRACE), "--to", str(path), "-q"]) == ExitCode.MACHINE
    said = capsys.readouterr().err
    assert "reportlab is not installed" in said
    assert "python -m pip install 'poolscope[pdf]'" in said
    assert not path.exists()
