"""What holds a finding, drawn: the path and all that goes with it, in boxes that a telephone shows at full size."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from analyzers.retention.graph import EDGE_WORDS
from analyzers.retention.nodes import NodeKind
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tui.exports.drawings import Drawing, Label, Look
from tui.exports.html_report import html_report
from tui.exports.retention_drawing import RetentionDrawings
from tui.reading.trace import read_snapshot


def _snapshot(path: Path) -> Snapshot:
    return read_snapshot(path, TagNames.load(), quiet=True)


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return _snapshot(DEMO_TRACE)


def _drawn(snapshot: Snapshot) -> Drawing:
    return RetentionDrawings(snapshot).of(snapshot.diagnosis.findings[0])


def _words(drawing: Drawing) -> list[str]:
    return [label.words for label in drawing.labels]


def test_every_step_of_the_path_has_a_box_and_says_what_it_holds(demo: Snapshot) -> None:
    drawing, finding = _drawn(demo), demo.diagnosis.findings[0]
    words = _words(drawing)
    assert [node.label for node in finding.path[:-1] if node.label not in words] == []
    assert "pending apc, holds 173 KiB" in words
    boxes = [shape for shape in drawing.shapes if shape.look in (Look.BOX, Look.OWN)]
    assert len(boxes) == len(finding.path) - 1 + 2  # its IRPs come from two places


def test_all_of_the_findings_memory_is_marked_as_its_own(demo: Snapshot) -> None:
    drawing = _drawn(demo)
    assert [shape.look for shape in drawing.shapes].count(Look.OWN) == 2
    assert {"272 × Irp  (nonpaged) from nt", "124 × Irp  (nonpaged) from nt"} <= set(_words(drawing))


def test_only_what_is_inferred_is_dashed_and_says_so(demo: Snapshot) -> None:
    drawing = _drawn(demo)
    dashed = [shape for shape in drawing.shapes if shape.look is Look.INFERRED]
    assert len(dashed) == 1
    assert [words for words in _words(drawing) if "(inferred)" in words] == ["completed, not yet delivered (inferred)"]


def test_the_words_say_all_that_is_drawn(demo: Snapshot) -> None:
    drawing = _drawn(demo)
    said = demo.diagnosis.findings[0].path
    assert all(node.label in drawing.says for node in said[:-1])
    text = b"".join(html_report(demo)).decode()
    assert re.search(r'<svg class="graph"[^>]* role="img" aria-label="client\.exe holds 173 KiB; thread 1336', text)


def _of(scenario: str, folder: Path) -> tuple[Snapshot, Drawing]:
    path = folder / "t.etl"
    simulate(scenario, 3, Settings(iterations=150)).write(path)
    snapshot = _snapshot(path)
    return snapshot, _drawn(snapshot)


def test_below_a_driver_stands_the_leak_alone(demo: Snapshot) -> None:
    assert demo.context is not None
    retention = demo.context.retention
    drivers = [node for node, below in retention.graph.below.items() if node.kind is NodeKind.DRIVER and len(below) > 2]
    leaf = next(iter(retention.graph.below[drivers[0]]))
    rows = np.flatnonzero(retention.group_of == retention.groups.index(leaf))
    finding = replace(demo.diagnosis.findings[0], rows=rows, path=retention.path(leaf))
    drawing = RetentionDrawings(demo).of(finding)
    boxes = [shape.look for shape in drawing.shapes if shape.look in (Look.BOX, Look.OWN)]
    assert boxes == [Look.BOX] * (len(finding.path) - 1) + [Look.OWN]


def test_below_what_holds_requests_stands_all_that_goes_with_them(tmp_path: Path) -> None:
    snapshot, drawing = _of("undrained-port", tmp_path)
    tags = {words.split()[2] for words in _words(drawing) if " × " in words and "(nonpaged)" in words}
    assert {"Irp", "File", "AfdE"} <= tags
    boxes = [shape for shape in drawing.shapes if shape.look in (Look.BOX, Look.OWN)]
    assert len(boxes) == len(snapshot.diagnosis.findings[0].path) - 1 + 5


def _is_inside(label: Label, drawing: Drawing) -> bool:
    x, y = label.at
    return x + 7.2 * cell_len(label.words) <= drawing.width and 0 < y <= drawing.height


@pytest.mark.parametrize("rule", sorted(filter(None, EDGE_WORDS)))
def test_the_words_of_every_edge_have_room(demo: Snapshot, rule: str) -> None:
    finding = demo.diagnosis.findings[0]
    path = tuple(replace(node, kind="port", rule=rule) for node in finding.path)
    drawing = RetentionDrawings(replace(demo, context=None)).of(replace(finding, path=path))
    assert f"{EDGE_WORDS[rule]} (inferred)" in " ".join(_words(drawing))
    assert all(_is_inside(label, drawing) for label in drawing.labels)


def test_names_of_any_length_and_width_stay_in_their_boxes(demo: Snapshot) -> None:
    finding = demo.diagnosis.findings[0]
    names = ("名前" * 40, "a b" * 100, "x" * 300, "\u202egpj.exe", "")
    path = tuple(replace(node, label=name) for node, name in zip(finding.path, names, strict=True))
    drawing = RetentionDrawings(replace(demo, context=None)).of(replace(finding, path=path))
    assert all(_is_inside(label, drawing) for label in drawing.labels)
    joined = "".join(_words(drawing))
    assert "x" * 300 in joined
    assert "名前" * 40 in joined
    assert "\\u202egpj.exe" in joined
