"""What holds each unretired request: the holders asked one after the other, each with its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.findings import NOT_HELD, WHYS, Why
from analyzers.holders import completion_stopped, driver_kept, port, special_apc, user_apc
from analyzers.holders.evidence import Seen
from analyzers.holders.held import Port
from analyzers.requests.tables import Queued
from tracer.arrays import I32, U8, U64, Mask

USUAL: Final = "in-flight"
RECENT: Final = "just-completed"
MAY_REST: Final = "may-rest"
UNEXPLAINED: Final = "unexplained"
RULES: Final = {
    USUAL: "its driver has not completed it yet",
    RECENT: "completed so lately that it may be released any moment",
    MAY_REST: "completed, and its IRP may rest on a lookaside list",
    **port.RULES,
    **driver_kept.RULES,
    **completion_stopped.RULES,
    **special_apc.RULES,
    **user_apc.RULES,
    UNEXPLAINED: "completed, its IRP is on no lookaside list, and more than one reason fits",
}
"""Names of the rules by which it is told what holds a request, and their words."""
_NAMES: Final = tuple(RULES)
_IS_HELD: Final = np.array([why not in NOT_HELD for why in WHYS], np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """By request: ``why``, uint8 index into :data:`~analyzers.findings.WHYS`, and ``rule``, into :data:`RULES`.

    ``port``: int32 :attr:`~analyzers.holders.port.Port.number`, 0 for none. ``ports``: all in which something waits.
    """

    evidence: Seen
    why: U8
    rule: U8
    port: I32
    ports: tuple[Port, ...]

    def held(self) -> Mask:
        """By request: whether something holds it beyond what is usual."""
        return np.asarray(_IS_HELD[self.why])

    def is_held_by(self, *whys: Why) -> Mask:
        """By request: whether one of these holds it."""
        return np.isin(self.why, np.array([WHYS.index(why) for why in whys], np.uint8))

    def bare(self) -> Mask:
        """By request: whether stage 2 of its completion has run, so that its IRP is all that is left of it."""
        return np.asarray(self.is_held_by(Why.USER_APC) | self.evidence.finished)

    def keeps(self) -> Mask:
        """By request: whether it is held and still refers to its file."""
        return np.asarray(self.held() & ~self.bare())

    def keeper(self) -> U64:
        """By request: a routine of the driver that has it: the last completion routine, else the last one called."""
        requests = self.evidence.requests
        stopped = self.is_held_by(Why.COMPLETION_STOPPED) & self.evidence.passed
        return np.where(stopped, requests.completion_routine, requests.last_routine)

    def keeper_of(self, row: int) -> int:
        """A routine of the driver that has one request; see :meth:`keeper`."""
        requests = self.evidence.requests
        stopped = WHYS[self.why[row]] is Why.COMPLETION_STOPPED and self.evidence.passed[row]
        return int((requests.completion_routine if stopped else requests.last_routine)[row])


def holding(evidence: Seen, ports: tuple[Port, ...], module_of: Callable[[int], str]) -> Holding:
    """Ask every holder, the surest first. ``module_of``: name of the kernel module at an address, empty for none."""
    sorting = _Sorting(len(evidence.requests))
    in_port = port.in_port(evidence.snapshot)
    sorting.take(in_port, Why.PORT, port.RULE)
    sorting.take(evidence.requests.queued == Queued.WAITING, Why.LIST, MAY_REST)  # of a port that was closed
    sorting.take(driver_kept.overdue(evidence), Why.DRIVER_KEPT, driver_kept.OVERDUE)
    sorting.take(driver_kept.outlives(evidence), Why.DRIVER_KEPT, driver_kept.OUTLIVES)
    sorting.take(~evidence.completed, Why.IN_FLIGHT, USUAL)
    stopped = completion_stopped.holds(evidence) & evidence.callers
    sorting.take(stopped, Why.COMPLETION_STOPPED, completion_stopped.RULE)
    sorting.take(evidence.recent, Why.IN_FLIGHT, RECENT)
    sorting.take(~evidence.callers, Why.LIST, MAY_REST)
    sorting.take(special_apc.starved(evidence), Why.SPECIAL_APC, special_apc.STARVED)
    sorting.take(special_apc.in_one_call(evidence), Why.SPECIAL_APC, special_apc.IN_ONE_CALL)
    several = completion_stopped.now_and_then(evidence, sorting.left, module_of)
    sorting.take(several, Why.COMPLETION_STOPPED, completion_stopped.SEVERAL)
    by_user_apc = user_apc.holds(evidence)
    sorting.take(by_user_apc, Why.USER_APC, user_apc.RULE)
    unexplained = evidence.off_list | evidence.owns_buffer
    sorting.take(unexplained, Why.UNKNOWN, UNEXPLAINED)
    sorting.take(np.ones(len(evidence.requests), np.bool_), Why.LIST, MAY_REST)
    held = sorting.why == WHYS.index(Why.USER_APC)
    left = np.isin(sorting.rule, [_NAMES.index(rule) for rule in (RECENT, MAY_REST, UNEXPLAINED)])
    sorting.give(user_apc.alike(evidence, held, left), Why.USER_APC, user_apc.ALIKE)
    number = np.zeros(len(evidence.requests), np.int32)
    for each in ports:
        number[each.requests] = each.number
    return Holding(evidence, sorting.why, sorting.rule, number, ports)


class _Sorting:
    """The answers; what one holder has taken no later one gets."""

    def __init__(self, count: int) -> None:
        self.why = np.full(count, WHYS.index(Why.UNKNOWN), np.uint8)
        self.rule = np.zeros(count, np.uint8)
        self.left = np.ones(count, np.bool_)

    def take(self, mask: Mask, why: Why, rule: str) -> None:
        """Those of the mask that are left are held by this."""
        mine = mask & self.left
        self.give(mine, why, rule)
        self.left &= ~mine

    def give(self, mine: Mask, why: Why, rule: str) -> None:
        """These are held by this."""
        self.why[mine] = WHYS.index(why)
        self.rule[mine] = _NAMES.index(rule)
