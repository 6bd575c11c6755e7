"""``poolscope check``: what a test run leaves behind, held against a budget."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tracer.errors import UsageError
from tui.commands.options import add_json, add_pooltag, add_quiet, add_session, add_strict, add_symbols, add_traces
from tui.exit_codes import ExitCode
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.outcome import judgement, worst_exit_code
from tui.redaction.options import add_redact, redaction_of
from tui.streams import write_bytes

_STDOUT: Final = Path("-")


class CheckCommand:
    """For a CI: reads a trace of a test run, and fails where more is left than the budget allows."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file; files that belong together are one trace")
        parser.add_argument(
            "--budget", type=Path, required=True, metavar="FILE", help="TOML: bytes by tag, driver, function"
        )
        parser.add_argument(
            "--update", action="store_true", help="write what is left now into the budget, or a new one"
        )
        words = "- is stdout, without the text"
        parser.add_argument("--junit", type=Path, metavar="FILE.xml", help=f"also a JUnit report; {words}")
        parser.add_argument("--sarif", type=Path, metavar="FILE.sarif", help=f"also the findings as SARIF; {words}")
        add_force(parser)
        add_json(parser)
        add_session(parser)
        add_symbols(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write what is over to stdout; 1 where anything is."""
        from tui.budget.checking import checked, doubts, updated
        from tui.budget.grammar import budget_text, read_budget

        redaction, budget_path = redaction_of(args), str(args.budget)
        if redaction is not None and args.update:
            raise UsageError(
                "usage",
                "--update does not go with --redact",
                where="--update",
                why="a budget of stand-ins would fit no trace",
                next="poolscope check TRACE --budget FILE --update without it",
            )
        _check_outputs(args)
        budget = [] if args.update and not args.budget.exists() else read_budget(args.budget)
        from tui.reading.one_snapshot import read_each

        [snapshot] = read_each(args, [args.traces], args.session)
        untold = doubts(snapshot, budget)
        if args.update and not untold:
            budget = updated(snapshot, budget)
            write_whole(args.budget, "the budget", [budget_text(budget).encode()])
        lines = checked(snapshot, budget)
        if redaction is not None:
            from tui.budget.stand_ins import redacted_lines
            from tui.redaction.snapshots import redacted
            from tui.redaction.stand_ins import Kind

            snapshot = redacted(snapshot, redaction)
            lines = redacted_lines(lines, redaction)
            budget_path = redaction.know_path(budget_path, Kind.PATH)
        if args.junit is not None:
            from tui.budget.results import junit

            _write(args.junit, "the JUnit report", [junit(snapshot.info.path, lines, untold)])
        if args.sarif is not None:
            from tui.exports.sarif import sarif

            _write(args.sarif, "the SARIF file", sarif(snapshot))
        if args.json:
            from tui.budget.results import check_document
            from tui.json_documents.writing import write_document

            write_document(check_document(budget_path, lines, untold))
        elif _STDOUT not in (args.junit, args.sarif):
            from tui.budget.results import check_lines
            from tui.paging import show_lines

            show_lines(check_lines(lines, untold))
        kept = ExitCode.UNJUDGED if untold else ExitCode.DONE
        code = ExitCode.FOUND if any(line.is_over for line in lines) else kept
        return worst_exit_code([judgement(snapshot, strict=args.strict, fail_on_finding=False), code])


def _check_outputs(args: argparse.Namespace) -> None:
    """Raise UsageError where one would be written over another, what is read or, unless asked for, any file."""
    for option, path in (("--junit", args.junit), ("--sarif", args.sarif)):
        refuse_to_overwrite(path, force=args.force, read=[*args.traces, args.budget])
        if path is not None and (args.junit == args.sarif or (args.json and path == _STDOUT)):
            raise UsageError(
                "usage",
                "two answers would be one file",
                where=f"{option} {path}",
                next="give each a file of its own",
            )


def _write(path: Path, what: str, pieces: Iterable[bytes]) -> None:
    if path == _STDOUT:
        write_bytes(pieces)
    else:
        write_whole(path, what, pieces)
