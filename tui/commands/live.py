"""``poolscope live``: what happens now, or a trace as if it happened now, in the terminal interface."""

from __future__ import annotations

import argparse
import platform
from typing import Final

from tracer.errors import MachineError
from tui.commands.options import add_pooltag, add_quiet, add_replay
from tui.commands.tui import require_terminal
from tui.exit_codes import ExitCode

_WINDOW_BYTES: Final = 1 << 16
"""Bytes of buffers that are read together: small, so that a replay goes smoothly and nobody waits for a batch."""


class LiveCommand:
    """Follows events; with ``--replay`` those of a trace, on any system."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_replay(parser)
        add_pooltag(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Follow until the user leaves."""
        if args.replay is None:
            raise MachineError(
                "no-capture",
                "this machine cannot capture pool events",
                where=f"{platform.system() or 'unknown system'} {platform.release()}".strip(),
                why="this version of Poolscope reads traces and replays them; it starts no session of its own",
                next="record with xperf or wpr on Windows and open the .etl with 'poolscope tui TRACE',"
                " or play it as if live: poolscope live --replay TRACE",
            )
        require_terminal()
        from tracer.etl.file import EtlFile  # brings numpy: not for --help
        from tui.live.app import LiveApp  # brings textual
        from tui.live.follower import Follower
        from tui.live.pace import Pace
        from tui.reading.compilation import announce_compilation
        from tui.reading.tag_names import load_tag_names

        names = load_tag_names(args.pooltag, quiet=args.quiet)
        announce_compilation(quiet=args.quiet)
        with EtlFile.open(args.replay, window_bytes=_WINDOW_BYTES, threads=1) as source:
            follower = Follower(source, names, Pace(args.speed))
            app = LiveApp(follower)
            try:
                app.run()
            finally:
                follower.stop()
                follower.join()
        if app.fault is not None:
            raise app.fault
        return ExitCode.DONE
