"""``poolscope analyze``: which pool memory leaks, whose it is, and why it was never freed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from tracer.errors import InputError, UsageError
from tui.commands.interval import add_interval, interval_of
from tui.commands.options import (
    add_explain,
    add_fail_on_finding,
    add_json,
    add_pooltag,
    add_quiet,
    add_strict,
    at_least_one,
    name_word,
    trace_path,
)
from tui.commands.traces import Traces
from tui.errors import tell
from tui.exit_codes import ExitCode, exit_code_of
from tui.outcome import gravest, judgement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.text import Text

    from analyzers.findings import Diagnosis, Finding
    from analyzers.snapshot import Snapshot
    from analyzers.tags import TagNames
    from tui.filters import Filters
    from tui.json_documents.writing import Object

TOP: Final = 10
"""Rows of each table of the text report, unless ``--top`` says otherwise."""


class AnalyzeCommand:
    """Reads traces one after the other; an unreadable one does not keep the others from being told."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.add_argument("traces", type=trace_path, nargs="+", action=Traces, metavar="TRACE", help="an .etl file")
        add_json(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_filters(parser)
        add_fail_on_finding(parser)
        add_explain(parser)
        parser.add_argument(
            "--top", type=at_least_one, default=TOP, metavar="N", help=f"rows of each table (default {TOP})"
        )
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the reports or the document to stdout."""
        from tui.reading.tag_names import load_tag_names  # brings numpy: not for --help

        if args.explain is not None and len(args.traces) > 1:
            raise UsageError(
                "usage",
                "--explain takes one trace",
                where=f"{len(args.traces)} traces were given",
                why="findings are numbered trace by trace",
                next="poolscope analyze TRACE --explain N with one of them (poolscope analyze --help)",
            )
        names = load_tag_names(args.pooltag, quiet=args.quiet)
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
        from tui.unfitting import check

        try:
            snapshot = read_snapshot(path, names, quiet=args.quiet)
        except InputError as error:
            if len(args.traces) == 1:
                raise
            tell(error, args.command)
            documents.append(_error_document(path, error))
            return exit_code_of(error)
        lenient = len(args.traces) > 1
        filters = filters_of(args, snapshot, lenient=lenient)
        check(snapshot, filters, lenient=lenient)
        return show(select(snapshot, filters), filters, args, documents, whole=snapshot.diagnosis)


def show(
    snapshot: Snapshot, filters: Filters, args: argparse.Namespace, documents: list[Object], *, whole: Diagnosis
) -> ExitCode:
    """The narrowed snapshot as a report, or added to the documents; gives the trace's outcome.

    ``whole``: what is concluded about the trace without the filters.
    """
    from tui.json_documents.analysis import analysis_document

    if args.json:
        documents.append(analysis_document(snapshot, filters))
    elif args.explain is not None:
        print_explanation(snapshot, finding_of(snapshot, args.explain, whole), top=args.top)
    else:
        print_report(snapshot, filters, top=args.top, whole=whole)
    return judgement(snapshot, strict=args.strict, fail_on_finding=args.fail_on_finding)


def finding_of(snapshot: Snapshot, rank: int, whole: Diagnosis) -> Finding:
    """The finding of that rank. Raises UsageError where there is none, or the filters leave it out."""
    for finding in snapshot.diagnosis.findings:
        if finding.rank == rank:
            return finding
    left_out = any(finding.rank == rank for finding in whole.findings)
    count = len(whole.findings)
    raise UsageError(
        "no-such-finding",
        f"there is no finding {rank} to explain",
        where=snapshot.info.path,
        why="the filters leave it out" if left_out else f"the trace has {count} finding{'' if count == 1 else 's'}",
        next="leave out --tag, --process and --driver" if left_out else "'poolscope analyze TRACE' lists the findings",
    )


def print_explanation(snapshot: Snapshot, finding: Finding, *, top: int) -> None:
    """What is behind one finding, on stdout."""
    from tui.report.explain import explanation

    _print(lambda width: explanation(snapshot, finding, top=top, width=width))


def print_report(snapshot: Snapshot, filters: Filters, *, top: int, whole: Diagnosis | None = None) -> None:
    """The text report on stdout."""
    from tui.report.analysis import analysis_report

    _print(lambda width: analysis_report(snapshot, filters, top=top, width=width, whole=whole))


def _print(make: Callable[[int], list[Text]]) -> None:
    """Lines on stdout, made as wide as the terminal."""
    from rich.text import Text

    from tui.console import console, write_lines

    out = console()
    write_lines([*make(out.width), Text()], out)


def add_filters(parser: argparse.ArgumentParser) -> None:
    """``--tag``, ``--process``, ``--driver``."""
    group = parser.add_argument_group(
        "what to look at",
        "A part of a name fits; with ? or * the whole name has to, and after = it has to be that name. Case counts in"
        " tags only. Each may be given several times.",
    )
    group.add_argument("--tag", action="append", type=name_word, default=[], help="only these pool tags")
    group.add_argument("--process", action="append", type=name_word, default=[], help="only these processes; also ids")
    add_interval(group)
    group.add_argument("--driver", action="append", type=name_word, default=[], help="only what these drivers allocate")


def filters_of(args: argparse.Namespace, snapshot: Snapshot, *, lenient: bool) -> Filters:
    """The filters that were given, for this trace.

    Raises:
        UsageError: it has nothing of the interval, and ``lenient`` is false.
    """
    from tui.filters import Filters

    return Filters(
        tuple(args.tag), tuple(args.process), tuple(args.driver), interval_of(args, snapshot, lenient=lenient)
    )


def _error_document(path: Path, error: InputError) -> Object:
    from tui.json_documents.error import error_document
    from tui.json_documents.writing import string

    return error_document(error) | {"trace": {"path": string(str(path))}}


def _write(documents: list[Object], *, several: bool) -> None:
    from tui.json_documents.analysis import several_document
    from tui.json_documents.writing import write_document

    write_document(several_document(documents) if several else documents[0])
