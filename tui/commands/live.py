"""``poolscope live``: what happens now, or a trace as if it happened now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from tracer.errors import UsageError
from tui.commands.options import (
    add_alert,
    add_capture,
    add_fail_on_finding,
    add_json,
    add_look,
    add_pooltag,
    add_quiet,
    add_replay,
    add_symbols,
    at_least_one,
)
from tui.commands.tui import naming_of, require_terminal
from tui.exit_codes import ExitCode
from tui.redaction.options import add_redact, redaction_of
from tui.streams import is_terminal

TOP: Final = 10
"""Rows of each table of a report, unless ``--top`` says otherwise."""
_EVENTS: Final = ("process", "no_stacks", "fail_on_finding")
_NAMES: Final = ("symbols", "symbol_server", "map")
_CAPTURES: Final = ("seconds", "tag", "counters", "json", "report", *_EVENTS)
"""Options of what is captured; with the names of functions, those that the pool's counters have no use for."""
_WINDOW_BYTES: Final = 1 << 16
"""Bytes of buffers that are read together: small, so that a replay goes smoothly and nobody waits for a batch."""


class LiveCommand:
    """Captures on Windows, in the interface or for a report; with ``--replay`` plays a trace, on any system."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_capture(parser)
        add_look(parser)
        add_json(parser)
        parser.add_argument("--report", action="store_true", help="a report at the end instead of the interface")
        add_fail_on_finding(parser)
        add_alert(parser, "tell, and exit with 1,")
        parser.add_argument(
            "--log", type=Path, metavar="FILE", help="with --counters: add one line a tag and minute to a CSV file"
        )
        parser.add_argument("--top", type=at_least_one, default=TOP, metavar="N", help=f"rows of each table ({TOP})")
        add_replay(parser)
        add_pooltag(parser)
        add_symbols(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Follow until the time is up, or the user leaves."""
        check(args)
        interface = not (args.json or args.report) and is_terminal(sys.stdin) and is_terminal(sys.stdout)
        if args.replay is not None:
            return _replay(args)
        if interface:
            refuse_names_on_screen(args)
        if args.counters:
            from tui.counters.command import run_counters  # brings numpy: not for --help

            return run_counters(args, interface=interface)
        from tui.capture.command import run_capture

        return run_capture(args, interface=interface)


def check(args: argparse.Namespace) -> None:
    """Raise UsageError for options that do not go together."""
    if getattr(args, "log", None) is not None and not args.counters:
        raise UsageError("usage", "--log is of the pool's counters", next="poolscope live --counters --log FILE")
    if args.replay is not None:
        _refuse(args, _CAPTURES, "is about a capture, and --replay plays a trace in the interface",
                "'poolscope analyze TRACE' reports on a trace; leave --replay out to capture")  # fmt: skip
    elif args.counters:
        _refuse(args, (*_EVENTS, *_NAMES), "is about events, and the pool's counters know tags alone",
                "leave --counters out to capture events")  # fmt: skip


def refuse_names_on_screen(args: argparse.Namespace) -> None:
    """Raise UsageError for a filter that would stand on the screen with a name that is to be redacted."""
    names = [word for word in args.process if not word.removeprefix("=").isdecimal()]
    if names and redaction_of(args) is not None:
        raise UsageError(
            "usage",
            "--process with a name does not go with --redact in the interface",
            where="--process",
            why="the interface begins with that filter, and the name would stand in it",
            next="--process with the id, --report or --json, or a filter of the stand-in once it is seen",
        )


def _refuse(args: argparse.Namespace, names: tuple[str, ...], why: str, instead: str) -> None:
    """Raise UsageError for the first of these options that was given."""
    for name in names:
        if getattr(args, name) not in (None, False, []):
            option = "--for" if name == "seconds" else f"--{name.replace('_', '-')}"
            raise UsageError("usage", f"{option} {why}", next=instead)


def _replay(args: argparse.Namespace) -> int:
    require_terminal()
    from contextlib import ExitStack

    from tracer.etl.file import EtlFile  # brings numpy: not for --help
    from tui.alerts.watching import Alarms
    from tui.live.pace import Pace
    from tui.live.replay import Replay
    from tui.live.replay_screen import ReplayApp  # brings textual
    from tui.live.worker import run_beside
    from tui.look import look_here
    from tui.reading.archives import unpacked
    from tui.reading.symbols import name_source
    from tui.reading.tag_names import load_tag_names
    from tui.reading.trace import compile_kernels

    names = load_tag_names(args.pooltag, quiet=args.quiet)
    compile_kernels(quiet=args.quiet)
    with ExitStack() as opened:
        file = opened.enter_context(unpacked(args.replay, quiet=args.quiet))

        def reopen() -> EtlFile:
            return opened.enter_context(EtlFile.open(file.path, window_bytes=_WINDOW_BYTES, threads=1))

        alarms, redaction = Alarms(args.alert), redaction_of(args)
        source = opened.enter_context(name_source(args))
        symbols = None if source is None else source.symbols(is_aside=True)
        replay = Replay(reopen, names, Pace(args.speed), alarms, symbols, redaction)
        look = look_here(ascii_asked=args.ascii, theme=args.theme)
        naming = naming_of(source, symbols, redaction=redaction)
        run_beside(ReplayApp(replay, look=look, naming=naming), replay)
    return ExitCode.FOUND if alarms.went_off else ExitCode.DONE
