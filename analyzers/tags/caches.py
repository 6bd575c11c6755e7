"""Tags of memory that Windows keeps as a cache, and how it trims each.

Growth of these is no leak by itself: they stay until memory is short. A tag stands here only where a public source says
how it is trimmed. File systems' own tags (``Ntf?``, ``NtFC``, ``FMfn``) are not among them: known leaks show there.
"""

from __future__ import annotations

from typing import Final

from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class SystemCache:
    """``what`` is kept, and when it is ``trimmed``; ``sources``: who says so."""

    what: str
    trimmed: str
    sources: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why its growth is not accused, and what would tell a leak."""
        return (
            f"{self.what}; {self.trimmed}. It is a leak if it grows while memory is short (!memusage lists its files)"
        )


_MMST: Final = (
    "https://techcommunity.microsoft.com/blog/askperf/getting-to-know-the-mmst-pool-tag/374971",
    "https://learn.microsoft.com/archive/blogs/ntdebugging/tracking-down-mmst-paged-pool-usage",
)


def _tag(text: str) -> int:
    return int.from_bytes(text.encode("ascii"), "little")


SYSTEM_CACHES: Final[dict[int, SystemCache]] = {
    _tag("MmSt"): SystemCache(
        "prototype page table entries of files that are mapped or cached",
        "Windows trims them when paged pool is short, not when a file is closed",
        _MMST,
    ),
    _tag("MmCa"): SystemCache(
        "control areas of files whose pages are still in memory",
        "Windows trims them when memory is short, not when a file is closed",
        _MMST[1:],
    ),
}
