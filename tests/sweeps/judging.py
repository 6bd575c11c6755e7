"""One changed trace: what becomes of it, and whether that may be."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analyzers.audit import audit
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tracer.errors import InputError
from tui.json_documents.analysis import analysis_document
from tui.json_documents.audit import audit_part
from tui.json_documents.sessions import sessions_document
from tui.json_documents.writing import document_text
from tui.reading.together import other_sessions
from tui.reading.trace import read_snapshot

SURE: Final = 0.5
"""An accusation above this needs a reason in the file."""
_TAGS: Final = TagNames(())
_OFFSET: Final = re.compile(r", byte \d+")


class BrokenError(Exception):
    """Ours broke; the message says how."""


@dataclass(frozen=True)
class Outcome:
    """What a file became: ``told`` in a word or two; ``document``: what is written, ``None`` for an error.

    ``accusations``: (confidence, verdict, who, tag, blocks) of each finding above :data:`SURE`. ``records``: how many
    were read.
    """

    told: str
    document: dict[str, Any] | None
    accusations: tuple[tuple[float, str, str, str, int], ...] = ()
    shows_damage: bool = False
    records: int = 0


def outcome(path: Path) -> Outcome:
    """Read and judge a file as ``analyze --audit --json`` does. Raises BrokenError."""
    try:
        first = read_snapshot(path, _TAGS, quiet=True)
        every = [first, *(read_snapshot(each, _TAGS, quiet=True) for each in other_sessions(path, first.info))]
        return _of_snapshots(every, path.stat().st_size)
    except InputError as error:
        return _of_error(error, path)
    except BrokenError:
        raise
    except Exception as error:
        raise BrokenError("".join(traceback.format_exception(error))) from error


def _of_error(error: InputError, path: Path) -> Outcome:
    if not all((error.code, error.what, error.where, error.why, error.next)):
        raise BrokenError(f"an error that does not say all: {vars(error)}")
    if not _OFFSET.search(error.where.removeprefix(str(path))):
        raise BrokenError(f"an error without an offset: {vars(error)}")
    return Outcome(f"refused: {error.code}", None)


def _of_snapshots(every: Sequence[Snapshot], size: int) -> Outcome:
    documents: list[Any] = []
    for each in every:
        books = audit(each)
        if not books.holds:
            raise BrokenError(f"the books do not balance: {[one for one in books.equations if not one.holds]}")
        documents.append(analysis_document(each) | {"audit": audit_part(books)})
    document = json.loads(document_text(sessions_document(documents, 0)), parse_constant=_refuse)
    if sum(document["bytes"].values()) != size:
        raise BrokenError(f"{document['bytes']} are not the {size} bytes of the file")
    shown = any(map(_shows_damage, documents))
    findings = [finding for each in documents for finding in each["findings"]]
    sure = tuple(_accusation(each) for each in findings if each["confidence"] > SURE)
    told = f"{'damage' if shown else 'no damage'} shown, {len(sure)} accused" if sure else (
        "damage shown" if shown else "no damage shown"
    )  # fmt: skip
    return Outcome(told, document, sure, shown, sum(each["audit"]["records"]["total"] for each in documents))


def _accusation(finding: dict[str, Any]) -> tuple[float, str, str, str, int]:
    who = finding["driver"] or (finding["process"] or {}).get("name") or ""
    return finding["confidence"], finding["verdict"], who, finding["tag"], finding["count"]


def _shows_damage(document: dict[str, Any]) -> bool:
    """Whether it says that anything is missing from the file, or wrong with it."""
    loss, trace = document["loss"], document["trace"]
    told = (loss["events_lost"], loss["buffers_lost"], loss["gaps"], loss["inferred"], document["damage"])
    return any(told) or not document["finalised"] or trace["continues"] or trace["rolled"] is not None


def _refuse(constant: str) -> None:
    raise BrokenError(f"{constant} in the document, which JSON does not have")
