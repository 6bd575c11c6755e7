"""What the file of each holder declares: its rules, whom a finding about it accuses, and its words."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from analyzers.findings import Accused, Evidence, Verdict
from analyzers.holders.evidence import Seen
from analyzers.holders.held import HeldGroup
from tracer.arrays import Mask
from tracer.data_classes import dataclass


class Turn(IntEnum):
    """When a rule is asked. What one rule has taken no later one gets; within a turn the order is that of ``Why``."""

    QUEUED = 0
    """First: kernel queue events tell."""
    IN_FLIGHT = 1
    """Then whatever else is not completed is in flight, as usual."""
    STOPPED = 2
    """Then what was completed just now, or was not asked for by a program, is let off."""
    COMPLETED = 3
    LEFT = 4
    """Then whatever is left may rest on a lookaside list."""
    AFTERWARDS = 5
    """Asked about what was let off, or is not explained."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a rule is asked about. ``left``: by request, whether nothing has taken it yet.

    ``held``: by request, whether the rule's own holder has. ``module_of``: name of the kernel module at an address,
    empty for none.
    """

    seen: Seen
    left: Mask
    held: Mask
    module_of: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to tell that something holds a request: its name in ``--json``, a sentence, and by request, whether."""

    name: str
    says: str
    turn: Turn
    holds: Callable[[Asked], Mask]


@dataclass(frozen=True, slots=True)
class Holder:
    """A kind of thing that holds requests.

    ``name`` and ``edge``: a few words for people, the second for the step from the requests to what holds them.
    ``accuses``: also what tells one such holder from another: the issuing thread (of a process), the port, the driver.
    Of a group of held requests: ``evidence`` for it, ``doubts`` with their factors, what it ``says`` as an explanation,
    and ``advice``, which also gets the name of the process.
    """

    verdict: Verdict
    name: str
    edge: str
    accuses: Accused
    rules: tuple[Rule, ...]
    evidence: Callable[[HeldGroup], list[Evidence]]
    doubts: Callable[[HeldGroup], list[tuple[float, str]]]
    says: Callable[[HeldGroup], str]
    advice: Callable[[HeldGroup, str], str]
