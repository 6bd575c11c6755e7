"""Whether findings said to be so sure are right so often: the reliability curve, its error and its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.fleet.separating import wilson
from tracer.arrays import F64, I64, Mask

BINS: Final = 10
"""Of equal width: those of the usual definition (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""
_DRAWS: Final = 500
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Bin:
    """Findings between two confidences, ``low`` and less than ``high``.

    ``said``: their mean confidence; ``right``: the share of them that is; ``interval``: Wilson's 95 % one of that.
    """

    low: float
    high: float
    count: int
    said: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """The reliability of ``count`` findings in ``traces`` traces.

    ``error``: the expected calibration error, the mean distance of what is said and what is right, by bin;
    ``interval``: between which it lies in 95 % of as many traces drawn from these; ``chance``: what it would be, in the
    middle, were each right with just the chance that is said. ``score``: Brier's, the mean square
    of the distance of each confidence from 1 where it is right, from 0 where not.
    """

    count: int
    traces: int
    bins: tuple[Bin, ...]
    error: float
    interval: tuple[float, float]
    chance: float
    score: float


def curve(said: F64, right: Mask, trace: I64) -> Curve:
    """``said``: confidences, 0 to 1; ``right``: whether the findings are; ``trace``: a number of the trace of each.

    ``ValueError`` of no findings.
    """
    if not len(said):
        raise ValueError("no findings")
    place = _places(said)
    bins = tuple(_bin(number, said[place == number], right[place == number]) for number in np.unique(place).tolist())
    distances = said - right
    _, of = np.unique(trace, return_inverse=True)
    traces = int(of.max()) + 1
    rng = np.random.default_rng(0)
    sums = np.zeros((traces, BINS))
    np.add.at(sums, (of, place), distances)
    counts = np.bincount(of, minlength=traces)
    drawn = rng.multinomial(traces, np.full(traces, 1 / traces), _DRAWS)
    errors = np.abs(drawn @ sums).sum(axis=1) / np.maximum(drawn @ counts, 1)
    low, high = np.percentile(errors, _INTERVAL).tolist()
    chance = float(np.median([expected_error(said, rng.random(len(said)) < said) for _ in range(_DRAWS)]))
    score = float(np.mean(distances * distances))
    return Curve(len(said), traces, bins, expected_error(said, right), (low, high), chance, score)


def expected_error(said: F64, right: Mask) -> float:
    """The expected calibration error: by bin, weighed by the number of findings; 0 of none."""
    sums = np.bincount(_places(said), weights=said - right, minlength=BINS)
    return float(np.abs(sums).sum() / max(len(said), 1))


def _places(said: F64) -> I64:
    return np.minimum(np.floor(said * BINS + 1e-9).astype(np.int64), BINS - 1)


def _bin(number: int, said: F64, right: Mask) -> Bin:
    share = np.array([right.mean()])
    low, high = wilson(share, np.array([len(right)]))
    return Bin(
        number / BINS, (number + 1) / BINS, len(said), float(said.mean()), share.item(), (low.item(), high.item())
    )  # fmt: skip
