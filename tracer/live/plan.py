"""What to capture and by which of Windows' two ways: decided from numbers, so that it can be tested anywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import UsageError

MOST_TAGS: Final = 4
"""Pool tags that a session filters by (ETW_MAX_POOLTAG_FILTER in System Informer's ``ntwmi.h``)."""
TAG_BYTES: Final = 4

FIRST_WITH_SYSTEM_PROVIDERS: Final = 20348
"""Windows Server 2022 and Windows 11 (Microsoft's page on system providers)."""
FIRST_BUILD: Final = 9600
"""Windows 8.1: the oldest that the Python which this needs installs on, and that has independent sessions."""

_SECONDS_BUFFERED: Final = 2.0
_BUFFERS_A_CPU: Final = 4
_BUFFER_KB: Final = (64, 1024)
_MOST_MB: Final = 512
_RECORD_BYTES: Final = 200
"""About what an event and its stack of 16 frames take in a session's buffers."""


class Way(StrEnum):
    """How the kernel's events are turned on."""

    SYSTEM_PROVIDERS = "system-providers"  # a private system logger, each kind a provider with keywords
    PRIVATE_SYSTEM_LOGGER = "private-system-logger"  # the same, with a group mask


def way_for(build: int) -> Way:
    """The way that a build of Windows from :data:`FIRST_BUILD` on offers, the newest first."""
    return Way.SYSTEM_PROVIDERS if build >= FIRST_WITH_SYSTEM_PROVIDERS else Way.PRIVATE_SYSTEM_LOGGER


@dataclass(frozen=True, slots=True)
class Buffers:
    """A session's buffers: the size of each, how many it starts with and may have."""

    kilobytes: int
    least: int
    most: int


def buffers_for(events_per_second: int, processors: int) -> Buffers:
    """Buffers that hold two seconds of events; at least four for each CPU, at most 512 MB in all."""
    wanted = int(events_per_second * _RECORD_BYTES * _SECONDS_BUFFERED) >> 10
    least = _BUFFERS_A_CPU * max(processors, 1)
    size = max(_BUFFER_KB[0], min(_BUFFER_KB[1], 1 << max(0, wanted // least).bit_length()))
    most = max(2 * least, min(2 * wanted // size, (_MOST_MB << 10) // size))
    return Buffers(size, least, max(least, most))


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What to capture.

    ``tags``: pool tags of four bytes, as in memory; none for all. ``stacks``, ``context_switches``, ``requests``
    (driver and thread-pool queue events), ``sockets`` (Winsock-AFD and TCPIP): kinds of evidence. ``seconds``: after
    which it ends by itself. ``file`` and ``most_bytes``: of a recording, ``most_bytes`` 0 for no bound but the disk.
    ``events_per_second``: what the session's buffers are made for. :class:`~tracer.errors.UsageError` for a tag that
    has not four bytes and for bounds that are not positive.
    """

    tags: tuple[bytes, ...] = ()
    stacks: bool = True
    context_switches: bool = True
    requests: bool = True
    sockets: bool = True
    seconds: float | None = None
    file: Path | None = None
    most_bytes: int = 0
    events_per_second: int = 200_000

    def __post_init__(self) -> None:
        for tag in self.tags:
            if len(tag) != TAG_BYTES:
                raise UsageError(
                    "bad-tag", f"{tag!r} is no pool tag", why="a pool tag has four bytes",
                    next="pad a shorter tag with spaces on the right, as in 'Irp '",
                )  # fmt: skip
        if (self.seconds is not None and self.seconds <= 0) or self.most_bytes < 0 or self.events_per_second <= 0:
            raise UsageError(
                "bad-bound", "a bound of the capture is not positive", why="nothing could be captured within it",
                next="give a time and a size above 0, or leave them out",
            )  # fmt: skip

    @property
    def filtered_by_session(self) -> bool:
        """Whether the tags are few enough for the session to filter by, each with and without the protected bit."""
        return 0 < 2 * len(self.tags) <= MOST_TAGS
