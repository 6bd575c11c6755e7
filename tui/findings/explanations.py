"""Possible reasons of a finding as a short list: each fits, is excluded, or is not known, and what would tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.findings import Apc, Cause, Explanation, Finding, Fits, Kept, Verdict, Why
from analyzers.holders.registry import HOLDERS
from tui.safe_text import safe

CAUSE_WORDS: Final[dict[str, str]] = {
    **{str(why): holder.name for why, holder in HOLDERS.items()},
    Cause.LIST: "lookaside list",
    Cause.MISSING_FREE: "missing free",
    Cause.REFERENCE: "kept reference",
    Cause.HANDLE: "handle leak",
}
"""Every possible reason in a few words."""

FITS_WORDS: Final = {Fits.YES: "fits", Fits.NO: "excluded", Fits.UNKNOWN: "not known"}
"""Whether the evidence bears a reason out."""

_APCS: Final = {Apc.USER: Cause.USER_APC, Apc.SPECIAL_KERNEL: Cause.SPECIAL_APC}
_KEPT: Final = {Kept.NEVER_COMPLETED: Cause.DRIVER_KEPT, Kept.COMPLETION_STOPPED: Cause.COMPLETION_STOPPED}


def named_cause(finding: Finding) -> Cause | Why | None:
    """The reason that the verdict itself names; ``None`` where it leaves that open."""
    if finding.holder is not None:
        return finding.holder
    match finding.verdict:
        case Verdict.PENDING_APC:
            return None if finding.apc is None else _APCS[finding.apc]
        case Verdict.UNDRAINED_PORT:
            return Cause.PORT
        case Verdict.DRIVER_KEPT:
            return None if finding.kept is None else _KEPT[finding.kept]
        case _:
            return None


def open_reasons(finding: Finding) -> list[Explanation]:
    """Reasons that may be true beside the one that the verdict names: those that fit, then those not known."""
    own = named_cause(finding)
    left = [each for each in finding.explanations if each.why is not own and each.fits is not Fits.NO]
    return sorted(left, key=lambda each: each.fits is not Fits.YES)


def excluded_reasons(finding: Finding) -> list[Explanation]:
    """Reasons that the evidence rules out."""
    return [each for each in finding.explanations if each.fits is Fits.NO]


def reason_words(reason: Explanation) -> str:
    """One reason: its name, whether it fits, and why; of one that is excluded, the label says that."""
    says = safe(reason.says).rstrip(".")
    fits = "" if reason.fits is Fits.NO else f", {FITS_WORDS[reason.fits]}"
    return f"{CAUSE_WORDS[reason.why]}{fits}" + (f": {says}" if says else "")


def possible_reasons(finding: Finding) -> list[tuple[str, str]]:
    """All possible reasons as label and words, the label of several alike before the first only.

    First what may be true beside what the verdict names, then what would tell, then what is excluded.
    """
    left = open_reasons(finding)
    return [
        *_labelled("could be" if named_cause(finding) is None else "or", [reason_words(each) for each in left]),
        *_labelled("to tell", deciding_words(left)),
        *_labelled(FITS_WORDS[Fits.NO], [reason_words(each) for each in excluded_reasons(finding)]),
    ]


def _labelled(label: str, said: Sequence[str]) -> list[tuple[str, str]]:
    return [("" if at else label, words) for at, words in enumerate(said)]


def deciding_words(reasons: Sequence[Explanation]) -> list[str]:
    """What would tell the reasons apart, each once."""
    return list(dict.fromkeys(safe(each.told_apart_by).rstrip(".") for each in reasons if each.told_apart_by))
