"""Small traces made by hand, where they lie beside the project: objects, caches of the system, and short traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.findings import Accused, Diagnosis, Verdict
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tui.reading.trace import read_snapshot

CASES = Path(__file__).parents[2] / "../shared/cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the traces made by hand are not on this machine")


def _seen(name: str, pooltag: str = "") -> Snapshot:
    names = TagNames.load(CASES / pooltag) if pooltag else TagNames(())
    return read_snapshot(CASES / name, names, quiet=True)


def _doubts(diagnosis: Diagnosis) -> str:
    return " ".join(doubt for finding in diagnosis.findings for doubt in finding.doubts)


def test_the_program_that_keeps_all_of_its_events_is_named() -> None:
    [finding] = _seen("handle-leak-events.etl").diagnosis.findings
    assert (finding.accused, finding.process, finding.driver) == (Accused.PROCESS, "AppB.exe", "")
    assert "handle" in finding.advice


def test_page_table_entries_of_files_are_a_cache() -> None:
    diagnosis = _seen("system-cache-mmst.etl").diagnosis
    assert not diagnosis.findings
    [cleared] = diagnosis.cleared
    assert cleared.verdict is Verdict.CACHE
    assert "short" in cleared.why


def test_a_load_that_began_with_a_short_trace_is_no_likely_leak() -> None:
    diagnosis = _seen("started-2s-lifetime-3s.etl").diagnosis
    assert all(finding.confidence <= 0.5 for finding in diagnosis.findings)
    assert "the trace shows 1.99 s of it" in _doubts(diagnosis)


def test_the_same_load_is_clean_once_its_first_blocks_are_freed() -> None:
    assert not _seen("started-10s-lifetime-3s.etl").diagnosis.findings


def test_nobody_is_likely_guilty_in_fifty_milliseconds_and_a_tag_without_description_keeps_its_driver() -> None:
    snapshot = _seen("odd-tags-51ms.etl", "odd-tags-pooltag.txt")
    assert all(finding.confidence <= 0.5 for finding in snapshot.diagnosis.findings)
    drivers = dict(zip(map(tag_text, snapshot.pool.tags.tag.tolist()), snapshot.pool.tags.driver, strict=True))
    assert drivers["NdAa"] == "ndis.sys"
