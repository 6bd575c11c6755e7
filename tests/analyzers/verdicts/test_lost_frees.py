"""Where frees alone are lost from a trace in which nothing leaks, nobody is accused of it above one half."""

from __future__ import annotations

from math import sqrt

import pytest

from analyzers.loss_model import LossRate
from analyzers.policy import LOSS
from analyzers.tags import TagNames
from benchmarks.accuracy.corpus import Writer
from benchmarks.analysed import analysed
from benchmarks.loss.coverage import play
from benchmarks.loss.losing import Way


@pytest.mark.parametrize(
    ("writer", "kind", "share", "accused"),
    [
        (Writer.KERNEL, "alertable-drains", 0.5, 0),  # requests that were retired, as far as a free would show
        (Writer.SCRIPTED, "long-sessions", 0.01, 0),  # as many from before the trace are freed as survive
        (Writer.SCRIPTED, "long-sessions", 0.05, 1),  # the same, of which lost allocations might be the reason too
        (Writer.SCRIPTED, "cache-is-full", 0.5, 1),  # none of its own is freed, but those from before the trace
    ],
)
def test_lost_frees_accuse_nobody_above_one_half(writer: Writer, kind: str, share: float, accused: int) -> None:
    data, truth = play(writer, kind, 10_001, Way.FREES.spoiling, Way.FREES.lose(share, 10_001))
    findings = analysed(data, TagNames(())).diagnosis.findings
    assert truth.clean
    assert len(findings) == accused
    assert all(each.confidence < 0.5 and any("lost" in doubt for doubt in each.doubts) for each in findings)


def test_frees_without_allocation_are_no_surprise_up_to_chance_beyond_the_share_that_is_lost() -> None:
    assert LossRate(0.0).unmatched(1_000) == 0
    assert LossRate(0.1).unmatched(1_000) == 100 + LOSS.few_sigmas * sqrt(101)
