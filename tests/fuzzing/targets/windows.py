"""The same trace with its buffers read together and one by one, in one thread and in several: the same document."""

from __future__ import annotations

from tests.fuzzing.scratch import written
from tests.fuzzing.small_traces import packed_traces, plain_traces
from tests.fuzzing.target import Target, insist
from tests.fuzzing.trace_parts import mutated
from tests.fuzzing.whole import Document, check_document, difference, document_of
from tracer.errors import DamageCode

_OUT_OF_ORDER = {DamageCode.TIME_BACKWARD, DamageCode.BUFFER_HEADER}


def check(data: bytes) -> None:
    path = written(data)
    whole = document_of(path)
    insist(document_of(path, threads=2) == document_of(path, threads=3) == whole, "another document with other threads")
    if whole is None:
        return
    document = check_document(whole, len(data))
    for window in (1, 3_000):
        text = document_of(path, window_bytes=window)
        insist(
            document_of(path, window_bytes=window, threads=3) == text,
            f"windows of {window}: another document with threads",
        )
        insist(text is not None, "no trace any more")
        other = check_document(text or "", len(data))
        if not any(each["code"] in _OUT_OF_ORDER for each in (*document["damage"], *other["damage"])):
            insist(
                _comparable(document, window) == _comparable(other, window),
                f"windows of {window}: {difference(document, other)}",
            )


def _comparable(document: Document, window: int) -> Document:
    """Without the times of a site's first and last allocation; with single buffers nothing that a stack tells.

    Where a stack comes in a later window, its allocation moves from the site without a stack to its own; the former
    keeps the times, as it does not know those of the others. And of several events of one time and CPU only pool events
    are known then, so that one gets the stack that another has where all are seen together.
    """
    pool = document["pool"]
    if window == 1:
        told = {key: document[key] for key in ("trace", "bytes", "damage", "loss")}
        return (
            told | {key: value for key, value in pool.items() if not key.startswith("by_")} | {"tags": pool["by_tag"]}
        )
    for row in pool["by_stack"]:
        row["first_ns"] = row["last_ns"] = None
    return document


TARGET = Target(check, lambda: (*plain_traces()[::3], *packed_traces()), mutated, 8)
