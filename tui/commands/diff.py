"""``poolscope diff``: what changed between traces."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui.commands.options import add_json, add_pooltag, add_quiet, add_strict, add_symbols, at_least_one
from tui.exit_codes import ExitCode
from tui.outcome import is_judged, judgement, worst_exit_code
from tui.redaction.options import add_redact, redaction_of

if TYPE_CHECKING:
    pass

_TOP: Final = 10


class DiffCommand:
    """Compares the last trace with the first, and shows those between as a series."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("before", type=Path, metavar="BEFORE", help="the trace to compare with")
        parser.add_argument("after", type=Path, nargs="+", metavar="AFTER", help="a later trace; several are a series")
        add_json(parser)
        parser.add_argument("--markdown", action="store_true", help="as Markdown, to be pasted into a bug tracker")
        words = "exit with 1 when anything changed, with 6 when a trace lacks what it takes to tell"
        parser.add_argument("--fail-on-change", action="store_true", help=words)
        parser.add_argument("--top", type=at_least_one, default=_TOP, metavar="N", help=f"of each kind ({_TOP})")
        add_symbols(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write what changed to stdout."""
        from analyzers.comparison.changes import compare
        from tui.reading.one_snapshot import read_each

        redaction = redaction_of(args)
        snapshots = read_each(args, [[path] for path in (args.before, *args.after)])
        if redaction is not None:
            from tui.redaction.snapshots import redacted

            snapshots = [redacted(each, redaction) for each in snapshots]
        found = compare(snapshots)
        if args.json:
            from tui.json_documents.diff import diff_document
            from tui.json_documents.writing import write_document

            write_document(diff_document(found))
        elif args.markdown:
            from tui.report.diff import diff_markdown

            sys.stdout.write(diff_markdown(found, top=args.top))
        else:
            from tui.paging import show_lines
            from tui.report.diff import diff_lines

            show_lines(diff_lines(found, top=args.top))
        codes = [judgement(each, strict=args.strict, fail_on_finding=False) for each in snapshots]
        if args.fail_on_change:
            codes += [ExitCode.UNJUDGED for each in snapshots if not is_judged(each)]
            codes.append(ExitCode.FOUND if found.changed else ExitCode.DONE)
        return worst_exit_code(codes)
