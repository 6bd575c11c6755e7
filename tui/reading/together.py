"""What a command reads as one trace: a file, one of the sessions of a file, or files that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from analyzers.formatting import counted
from tracer.data_classes import dataclass
from tracer.errors import InputError, UsageError
from tui.streams import say

if TYPE_CHECKING:
    from tracer.etl.file import EtlFile, SessionBegins
    from tracer.etl.joining.belonging import Group
    from tracer.etl.joining.source import JoinedFiles
    from tracer.trace import TraceInfo


_SAID: Final = 3
"""Reasons why files are not joined that are said one by one."""


@dataclass(frozen=True, slots=True)
class OneSession:
    """One of the sessions that were appended to one another in a file, from 1.

    ``begins``: of who reads several of them.
    """

    path: Path
    number: int
    begins: SessionBegins | None = None


Trace: TypeAlias = "Path | OneSession | Group"


def traces_of(
    paths: Sequence[Path], *, separate: bool = False, session: int | None = None, quiet: bool = False
) -> list[Trace]:
    """The traces that these files are, in the order in which the first file of each was given.

    Why files that look as if they belonged together do not is said on stderr, unless ``quiet``.

    ``separate``: each file for itself. ``session``: only that one of the sessions of the one file that is given;
    :class:`UsageError` where several are.
    """
    if session is not None:
        if len(paths) > 1:
            raise UsageError(
                "usage", "--session takes one trace", where=f"{len(paths)} traces were given",
                why="sessions are numbered file by file", next="give the one file that holds several sessions",
            )  # fmt: skip
        return [OneSession(paths[0], session)]
    if separate or len(paths) == 1:
        return list(paths)
    groups = _groups_of(paths)
    apart = [says for group in groups for says in group.apart]
    for says in apart[:_SAID]:
        say(f"note: {says}", quiet=quiet)
    if len(apart) > _SAID:
        say(
            f"note: {counted(len(apart) - _SAID, 'more pair of files is', 'more pairs of files are')} not joined",
            quiet=quiet,
        )
    return [group if len(group.paths) > 1 else group.paths[0] for group in groups]


def _groups_of(paths: Sequence[Path]) -> list[Group]:
    """The groups; packed files are unpacked as long as that takes. One that cannot be stands alone."""
    from tracer.etl.joining.belonging import groups_of  # brings numpy: not for --help
    from tui.reading.archives import unpacked

    with ExitStack() as opened:
        here = list(paths)
        for place, path in enumerate(paths):
            with suppress(InputError):
                here[place] = opened.enter_context(unpacked(path, quiet=True)).path
        given = dict(zip(here, paths, strict=True))
        return [replace(group, paths=tuple(given[path] for path in group.paths)) for group in groups_of(here)]


def open_trace(trace: Trace) -> EtlFile | JoinedFiles:
    """Open it; :class:`InputError` where it cannot be."""
    from tracer.etl.file import EtlFile

    if isinstance(trace, Path):
        return EtlFile.open(trace)
    if isinstance(trace, OneSession):
        return EtlFile.open(trace.path, session=trace.number, begins=trace.begins)
    from tracer.etl.joining.source import JoinedFiles

    return JoinedFiles.open(trace)


def other_sessions(trace: Trace, first: TraceInfo) -> list[OneSession]:
    """The sessions of a file besides its first, where the file as a whole is asked for."""
    if not isinstance(trace, Path):
        return []
    from tracer.etl.file import SessionBegins

    begins = SessionBegins()
    return [OneSession(trace, number, begins) for number in range(2, first.sessions + 1)]


def name_of(trace: Trace) -> str:
    """In short."""
    if isinstance(trace, Path):
        return trace.name
    if isinstance(trace, OneSession):
        return f"{trace.path.name}, session {trace.number}"
    return f"{trace.paths[0].name} and {len(trace.paths) - 1} more"


def paths_of(trace: Trace) -> tuple[Path, ...]:
    """Its files."""
    if isinstance(trace, Path):
        return (trace,)
    return (trace.path,) if isinstance(trace, OneSession) else trace.paths


def one_trace(paths: Sequence[Path], session: int | None) -> Trace:
    """The one trace that these files are. Raises UsageError where they are several."""
    traces = traces_of(paths, session=session, quiet=True)
    if len(traces) == 1:
        return traces[0]
    raise UsageError(
        "several-traces", f"these {len(paths)} files are {len(traces)} traces",
        where=", ".join(str(path) for path in paths),
        why="; ".join(_apart(paths)) or "they were not recorded on one machine at the same time or by one session",
        next="give the files of one trace, or 'poolscope analyze' with all of them",
    )  # fmt: skip


def _apart(paths: Sequence[Path]) -> list[str]:
    return [says for group in _groups_of(paths) for says in group.apart]
