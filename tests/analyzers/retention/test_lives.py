"""A process id that was used again: the requests of each use hang on a process of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.processes import Process
from analyzers.retention.grouping import grouped
from tests.analyzers.retention.made import requests_of, sockets_of


class _Reused:
    """Id 100 was first.exe's until 1,000 ns, then later.exe's."""

    def lives(self, pid: int) -> Sequence[Process]:
        return [Process(pid, "first.exe", 0, 0), Process(pid, "later.exe", 0, 1_000)]


def test_requests_of_two_uses_of_an_id_hang_on_two_processes() -> None:
    rows = [{"process": 100, "thread": 8, "socket": -1, "issued_ns": at} for at in (10, 20, 2_000)]
    carried = np.ones(3, np.int64), np.zeros(0, np.int64)
    found = grouped(requests_of(*rows), sockets_of(), *carried, _Reused(), lambda _at: "")
    owners = [found.threads[row].ids[0] for row in found.thread_of.tolist()]
    assert owners == ["100.0", "100.0", 100]
    assert [found.processes[each] for each in owners] == ["first.exe", "first.exe", "later.exe"]
