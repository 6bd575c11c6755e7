"""What holds each unretired request: the holders are asked one after the other, each by its rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.findings import NOT_HELD, WHYS, Why
from analyzers.holders import port, unknown
from analyzers.holders.evidence import Seen
from analyzers.holders.held import Port
from analyzers.holders.holder import Asked, Turn
from analyzers.holders.registry import HOLDERS
from analyzers.requests.tables import Queued
from tracer.arrays import I32, U8, U64, Mask
from tracer.data_classes import dataclass

USUAL: Final = "in-flight"
RECENT: Final = "just-completed"
MAY_REST: Final = "may-rest"
RULES: Final = {
    USUAL: "its driver has not completed it yet",
    RECENT: "completed so lately that it may be released any moment",
    MAY_REST: "completed, and its IRP may rest on a lookaside list",
    **{rule.name: rule.says for holder in HOLDERS.values() for rule in holder.rules},
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
    sorting = _Sorting(evidence, module_of)
    sorting.ask(Turn.QUEUED)
    sorting.take(evidence.requests.queued == Queued.WAITING, Why.LIST, MAY_REST)  # of a port that was closed
    sorting.ask(Turn.IN_FLIGHT)
    sorting.take(~evidence.completed, Why.IN_FLIGHT, USUAL)
    sorting.ask(Turn.STOPPED)
    sorting.take(evidence.recent, Why.IN_FLIGHT, RECENT)
    sorting.take(~evidence.callers, Why.LIST, MAY_REST)
    sorting.ask(Turn.COMPLETED)
    sorting.ask(Turn.LEFT)
    sorting.take(np.ones(len(evidence.requests), np.bool_), Why.LIST, MAY_REST)
    sorting.left = np.isin(sorting.rule, [_NAMES.index(rule) for rule in (RECENT, MAY_REST, unknown.RULE)])
    sorting.ask(Turn.AFTERWARDS)
    if not evidence.snapshot.seen_queues:
        ports = port.by_process(evidence, np.flatnonzero(sorting.rule == _NAMES.index(port.BY_OTHERS)), ports)
    number = np.zeros(len(evidence.requests), np.int32)
    for each in ports:
        number[each.requests] = each.number
    return Holding(evidence, sorting.why, sorting.rule, number, ports)


class _Sorting:
    """The answers; what one rule has taken no later one gets."""

    def __init__(self, evidence: Seen, module_of: Callable[[int], str]) -> None:
        count = len(evidence.requests)
        self._seen, self._module_of = evidence, module_of
        self.why = np.full(count, WHYS.index(Why.UNKNOWN), np.uint8)
        self.rule = np.zeros(count, np.uint8)
        self.left = np.ones(count, np.bool_)

    def ask(self, turn: Turn) -> None:
        """Every holder's rules of this turn."""
        for why, holder in HOLDERS.items():
            for rule in holder.rules:
                if rule.turn is turn:
                    held = self.why == WHYS.index(why)
                    self.take(rule.holds(Asked(self._seen, self.left, held, self._module_of)), why, rule.name)

    def take(self, mask: Mask, why: Why, rule: str) -> None:
        """Those of the mask that are left are held by this."""
        mine = mask & self.left
        self.why[mine] = WHYS.index(why)
        self.rule[mine] = _NAMES.index(rule)
        self.left &= ~mine
