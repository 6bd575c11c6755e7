"""The document of a command that failed."""

from __future__ import annotations

from tracer.errors import PoolscopeError
from tui.json_documents.writing import SCHEMA, Object, string


def error_part(error: PoolscopeError) -> Object:
    """``code`` is stable; the other four are for a person."""
    return {
        "code": error.code,
        "what": string(error.what),
        "where": string(error.where),
        "why": string(error.why),
        "next": string(error.next),
    }


def error_document(error: PoolscopeError) -> Object:
    """The whole document."""
    return {"schema": SCHEMA, "error": error_part(error)}
