"""Possible reasons why requests are not released, and what the evidence says of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from analyzers.activity.thread_state import NEVER_RAN
from analyzers.findings import Cause, Explanation, Fits, Why, fits_first
from analyzers.holders.held import HeldGroup
from analyzers.policy import PARTS

_CAUSES: Final = {str(cause): cause for cause in Cause}
_FITTING: Final = {
    Cause.USER_APC: "with a completion routine the IRPs are user APCs until their thread waits alertably or ends",
    Cause.PORT: "in a completion port that nobody reads they stay until somebody takes them out",
    Cause.COMPLETION_STOPPED: "a driver's completion routine may have stopped their completion and kept them",
}
"""What speaks for a reason that nothing excludes."""
_ROUTINE: Final = "function names show that they, or others of the kind, have a completion routine"
_NO_PORT: Final = f"{_ROUTINE}, which no file with a completion port takes"
_IN_PORT: Final = "function names show that others of the kind were taken out of a completion port"
_NO_ROUTINE: Final = f"{_IN_PORT}, and a file with one takes no completion routine"
_MAY_BE: Final = frozenset(_FITTING)


def explanations(group: HeldGroup, says: str = "") -> tuple[Explanation, ...]:
    """The possible reasons, those that fit first: the group's own (``says`` why), where it has one.

    Where it has none, each that is not excluded fits.
    """
    own = _own(group.why)
    others = [other(group) for other in (_user_apc, _special_apc, _port, _driver_kept, _completion_stopped, _list)]
    if own is not None:
        return (Explanation(own, Fits.YES, says), *fits_first(each for each in others if each.why is not own))
    may_be = [each if each.why not in _MAY_BE or each.fits is Fits.NO else _fitting(each) for each in others]
    return fits_first(may_be)


def _own(why: Why) -> Cause | Why | None:
    """The reason that a holder is; ``None`` for the one that is not known."""
    return None if why is Why.UNKNOWN else _CAUSES.get(str(why), why)


def _fitting(each: Explanation) -> Explanation:
    return replace(each, fits=Fits.YES, says=_FITTING[Cause(each.why)])


def _user_apc(group: HeldGroup) -> Explanation:
    evidence = group.seen
    if group.why is Why.DRIVER_KEPT:
        return Explanation(Cause.USER_APC, Fits.NO, "they were never completed, so no APC was queued")
    if group.why is Why.PORT:
        return Explanation(Cause.USER_APC, Fits.NO, "a file with a completion port takes no completion routine")
    if group.share(held := evidence.owns_buffer | evidence.refers) >= PARTS.most:
        theirs = group.their("buffers or files", held)
        return Explanation(
            Cause.USER_APC,
            Fits.NO,
            f"{theirs} are still held; both go before a user APC is queued",
        )
    if group.share(off := evidence.since.what == NEVER_RAN) >= PARTS.most:
        theirs = group.their("threads", off)
        return Explanation(
            Cause.USER_APC,
            Fits.NO,
            f"{theirs} have not run, and a thread queues its user APCs itself",
        )
    by_name = evidence.by_name
    if group.share(by_name.with_routine | by_name.like_user_apcs) >= PARTS.most:
        return Explanation(Cause.USER_APC, Fits.YES, _ROUTINE)
    if group.share(by_name.like_in_ports) >= PARTS.most:
        return Explanation(Cause.USER_APC, Fits.NO, _NO_ROUTINE)
    return Explanation(
        Cause.USER_APC, Fits.UNKNOWN, "nothing shows whether they have a completion routine",
        "whether their IRPs are freed when the thread waits alertably or ends",
    )  # fmt: skip


def _special_apc(group: HeldGroup) -> Explanation:
    evidence = group.seen
    if group.why is Why.DRIVER_KEPT:
        return Explanation(Cause.SPECIAL_APC, Fits.NO, "they were never completed, so no APC was queued")
    if group.share(evidence.finished) >= PARTS.most:
        theirs = group.their("files or buffers", evidence.finished)
        return Explanation(Cause.SPECIAL_APC, Fits.NO, f"it has run: {theirs} are gone")
    if group.share(evidence.user_mode) >= PARTS.most:
        theirs = group.their("threads", evidence.user_mode)
        return Explanation(
            Cause.SPECIAL_APC, Fits.NO,
            f"{theirs} ran in user mode since, so no special kernel APC is pending",
        )  # fmt: skip
    if group.why is Why.PORT:
        return Explanation(Cause.SPECIAL_APC, Fits.NO, "what lies in a port waits for no APC")
    return Explanation(
        Cause.SPECIAL_APC, Fits.UNKNOWN, "nothing shows that their threads were in user mode since",
        "context switches, and stacks on allocations",
    )  # fmt: skip


def _port(group: HeldGroup) -> Explanation:
    if group.why is Why.DRIVER_KEPT:
        return Explanation(Cause.PORT, Fits.NO, "they were never completed")
    if group.seen.snapshot.seen_queues:
        return Explanation(Cause.PORT, Fits.NO, "the trace has kernel queue events, and none of them went into a port")
    by_name = group.seen.by_name
    if group.share(by_name.with_routine | by_name.like_user_apcs) >= PARTS.most:
        return Explanation(Cause.PORT, Fits.NO, _NO_PORT)
    if group.share(by_name.like_in_ports) >= PARTS.most:
        return Explanation(Cause.PORT, Fits.YES, _IN_PORT)
    return Explanation(
        Cause.PORT, Fits.UNKNOWN, "the trace has no kernel queue events", "kernel queue events (xperf's KQUEUE)"
    )


def _driver_kept(group: HeldGroup) -> Explanation:
    return Explanation(Cause.DRIVER_KEPT, Fits.NO, f"their drivers completed {group.of_them(group.seen.completed)}")


def _completion_stopped(group: HeldGroup) -> Explanation:
    evidence = group.seen
    if group.why is Why.DRIVER_KEPT:
        return Explanation(Cause.COMPLETION_STOPPED, Fits.NO, "they were never completed")
    if group.why is Why.PORT:
        return Explanation(Cause.COMPLETION_STOPPED, Fits.NO, "they went on to the port")
    if group.share(evidence.finished) >= PARTS.most:
        theirs = group.their("files or buffers", evidence.finished)
        return Explanation(Cause.COMPLETION_STOPPED, Fits.NO, f"the completion went on: {theirs} are gone")
    if evidence.snapshot.seen_routines and group.share(evidence.passed) < PARTS.most:
        passed = group.number(evidence.passed)
        which = f"for {len(group.rows) - passed:,} of {len(group.rows):,}" if passed else ""
        says = f"no driver's completion routine was called {which}".rstrip()
        return Explanation(Cause.COMPLETION_STOPPED, Fits.NO, says)
    if group.share(evidence.owns_buffer) < PARTS.most:
        left = group.number(evidence.owns_buffer)
        says = f"only {left:,} of {len(group.rows):,} buffers are left" if left else "no buffer of theirs is left"
        return Explanation(Cause.COMPLETION_STOPPED, Fits.NO, says)
    return Explanation(
        Cause.COMPLETION_STOPPED, Fits.UNKNOWN, "their completion called a driver's routine",
        "!irp on one of them: who has it",
    )  # fmt: skip


def _list(group: HeldGroup) -> Explanation:
    evidence = group.seen
    if group.why in {Why.DRIVER_KEPT, Why.PORT}:
        return Explanation(Cause.LIST, Fits.NO, "their IRPs are in use")
    if group.why is Why.SPECIAL_APC:
        return Explanation(Cause.LIST, Fits.NO, "Windows puts only finished IRPs there, and has not finished these")
    if group.share(evidence.off_list | evidence.owns_buffer) >= PARTS.most:
        return Explanation(
            Cause.LIST,
            Fits.NO,
            "new IRPs came from the pool meanwhile, which happens only while the lists are empty",
        )
    return Explanation(Cause.LIST, Fits.UNKNOWN, "some of their IRPs may rest on a lookaside list", "a longer trace")
