"""Holder *unknown*: the request is completed, its IRP is on no lookaside list, and more than one reason fits.

Without kernel queue events a user APC and a completion port with an event look the same; where only the IRP stays,
so does a completion that a driver stopped. All that fits is told, and who asked.
"""

from __future__ import annotations

from typing import Final

from analyzers import advice
from analyzers.findings import Accused, Evidence, Verdict
from analyzers.holders.held import NOT_STEADY, HeldGroup, user_mode_since
from analyzers.holders.holder import Holder, Rule, Turn
from analyzers.policy import HELD_DOUBTS
from analyzers.tags.callers import IRP

RULE: Final = "unexplained"


def evidence(group: HeldGroup) -> list[Evidence]:
    """What is known of requests that something holds, in sentences."""
    seen = group.seen
    buffers, gone = group.number(seen.owns_buffer), group.number(seen.finished)
    after, on_no_list = group.number(seen.user_mode), group.number(seen.off_list)
    found = []
    if after:
        found.append(user_mode_since(group))
    if gone:
        found.append(Evidence("stage-two", f"{group.their('files or buffers', seen.finished)} are gone"))
    if buffers:
        found.append(Evidence("stage-two-missing", f"{group.their('buffers', seen.owns_buffer)} are still there"))
    if on_no_list:
        found.append(
            Evidence("on-no-list", f"{group.their('IRPs', seen.off_list)} are on no lookaside list", inferred=True)
        )
    return found


def doubts(group: HeldGroup) -> list[tuple[float, str]]:
    """What speaks against it, each with its factor."""
    found = []
    if not group.steady:
        found.append((HELD_DOUBTS.unknown_not_steady, NOT_STEADY))
    if not group.seen.since.is_known(group.rows):
        found.append((HELD_DOUBTS.unknown_no_switches, "no context switch tells what the thread did since"))
    return found


HOLDER: Final = Holder(
    verdict=Verdict.GROWTH,
    name="not known",
    edge="completed, the holder is not known",
    accuses=Accused.PROCESS,
    rules=(
        Rule(
            RULE,
            "completed, its IRP is on no lookaside list, and more than one reason fits",
            Turn.LEFT,
            lambda asked: asked.seen.off_list | asked.seen.owns_buffer,
        ),
    ),
    evidence=evidence,
    doubts=doubts,
    says=lambda _group: "",
    advice=lambda group, process: advice.caller(process, group.thread, IRP),
)
