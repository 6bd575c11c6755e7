"""What the second writer of the accuracy benchmark plays breaks no law either."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.accuracy.scripted import stage
from benchmarks.accuracy.scripted.conditions import Conditions, draw
from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from tests.laws.running import broken_by_script


def wide_and_plain(rng: random.Random) -> Conditions:
    """A 64-bit Windows on which an IRP lies where its block begins: there most laws can be asked of it."""
    while (conditions := draw(rng)).pointer_size != 8:
        pass
    return replace(conditions, pool_offset=0)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_script_breaks_no_law(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "draw", wide_and_plain)
    data, truth = play(kind, 1, Spoiling.NONE, events=800)
    assert broken_by_script(data, truth.leaks, tmp_path / "trace.etl") == ""


@pytest.mark.repeats
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_script_breaks_no_law_on_whatever_machine(kind: str, tmp_path: Path) -> None:
    data, truth = play(kind, 2, Spoiling.NONE, events=1_200)
    assert broken_by_script(data, truth.leaks, tmp_path / "trace.etl") == ""
