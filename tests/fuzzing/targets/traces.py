"""Whole traces: read, analysed, judged and written as JSON, whatever has become of them."""

from __future__ import annotations

from tests.fuzzing.scratch import written
from tests.fuzzing.small_traces import packed_traces, plain_traces
from tests.fuzzing.target import Target
from tests.fuzzing.trace_parts import mutated
from tests.fuzzing.whole import check_document, document_of


def check(data: bytes) -> None:
    if (text := document_of(written(data))) is not None:
        check_document(text, len(data))


TARGET = Target(check, lambda: (*plain_traces(), *packed_traces()), mutated, 70)
