"""Which of the frames that separate kept from freed accuses whom.

Read from the allocator outwards (``docs/verdicts.md`` gives the reasons):

* Code that the freed ones went through as well is cleared: it frees what it allocates for others.
* The kernel's own frames, those in no known image, and a program's, accuse no driver.
* The first driver beyond what is cleared is the culprit. Where another third party's driver calls it directly, and
  separates too, that one is: the outermost.
* A library that comes with Windows allocates for whoever calls it: who does is the culprit, if it separates.
* Further out an inbox driver, or what is reached through one, or through the kernel's dispatching, only stands in the
  way of every such call.
* A driver that comes with Windows is no client of a third party's: that one's memory stays its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.modules import KERNEL_NAME, is_inbox, is_library
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One frame of a stack: its module (empty for none), and whether it, or its module, separates.

    ``kept_with``, ``freed_with``: how many stacks of kept and freed ones have it. ``alone``: nearly all kept
    ones have its module, and many of the freed ones have not.
    """

    place: int
    module: str
    separates: bool
    kept_with: int = 0
    freed_with: int = 0
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Culprit:
    """The frame that accuses, and further ones of drivers that separate as well, innermost first.

    ``sends``: the kernel or another part of Windows stands between it and a third party's driver that allocates: it may
    only pass requests on to that one.
    """

    step: StackFrame
    others: tuple[StackFrame, ...]
    sends: bool = False


def find_culprit(steps: Sequence[StackFrame], allocator: str) -> Culprit | None:
    """Of a stack, innermost frame first; ``allocator``: the driver that called the pool. ``None``: nothing accuses."""
    found = _outermost(steps)
    if found is None or (_is_windows(found.module) and found.module != allocator and not _is_windows(allocator)):
        return None
    others: dict[str, StackFrame] = {}
    for each in steps:
        if each.separates and each.module not in {"", KERNEL_NAME, found.module}:
            others.setdefault(each.module, each)
    return Culprit(found, tuple(others.values()), _sends(steps, found, allocator))


def _sends(steps: Sequence[StackFrame], found: StackFrame, allocator: str) -> bool:
    modules = [each.module for each in steps[: steps.index(found)]]
    if _is_windows(allocator) or found.module == allocator or allocator not in modules:
        return False
    return any(_is_windows(module) for module in modules[modules.index(allocator) :])


def find_client(steps: Sequence[StackFrame], allocator: str) -> StackFrame | None:
    """The frame of a third party's driver that calls the allocating one and forgets some of what it gets.

    Only where nothing separates. ``None`` too where the allocating driver's own memory is none of its callers'.
    """
    if not _may_be_client_s(allocator):
        return None
    inside = False
    for each in steps:
        if each.module == allocator:
            inside = True
        elif inside and (each.module in {"", KERNEL_NAME} or not is_library(each.module)):
            return each if each.alone and not _is_windows(each.module) else None
    return None


def _outermost(steps: Sequence[StackFrame]) -> StackFrame | None:
    found: StackFrame | None = None
    for at, each in enumerate(steps):
        if found is None:
            if not each.module and at:
                return None
            found = each if each.separates and each.module not in {"", KERNEL_NAME} else None
        elif each.module == found.module:
            found = each if each.separates else found
        elif not each.module or each.module == KERNEL_NAME:
            break
        elif each.separates and not _is_windows(each.module) and _may_be_client_s(found.module):
            found = each
        elif not (is_library(found.module) and is_library(each.module)):
            break
    return found


def _is_windows(driver: str) -> bool:
    return is_inbox(driver) or is_library(driver)


def _may_be_client_s(driver: str) -> bool:
    """Whether what a driver keeps may be the fault of another that calls it directly."""
    return is_library(driver) or not _is_windows(driver)
