"""The document of ``poolscope diff``."""

from __future__ import annotations

from typing import Final

from analyzers.comparison.changes import Amount, Comparison, Difference
from tui.json_documents.error import error_part
from tui.json_documents.writing import SCHEMA, Object, Value, string
from tui.reading.compared import Compared
from tui.report.diff import verdict_word, what_words

_VERDICTS: Final = {"changed": "changed", "no change": "no-change", "cannot tell": "unjudged"}


def diff_document(compared: Compared) -> Object:
    """Every group of every kind: those that changed first."""
    found = compared.comparison
    traces: list[Value] = [
        {
            "path": string(each.path),
            "duration_ns": each.duration_ns,
            "allocations": each.allocations,
            "complete": each.complete,
            "notes": list(map(string, notes)),
        }
        for each, notes in zip(found.traces, compared.notes, strict=True)
    ]
    document: Object = {
        "schema": SCHEMA,
        "traces": traces,
        "unread": [{"path": string(path), "error": error_part(error)} for path, error in compared.unread],
        "other_builds": list(map(string, _other_builds(found))),
        "changes": [_change(each) for each in found.differences],
        "verdict": _VERDICTS[verdict_word(found)],
    }
    if compared.filters:
        document["filter"] = {str(kind): list(map(string, words)) for kind, words in compared.filters.by_kind}
    return document


def _other_builds(found: Comparison) -> list[str]:
    """Images whose call sites are compared by image only."""
    return sorted(frozenset().union(*(each.unnamed for each in found.traces)))


def _change(difference: Difference) -> Object:
    return {
        "by": str(difference.by),
        "what": string(what_words(difference)),
        "before": _amount(difference.before),
        "after": _amount(difference.after),
        "per_hour": _amount(difference.per_hour),
        "change": str(difference.change),
        "less": difference.less,
        "confidence": round(difference.confidence, 4),
        "series": [_amount(each) for each in difference.series],
    }


def _amount(amount: Amount) -> Object:
    return {"count": amount.count, "bytes": amount.bytes}
