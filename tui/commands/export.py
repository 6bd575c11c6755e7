"""``poolscope export``: an answer as a file that other programs read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import UsageError
from tui.commands.analyze import add_filters, filters_of, finding_of
from tui.commands.options import add_pooltag, add_quiet, add_session, add_strict, add_symbols, add_traces, at_least_one
from tui.exit_codes import ExitCode
from tui.exports.registry import FORMS, REPORT_FORMS, ExportForm, Takes, form_of
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.outcome import judgement
from tui.redaction.options import add_redact, redaction_of
from tui.streams import is_terminal, write_bytes

if TYPE_CHECKING:
    from analyzers.snapshot import Snapshot

_STDOUT: Final = "-"
_TABLES: Final = (
    "outstanding", "sites", "tags", "stacks", "frames", "findings", "held_requests", "irps", "sockets", "processes",
)  # fmt: skip
_TABLE: Final = _TABLES[0]
_WEIGHTS: Final = ("outstanding-bytes", "outstanding-count", "allocated-bytes")


class ExportCommand:
    """Reads one trace, and writes what the filters leave of it."""

    forms: Sequence[ExportForm] = FORMS

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        every = "\n".join(f"  {form.suffix:<16} {form.name:<11} {form.help}" for form in self.forms)
        parser.epilog = f"forms, by the end of the file's name or by --format:\n{every}"
        add_traces(parser, "an .etl file; files that belong together are one trace")
        parser.add_argument("--to", required=True, metavar="FILE", help="where to; - is stdout")
        names = [form.name for form in self.forms]
        parser.add_argument("--format", choices=names, metavar="NAME", help="the form, whatever the file is called")
        self.add_choices(parser)
        parser.add_argument("--finding", type=at_least_one, metavar="N", help="only the memory of finding N")
        add_filters(parser, writes=True)
        add_session(parser)
        add_symbols(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_redact(parser)
        add_force(parser)
        add_quiet(parser)

    def add_choices(self, parser: argparse.ArgumentParser) -> None:
        """Declare what only some forms take."""
        parser.add_argument("--table", metavar="NAME", help=f"of a table: {', '.join(_TABLES)} (default {_TABLE})")
        words = f"of stacks: {', '.join(_WEIGHTS)} (default {_WEIGHTS[0]})"
        parser.add_argument("--weight", choices=_WEIGHTS, help=words)

    def run(self, args: argparse.Namespace) -> int:
        """Write the file, or to stdout."""
        form = _form(args, self.forms)
        _check(form, args)
        path = None if args.to == _STDOUT else Path(args.to)
        refuse_to_overwrite(path, force=args.force, read=args.traces)
        make = form.load()
        snapshot, code = _selected(args)
        from tui.reading.progress import while_written  # brings rich

        quiet = args.quiet or (path is None and is_terminal(sys.stdout))
        with while_written(f"writing {args.to}", _pieces(form, make, snapshot, args), quiet=quiet) as pieces:
            if path is None:
                write_bytes(pieces)
            else:
                write_whole(path, f"the {form.name} file", pieces)
        return code


class ReportCommand(ExportCommand):
    """The report as a file that is passed on."""

    forms = REPORT_FORMS

    def add_choices(self, parser: argparse.ArgumentParser) -> None:
        """It has nothing to choose."""
        parser.set_defaults(table=None, weight=None)


def _form(args: argparse.Namespace, forms: Sequence[ExportForm]) -> ExportForm:
    """The form that was asked for. Raises UsageError."""
    if args.format is not None:
        return next(form for form in forms if form.name == args.format)
    found = None if args.to == _STDOUT else form_of(args.to, forms)
    if found is None:
        is_stdout = args.to == _STDOUT
        names, ends = (", ".join(getattr(form, of) for form in forms) for of in ("name", "suffix"))
        other = form_of(args.to, REPORT_FORMS if forms is FORMS else FORMS)
        elsewhere = (
            f"; poolscope {'report' if other in REPORT_FORMS else 'export'} writes {other.suffix}" if other else ""
        )
        raise UsageError(
            "export-form",
            "which form to write is not said",
            where=f"--to {args.to}",
            why="stdout has no name that tells it" if is_stdout else "no form has that end of a name",
            next=f"--format with one of {names}{'' if is_stdout else f', or a name that ends in {ends}{elsewhere}'}",
        )
    return found


def _check(form: ExportForm, args: argparse.Namespace) -> None:
    """Refuse what the form does not take. Raises UsageError."""
    for option, value, takes in (("--table", args.table, Takes.TABLE), ("--weight", args.weight, Takes.STACKS)):
        if value is not None and form.takes is not takes:
            raise UsageError(
                "usage",
                f"{option} does not go with {form.name}",
                where=f"--format {form.name}",
                why=f"it is about {takes.value}, and {form.name} is made of {form.takes.value}",
                next=f"leave {option} out, or ask for one of "
                + ", ".join(each.name for each in FORMS if each.takes is takes),
            )
    if args.weight == _WEIGHTS[-1]:
        narrow = {"--process": args.process, "--from": args.begin, "--until": args.end}
        for option in [each for each, value in narrow.items() if value not in (None, [])]:
            raise UsageError(
                "usage",
                f"{option} does not go with --weight {args.weight}",
                where=option,
                why="what was freed again is counted by call stack, not by process or time",
                next='poolscope sql TRACE "select stack_id, sum(bytes) from allocations where ... group by all"',
            )
    if args.table is not None and args.table not in _TABLES:
        raise UsageError(
            "no-such-table",
            f"there is no table '{args.table}'",
            where="--table",
            next=f'one of {", ".join(_TABLES)}; others: poolscope sql TRACE "from allocations" --to FILE',
        )


def _selected(args: argparse.Namespace) -> tuple[Snapshot, ExitCode]:
    """What the filters leave of the trace, and the exit code that it ends in."""
    from dataclasses import replace

    from analyzers.selection.select import select
    from tui.reading.one_snapshot import read_each
    from tui.unfitting import check

    redaction = redaction_of(args)
    [whole] = read_each(args, [args.traces], args.session)
    filters = filters_of(args, whole, lenient=False)
    if redaction is not None:
        from tui.redaction.snapshots import redacted, redacted_query

        made = redacted(whole, redaction)
        whole, filters = made, redacted_query(filters, whole, redaction)
    check(whole, filters, lenient=False)
    if args.finding is not None:
        filters = replace(filters, finding=finding_of(whole, args.finding, whole.diagnosis).rank)
    return select(whole, filters), judgement(whole, strict=args.strict, fail_on_finding=False)


def _pieces(
    form: ExportForm, make: Callable[..., Iterator[bytes]], snapshot: Snapshot, args: argparse.Namespace
) -> Iterator[bytes]:
    """Nothing is made before it is asked for."""
    match form.takes:
        case Takes.TABLE:
            from tui.exports.tables import TABLES

            yield from make(TABLES[args.table or _TABLE](snapshot))
        case Takes.STACKS:
            from tui.exports.weights import Weight

            yield from make(snapshot, Weight(args.weight or _WEIGHTS[0]))
        case Takes.SNAPSHOT:
            yield from make(snapshot)
