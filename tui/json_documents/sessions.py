"""The document of a file that holds several sessions, appended to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.json_documents.writing import Object, Value


def sessions_document(documents: Sequence[Object], shown: int) -> Object:
    """The document of session ``shown`` (from 0), with those of all under ``sessions``; of one session its own.

    Sizes and bytes are those of the whole file. In the document of each session they are those of its part, and its
    ``trace.sessions`` is 1.
    """
    if len(documents) == 1:
        return documents[0]
    own, traces = documents[shown], [_part(each, "trace") for each in documents]
    whole = {name: _sum(trace, name) for trace in [traces] for name in ("bytes", "buffers", "compressed_buffers")}
    counts = [_part(each, "bytes") for each in documents]
    return own | {
        "trace": _part(own, "trace") | whole,
        "bytes": {name: _sum(counts, name) for name in counts[0]},
        "sessions": [each | {"trace": trace | {"sessions": 1}} for each, trace in zip(documents, traces, strict=True)],
    }


def _part(document: Mapping[str, Value], name: str) -> Object:
    part = document[name]
    return dict(part) if isinstance(part, Mapping) else {}


def _sum(parts: Sequence[Mapping[str, Value]], name: str) -> int:
    return sum(value for part in parts if isinstance(value := part[name], int))
