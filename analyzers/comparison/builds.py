"""Which images of the kernel are not the same in all traces that are compared."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.snapshot import Snapshot


def rebuilt(traces: Iterable[Snapshot]) -> frozenset[str]:
    """Kernel images, in small letters, of which not all traces that have them had the same build."""
    seen: dict[str, list[frozenset[tuple[int, int]]]] = {}
    for snapshot in traces:
        for name, builds in snapshot.names.builds().items():
            seen.setdefault(name, []).append(builds)
    return frozenset(name for name, (first, *others) in seen.items() if not all(_alike(first, each) for each in others))


def _alike(some: frozenset[tuple[int, int]], others: frozenset[tuple[int, int]]) -> bool:
    """Whether any is in both: of one size, and where both have a time stamp, of one."""
    return any(one[0] == other[0] and (one[1] == other[1] or not one[1] * other[1]) for one in some for other in others)
