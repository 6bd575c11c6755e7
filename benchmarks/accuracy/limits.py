"""What the corpus has to show, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.accuracy.judging import GOOD, Outcome
from benchmarks.accuracy.running import Result

LEAST_RIGHT: Final = 0.98
"""Share of leaking traces whose first finding has the right verdict and the right culprit."""
_NOT_JUDGED: Final = frozenset({Outcome.FAINT})


@dataclass(frozen=True, slots=True)
class Limit:
    """``have`` of ``of`` traces; ``kept``: whether that is good enough."""

    name: str
    have: int
    of: int
    kept: bool

    @property
    def share(self) -> float:
        """Of all; 1 where there is nothing to count."""
        return self.have / self.of if self.of else 1.0


def limits(results: Sequence[Result]) -> tuple[Limit, ...]:
    """Every limit, with what the results show."""
    leaking = [one for one in results if not one.truth.clean and one.judgement.outcome not in _NOT_JUDGED]
    right = sum(one.judgement.outcome in GOOD for one in leaking)
    clean = [one for one in results if one.truth.clean]
    accused = sum(one.judgement.outcome is Outcome.FALSE for one in clean if not one.truth.lossy)
    whole = [one for one in clean if not one.truth.lossy]
    lossy = [one for one in results if one.truth.lossy]
    sure = sum(one.judgement.outcome is Outcome.FALSE or one.judgement.sure_extras > 0 for one in lossy)
    broken = sum(one.judgement.outcome is Outcome.BROKEN for one in results)
    return (
        Limit("leaking: verdict and culprit right", right, len(leaking), right >= LEAST_RIGHT * len(leaking)),
        Limit("clean, nothing lost: accused", accused, len(whole), accused == 0),
        Limit("events lost: an innocent accused above 0.5", sure, len(lossy), sure == 0),
        Limit("analysis failed", broken, len(results), broken == 0),
    )


def failures(results: Sequence[Result]) -> list[Result]:
    """What keeps a limit from being kept."""
    return [
        one
        for one in results
        if one.judgement.outcome not in GOOD or (one.truth.lossy and one.judgement.sure_extras > 0)
    ]
