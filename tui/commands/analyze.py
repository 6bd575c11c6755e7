"""``poolscope analyze``: which pool memory is outstanding, and whose it is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from tracer.errors import InputError
from tui.commands.options import add_json, add_pooltag, add_quiet, add_strict, trace_path
from tui.errors import tell
from tui.exit_codes import ExitCode, exit_code_of
from tui.outcome import gravest, outcome
from tui.streams import say

if TYPE_CHECKING:
    from pathlib import Path

    from analyzers.snapshot import Snapshot
    from analyzers.tags import TagNames
    from tui.json_documents.writing import Object
    from tui.selection import Filters

TOP: Final = 10
"""Rows of each table of the text report, unless ``--top`` says otherwise."""


class AnalyzeCommand:
    """Reads traces one after the other; an unreadable one does not keep the others from being told."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("traces", type=trace_path, nargs="+", metavar="TRACE", help="an .etl file")
        add_json(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_filters(parser)
        parser.add_argument("--fail-on-finding", action="store_true", help="exit with 1 when a leak is found")
        parser.add_argument("--top", type=_rows, default=TOP, metavar="N", help=f"rows of each table (default {TOP})")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the reports or the document to stdout."""
        from tui.reading.tag_names import load_tag_names  # brings numpy: not for --help

        names = load_tag_names(args.pooltag, quiet=args.quiet)
        if args.fail_on_finding:
            say(
                "note: this version tells what is outstanding, not why; it has no findings to fail on", quiet=args.quiet
            )
        codes: list[ExitCode] = []
        documents: list[Object] = []
        for path in args.traces:
            codes.append(self._one(path, names, args, documents))
            if codes[-1] is ExitCode.INTERRUPTED:
                break
        if args.json:
            _write(documents, several=len(args.traces) > 1)
        return gravest(codes)

    def _one(self, path: Path, names: TagNames, args: argparse.Namespace, documents: list[Object]) -> ExitCode:
        """Report one trace; its document, if one is wanted, is added to ``documents``."""
        from tui.reading.trace import read_snapshot
        from tui.selection import select

        try:
            snapshot = read_snapshot(path, names, quiet=args.quiet)
        except InputError as error:
            if len(args.traces) == 1:
                raise
            tell(error)
            documents.append(_error_document(path, error))
            return exit_code_of(error)
        filters = filters_of(args)
        return show(select(snapshot, filters), filters, args, documents)


def show(snapshot: Snapshot, filters: Filters, args: argparse.Namespace, documents: list[Object]) -> ExitCode:
    """The narrowed snapshot as a report, or added to the documents; gives the trace's outcome."""
    from tui.json_documents.analysis import analysis_document, findings_part

    if args.json:
        documents.append(analysis_document(snapshot, filters))
    else:
        print_report(snapshot, filters, top=args.top)
    if args.fail_on_finding and not snapshot.partial and findings_part(snapshot):
        return ExitCode.FOUND
    return outcome(snapshot.loss, snapshot.damage, partial=snapshot.partial, strict=args.strict)


def print_report(snapshot: Snapshot, filters: Filters, *, top: int) -> None:
    """The text report on stdout, as wide as the terminal."""
    from rich.text import Text

    from tui.console import console, write_lines
    from tui.report.analysis import analysis_report

    out = console()
    write_lines([*analysis_report(snapshot, filters, top=top, width=out.width), Text()], out)


def add_filters(parser: argparse.ArgumentParser) -> None:
    """``--tag``, ``--process``, ``--driver``; each may be given several times."""
    parser.add_argument("--tag", action="append", default=[], help="only this tag; ? and * stand for other characters")
    parser.add_argument("--process", action="append", default=[], help="only this process: id, or part of its name")
    parser.add_argument("--driver", action="append", default=[], help="only what this driver allocated")


def filters_of(args: argparse.Namespace) -> Filters:
    """The filters that were given."""
    from tui.selection import Filters

    return Filters(tuple(args.tag), tuple(args.process), tuple(args.driver))


def _rows(word: str) -> int:
    rows = int(word)
    if rows < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return rows


def _error_document(path: Path, error: InputError) -> Object:
    from tui.json_documents.error import error_document
    from tui.json_documents.writing import string

    return error_document(error) | {"trace": {"path": string(str(path))}}


def _write(documents: list[Object], *, several: bool) -> None:
    from tui.json_documents.analysis import several_document
    from tui.json_documents.writing import write_document

    write_document(several_document(documents) if several else documents[0])
