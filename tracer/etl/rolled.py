"""Whether a file is one part of a recording that went on in other files.

A session goes on in another file by itself (``EVENT_TRACE_FILE_MODE_NEWFILE``), or when its controller gives it another
file name. The second leaves no sign in the file; the names of such parts end in a number (``pool.etl.001``,
``pool_000001.etl``), and other parts often lie beside it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from tracer.errors import InputError
from tracer.etl.headers import LogFileMode
from tracer.etl.heads import same_clock, same_session, same_start
from tracer.etl.logfile import HEAD_BYTES, LogFile, read_head
from tracer.trace import Rolled

_AFTER: Final = r"(?i)(?P<before>.+\.etl\.)(?P<number>\d{1,6})(?P<after>)"
_INSIDE: Final = r"(?i)(?P<before>.*?\D)(?P<number>\d{1,6})(?P<after>\.etl)"
_MOST_LOOKED_AT: Final = 64
"""Files of such names beside it whose heads are read."""
_ADJOINING: Final = 20_000_000
"""Two seconds of a FILETIME: a session that goes on in another file does so at once."""


def rolled_of(path: Path, head: LogFile) -> Rolled | None:
    """The signs; ``None`` where there are none."""
    own = numbered(path)
    heads = [(other, theirs) for other in _numbered_alike(path) if (theirs := _head_of(other)) is not None]
    found = [other for other, theirs in heads if _belongs(theirs, head)]
    beside = tuple(other.name for other in found)
    goes_on = not found or own is None or (numbered(found[-1]) or own) > own
    signs = []
    if head.mode & LogFileMode.NEWFILE:
        signs.append("its session went on in another file whenever one was full (mode newfile)")
    # Windows numbers the files of an autologger in the same way, one for each boot.
    if own is not None and re.fullmatch(_AFTER, path.name) and (found or not heads):
        signs.append("its name ends in a number, as parts of a recording do")
    if beside:
        parts = "another part lies" if len(beside) == 1 else f"{len(beside)} other parts lie"
        signs.append(f"{parts} beside it, of the same session and clock")
    return Rolled(tuple(signs), beside, goes_on) if signs else None


def numbered(path: Path) -> tuple[str, int] | None:
    """A path without the number in its name, and the number; ``None`` for a name without one."""
    if not any(map(str.isdigit, path.name)):  # most have none: then nothing is compiled
        return None
    name = re.fullmatch(_AFTER, path.name) or re.fullmatch(_INSIDE, path.name)
    if name is None:
        return None
    return str(path.with_name(f"{name['before']}*{name['after']}")).casefold(), int(name["number"])


def _numbered_alike(path: Path) -> list[Path]:
    """Files in the same folder whose names differ in the number alone, by number."""
    own = numbered(path)
    if own is None:
        return []
    found: list[tuple[int, Path]] = []
    with suppress(OSError):
        for other in path.parent.iterdir():
            theirs = numbered(other)
            if theirs is not None and theirs[0] == own[0] and other.name != path.name:
                found.append((theirs[1], other))
    return [other for _, other in sorted(found)[:_MOST_LOOKED_AT]]


def _head_of(path: Path) -> LogFile | None:
    with suppress(OSError, InputError), path.open("rb") as file:
        return read_head(file.read(HEAD_BYTES), str(path), path.stat().st_size)
    return None


def _belongs(one: LogFile, other: LogFile) -> bool:
    """Whether the session that wrote one file wrote the other: sessions of one name may follow one another all day."""
    if not (same_session(one, other) and same_clock(one, other)):
        return False
    pauses = (abs(one.end - other.start), abs(other.end - one.start))
    return same_start(one, other) or min(pauses) <= _ADJOINING
