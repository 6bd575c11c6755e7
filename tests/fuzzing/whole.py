"""A whole trace read and analysed, and what holds of the document whatever the trace is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from analyzers.tags.names import built_in
from tests.fuzzing.target import insist
from tests.fuzzing.typed import complaint
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tui.json_documents.analysis import analysis_document
from tui.json_documents.writing import document_text

_MOST_NS: Final = 1 << 63
Document = dict[str, Any]


@cache
def _names() -> TagNames:
    return built_in()


def analysed(path: Path, *, window_bytes: int | None = None, threads: int = 1) -> Snapshot:
    """The snapshot of a trace. Raises InputError."""
    with EtlFile.open(path, window_bytes=window_bytes, threads=threads) as source:
        analysis = Analysis(source, _names())
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        return analysis.snapshot()


def document_of(path: Path, *, window_bytes: int | None = None, threads: int = 1) -> str | None:
    """The JSON document; ``None`` where the file is no trace, and that is said well."""
    try:
        return document_text(analysis_document(analysed(path, window_bytes=window_bytes, threads=threads)))
    except InputError as error:
        complaint(error)
        insist(error.where and error.why, f"{error!r} does not say where and why")
        return None


def check_document(text: str, size: int) -> Document:
    """Raise where it is no JSON, or where its numbers do not fit each other or the file of ``size`` bytes."""
    insist(text.isascii(), "not in ASCII")
    document: Document = json.loads(text, parse_constant=_refuse)
    for key, value in _numbers(document):
        insist(math.isfinite(value), f"{key} is {value}")
        if key.endswith("_ns"):
            insist(-_MOST_NS <= value < _MOST_NS, f"{key} is {value}")
    insist(document["trace"]["duration_ns"] >= 0, "a trace that ends before it begins")
    part = document["bytes"]
    insist(min(part.values()) >= 0, f"a negative number of bytes: {part}")
    if document["trace"]["sessions"] == 1:
        insist(sum(part.values()) == size, f"{part} do not add up to {size}")
    insist(
        all(0 <= each["offset"] <= size and each["bytes_skipped"] >= 0 and each["what"] for each in document["damage"]),
        "damage outside",
    )
    insist(all(gap["from_ns"] <= gap["to_ns"] for gap in document["loss"]["gaps"]), "a gap that ends before it begins")
    _check_pool(document["pool"])
    _check_findings(document)
    return document


def difference(one: Any, other: Any, key: str = "") -> str:
    """The first place in which two documents differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = (difference(one.get(name), other.get(name), f"{key}.{name}") for name in one | other)
        return next(filter(None, found), "")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        found = (difference(*pair, f"{key}[]") for pair in zip(one, other, strict=True))
        return next(filter(None, found), "")
    return "" if one == other else f"{key}: {json.dumps(one)[:200]} is {json.dumps(other)[:200]}"


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def _numbers(value: object, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _numbers(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value


def _check_pool(pool: Document) -> None:
    held = pool["matched"] + pool["replaced_without_free"] + pool["outstanding_count"]
    insist(pool["allocations"] == held, f"{pool['allocations']} allocations, {held} accounted for")
    insist(pool["frees"] == pool["matched"] + pool["frees_without_allocation"], "frees do not add up")
    rows = pool["by_tag"]
    for key in ("allocations", "frees", "outstanding_count", "outstanding_bytes"):
        insist(sum(row[key] for row in rows) == pool[key], f"{key} of the tags do not add up to {pool[key]}")
    insist(all(row["peak_bytes"] >= row["outstanding_bytes"] >= 0 for row in rows), "a peak below what is outstanding")


def _check_findings(document: Document) -> None:
    findings = document["findings"]
    insist([each["rank"] for each in findings] == list(range(1, len(findings) + 1)), "ranks with holes")
    for each in findings:
        insist(0 < each["confidence"] <= 1, f"a confidence of {each['confidence']}")
        insist(each["count"] > 0 and 0 <= each["bytes"] <= each["retained_bytes"], "a finding about nothing")
        insist(each["evidence"] and each["advice"], "a finding without evidence or advice")
        low, high = each["bytes_per_hour_interval"]
        insist(low <= high, f"an interval of {low} to {high}")
    left = document["pool"]["outstanding_count"]
    insist(
        sum(each["count"] for each in (*findings, *document["cleared"])) <= left, "more is judged than is outstanding"
    )
