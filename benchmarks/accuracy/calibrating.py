"""From findings whose truth is known to the lines that make their products of doubts probabilities.

Findings are played with the lines of ``CALIBRATION`` taken away, and none too unsure to be said. What is learnt on one
half of the traces is shown on the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from analyzers.findings import Apc, Finding, Verdict
from analyzers.policy import SURENESS
from analyzers.verdicts.confidence import calibrated, family_of, is_said
from benchmarks.accuracy.corpus import Case, Writer
from benchmarks.accuracy.judging import is_right
from benchmarks.accuracy.reliability import Curve, curve
from benchmarks.accuracy.running import diagnosis_of, each_of
from benchmarks.policy_numbers import Number
from tracer.arrays import F64, Mask

MOST_ERROR: Final = 0.05
"""Expected calibration error, of each writer, in the half that was not fitted."""
FAMILIES: Final = tuple(dict.fromkeys(map(family_of, (Verdict.PENDING_APC, Verdict.MISSING_FREE, Verdict.GROWTH))))
_SLOPE, _SHIFT = "_slope", "_shift"
_SLOPE_PRIOR: Final = 10.0
_SHIFT_PRIOR: Final = 1.0
"""Precision of a normal prior around a line that changes nothing: a few findings do not bend one, and doubts that the
traces hardly have keep what they mean."""
_NO_SHIFT: Final = 1e9
"""The same of *growth*, whose shift stays 0: a product of one half means one half, by rule (``LengthLimits``)."""
_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Line:
    """From log-odds of products to those of being right. ``findings``: on how many it is fitted, ``wrong`` of them."""

    slope: float
    shift: float
    findings: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One finding. ``product``: of its doubts; ``bounded``: what special kernel APCs hold, which is capped by rule."""

    verdict: str
    product: float
    right: bool
    bounded: bool
    says: tuple[str, ...]

    @property
    def family(self) -> str:
        """Of its verdict, as the policy calls it."""
        return family_of(Verdict(self.verdict))


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one trace. ``fitted``: it is of the half on which lines are fitted, not of the one that shows them.

    ``leaks``: how many it has; ``lossy``: events are missing. ``error``: what the analysis failed with, empty where it
    did not.
    """

    writer: str
    kind: str
    seed: int
    spoiling: str
    fitted: bool
    leaks: int
    lossy: bool
    told: tuple[Told, ...]
    error: str = ""


def played(cases: Sequence[Case], processes: int) -> Iterator[Played]:
    """A result for each case, in their order, as they come in; 0 processes: one a core."""
    return each_of(_play, cases, processes)


def _play(case: Case) -> Played:
    data, truth = case.play()
    found, error = tuple[Finding, ...](), ""
    with _numbers(dict.fromkeys(FAMILIES, Line(1.0, 0.0)), least=0.0):
        try:
            found = diagnosis_of(case, data).findings
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    told = tuple(
        Told(
            each.verdict.value, each.confidence, is_right(each, truth, case.spoiling), each.apc is Apc.SPECIAL_KERNEL,
            each.doubts,
        )
        for each in found
    )  # fmt: skip
    where = (case.writer.value, case.kind, case.seed, case.spoiling.value)
    return Played(*where, is_fitted(case.seed), len(truth.leaks), truth.lossy, told, error)


def is_fitted(seed: int) -> bool:
    """Every second seed, so that both halves have every kind and every spoiling."""
    return seed % 2 == 0


def write_rows(path: Path, results: Iterable[Played]) -> None:
    """A line of JSON for each trace."""
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in results), encoding="utf-8")


def read_rows(path: Path) -> list[Played]:
    """What :func:`write_rows` wrote."""
    documents = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Played(**{**each, "told": tuple(Told(**{**one, "says": tuple(one["says"])}) for one in each["told"])})
        for each in documents
    ]


def fitted(results: Sequence[Played]) -> dict[str, Line]:
    """A line for each family of verdicts that has findings in the half that is fitted; each writer weighs the same.

    The most likely line given a normal prior around the one that changes nothing (logistic regression, by Newton's
    steps), to two decimals; no line falls, and that of *growth* goes through the middle.
    """
    lines = {}
    for family in FAMILIES:
        rows = [
            (each.writer, one.product, one.right)
            for each in results
            if each.fitted
            for one in each.told
            if not one.bounded and one.family == family
        ]
        if not rows:
            continue
        writers, products, rights = zip(*rows, strict=True)
        right = np.array(rights, np.bool_)
        _, writer, counts = np.unique(np.array(writers), return_inverse=True, return_counts=True)
        weights = len(rows) / (len(counts) * counts[writer])
        prior = np.array([_SLOPE_PRIOR, _NO_SHIFT if family == family_of(Verdict.GROWTH) else _SHIFT_PRIOR])
        slope, shift = _line(np.array(products, np.float64), right, weights, prior)
        lines[family] = Line(round(max(slope, 0.0), 2), round(shift, 2), len(rows), int((~right).sum()))
    return lines


def _line(products: F64, right: Mask, weights: F64, prior: F64) -> tuple[float, float]:
    design = np.stack([np.log(products / (1 - products)), np.ones(len(products))], axis=1)
    same = np.array([1.0, 0.0])
    line = same
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-design @ line))
        gradient = design.T @ (weights * (chance - right)) + prior * (line - same)
        curvature = (design.T * (weights * chance * (1 - chance))) @ design + np.diag(prior)
        line = line - np.linalg.solve(curvature, gradient)
    slope, shift = line.tolist()
    return slope, shift


def policy_lines() -> dict[str, Line]:
    """Those that findings are told by."""
    return {
        family: Line(Number("CALIBRATION", family + _SLOPE).value, Number("CALIBRATION", family + _SHIFT).value)
        for family in FAMILIES
    }


def curves(results: Sequence[Played], lines: dict[str, Line]) -> dict[tuple[str, bool], Curve]:
    """By writer and half (true: the fitted one): how reliable findings are by these lines.

    What is too unsure to be said is left out, and what special APCs hold.
    """
    out = {}
    with _numbers(lines):
        for writer in Writer:
            for half in (True, False):
                rows = [
                    (sure, one.right, number)
                    for number, each in enumerate(results)
                    if each.writer == writer and each.fitted is half
                    for one in each.told
                    if not one.bounded and is_said(sure := calibrated(Verdict(one.verdict), one.product))
                ]
                if rows:
                    said, right, trace = map(np.array, zip(*rows, strict=True))
                    out[writer.value, half] = curve(said, right, trace)
    return out


@contextmanager
def _numbers(lines: dict[str, Line], least: float = SURENESS.least) -> Iterator[None]:
    """Within the block these lines hold, and what is at least so sure is said."""
    numbers = {Number("SURENESS", "least"): least}
    for family, line in lines.items():
        numbers |= {
            Number("CALIBRATION", family + _SLOPE): line.slope,
            Number("CALIBRATION", family + _SHIFT): line.shift,
        }
    with ExitStack() as instead:
        for number, value in numbers.items():
            instead.enter_context(number.set_to(value))
        yield
