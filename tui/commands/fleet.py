"""``poolscope fleet``: many traces on Dask, one answer."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analyzers.formatting import counted
from tracer.errors import UsageError
from tui.commands.options import (
    add_fail_on_finding,
    add_json,
    add_pooltag,
    add_quiet,
    add_strict,
    add_symbols,
    at_least_one,
    span,
)
from tui.exit_codes import ExitCode
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.outcome import worst_exit_code
from tui.redaction.options import add_redact, redaction_of
from tui.streams import say

if TYPE_CHECKING:
    from analyzers.fleet.answer import FleetAnswer

_TOP: Final = 10


class FleetCommand:
    """Analyses what is not done yet, and tells what all of it says together."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        words = "an .etl file or a packed one, a folder of them, a list of them (.txt), or an address (s3://, https://)"
        parser.add_argument("traces", nargs="+", metavar="TRACE", help=words)
        words = "a folder for the rows of every trace and the answer; a run that was stopped goes on from it"
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help=words)
        engine = parser.add_argument_group("where it runs", "On the cores of this machine, unless a cluster is named.")
        engine.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, as tcp://host:8786")
        engine.add_argument("--workers", type=at_least_one, metavar="N", help="traces at a time (one a core)")
        engine.add_argument("--memory", type=_memory, metavar="SIZE", help="that one trace may take: 512M, 4G")
        words = "that one trace may take (5 minutes and a second for each MB)"
        engine.add_argument("--timeout", type=span, metavar="TIME", help=words)
        words = "show Dask's pages, on this machine only (needs bokeh)"
        engine.add_argument("--dashboard", action="store_true", help=words)
        words = "options of fsspec for addresses, as JSON: '{\"anon\": true}'"
        engine.add_argument("--storage", type=_storage, default={}, metavar="JSON", help=words)
        parser.add_argument("--retry", action="store_true", help="also what failed before")
        add_json(parser)
        parser.add_argument("--top", type=at_least_one, default=_TOP, metavar="N", help=f"rows of each list ({_TOP})")
        add_symbols(parser)
        add_pooltag(parser)
        add_strict(parser, " or could not be read")
        add_fail_on_finding(parser)
        add_redact(parser)
        add_force(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the files, and the answer to stdout."""
        _check(args)
        redaction = redaction_of(args)
        from analyzers.fleet.answer import answer
        from tui.exports.arrow_files import parquet
        from tui.exports.extras import FLEET
        from tui.exports.fleet_files import PAGE, TABLES, fleet_page, fleet_tables
        from tui.fleet.journal import NAME, opened
        from tui.fleet.running import analyse_all
        from tui.fleet.sources import sources_of

        FLEET.load()  # before hours of work
        sources = sources_of(args.traces, storage=args.storage)
        files = [*(f"{name}.parquet" for name in TABLES), PAGE]
        if not (args.out / NAME).exists():
            for name in files:
                refuse_to_overwrite(args.out / name, force=args.force)
        with opened(args.out, _header(args), anew=args.force) as journal:
            stopped = analyse_all(journal, sources, args)
            traces, findings = journal.rows({each.place for each in sources})
            if redaction is not None:
                from tui.redaction.fleet_rows import redacted_rows

                traces, findings = redacted_rows(traces, findings, redaction)
            found = answer(traces, findings)
            for table in fleet_tables(traces, findings):
                write_whole(args.out / f"{table.name}.parquet", "the table", parquet(table))
            write_whole(args.out / PAGE, "the report", fleet_page(found))
            _tell(found, args, is_partial=stopped)
            say(f"wrote {', '.join(files)} in {args.out}", quiet=args.quiet)
            if stopped:
                left = len({each.place for each in sources} - journal.lines.keys())
                say(f"stopped; {counted(left, 'trace is', 'traces are')} left: the same command goes on from here")
        return worst_exit_code(_codes(found, args, is_partial=stopped))


def _tell(found: FleetAnswer, args: argparse.Namespace, *, is_partial: bool) -> None:
    if args.json:
        from tui.json_documents.fleet import fleet_document
        from tui.json_documents.writing import write_document

        write_document(fleet_document(found, partial=is_partial))
        return
    from tui.console import console
    from tui.paging import show_lines
    from tui.report.fleet import fleet_lines

    show_lines(fleet_lines(found, top=args.top, width=console().width))


def _codes(found: FleetAnswer, args: argparse.Namespace, *, is_partial: bool) -> Iterator[ExitCode]:
    """A trace that cannot be read is a row; only a fleet of which none can be read is an input that cannot be."""
    if is_partial:
        yield ExitCode.INTERRUPTED
    elif not found.read:
        yield ExitCode.INPUT
    if args.strict and (found.incomplete or found.failed):
        yield ExitCode.INCOMPLETE
    if (args.strict or args.fail_on_finding) and found.judged < found.read:
        yield ExitCode.UNJUDGED
    if args.fail_on_finding and found.occurrences:
        yield ExitCode.FOUND


def _check(args: argparse.Namespace) -> None:
    """Raise UsageError for options that do not go together."""
    if args.scheduler is None:
        return
    for option, value in (("--workers", args.workers), ("--dashboard", args.dashboard)):
        if value:
            raise UsageError(
                "usage",
                f"{option} does not go with --scheduler",
                where=option,
                why="it is about the cluster that is started here, and the other has its own",
                next="leave one of them out",
            )


def _header(args: argparse.Namespace) -> dict[str, Any]:
    """What makes rows differ: those of another version of Poolscope, or of other names, are not mixed."""
    from tui.cli import version

    files = {name: path and str(path.absolute()) for name, path in (("pooltag", args.pooltag), ("map", args.map))}
    return {"poolscope": version(), "symbols": args.symbols, "symbol_server": args.symbol_server, **files}


def _memory(word: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
    digits, unit = (word[:-1], word[-1:].upper()) if word[-1:].upper() in units else (word, "")
    if not digits.isdecimal() or not int(digits):
        raise argparse.ArgumentTypeError("a size such as 512M or 4G")
    return int(digits) * units.get(unit, 1)


def _storage(word: str) -> dict[str, Any]:
    try:
        found = json.loads(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("a JSON object, as '{\"anon\": true}'")
    return found
