"""Where frees alone are lost from a trace in which nothing leaks, nobody is accused of it above one half."""

from __future__ import annotations

from math import sqrt

import pytest

from analyzers.findings import Apc
from analyzers.loss_model import LossRate
from analyzers.policy import LOSS
from analyzers.tags import TagNames
from benchmarks.accuracy.corpus import Writer
from benchmarks.analysed import analysed
from benchmarks.loss.coverage import play
from benchmarks.loss.losing import Way


@pytest.mark.parametrize(
    ("writer", "kind", "seed", "share", "accused"),
    [
        (Writer.KERNEL, "alertable-drains", 10_001, 0.5, 0),  # requests that were retired, as far as a free would show
        (Writer.SCRIPTED, "long-sessions", 10_001, 0.01, 0),  # as many from before the trace are freed as survive
        (Writer.SCRIPTED, "long-sessions", 10_001, 0.05, 1),  # the same, and lost allocations might be why
        (Writer.SCRIPTED, "long-sessions", 10_003, 0.5, 1),  # some by this, and the others by lost frees
        (Writer.SCRIPTED, "cache-is-full", 10_001, 0.5, 1),  # none of its own is freed, but those from before the trace
    ],
)
def test_lost_frees_accuse_nobody_above_one_half(
    writer: Writer, kind: str, seed: int, share: float, accused: int
) -> None:
    data, truth = play(writer, kind, seed, Way.FREES.spoiling, Way.FREES.lose(share, seed))
    findings = analysed(data, TagNames(())).diagnosis.findings
    assert truth.clean
    assert len(findings) == accused
    assert all(each.confidence < 0.5 and any("lost" in doubt for doubt in each.doubts) for each in findings)


@pytest.mark.parametrize("seed", [10_001, 10_003])
def test_what_a_kernel_call_holds_is_still_named_where_other_requests_of_the_kind_went_through(seed: int) -> None:
    data, _ = play(Writer.KERNEL, "guarded-region", seed, Way.FREES.spoiling, Way.FREES.lose(0.05, seed))
    [finding] = analysed(data, TagNames(())).diagnosis.findings
    assert finding.apc is Apc.SPECIAL_KERNEL


def test_frees_without_allocation_are_no_surprise_up_to_chance_beyond_the_share_that_is_lost() -> None:
    assert LossRate(0.0).unmatched(1_000) == 0
    assert LossRate(0.1).unmatched(1_000) == 100 + LOSS.few_sigmas * sqrt(101)
