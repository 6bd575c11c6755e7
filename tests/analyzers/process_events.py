"""Events of processes and threads made by hand."""

from __future__ import annotations

import numpy as np

from analyzers.processes import Processes
from analyzers.threads import Threads
from tests.analyzers.event_tables import event_table, strings

START, END, RUNDOWN_START, RUNDOWN_END, DEFUNCT = 0x0301, 0x0302, 0x0303, 0x0304, 0x0327
THREAD_START, THREAD_END, THREAD_RUNDOWN_START, THREAD_RUNDOWN_END = 0x0501, 0x0502, 0x0503, 0x0504


def processes(*rows: tuple[int, int, int, str]) -> Processes:
    """Fed with events as (time, event, process id, name)."""
    found = Processes()
    for time, event, pid, name in rows:
        ids = {"process": np.array([pid], np.uint32), "parent": np.array([4], np.uint32)}
        found.feed(event_table("process", event, {**ids, "image_name": strings([name], "cp1252")}, time=[time]))
    return found


def threads(*rows: tuple[int, int, int, int]) -> Threads:
    """Fed with events as (time, event, thread id, process id)."""
    found = Threads()
    for time, event, tid, pid in rows:
        fields = {"thread": np.array([tid], np.uint32), "process": np.array([pid], np.uint32)}
        found.feed(event_table("thread", event, fields, time=[time]))
    return found


def owner(found: Threads, thread: int, time: int) -> int:
    return int(found.process_of(np.array([thread], np.uint32), np.array([time], np.int64))[0])
