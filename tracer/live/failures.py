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
_FILE: Final = frozenset({
    Status.FILE_NOT_FOUND, Status.PATH_NOT_FOUND, Status.SHARING_VIOLATION, Status.DISK_FULL, Status.INVALID_NAME,
    Status.BAD_PATHNAME, Status.DIRECTORY,
})  # fmt: skip
_BUSY: Final = "another program, maybe security software, is at the kernel's tracing"
_MEANINGS: Final[dict[tuple[str, int], str]] = {
    ("StartTraceW", Status.BUSY): _BUSY,
    ("EnableTraceEx2", Status.BUSY): _BUSY,
    ("EnableTraceEx2", Status.NO_SYSTEM_RESOURCES): "more than eight sessions have it turned on, or memory is short",
    ("StartTraceW", Status.BAD_PATHNAME): "another session writes this file, or its path is wrong",
}
"""What a status of a call means beyond its name, by Microsoft's page on the call (170: as PerfView's users met it)."""


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
    function = call.partition(" ")[0]
    why = reason(function, status)
    if status in _DENIED:
        return MachineError(
            ACCESS_DENIED, "Windows does not let this user capture kernel events", where=where, why=why,
            next="run it from an elevated prompt (Run as administrator); where it is one, security software refuses",
        )  # fmt: skip
    if status in _FILE and function == "StartTraceW":
        return file_refused(session, status)
    return MachineError(
        CAPTURE_FAILED, "Windows did not carry out a step of the capture", where=where, why=why,
        next="try again in a minute; which program is at it, 'logman query -ets' may tell"
        if status == Status.BUSY
        else "run 'poolscope doctor'; with its report the step can be found out",
    )  # fmt: skip


def file_refused(session: str, status: int) -> MachineError:
    """The file of a recording cannot be written."""
    return MachineError(
        FILE_REFUSED, "Windows cannot write the trace file", where=f"StartTraceW, session '{session}'",
        why=reason("StartTraceW", status),
        next="give a path on a local disk with room, in a folder that exists and that you may write to, of a file"
        " that nobody has open",
    )  # fmt: skip


def too_old(build: int, first: int) -> MachineError:
    """A Windows before the first that this works on."""
    return MachineError(
        NO_CAPTURE, f"Windows build {build} is too old to capture on", where="Windows",
        why=f"the oldest is build {first} (Windows 8.1)",
        next="record there with WPR or xperf (poolscope profile --xperf) and open the .etl on another machine",
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
        why=reason("OpenTraceW", status),
        next="run 'poolscope doctor'; run it from an elevated prompt (Run as administrator)",
    )  # fmt: skip


def reason(function: str, status: int) -> str:
    """A status in words, with what it means where this function gives it."""
    known = Status(status).name.lower().replace("_", " ") if status in Status.__members__.values() else "an error"
    meaning = _MEANINGS.get((function, status))
    return f"Windows says: {known} (error {status})" + (f": {meaning}" if meaning else "")
