"""What is told of IRPs that stay by what else their program made, and released."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from analyzers.findings import Cause, Fits
from analyzers.tags.callers import FILE, IRP
from analyzers.verdicts.accusation import DiagnosisInputs
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.signs import explained
from tests.analyzers.verdicts.judged import outstanding_at

STEPS, IRPS, PROCESS = 60, 120, 40


def _fits(cause: Cause, *, files: int = 0, freed: int = 0, threads: int = 1) -> Fits:
    """Whether a cause fits two IRPs that stay of each step, issued by so many threads in turn.

    ``files``: made by the same program, two of each step first, and what is left over all in the last one.
    """
    outstanding = outstanding_at(np.arange(IRPS, dtype=np.int64))
    outstanding.process[:] = PROCESS
    outstanding.thread[:] = 44 + np.arange(IRPS) % threads
    steps = np.minimum(np.arange(files) // 2, STEPS - 1)
    parts = SimpleNamespace(
        site=np.zeros(1, np.int32),
        process=np.array([PROCESS], np.uint32),
        allocations=np.array([files]),
        frees=np.array([freed]),
        history=SimpleNamespace(allocations=np.bincount(steps, minlength=STEPS)[np.newaxis]),
    )
    pool = SimpleNamespace(
        outstanding=outstanding,
        parts=parts,
        tags=SimpleNamespace(tag=np.array([FILE], np.uint32)),
        sites=SimpleNamespace(tag_row=np.zeros(1, np.int32)),
    )
    history = SimpleNamespace(start_ns=0, step_ns=1, survivors=np.full(STEPS, 2))
    group = SimpleNamespace(tag=IRP, callers=True, process=PROCESS, history=history)
    head = cast(Judgement, SimpleNamespace(group=group, rows=np.arange(IRPS)))
    released = SimpleNamespace(of_process=lambda *_: 0)
    scene: Any = SimpleNamespace(pool=pool, coverage=SimpleNamespace(stacks=True), released=released)
    [found] = [each for each in explained(head, [head], cast(DiagnosisInputs, scene), ()) if each.why is cause]
    return found.fits


@pytest.mark.parametrize(("files", "fits"), [(IRPS + 28, Fits.NO), (IRPS + 32, Fits.UNKNOWN)])
def test_files_as_many_as_the_irps_but_for_a_quarter_that_are_freed_exclude_a_driver(files: int, fits: Fits) -> None:
    assert _fits(Cause.DRIVER_KEPT, files=files, freed=files) is fits


@pytest.mark.parametrize(("freed", "fits"), [(98, Fits.NO), (94, Fits.UNKNOWN)])
def test_four_of_five_files_must_have_been_freed_to_exclude_a_driver(freed: int, fits: Fits) -> None:
    assert _fits(Cause.DRIVER_KEPT, files=IRPS, freed=freed) is fits


@pytest.mark.parametrize(("threads", "fits"), [(24, Fits.NO), (25, Fits.UNKNOWN)])
def test_five_irps_a_thread_show_that_it_went_on_and_exclude_special_apcs(threads: int, fits: Fits) -> None:
    assert _fits(Cause.SPECIAL_APC, threads=threads) is fits
