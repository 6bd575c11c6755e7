"""``poolscope serve``: the terminal interface in a browser."""

from __future__ import annotations

import argparse
import errno
import secrets
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from tracer.errors import MachineError, UsageError
from tui.commands.options import add_pooltag, add_quiet, trace_path
from tui.exit_codes import ExitCode
from tui.safe_text import safe

HOST: Final = "127.0.0.1"
PORT: Final = 8000
_TOKEN_BYTES: Final = 24
"""As many random bits (192) as nobody guesses."""


class ServeCommand:
    """Each browser that comes gets ``poolscope tui TRACE`` in a process of its own."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("trace", type=trace_path, metavar="TRACE", help="an .etl file")
        parser.add_argument("--host", default=HOST, help=f"address to listen on ({HOST}); any other needs a token")
        parser.add_argument("--port", type=_port, default=PORT, help=f"to listen on ({PORT}); 0 for any that is free")
        parser.add_argument("--token", default="", help="ask visitors for it; made at random for what is not loopback")
        add_pooltag(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Serve until it is ended."""
        from tracer.etl.file import EtlFile  # brings numpy: not for --help
        from tui.web.guard import is_loopback  # brings aiohttp

        with EtlFile.open(args.trace):  # what is no trace is told here, not to each browser
            pass
        token = args.token
        if not token and not is_loopback(args.host):
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        with _bound(args.host, args.port) as listening:
            from tui.web.server import GuardedServer

            port = listening.getsockname()[1]
            title = f"poolscope: {safe(args.trace.name)}"
            GuardedServer(command(args.trace, args.pooltag), host=args.host, port=port, token=token, title=title).run(
                listening
            )
        return ExitCode.DONE


def command(trace: Path, pooltag: Path | None) -> str:
    """The words that a shell starts the interface with."""
    words = [sys.executable, "-m", "tui", "tui", "--quiet"]
    if pooltag is not None:
        words += ["--pooltag", str(pooltag.absolute())]
    words.append(str(trace.absolute()))
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


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
