"""``--from`` and ``--until``: an interval of the trace."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analyzers.selection.times import EXAMPLES, TypedTime, moment_of
from tracer.errors import UsageError
from tui.streams import say

if TYPE_CHECKING:
    from analyzers.selection.query import Interval
    from analyzers.snapshot import Snapshot


def add_interval(parser: argparse._ActionsContainer, *, writes: bool = False) -> None:
    """``--from`` and ``--until``; also as ``--to``, but where a command ``writes`` a file to somewhere."""
    parser.add_argument(
        "--from", dest="begin", type=_moment, metavar="TIME", help=f"only what was allocated from then on: {EXAMPLES}"
    )
    words = ("--until",) if writes else ("--to", "--until")
    parser.add_argument(*words, dest="end", type=_moment, metavar="TIME", help="only what was allocated before that")


def interval_of(args: argparse.Namespace, snapshot: Snapshot, *, lenient: bool = False) -> Interval | None:
    """The interval that was asked for; ``None``: all of the trace.

    Raises:
        UsageError: nothing of the trace lies in it; a warning on stderr where ``lenient``.
    """
    if args.begin is None and args.end is None:
        return None
    from analyzers.selection.query import Interval  # brings numpy: not for --help

    start, last = snapshot.info.start, snapshot.at_ns
    begin = 0 if args.begin is None else args.begin.since(start)
    end = last + 1 if args.end is None else args.end.since(start)
    if begin >= end or begin > last or end <= 0:
        both = args.begin is not None and args.end is not None
        error = _nothing_in_it(args, snapshot, is_backwards=both and begin >= end)
        if not lenient:
            raise error
        say(f"warning: {error.where}: {error.what}; {error.why}")
        return Interval(0, 0)
    return Interval(max(begin, 0), min(end, last + 1))


def _nothing_in_it(args: argparse.Namespace, snapshot: Snapshot, *, is_backwards: bool) -> UsageError:
    from analyzers.formatting import moment
    from tracer.trace import filetime_text

    words = [f"--{name} {asked.text}" for name, asked in (("from", args.begin), ("until", args.end)) if asked]
    start = filetime_text(snapshot.info.start)
    return UsageError(
        "no-such-interval",
        "the interval ends before it begins" if is_backwards else "nothing of the trace lies in the interval",
        where=f"{snapshot.info.path}, {' '.join(words)}",
        why=f"the trace goes from {start} on to {moment(snapshot.at_ns)}" if start else "",
        next=f"times are since its start, or a date and time: {EXAMPLES}",
    )


def _moment(word: str) -> TypedTime:
    try:
        return moment_of(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
