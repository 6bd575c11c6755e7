"""Threads and images as tables: what the trace names besides memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from analyzers.analysis import TraceNames
from analyzers.image_lives import ALWAYS
from analyzers.processes import lives_at
from tui.exports.tables import ExportTable, addresses, ids, integers, texts, times


def threads(names: TraceNames) -> ExportTable:
    """Every use of a thread id that a start, an end or a rundown tells of."""
    lives = names.threads.lives()
    processes, process = lives_at(names, lives.process, np.maximum(lives.started_ns, 0))
    return ExportTable(
        "threads",
        (
            ids("thread_id", lives.thread),
            ids("process_id", lives.process),
            texts("process", [each.name for each in processes], process),
            times("started_ns", lives.started_ns),
            times("ended_ns", lives.ended_ns),
        ),
    )


def images(names: TraceNames) -> ExportTable:
    """Every image of the kernel (process 0) and of each process."""
    every = names.modules.every
    since = np.array([each.since_ns for each in every], np.int64)
    return ExportTable(
        "images",
        (
            addresses("base", [each.base for each in every], zero_is_none=False),
            integers("bytes", [each.size for each in every]),
            texts("image", [each.name for each in every]),
            texts("path", [each.path for each in every]),
            ids("process_id", [each.process for each in every]),
            integers("loaded_ns", since, since == ALWAYS),
            times("unloaded_ns", [each.unloads[-1].at_ns if each.unloads else -1 for each in every]),
        ),
    )


NAME_TABLES: Final[Mapping[str, Callable[[TraceNames], ExportTable]]] = {
    made.__name__: made for made in (threads, images)
}
