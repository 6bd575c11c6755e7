"""``poolscope serve``: the terminal interface in a browser."""

from __future__ import annotations

import argparse
import errno
import secrets
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import MachineError, UsageError
from tracer.programs import python
from tui.commands.options import (
    add_alert,
    add_capture,
    add_look,
    add_pooltag,
    add_quiet,
    add_replay,
    add_symbols,
    add_traces,
    at_least_one,
    capture_words,
    speed_word,
    symbol_words,
)
from tui.exit_codes import ExitCode
from tui.redaction.options import add_redact, redact_words, redaction_of
from tui.safe_text import safe

if TYPE_CHECKING:
    from tui.redaction.redaction import Redaction

HOST: Final = "127.0.0.1"
PORT: Final = 8000
SESSIONS: Final = 4
"""Browsers at once, unless ``--sessions`` says otherwise: each has a process that holds the whole trace."""
_TOKEN_BYTES: Final = 24
"""As many random bits (192) as nobody guesses."""


class ServeCommand:
    """Each browser that comes gets ``poolscope tui TRACE``, or ``poolscope live``, in a process of its own."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file, or several that are one trace", nargs="*")
        parser.add_argument("--live", action="store_true", help="what happens now, as 'poolscope live' shows it")
        add_capture(parser)
        add_replay(parser)
        add_alert(parser, "with --live or --replay: tell each browser")
        parser.add_argument("--log", nargs="?", const="", help=argparse.SUPPRESS)  # refused, in words
        parser.add_argument("--host", default=HOST, help=f"address to listen on ({HOST}); any other needs a token")
        parser.add_argument("--port", type=_port, default=PORT, help=f"to listen on ({PORT}); 0 for any that is free")
        parser.add_argument("--token", default="", help="ask visitors for it; made at random for what is not loopback")
        parser.add_argument(
            "--sessions",
            type=at_least_one,
            default=SESSIONS,
            metavar="N",
            help=f"show it to so many browsers at once ({SESSIONS}); each takes the memory of a terminal of its own",
        )
        add_look(parser)
        add_pooltag(parser)
        add_symbols(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Serve until it is ended."""
        _check(args)
        from tui.web.guard import is_loopback  # brings aiohttp

        token, trace = args.token, _shown(args)
        if not token and not is_loopback(args.host):
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        with _bound(args.host, args.port) as listening:
            from tui.web.server import GuardedServer

            port = listening.getsockname()[1]
            title = f"poolscope: {_title(trace, redaction_of(args))}"
            words, sessions = command(args), args.sessions
            server = GuardedServer(words, host=args.host, port=port, token=token, title=title, sessions=sessions)
            server.run(listening)
        return ExitCode.DONE


def _title(trace: Path | None, redaction: Redaction | None) -> str:
    """Of the page."""
    if trace is None or redaction is None:
        return "live" if trace is None else safe(trace.name)
    return f"REDACTED {redaction.know_path(str(trace.absolute()))}"


def command(args: argparse.Namespace) -> list[str]:
    """What a browser's process is started with: the command that shows the same on a terminal."""
    words = python("-m", "poolscope", "tui" if args.traces else "live", "--quiet")
    if args.pooltag is not None:
        words += ["--pooltag", str(args.pooltag.absolute())]
    words += symbol_words(args)
    if args.replay is not None:
        words += ["--replay", str(args.replay.absolute()), "--speed", speed_word(args.speed)]
    words += ["--ascii"] if args.ascii else []
    words += ["--theme", args.theme] if args.theme else []
    words += capture_words(args)
    words += redact_words(args)
    words += [f"--alert={alert.text}" for alert in args.alert]
    words += [str(trace.absolute()) for trace in args.traces]
    return words


def _check(args: argparse.Namespace) -> None:
    """What cannot be shown is told here, not to each browser: wrong use, no trace, a machine that cannot capture."""
    given = [bool(args.traces), args.replay is not None, args.live]
    if sum(given) != 1:
        raise UsageError(
            "usage",
            "one thing can be served at a time" if any(given) else "nothing to serve",
            why="TRACE, --replay TRACE and --live exclude each other" if any(given) else "",
            next="poolscope serve TRACE, poolscope serve --replay TRACE, or poolscope serve --live",
        )
    if args.log is not None:
        raise UsageError(
            "usage",
            "--log is refused here: nothing that a browser shows is written on the machine that serves",
            why="each browser's process would write to the same file",
            next="poolscope live --counters --log FILE, beside this command",
        )
    if args.alert and args.traces:
        raise UsageError(
            "usage",
            "--alert is about what goes on, and a trace that is complete is served",
            next="leave it out, or serve it as if it happened now: poolscope serve --replay TRACE",
        )
    if args.map is not None:
        from tracer.symbols.map_file import MapFile

        MapFile(args.map)
    trace = _shown(args)
    if trace is None:
        _check_capture(args)
        return
    if given_words := capture_words(args):
        raise UsageError(
            "usage",
            f"{given_words[0].partition('=')[0]} is about a capture, and a trace is served",
            next="leave it out, or serve what happens now: poolscope serve --live",
        )
    from tui.reading.together import one_trace  # brings numpy: not for --help
    from tui.reading.trace import opening

    with opening(one_trace(args.traces or [trace], None), quiet=True):
        pass


def _check_capture(args: argparse.Namespace) -> None:
    """What ``poolscope live`` would refuse it refuses here, in its own words."""
    from tui.capture.plan_args import tags_of  # brings numpy: not for --help
    from tui.commands.live import LiveCommand, check, refuse_names_on_screen

    refuse_names_on_screen(args)
    live, parser = LiveCommand(), argparse.ArgumentParser()
    live.prepare_parser(parser)
    asked = parser.parse_args(["--quiet", *capture_words(args)])
    check(asked)
    tags_of(asked.tag)
    if sys.platform != "win32":
        live.run(asked)


def _shown(args: argparse.Namespace) -> Path | None:
    """The trace that is opened or played."""
    trace: Path | None = args.traces[0] if args.traces else args.replay
    return trace


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except socket.gaierror as error:
        raise UsageError(
            "host",
            "no such address",
            where=host,
            why=error.strerror or "",
            next=f"leave --host out to listen on {HOST}",
        ) from error
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise MachineError(
            "port-in-use" if taken else "cannot-listen",
            "the port is in use" if taken else "cannot listen there",
            where=f"{host} port {port}",
            why="another program listens on it" if taken else (error.strerror or str(error)),
            next="give another one: --port N, or --port 0 for any that is free",
        ) from error


def _port(word: str) -> int:
    port = int(word)
    if not 0 <= port <= 0xFFFF:
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port
