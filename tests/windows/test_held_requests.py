"""Finished reads that are really held, as far as Wine has user APCs and ports: its kernel has no pool."""

from __future__ import annotations

import json
import sys
import threading

import pytest

from fixtures.held_requests import Holder, Reads, windows_reads
from fixtures.winsock_loop import main

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="user APCs and completion ports are Windows'")


@pytest.mark.parametrize("holder", Holder)
def test_on_windows_all_are_held_until_one_release_lets_go_of_them(holder: Holder) -> None:
    let_go: list[int] = []

    def work() -> None:  # a thread that has never waited alertably
        reads: Reads = windows_reads(holder, 1_000)
        for _ in range(1_000):
            reads.issue()
        reads.pause(50)
        let_go.extend([reads.release(50), reads.release(0)])
        reads.close()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert let_go == [1_000, 0]


@pytest.mark.parametrize("holder", Holder)
def test_on_windows_the_command_holds_for_its_time_and_tells(
    holder: Holder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--hold", holder, "--count", "500", "--seconds", "0.3", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"holder": holder, "issued": 500, "released": 500, "failure": ""}
    assert err.splitlines()[1] == "released 500 of 500"
