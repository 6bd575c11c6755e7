from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzers.analysis import Analysis
from analyzers.jit_warmup import no_events, rehearse

ROOT = Path(__file__).parents[2]


def test_after_a_rehearsal_an_analysis_has_nothing_to_compile() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.analyzers.rehearsed"], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    found = json.loads(run.stdout)
    assert found["new"] == []
    assert any("advance" in kernel for kernel in found["rehearsed"])


@pytest.mark.unjitted
def test_a_rehearsal_needs_no_events() -> None:
    rehearse()


@pytest.mark.parametrize("kind", sorted(Analysis.KINDS))
def test_a_table_without_events_has_the_columns_of_its_kind(kind: str) -> None:
    table = no_events(kind)
    assert len(table) == 0
    assert table.fields
