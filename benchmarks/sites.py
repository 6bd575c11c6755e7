"""Who allocates in a benchmark trace: images, processes, threads, and sites with their stacks. All simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.pooltag import BIG_POOL, PAGED
from tracer.arrays import F64, I64, U32, U64

NONPAGED: Final = 0
NONPAGED_NX: Final = 512
POOL_TYPES: Final = (NONPAGED, NONPAGED_NX, PAGED)
POOL_TYPE_SHARES: Final = (0.2, 0.5, 0.3)
TAGS: Final = 200
PAGE: Final = 4096
IMAGE_BASE: Final = 0xFFFFF80200000000
IMAGE_SIZE: Final = 0x100000
IMAGE_NAMES: Final = ("ntoskrnl.exe", "afd.sys", "tcpip.sys", "netio.sys", "ndis.sys", "Ntfs.sys", "fltmgr.sys")
DRIVERS: Final = 33
PROCESSES: Final = 24
THREADS_PER_PROCESS: Final = 8
SHARED_FRAMES: Final = 4
"""Outermost frames that many stacks have in common (the system call, the thread's start)."""
ENTRY_PATHS: Final = 16


def images() -> list[tuple[str, int]]:
    """Name and base of every kernel image."""
    names = [*IMAGE_NAMES, *(f"simulated{number:02}.sys" for number in range(DRIVERS))]
    return [(name, IMAGE_BASE + index * IMAGE_SIZE) for index, name in enumerate(names)]


def processes() -> list[tuple[str, int]]:
    """Image name and id of every process."""
    return [("System", 4), *((f"simulated{number:02}.exe", 1000 + 4 * number) for number in range(1, PROCESSES))]


def threads() -> dict[int, int]:
    """Thread id → process id."""
    owners = [pid for _, pid in processes() for _ in range(THREADS_PER_PROCESS)]
    return {8000 + 4 * number: pid for number, pid in enumerate(owners)}


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Places in the code that allocate; a site's blocks have one size, tag and pool type.

    Stack ``s`` is the allocating one of site ``s``, stack ``len(size) + s`` the freeing one; its
    frames are ``frames[frame_start[s] : frame_start[s] + frame_count[s]]``, innermost first.
    """

    size: I64
    size_class: I64
    tag: U32
    type: U32
    popularity: F64
    frames: U64
    frame_start: I64
    frame_count: I64

    def draw(self, rng: np.random.Generator, count: int) -> I64:
        """That many sites, the popular ones often."""
        return np.searchsorted(self.popularity, rng.random(count), side="right").astype(np.int64)

    def mean_frames(self) -> float:
        """Frames of the average event, half of them allocations and half frees."""
        share = np.diff(self.popularity, prepend=0.0)
        return float((self.frame_count.reshape(2, -1) @ share).mean())


def make_sites(rng: np.random.Generator, stacks: int, frames: tuple[int, int], class_sizes: I64) -> Sites:
    """Half as many sites as stacks, with popularities after Zipf and ``frames`` (least, most) frames a stack."""
    count = max(1, stacks // 2)
    size = np.minimum(np.exp(rng.normal(5.0, 1.2, count)).astype(np.int64) // 16 * 16 + 16, class_sizes[-1])
    size_class = np.searchsorted(class_sizes, size)
    pool_type = rng.choice(POOL_TYPES, count, p=POOL_TYPE_SHARES).astype(np.uint32)
    share = 1.0 / np.arange(1, count + 1)
    share /= share.sum()
    popularity = np.cumsum(share)
    popularity[-1] = 1.0
    frame_count = rng.integers(frames[0], frames[1] + 1, 2 * count)
    return Sites(
        size=size,
        size_class=size_class.astype(np.int64),
        tag=rng.choice(_tags(), count),
        type=np.where(size > PAGE, pool_type | BIG_POOL, pool_type).astype(np.uint32),
        popularity=popularity,
        frames=_frames(rng, frame_count),
        frame_start=np.cumsum(frame_count) - frame_count,
        frame_count=frame_count,
    )


def _tags() -> U32:
    names = b"".join(f"S{number:03}".encode() for number in range(TAGS))
    return np.frombuffer(names, "<u4")


def _frames(rng: np.random.Generator, frame_count: I64) -> U64:
    """Return addresses inside the images; the outermost frames come from a few entry paths."""
    base = np.array([base for _, base in images()], np.uint64)
    total = int(frame_count.sum())
    frames = rng.choice(base, total) + rng.integers(0x1000, IMAGE_SIZE, total).astype(np.uint64)
    entries = base[0] + rng.integers(0x1000, IMAGE_SIZE, (ENTRY_PATHS, SHARED_FRAMES)).astype(np.uint64)
    path = rng.integers(0, ENTRY_PATHS, len(frame_count))
    shared = np.minimum(SHARED_FRAMES, frame_count - 1)
    for back in range(SHARED_FRAMES):
        rows = np.flatnonzero(back < shared)
        frames[np.cumsum(frame_count)[rows] - 1 - back] = entries[path[rows], back]
    return frames
