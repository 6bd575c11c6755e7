"""Names of our sessions: recognisable, so that one that a crash has left behind is found again.

``Poolscope kernel 1234-1dd1a2b3c4d5e6f``: what it is for, the process that started it, and when that process was
started, since process ids are used again.
"""

from __future__ import annotations

import re
from typing import Final

from tracer.data_classes import dataclass

KERNEL_LOGGER: Final = "NT Kernel Logger"
_PREFIX: Final = "Poolscope"
_OURS: Final = re.compile(rf"{_PREFIX} (kernel|sockets) (\d{{1,10}})-([0-9a-f]{{1,16}})")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, by id and the FILETIME of its start."""

    process: int
    started: int


def session_name(purpose: str, owner: Owner) -> str:
    """The name of a session of this process; ``purpose`` is ``kernel`` or ``sockets``."""
    return f"{_PREFIX} {purpose} {owner.process}-{owner.started:x}"


def owner_of(name: str) -> Owner | None:
    """Who started a session of ours; ``None`` for any other session."""
    found = _OURS.fullmatch(name)
    return None if found is None else Owner(int(found[2]), int(found[3], 16))
