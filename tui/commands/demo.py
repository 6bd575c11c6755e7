"""``poolscope demo``: the bundled simulated trace."""

from __future__ import annotations

import argparse
import sys
from importlib import resources

from fixtures.demo import DEMO_MAP, DEMO_TRACE
from tracer.errors import MachineError
from tui.commands.options import add_explain, add_json, add_quiet
from tui.commands.tui import add_screenshot, check_screenshot, open_interface
from tui.exit_codes import ExitCode
from tui.redaction.options import add_redact, redaction_of
from tui.streams import is_terminal


class DemoCommand:
    """In the terminal interface where there is a terminal, else as a report."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_json(parser)
        add_explain(parser)
        parser.add_argument("--full", action="store_true", help="the full report instead of one screenful")
        add_screenshot(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Show the bundled trace."""
        check_screenshot(args)
        from analyzers.selection.query import Query
        from tui.reading.symbols import names_of_map  # brings numpy: not for --help
        from tui.reading.tag_names import load_tag_names
        from tui.reading.trace import read_snapshot

        trace, functions = (resources.files("fixtures") / file.name for file in (DEMO_TRACE, DEMO_MAP))
        if not (trace.is_file() and functions.is_file()):
            raise MachineError(
                "demo-missing",
                "the demo trace is not there",
                where=str(trace),
                why="this installation of Poolscope is incomplete",
                next="install it again, or make a trace: poolscope simulate winsock-loop demo.etl",
            )
        with resources.as_file(trace) as path, resources.as_file(functions) as map_path:
            names, symbols = load_tag_names(None, quiet=args.quiet), names_of_map(map_path).symbols()
            snapshot = read_snapshot(path, names, quiet=args.quiet, symbols=symbols)
        if _is_for_the_interface(args):
            return open_interface(snapshot, args)
        from tui.commands.analyze import TOP, finding_of, print_explanation, print_report

        if (redaction := redaction_of(args)) is not None:
            from tui.redaction.snapshots import redacted

            snapshot = redacted(snapshot, redaction)
        if args.json:
            from tui.json_documents.analysis import analysis_document
            from tui.json_documents.writing import write_document

            write_document(analysis_document(snapshot))
        elif args.explain is not None:
            print_explanation(snapshot, finding_of(snapshot, args.explain, snapshot.diagnosis), top=TOP)
        else:
            print_report(snapshot, Query(), top=TOP if args.full else None, command="poolscope demo")
        return ExitCode.INTERRUPTED if snapshot.partial else ExitCode.DONE


def _is_for_the_interface(args: argparse.Namespace) -> bool:
    if args.json or args.explain is not None:
        return False
    return args.screenshot is not None or (not args.full and is_terminal(sys.stdout) and is_terminal(sys.stdin))
