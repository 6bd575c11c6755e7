"""What calibrating found, for people and as JSON: lines for the policy, and how reliable findings are by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from benchmarks.accuracy.calibrating import FAMILIES, MOST_ERROR, Line, Played, curves, fitted, policy_lines
from benchmarks.accuracy.corpus import Writer
from benchmarks.accuracy.reliability import Curve
from benchmarks.accuracy.spoilings import Spoiling

Curves = dict[tuple[str, bool], Curve]
_HALF = {True: "the half that lines are fitted on", False: "the other half"}
_KEPT = {True: "kept  ", False: "MISSED"}


@dataclass(frozen=True, slots=True)
class Calibration:
    """``lines``: fitted to these results; ``by_policy``, ``by_fit``: curves by the policy's lines and by those."""

    results: Sequence[Played]
    lines: dict[str, Line]
    by_policy: Curves
    by_fit: Curves

    @classmethod
    def of(cls, results: Sequence[Played]) -> Calibration:
        """Fit and measure."""
        lines = fitted(results)
        return cls(results, lines, curves(results, policy_lines()), curves(results, policy_lines() | lines))

    @property
    def errors(self) -> dict[str, float]:
        """By writer: the expected calibration error by the policy's lines, on the half that was not fitted."""
        return {writer: curve.error for (writer, half), curve in self.by_policy.items() if not half}

    @property
    def kept(self) -> bool:
        """Whether both writers have findings there, and their errors are small enough."""
        return len(self.errors) == len(Writer) and max(self.errors.values()) <= MOST_ERROR


def text(found: Calibration) -> str:
    """Everything, for a terminal."""
    return "\n".join(
        (
            *_lines(found),
            "",
            *_curves("the lines of analyzers/policy.py", found.by_policy),
            *(_curves("the fitted lines", found.by_fit) if found.by_fit != found.by_policy else ()),
            *_parts(found.results),
            "",
            *(
                f"{_KEPT[error <= MOST_ERROR]}  {writer}: expected calibration error {error:.3f}, at most {MOST_ERROR}"
                for writer, error in found.errors.items()
            ),
            *(f"failed: {each.writer} {each.kind} {each.seed} {each.error}" for each in found.results if each.error),
        )
    )


def document(found: Calibration) -> dict[str, object]:
    """The same for ``--json``."""
    return {
        "schema": 1,
        "traces": len(found.results),
        "lines": {family: asdict(line) for family, line in found.lines.items()},
        "curves": [
            {"lines": name, "writer": writer, "fitted": half, **asdict(curve)}
            for name, by in (("policy", found.by_policy), ("fitted", found.by_fit))
            for (writer, half), curve in by.items()
        ],
        "parts": [
            {"part": name, "findings": findings, "right": right} for name, findings, right in _counted(found.results)
        ],
        "limits": [
            {"name": f"expected calibration error, {writer}", "error": error, "kept": error <= MOST_ERROR}
            for writer, error in found.errors.items()
        ],
        "failures": [asdict(each) for each in found.results if each.error],
    }


def _lines(found: Calibration) -> Iterator[str]:
    yield "For CALIBRATION of analyzers/policy.py:"
    for family, line in found.lines.items():
        yield f"    {family}_slope: float = {line.slope}"
        yield f"    {family}_shift: float = {line.shift}    # of {line.findings} findings, {line.wrong} of them wrong"


def _curves(by: str, of: Curves) -> Iterator[str]:
    for (writer, half), curve in of.items():
        yield f"{writer}, {_HALF[half]}, by {by}:"
        yield (
            f"    {curve.count} findings of {curve.traces} traces, expected calibration error {curve.error:.3f} "
            f"({curve.interval[0]:.3f} to {curve.interval[1]:.3f}; by chance {curve.chance:.3f}), "
            f"Brier's score {curve.score:.3f}"
        )
        yield "    said          findings  mean   right  95 % interval"
        for each in curve.bins:
            low, high = each.interval
            yield (
                f"    {each.low:.1f} to {each.high:.1f}  {each.count:>10}  {each.said:.3f}  {each.right:.3f}  "
                f"{low:.3f} to {high:.3f}"
            )
        yield ""


def _parts(results: Sequence[Played]) -> Iterator[str]:
    yield "findings that are right"
    for name, findings, right in _counted(results):
        yield f"    {right} of {findings}  {name}"


def _counted(results: Sequence[Played]) -> Iterator[tuple[str, int, int]]:
    """What, how many findings, and how many of them are right: of special APCs, and of parts of all others."""
    told = [(each, one) for each in results for one in each.told]
    rest = [(each, one) for each, one in told if not one.bounded]
    parts = {
        "of what special APCs hold, which no curve has": [(each, one) for each, one in told if one.bounded],
        **{f"of family {family}": [pair for pair in rest if pair[1].family == family] for family in FAMILIES},
        "in whole traces": [pair for pair in rest if pair[0].spoiling == Spoiling.NONE],
        "in traces cut short": [pair for pair in rest if pair[0].spoiling == Spoiling.CUT],
        "in traces that lack or lost something": [
            pair for pair in rest if pair[0].spoiling not in {Spoiling.NONE, Spoiling.CUT}
        ],
        "where events were lost": [pair for pair in rest if pair[0].lossy],
    }
    for name, pairs in parts.items():
        yield name, len(pairs), sum(one.right for _, one in pairs)
