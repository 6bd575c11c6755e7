"""Bytes as what people type, and complaints that say enough."""

from __future__ import annotations

from tests.fuzzing.target import insist
from tracer.errors import PoolscopeError


def typed(data: bytes) -> str:
    """As a command line brings them: bytes that are no UTF-8 are lone surrogates (PEP 383)."""
    return data.decode("utf-8", "surrogateescape")


def complaint(error: PoolscopeError) -> None:
    """It says what is wrong and what to do."""
    insist(error.code and error.what and error.next, f"{error!r} does not say what is wrong, and what to do")
