from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="commands are killed in copies of a process")
def test_a_command_that_is_killed_at_any_step_leaves_a_whole_file_or_none_and_runs_again() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.killed", "--moments", "1", "--only", "export-csv"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    *each, total = done.stdout.splitlines()
    assert (done.returncode, total) == (0, "7 kills, 0 wrong"), done.stdout + done.stderr
    assert [line.split()[0] for line in each] == ["export-csv"]
    assert each[0].endswith(": all right")


IN_PLACE = """
import benchmarks.killed as killed

def written_in_place(folder):
    with (folder / "x").open("w") as file:
        file.write("half")
        file.flush()
        (folder / "x").chmod(0o644)
        file.write(" and half")
    return 0

killed.SCENARIOS["in-place"] = written_in_place
print(killed.killed("in-place", 0))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="commands are killed in copies of a process")
def test_what_is_written_in_place_is_found_out() -> None:
    done = subprocess.run([sys.executable, "-c", IN_PLACE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "wrong=['before step 2: x is not whole']" in done.stdout
