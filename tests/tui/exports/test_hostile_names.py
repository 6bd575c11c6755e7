"""Whatever a trace calls its parts, the reader of each output finds names where it has names, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import networkx as nx
import pyarrow.parquet as pq
import pypdf
import pytest
from markdown_it import MarkdownIt

import tui.reading.trace as reading
from analyzers.snapshot import Snapshot
from tests.tui.exports.readers import profile_of
from tests.tui.hostile import LONG, NAMES, acted_on, failing, hostile_snapshot_of, hostile_trace, is_harmless
from tests.tui.stories import winsock_story
from tui.budget.grammar import Limit, Subject, budget_text, read_budget
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.exports.registry import FORMS, REPORT_FORMS
from tui.exports.tables import TABLES, ExportTable
from tui.exports.weights import Weight
from tui.safe_text import safe, valid_unicode
from tui.tables.spreadsheet import csv_cell
from tui.views.registry import VIEWS

Run = Callable[..., str]

_FORMS = {form.name: form for form in (*FORMS, *REPORT_FORMS)}
_HARMLESS = "client.exe"
FILE_NAME = "odd\x1b]0;x\x07\u202e<b>[b]|$(x).etl"
_DRAWN = {"svg", "style", "defs", "clipPath", "rect", "g", "text", "circle"}
_LABEL = ("text", "class", "x", "y")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"-?[\d.]+(e[+-]\d+)?")


@cache
def _snapshot(name: str) -> Snapshot:
    return hostile_snapshot_of(winsock_story(), name)


def _written(form: str, name: str, *words: Any) -> str:
    return b"".join(_FORMS[form].load()(_snapshot(name), *words)).decode()


def _tables(form: str, name: str) -> Iterable[tuple[str, str]]:
    for table in TABLES:
        if table not in ("irps", "sockets"):  # of what a story has none
            yield table, b"".join(_FORMS[form].load()(TABLES[table](_snapshot(name)))).decode()


class _Structure(HTMLParser):
    """The elements of a page with the names of their attributes, and what is said in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_page_has_no_element_and_no_attribute_of_a_name() -> None:
    def without_lines(elements: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return [each for each in elements if each != _LABEL]  # a longer one takes more of them

    ours = without_lines(_Structure(_written("html", _HARMLESS)).elements)

    def holds(name: str) -> bool:
        page = _Structure(text := _written("html", name))
        return without_lines(page.elements) == ours and is_harmless(text) and safe(name) in "".join(page.words)

    assert len(ours) > 100
    assert failing(holds) == []


def test_markdown_has_no_markup_of_a_name() -> None:
    ours = _markup(_written("markdown", _HARMLESS))
    assert ("heading_open", "h2") in ours
    assert failing(lambda name: _markup(text := _written("markdown", name)) == ours and is_harmless(text)) == []


def _markup(text: str) -> list[tuple[str, str]]:
    """The markup of a document as a reader of GitHub's kind finds it."""
    tokens = MarkdownIt("gfm-like").parse(text)
    return [
        (each.type, each.tag)
        for token in tokens
        for each in (token, *(token.children or ()))
        if each.type not in {"text", "text_special", "inline"}
    ]


def test_sarif_says_a_name_as_text_that_no_viewer_takes_for_a_link_or_a_placeholder() -> None:
    def holds(name: str) -> bool:
        document = json.loads(_written("sarif", name))
        says = list(_messages(document))
        in_braces = any(re.search(r"(?<!\{)(\{\{)*\{(?!\{)", each) for each in says)
        return not acted_on("".join(_texts(document))) and not in_braces and not any("](" in each for each in says)

    assert failing(holds) == []


def _texts(value: Any) -> Iterable[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.items():
                yield from _texts(list(each))
        case list():
            for each in value:
                yield from _texts(each)


def _messages(value: Any) -> Iterable[str]:
    match value:
        case {"text": str(text)}:
            yield text
        case dict():
            for each in value.values():
                yield from _messages(each)
        case list():
            for each in value:
                yield from _messages(each)


def test_a_folded_stack_is_its_frames_and_a_number() -> None:
    ours = _depths(_HARMLESS)
    assert max(ours) > 1
    assert failing(lambda name: _depths(name) == ours) == []


def _depths(name: str) -> list[int]:
    """As flamegraph.pl splits a line: the number is what follows the last blank; two numbers are a difference."""
    lines = _written("folded", name, Weight.OUTSTANDING_BYTES).split("\n")
    found = [re.fullmatch(r"(.*\D)\s(\d+)", line) for line in lines if is_harmless(line)]
    return sorted(each[1].count(";") for each in found if each)


def test_speedscope_pprof_and_chrome_read_names_without_controls() -> None:
    def holds(name: str) -> bool:
        profile = b"".join(_FORMS["pprof"].load()(_snapshot(name), Weight.OUTSTANDING_BYTES))
        texts = [
            *profile_of(profile).string_table,
            *_texts(json.loads(_written("speedscope", name, Weight.OUTSTANDING_BYTES))),
            *_texts(json.loads(_written("chrome", name))),
        ]
        return safe(name) in "".join(texts) and not acted_on("".join(texts))

    assert failing(holds) == []


def test_a_spreadsheet_reads_each_cell_as_a_text_and_none_as_a_formula() -> None:
    def holds(name: str) -> bool:
        return all(_is_a_safe_sheet(text, TABLES[table](_snapshot(name))) for table, text in _tables("csv", name))

    assert failing(holds) == []


def _is_a_safe_sheet(text: str, table: ExportTable) -> bool:
    """``;``: as a spreadsheet parts cells where decimals have a comma."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    cells = [cell for row in rows for cell in row]
    begun = [cell for cell in (*cells, *text.split(";")[1:]) if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)]
    return (
        rows[1:] == [[str(csv_cell(cell)) for cell in row] for row in table.rows()] and is_harmless(text) and not begun
    )


def test_programs_read_the_names_that_the_trace_has() -> None:
    def holds(name: str) -> bool:
        texts = dict(_tables("ndjson", name))
        drivers = [json.loads(line)["driver"] for line in texts["sites"].split("\n")[:-1]]
        parquet = b"".join(_FORMS["parquet"].load()(TABLES["sites"](_snapshot(name))))
        drivers += pq.read_table(io.BytesIO(parquet)).column("driver").to_pylist()
        return set(drivers) == {valid_unicode(name)} and is_harmless("".join(texts.values()))

    assert failing(holds) == []


def test_a_name_of_64_kilobytes_is_written_as_others_are() -> None:
    for form in ("html", "markdown", "sarif", "chrome"):
        assert len(_written(form, LONG)) > 1 << 16
    assert _depths(LONG) == _depths(_HARMLESS)


def test_a_pdf_has_names_as_text_alone() -> None:
    for name in ("".join(NAMES), *NAMES[:4]):
        reader: Any = pypdf.PdfReader(io.BytesIO(b"".join(_FORMS["pdf"].load()(_snapshot(name)))))
        assert not any("/Annots" in page for page in reader.pages)
        assert not {"/OpenAction", "/AA", "/Names", "/AcroForm"} & set(reader.trailer["/Root"].keys())
        assert is_harmless("".join(map(str, (*reader.outline, *reader.metadata.values()))))


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated trace of such names, a map beside it, and tags of such meanings."""
    path = tmp_path_factory.mktemp("hostile") / FILE_NAME
    hostile_trace().write(path, map_path=path.with_suffix(".map"))
    shown = [name for name in NAMES if name.isprintable()]  # a list of tags may have no others
    lines = (f"{tag} - {name}.sys - {name}\n" for tag, name in zip(("MmSt", "Nnbl", "SeTl"), shown, strict=False))
    path.with_suffix(".txt").write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterable[None]:
    read: dict[str, Any] = {}
    really = reading.read_to_conclude

    def once(path: Any, *words: Any, **more: Any) -> Any:
        if str(path) not in read:
            read[str(path)] = really(path, *words, **more)
        return read[str(path)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "read_to_conclude", once)
        yield


@pytest.fixture
def run(trace: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """What a command says, of which nothing acts on a terminal."""

    def ran(command: str, *words: str, code: int = ExitCode.DONE) -> str:
        given: tuple[str, ...] = () if command == "info" else ("--map", str(trace.with_suffix(".map")))
        given += () if command in ("info", "symbols") else ("--pooltag", str(trace.with_suffix(".txt")))
        done = main([command, str(trace), *given, *words])
        out, err = capfdbinary.readouterr()
        said = out.decode(), err.decode()
        assert is_harmless("".join(said)), ascii(said)
        assert done == code, said
        return said[0]

    return ran


def test_no_report_says_anything_to_a_terminal(run: Run, trace: Path) -> None:
    for words in ((), ("--full",), ("--short",), ("--json",), ("--explain", "1"), ("--redact",)):
        assert len(run("analyze", *words)) > 100, words
    for words in ((), ("--json",), ("--images",), ("--images", "--json")):
        assert "winsock-loop" in run("info", *words)
    for words in ((), ("--json",), ("--markdown",)):
        assert run("diff", str(trace), *words)
    assert run("symbols")
    run("analyze", "--driver", "\x1b]0;nobody", code=ExitCode.USAGE)


def test_a_budget_and_its_results_hold_what_the_names_are(run: Run, tmp_path: Path) -> None:
    budget, junit = tmp_path / "budget.toml", tmp_path / "junit.xml"
    run("check", "--budget", str(budget), "--update")
    text = budget.read_text("utf-8")
    assert is_harmless(text)
    assert {"=-...", "=@`\\|"} <= tomllib.loads(text)["tag"].keys()
    limits = "\n".join(f"{json.dumps(name)} = 0" for name in NAMES if name.strip("= ") and name.isprintable())
    budget.write_text(f'[tag]\n"*" = 0\n[driver]\n"*" = 0\n[function]\n"*" = 0\n{limits}\n', encoding="utf-8")
    words = ("--budget", str(budget), "--junit", str(junit), "--sarif", str(tmp_path / "s.sarif"))
    assert "OVER BUDGET" in run("check", *words, code=ExitCode.FOUND)
    root = ET.fromstring(junit.read_bytes())
    assert {each.tag for each in root.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    assert not acted_on("".join(value for each in root.iter() for value in (*each.keys(), *each.attrib.values())))


def test_a_budget_keeps_every_word_that_its_file_can_have(tmp_path: Path) -> None:
    words = [name for name in (*NAMES, "\U0001f600") if name.strip("= ") and "\ud800" not in name]
    limits = [Limit(Subject.DRIVER, word, 1) for word in words]
    path = tmp_path / "budget.toml"
    path.write_text(budget_text(limits), encoding="utf-8", newline="")
    assert read_budget(path) == limits
    assert is_harmless(path.read_text("utf-8"))


@pytest.mark.parametrize(("suffix", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_a_graph_is_read_with_harmless_names(
    run: Run, tmp_path: Path, suffix: str, read: Callable[[Path], Any]
) -> None:
    path = tmp_path / f"a.{suffix}"
    run("export", "--to", str(path))
    graph = read(path)
    said = [str(value) for _, data in graph.nodes(data=True) for value in data.values()]
    said += [str(value) for _, _, data in graph.edges(data=True) for value in data.values()]
    assert any("\\x07" in each for each in said)
    assert not acted_on("".join(said))


def test_answers_in_sql_say_nothing_to_a_terminal(run: Run) -> None:
    query = "select distinct driver, process from outstanding"
    for words in ((), ("--format", "csv"), ("--format", "json"), ("--format", "markdown")):
        assert "bell" in run("sql", query, *words)
    table = run("sql", "from processes", "--format", "markdown")
    kinds = _markup(table)
    assert kinds.count(("tr_open", "tr")) == len(table.splitlines()) - 1
    assert not {"link_open", "html_inline", "html_block", "code_inline", "s_open"} & {kind for kind, _ in kinds}
    run("sql", "select \x1b[31m \u202e from nowhere", code=ExitCode.USAGE)


def test_a_picture_of_each_view_is_an_image_without_a_script(run: Run, tmp_path: Path) -> None:
    for view in VIEWS[::3]:
        path = tmp_path / f"{view.key}.svg"
        run("tui", "--view", view.key, "--screenshot", str(path), "--press", "down,enter")
        root = ET.fromstring(path.read_bytes())
        assert {each.tag.rpartition("}")[2] for each in root.iter()} <= _DRAWN
        assert not any(name.startswith("on") or "href" in name for each in root.iter() for name in each.attrib)
        assert is_harmless("".join(root.itertext()))
