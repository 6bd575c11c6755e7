"""``poolscope diff``: what changed between traces."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from tui.commands.analyze import add_filters
from tui.commands.options import add_json, add_pooltag, add_quiet, add_strict, add_symbols, at_least_one
from tui.errors import tell
from tui.exit_codes import ExitCode, exit_code_of
from tui.outcome import is_judged, judgement, worst_exit_code
from tui.redaction.options import add_redact, redaction_of

_TOP: Final = 10


class DiffCommand:
    """Compares the last trace with the first, and shows those between as a series."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("before", type=Path, metavar="BEFORE", help="the trace to compare with")
        parser.add_argument("after", type=Path, nargs="+", metavar="AFTER", help="a later trace; several are a series")
        form = parser.add_mutually_exclusive_group()
        add_json(form)
        form.add_argument("--markdown", action="store_true", help="as Markdown, to be pasted into a bug tracker")
        words = "exit with 1 when anything changed, with 6 when a trace lacks what it takes to tell"
        parser.add_argument("--fail-on-change", action="store_true", help=words)
        parser.add_argument("--top", type=at_least_one, default=_TOP, metavar="N", help=f"of each kind ({_TOP})")
        add_symbols(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_filters(parser, times=False)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write what changed to stdout."""
        from analyzers.selection.query import Query
        from tui.reading.compared import read_compared

        redaction = redaction_of(args)
        filters = Query(tuple(args.tag), tuple(args.process), tuple(args.driver), functions=tuple(args.function))
        compared = read_compared(
            args, [[path] for path in (args.before, *args.after)], filters=filters, redaction=redaction
        )
        for _, error in compared.unread:
            tell(error, args.command)
        if args.json:
            from tui.json_documents.diff import diff_document
            from tui.json_documents.writing import write_document

            write_document(diff_document(compared))
        elif args.markdown:
            from tui.report.diff import diff_markdown

            sys.stdout.write(diff_markdown(compared, top=args.top))
        else:
            from tui.paging import show_lines
            from tui.report.diff import diff_lines

            show_lines(diff_lines(compared, top=args.top))
        codes = [judgement(each, strict=args.strict, fail_on_finding=False) for each in compared.snapshots]
        codes += [exit_code_of(error) for _, error in compared.unread]
        if args.fail_on_change:
            codes += [ExitCode.UNJUDGED for each in compared.snapshots if not is_judged(each)]
            codes.append(ExitCode.FOUND if compared.comparison.changed else ExitCode.DONE)
        return worst_exit_code(codes)
