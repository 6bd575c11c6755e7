"""What is true about a trace, as far as judging its findings needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracer.events.pool import ALLOC

LEAST_SEEN: Final = 8
"""A leak of which the file shows fewer blocks (the rest lies in lost or overwritten buffers) is not asked for."""
_KERNEL_IMAGES: Final = frozenset({"nt", "ntoskrnl", "ntkrnlpa", "ntkrnlmp", "ntkrpamp"})
POOL_GROUP: Final = ALLOC >> 8


@dataclass(frozen=True, slots=True)
class Leak:
    """One guilty party.

    ``verdicts``: the right one first, then those that the trace bears out as well. ``accused``: kinds of culprit that
    are right to name; ``processes``, ``threads`` (ids) and ``drivers`` (as :func:`plain` gives them): who that is.
    ``cause``: the reason among a finding's explanations; ``apc``, ``kept``, ``why``: as findings and held requests say
    it, empty where there is none. ``held``: addresses of the IRPs that it holds and of which the file shows
    allocation, issue and completion (if there is one); ``unseen``: of its other IRPs. ``tags``: numbers with the
    protected bit cleared; ``count``, ``bytes``: of the blocks that the file shows.
    """

    verdicts: tuple[str, ...]
    accused: frozenset[str]
    cause: str
    tags: frozenset[int]
    count: int
    bytes: int
    processes: frozenset[int] = frozenset()
    threads: frozenset[int] = frozenset()
    drivers: frozenset[str] = frozenset()
    apc: str = ""
    kept: str = ""
    why: str = ""
    held: frozenset[int] = frozenset()
    unseen: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Truth:
    """Of one trace: its leaks (none: a clean one), and whether events were lost or the start overwritten.

    ``names``: module file, offset and name of the functions on its stacks.
    """

    leaks: tuple[Leak, ...]
    lossy: bool
    names: tuple[tuple[str, int, str], ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return not self.leaks

    @property
    def faint(self) -> bool:
        """Whether what leaks can hardly be seen in the file."""
        return bool(self.leaks) and max(leak.count for leak in self.leaks) < LEAST_SEEN


def plain(driver: str) -> str:
    """A driver's name for comparison: no extension, one case, one name for the kernel's own image."""
    name = driver.casefold().removesuffix(".sys").removesuffix(".exe")
    return "nt" if name in _KERNEL_IMAGES else name
