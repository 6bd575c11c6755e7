"""What the corpus has to show, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.accuracy.judging import GOOD, Judgement, Outcome
from benchmarks.accuracy.running import Result
from benchmarks.accuracy.spoilings import WEAKENING, Spoiling

LEAST_RIGHT: Final = 0.98
"""Share of leaking traces with whole evidence whose verdict, holder and culprit are right."""
LEAST_WITH_LESS: Final = 0.95
"""Share of those from which a kind of evidence was taken that are right, or accuse the right culprit of less."""
_WORTH: Final = {
    **dict.fromkeys((Outcome.RIGHT, Outcome.CLEAN), 3),
    **dict.fromkeys((Outcome.WEAKER, Outcome.FAINT, Outcome.DOUBTFUL), 2),
    **dict.fromkeys((Outcome.WRONG_HOLDER, Outcome.WRONG_VERDICT), 1),
}
"""How good an outcome is; what accuses the innocent, misses the guilty or breaks is worth nothing."""
_NOT_JUDGED: Final = frozenset({Outcome.FAINT})


@dataclass(frozen=True, slots=True)
class Limit:
    """``have`` of ``of`` traces; ``kept``: whether that is good enough, ``None`` where it is only told."""

    name: str
    have: int
    of: int
    kept: bool | None

    @property
    def share(self) -> float:
        """Of all; 1 where there is nothing to count."""
        return self.have / self.of if self.of else 1.0


def limits(results: Sequence[Result]) -> tuple[Limit, ...]:
    """Every limit, with what the results show; of leaks where events were lost only how many were found."""
    leaking = [one for one in results if not one.truth.clean and one.judgement.outcome not in _NOT_JUDGED]
    whole = [one for one in leaking if one.case.spoiling is Spoiling.NONE]
    less = [one for one in leaking if one.case.spoiling in WEAKENING]
    spoilt = [one for one in leaking if one.case.spoiling not in WEAKENING | {Spoiling.NONE}]
    right, found = _count(whole, Outcome.RIGHT), sum(one.judgement.outcome in GOOD for one in less)
    culprits = _count(leaking, Outcome.WRONG_CULPRIT)
    clean = [one for one in results if one.truth.clean and not one.truth.lossy]
    lossy = [one for one in results if one.truth.lossy]
    sure = sum(one.judgement.outcome is Outcome.FALSE or one.judgement.sure_extras > 0 for one in lossy)
    special = sum(one.judgement.sure_special > 0 for one in results)
    worse = len(changed(results, better=False))
    return (
        Limit(
            "leaking, whole evidence: verdict, holder, culprit right",
            right,
            len(whole),
            right >= LEAST_RIGHT * len(whole),
        ),
        Limit("leaking, less evidence: right or weaker", found, len(less), found >= LEAST_WITH_LESS * len(less)),
        Limit("leaking: a wrong culprit named first", culprits, len(leaking), culprits == 0),
        Limit("clean, nothing lost: accused", (false := _count(clean, Outcome.FALSE)), len(clean), false == 0),
        Limit("events lost: an innocent accused above 0.5", sure, len(lossy), sure == 0),
        Limit("special APCs accused above 0.5", special, len(results), special == 0),
        Limit("analysis failed", (broken := _count(results, Outcome.BROKEN)), len(results), broken == 0),
        Limit("with names: worse than without", worse, len(results), worse == 0),
        Limit("with names: better than without", len(changed(results, better=True)), len(results), None),
        Limit("leaking, lost or overwritten: right", _count(spoilt, Outcome.RIGHT), len(spoilt), None),
    )


def _count(results: Sequence[Result], outcome: Outcome) -> int:
    return sum(one.judgement.outcome is outcome for one in results)


def changed(results: Sequence[Result], *, better: bool) -> list[Result]:
    """Traces of which names of functions made the conclusions better, or worse."""
    gains = [(one, _worth(one.with_names) - _worth(one.judgement)) for one in results]
    return [one for one, gain in gains if (gain > 0 if better else gain < 0)]


def _worth(judgement: Judgement) -> int:
    return _WORTH.get(judgement.outcome, 0)


def failures(results: Sequence[Result]) -> list[Result]:
    """What keeps a limit from being kept."""
    return [
        one
        for one in results
        if one.judgement.outcome not in GOOD
        or one.judgement.sure_special
        or (one.truth.lossy and one.judgement.sure_extras)
    ]
