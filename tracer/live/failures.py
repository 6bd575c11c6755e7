"""Why a capture could not begin or go on: every code, with what to do about it."""

from __future__ import annotations

from typing import Final

from tracer.errors import MachineError
from tracer.live.api import Status

NO_CAPTURE: Final = "no-capture"
ACCESS_DENIED: Final = "access-denied"
SESSION_EXISTS: Final = "session-exists"
SESSION_LIMIT: Final = "session-limit"
SESSION_TAKEN: Final = "session-taken"
FILE_REFUSED: Final = "file-refused"
OPEN_FAILED: Final = "open-failed"
CAPTURE_FAILED: Final = "capture-failed"

_DENIED: Final = frozenset({Status.ACCESS_DENIED, Status.PRIVILEGE_NOT_HELD})
_FILE: Final = frozenset({Status.SHARING_VIOLATION, Status.DISK_FULL, Status.BAD_PATHNAME})


def no_capture(where: str) -> MachineError:
    """This is not Windows."""
    return MachineError(
        NO_CAPTURE, "this machine cannot capture pool events", where=where,
        why="pool events come from the Windows kernel",
        next="record with 'poolscope record' on Windows and open the .etl here with 'poolscope tui TRACE',"
        " or play it as if live: poolscope live --replay TRACE",
    )  # fmt: skip


def refused(call: str, session: str, status: int) -> MachineError:
    """A call that Windows refused for a reason that is not the session's name or number."""
    where = f"{call}, session '{session}'"
    if status in _DENIED:
        return MachineError(
            ACCESS_DENIED, "Windows does not let this user capture kernel events", where=where, why=_reason(status),
            next="run it from an elevated prompt (Run as administrator), or as a member of"
            " Performance Log Users with the right to profile the system",
        )  # fmt: skip
    if status in _FILE:
        return MachineError(
            FILE_REFUSED, "Windows cannot write the trace file", where=where, why=_reason(status),
            next="give a path on a local disk with room, in a folder that exists, of a file that nobody has open",
        )  # fmt: skip
    return MachineError(
        CAPTURE_FAILED, "Windows did not carry out a step of the capture", where=where, why=_reason(status),
        next="run 'poolscope doctor'; with its report the step can be found out",
    )  # fmt: skip


def exists(session: str) -> MachineError:
    """The session's name is taken by somebody else."""
    return MachineError(
        SESSION_EXISTS, f"a session named '{session}' runs already", where=f"StartTraceW, session '{session}'",
        why="another program started it, and Poolscope stops no session that is not its own",
        next=f'end the program that uses it, or, when nobody does: logman stop "{session}" -ets',
    )  # fmt: skip


def limit(session: str, kind: str, most: int, holders: tuple[str, ...]) -> MachineError:
    """All sessions that Windows allows are in use; ``holders`` are their names."""
    return MachineError(
        SESSION_LIMIT, f"Windows has no room for another {kind}: it allows {most}",
        where=f"StartTraceW, session '{session}'",
        why="these run: " + (", ".join(holders) if holders else "(Windows does not say which)"),
        next='stop one that nobody needs: logman stop "NAME" -ets',
    )  # fmt: skip


def taken(session: str) -> MachineError:
    """The session ended, and not by us."""
    return MachineError(
        SESSION_TAKEN, f"the session '{session}' was stopped by somebody else", where=f"session '{session}'",
        why="its events ended before Poolscope stopped it",
        next="what was captured until then stands; see which program stops tracing sessions, and start again",
    )  # fmt: skip


def not_opened(session: str, status: int) -> MachineError:
    """The events of a session of ours cannot be received."""
    return MachineError(
        OPEN_FAILED, f"the events of the session '{session}' cannot be received", where=f"OpenTraceW, '{session}'",
        why=_reason(status), next="run 'poolscope doctor'; run it from an elevated prompt (Run as administrator)",
    )  # fmt: skip


def _reason(status: int) -> str:
    known = Status(status).name.lower().replace("_", " ") if status in Status.__members__.values() else "an error"
    return f"Windows says: {known} (error {status})"
