"""``poolscope tui``: the terminal interface on a trace."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import UsageError
from tui.commands.interval import add_interval, interval_of
from tui.commands.options import add_look, add_pooltag, add_quiet, add_session, add_symbols, add_traces
from tui.errors import tell
from tui.exit_codes import ExitCode, exit_code_of
from tui.hints import one_of
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.outcome import outcome, worst_exit_code
from tui.redaction.options import add_redact, redaction_of
from tui.streams import is_behind_browser, is_terminal, say
from tui.views.registry import CHANGES, VIEWS, ViewSpec

_SUFFIXES: Final = (".svg", "")
"""Of a picture; a device or a pipe has none."""

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analyzers.selection.query import Interval
    from analyzers.snapshot import Snapshot
    from analyzers.symbolization import Symbols
    from tui.naming import Naming
    from tui.reading.compared import Compared
    from tui.reading.symbols import NameSource
    from tui.redaction.redaction import Redaction


class TuiCommand:
    """Loads with progress on stderr, then opens."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file, or several that are one trace")
        add_session(parser)
        add_interval(parser)
        parser.add_argument(
            "--before",
            action="append",
            type=Path,
            default=[],
            metavar="TRACE",
            help="compare with an earlier trace: what is new, grown or gone; several, the earliest first, are a series",
        )
        add_pooltag(parser)
        add_symbols(parser)
        add_screenshot(parser, (CHANGES,))
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Open the interface, or write a picture of it."""
        check_screenshot(args)
        if args.view == CHANGES.key and not args.before:
            raise UsageError(
                "usage",
                f"the view '{CHANGES.key}' is about two traces",
                next=f"poolscope tui TRACE --before EARLIER --view {CHANGES.key}",
            )
        if args.screenshot is None:
            require_terminal()
        from tui.reading.symbols import name_source
        from tui.reading.tag_names import load_tag_names  # brings numpy: not for --help
        from tui.reading.together import one_trace
        from tui.reading.trace import read_telling_session

        if args.before:
            return self._compare(args)
        trace = one_trace(args.traces, args.session)
        names = load_tag_names(args.pooltag, quiet=args.quiet)
        with name_source(args) as source:
            symbols = None if source is None else source.symbols(is_aside=True)
            snapshot, conclude = read_telling_session(trace, names, quiet=args.quiet, symbols=symbols)
            naming = naming_of(source, symbols, conclude, redaction_of(args))
            return open_interface(snapshot, args, interval_of(args, snapshot), naming)

    def _compare(self, args: argparse.Namespace) -> int:
        """Open the last of several traces, with what changed since the others: their names cannot come later."""
        from tui.reading.compared import read_compared

        every = [*([path] for path in args.before), args.traces]
        compared = read_compared(args, every, session=args.session, redaction=redaction_of(args))
        for _, error in compared.unread:
            tell(error, args.command)
        snapshot = compared.snapshots[-1]
        done = open_interface(snapshot, args, interval_of(args, snapshot), compared=compared)
        return worst_exit_code([done, *(exit_code_of(error) for _, error in compared.unread)])


def add_screenshot(parser: argparse.ArgumentParser, more: Sequence[ViewSpec] = ()) -> None:
    """``--view``, ``--ascii``, ``--screenshot``, ``--force``, ``--size``, ``--press``.

    ``more``: views that there may be besides.
    """
    names = [view.key for view in (*VIEWS, *more)]
    parser.add_argument(
        "--view", type=one_of(names, "view"), choices=names, default="", metavar="NAME",
        help=f"begin with: {', '.join(names)}",
    )  # fmt: skip
    add_look(parser)
    parser.add_argument("--screenshot", type=Path, metavar="FILE.svg", help="write a picture of the interface instead")
    add_force(parser)
    parser.add_argument("--size", type=_size, default=(120, 40), metavar="COLSxROWS", help="of the picture (120x40)")
    parser.add_argument("--press", default="", metavar="KEYS", help="keys to press first, such as enter,down,enter")


def check_screenshot(args: argparse.Namespace) -> None:
    """Raise UsageError for a picture that cannot be drawn, or whose file would be lost, before anything is read."""
    if args.screenshot is None:
        if args.press:
            raise UsageError("usage", "--press is about a picture", next="add --screenshot FILE.svg, or leave it out")
        return
    if args.screenshot.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            "picture-format",
            f"a picture is written as SVG, not as {args.screenshot.suffix}",
            where=str(args.screenshot),
            why="SVG keeps text as text; every browser shows it, and converts it when it prints",
            next=f"--screenshot {args.screenshot.with_suffix('.svg')}",
        )
    refuse_to_overwrite(args.screenshot, force=args.force)
    from tui.picture_keys import check_keys  # brings textual

    check_keys(keys_of(args.press))


def keys_of(words: str) -> list[str]:
    """The keys of ``--press``."""
    return [key for key in words.split(",") if key]


def naming_of(
    source: NameSource | None,
    symbols: Symbols | None,
    conclude: Callable[[], Snapshot] | None = None,
    redaction: Redaction | None = None,
) -> Naming | None:
    """What finds names while the interface is open, and tells in its header what comes from servers meanwhile."""
    if source is None or symbols is None:
        return None
    from tui.naming import Naming

    naming = Naming(symbols, conclude, redaction)
    source.progress = naming.progress
    return naming


def open_interface(
    snapshot: Snapshot,
    args: argparse.Namespace,
    interval: Interval | None = None,
    naming: Naming | None = None,
    compared: Compared | None = None,
) -> ExitCode:
    """The interface on the terminal, or its picture in a file; gives the trace's outcome.

    ``interval``: limited to it. ``naming``: finds names of functions; a picture is drawn when it is done.
    ``compared``: what changed since other traces.
    """
    from analyzers.selection.query import Query
    from tui.app import PoolscopeApp, screenshot  # brings textual
    from tui.look import Look, look_here
    from tui.theme_names import BY_WORD, DARK

    if (redaction := redaction_of(args)) is not None:
        from tui.redaction.snapshots import redacted

        snapshot = redacted(snapshot, redaction)
    scope = Query(interval=interval)
    if args.screenshot is None:
        here = look_here(ascii_asked=args.ascii, theme=args.theme)
        PoolscopeApp(snapshot, args.view, look=here, scope=scope, naming=naming, compared=compared).show()
        return ExitCode.DONE
    look = Look(BY_WORD.get(args.theme, DARK), ascii_only=args.ascii)
    keys = keys_of(args.press)
    drawn = screenshot(snapshot, args.size, keys, args.view, look=look, scope=scope, naming=naming, compared=compared)
    picture = asyncio.run(drawn)
    write_whole(args.screenshot, "the picture", [picture.encode()])
    say(f"wrote {args.screenshot}", quiet=args.quiet)
    return outcome(snapshot.loss, snapshot.damage, partial=snapshot.partial, strict=False)


def require_terminal() -> None:
    """Raise UsageError where nobody could see or steer the interface."""
    if not (is_behind_browser() or (is_terminal(sys.stdin) and is_terminal(sys.stdout))):
        raise UsageError(
            "no-terminal",
            "the interface needs a terminal",
            why="input or output of this process is no terminal",
            next="'poolscope analyze TRACE' gives a report, --screenshot FILE.svg a picture",
        )


def _size(word: str) -> tuple[int, int]:
    from tui.web.asked import COLUMNS, ROWS  # what can be drawn

    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", word)
    columns, rows = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (COLUMNS[0] <= columns <= COLUMNS[1] and ROWS[0] <= rows <= ROWS[1]):
        least, most = (f"{COLUMNS[end]}x{ROWS[end]}" for end in (0, 1))
        raise argparse.ArgumentTypeError(f"columns x rows, {least} to {most}, such as 120x40")
    return columns, rows
