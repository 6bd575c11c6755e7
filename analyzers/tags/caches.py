"""Tags of memory that Windows keeps as a cache, and how it trims each.

Growth of these is no leak by itself: they stay until memory is short. A tag stands here only where a public source says
how it is trimmed. File systems' own tags (``Ntf?``, ``NtFC``, ``FMfn``) are not among them: known leaks show there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
            f"a cache of the system: {self.what}, {self.trimmed}. It would be a leak if it went on growing while memory"
            " is short; !memusage in a kernel debugger lists the files that it is kept for"
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
        "which the memory manager trims when paged pool is short, not when a file is closed",
        _MMST,
    ),
    _tag("MmCa"): SystemCache(
        "control areas of files whose pages are still in memory",
        "kept for closed files, too, as long as pages of them are on the standby list, which shrinks when memory is"
        " short",
        _MMST[1:],
    ),
}
