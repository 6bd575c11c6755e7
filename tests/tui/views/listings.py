"""What tests of views share: the demo's analysis, and a listing read as a person reads it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.processes import ProcessLife
from analyzers.requests.tables import RequestSnapshot
from analyzers.selection.query import EVERYTHING, Query
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tests.tui.stories import FORBIDDEN
from tui.views.listing import Listing
from tui.views.scene import Scene, narrowed_to

DEMO = Path(__file__).parents[3] / "fixtures" / "demo.etl"


@cache
def demo() -> Snapshot:
    return analysed(DEMO)


def culprit() -> tuple[ProcessLife, int]:
    """Process and thread that the demo's finding accuses."""
    finding = demo().diagnosis.findings[0]
    assert finding.process_id is not None
    assert finding.thread_id is not None
    [process] = demo().names.lives(finding.process_id)
    return process.life, finding.thread_id


@cache
def port() -> Snapshot:
    """Finished requests in a port that nobody drains: their sockets are closed and still there."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "port.etl"
        simulate("undrained-port", 5, Settings()).write(path)
        return analysed(path)


def with_requests(context: DiagnosisContext, requests: RequestSnapshot) -> DiagnosisContext:
    """The grounds with other requests and sockets."""
    held = context.held
    return replace(context, held=replace(held, evidence=replace(held.evidence, snapshot=requests)))


def scene(snapshot: Snapshot, scope: Query = EVERYTHING) -> Scene:
    return Scene(narrowed_to(snapshot, scope), snapshot, scope)


def column(listing: Listing, key: str) -> list[str]:
    cells = listing.model.column(key)
    return [cells.text(row).strip() for row in range(listing.model.length)]


def everything_said(listing: Listing) -> str:
    """Each cell, the panel's words and what is copied, of every row."""
    said = []
    for row in range(listing.model.length):
        said += [cells.text(row) for cells in listing.model.columns]
        said += [*listing.describe(row).plain.split("\n"), *listing.copy(row).split("\n")]
    return "".join(said)


def is_harmless(text: str) -> bool:
    return not FORBIDDEN & set(text)
