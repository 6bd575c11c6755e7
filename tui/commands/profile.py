"""``poolscope profile``: a recording profile for WPR, and the matching lines for xperf."""

from __future__ import annotations

import argparse
import sys

from tui.commands.options import at_least_one
from tui.exit_codes import ExitCode
from tui.streams import is_terminal


class ProfileCommand:
    """Writes the profile to stdout, and how to use it to stderr."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("--tag", action="append", default=[], help="record only this pool tag; up to four")
        parser.add_argument("--xperf", action="store_true", help="the lines for xperf instead of the profile")
        parser.add_argument(
            "--buffer-size", type=at_least_one, default=1024, metavar="KB", help="of each buffer (default 1024)"
        )
        parser.add_argument(
            "--buffers", type=at_least_one, default=256, metavar="N", help="of the kernel's session (default 256)"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Write it."""
        from tracer.live.profile import Recording, wpr_lines, xperf_lines
        from tracer.live.wpr_profile import wpr_profile  # brings an XML writer

        recording = Recording(tuple(args.tag), args.buffer_size, args.buffers)
        xperf = xperf_lines(recording)
        if args.xperf:
            sys.stdout.write("\n".join(xperf) + "\n")
            return ExitCode.DONE
        sys.stdout.write(wpr_profile(recording))
        if not is_terminal(sys.stdout):
            _tell(wpr_lines(), xperf)
        return ExitCode.DONE


def _tell(wpr: tuple[str, ...], xperf: tuple[str, ...]) -> None:
    """How to record, on stderr: standard output is the profile's."""
    groups = [("with the profile, as administrator", wpr), ("the same with xperf", xperf)]
    for words, lines in groups:
        sys.stderr.write("".join([f"poolscope: {words}:\n", *(f"  {line}\n" for line in lines)]))
