"""``poolscope info``: what is in a trace."""

from __future__ import annotations

import argparse

from tui.commands.options import add_json, add_quiet, add_strict, trace_path
from tui.commands.traces import Traces
from tui.outcome import outcome


class InfoCommand:
    """Header, record counts, losses, damage and bytes of one trace."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("trace", type=trace_path, action=Traces, metavar="TRACE", help="an .etl file")
        add_json(parser)
        add_strict(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the report or the document to stdout."""
        from tui.reading.trace import read_contents  # brings numpy and the kernels: not for --help

        contents = read_contents(args.trace, quiet=args.quiet)
        if args.json:
            from tui.json_documents.info import info_document
            from tui.json_documents.writing import write_document

            write_document(info_document(contents))
        else:
            from tui.console import console, write_lines
            from tui.report.info import info_report

            out = console()
            write_lines(info_report(contents, width=out.width), out)
        return outcome(contents.loss, contents.damage, partial=contents.partial, strict=args.strict)
