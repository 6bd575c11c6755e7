"""``poolscope analyze``: which pool memory leaks, whose it is, and why it was never freed."""

from __future__ import annotations

import argparse
import sys
from dataclasses import field
from typing import TYPE_CHECKING, Final

from analyzers.formatting import counted
from tracer.data_classes import dataclass
from tracer.errors import InputError, UsageError
from tui.commands.interval import add_interval, interval_of
from tui.commands.options import (
    add_explain,
    add_fail_on_finding,
    add_json,
    add_length,
    add_pooltag,
    add_quiet,
    add_separate,
    add_session,
    add_strict,
    add_symbols,
    add_traces,
    at_least_one,
    name_word,
)
from tui.commands.several import unreadable, write_all
from tui.exit_codes import ExitCode
from tui.outcome import judgement, worst_exit_code
from tui.redaction.options import add_redact, redaction_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from analyzers.audit import Audit
    from analyzers.findings import Diagnosis, Finding
    from analyzers.selection.query import Query
    from analyzers.snapshot import Snapshot
    from analyzers.tags import TagNames
    from tui.json_documents.writing import Object
    from tui.reading.symbols import NameSource
    from tui.reading.together import Trace
    from tui.redaction.redaction import Redaction
    from tui.report.summary import Summary

TOP: Final = 10
"""Rows of each table of the text report, unless ``--top`` says otherwise."""


@dataclass(slots=True)
class Output:
    """What is to be written once every trace is read: documents under ``--json``, else reports, by trace."""

    redaction: Redaction | None = None
    documents: list[Object] = field(default_factory=list)
    reports: list[list[Text]] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)


class AnalyzeCommand:
    """Reads traces one after the other; an unreadable one does not keep the others from being told."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file; files that belong together are one trace")
        add_separate(parser)
        add_session(parser)
        add_json(parser)
        add_pooltag(parser)
        add_symbols(parser)
        add_strict(parser, ", with 6 when nothing can be said of the pool")
        add_filters(parser)
        add_fail_on_finding(parser)
        add_explain(parser)
        add_length(parser)
        add_top(parser)
        parser.add_argument("--audit", action="store_true", help="what became of every byte, record, block and request")
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the reports or the document to stdout."""
        check_length(args)
        from tui.reading.symbols import name_source
        from tui.reading.tag_names import load_tag_names  # brings numpy: not for --help
        from tui.reading.together import traces_of

        traces = traces_of(args.traces, separate=args.separate, session=args.session, quiet=args.quiet)
        if args.explain is not None and len(traces) > 1:
            raise UsageError(
                "usage",
                "--explain takes one trace",
                where=f"{len(traces)} traces were given",
                why="findings are numbered trace by trace",
                next="poolscope analyze TRACE --explain N with one of them (poolscope analyze --help)",
            )
        names = load_tag_names(args.pooltag, quiet=args.quiet)
        codes: list[ExitCode] = []
        output = Output(redaction_of(args))
        with name_source(args) as symbols:
            for trace in traces:
                try:
                    codes.append(_one(trace, names, symbols, args, output, several=len(traces) > 1))
                except InputError as error:
                    if len(traces) == 1:
                        raise
                    codes.append(unreadable(trace, error, output.documents, args.command, output.redaction))
                    output.summaries.append(_unread(trace, error, output.redaction))
                if codes[-1] is ExitCode.INTERRUPTED:
                    break
        if args.json:
            write_all(output.documents, several=len(traces) > 1)
        else:
            _write(output, args)
        return worst_exit_code(codes)


def _one(
    trace: Trace,
    names: TagNames,
    symbols: NameSource | None,
    args: argparse.Namespace,
    output: Output,
    *,
    several: bool,
) -> ExitCode:
    """Add one trace to what is told, each of its sessions for itself.

    ``several``: it is one of several traces.
    """
    from analyzers.selection.select import select
    from tui.reading.together import other_sessions
    from tui.reading.trace import read_snapshot
    from tui.unfitting import check

    def read(each: Trace) -> Snapshot:
        return read_snapshot(each, names, quiet=args.quiet, symbols=None if symbols is None else symbols.symbols())

    first = read(trace)
    every = [first]
    if not first.partial:
        every += [read(each) for each in other_sessions(trace, first.info)]
    if args.explain is not None and len(every) > 1:
        raise UsageError(
            "usage",
            "--explain takes one session",
            where=first.info.path,
            why=f"the file holds {len(every)} sessions, and findings are numbered session by session",
            next="poolscope analyze TRACE --session N --explain N",
        )
    lenient = several or len(every) > 1
    documents: list[Object] = []
    done = []
    for each, filters in _shown(every, args, output.redaction, lenient=lenient):
        check(each, filters, lenient=lenient)
        selected = select(each, filters)
        books = _books(each) if args.audit else None
        if args.json:
            documents.append(_document(selected, filters, books))
        else:
            _add(output, selected, filters, args, each.diagnosis, books)
        if books is not None and not books.holds:
            done.append(ExitCode.INTERNAL)
        if each.named is not None and each.named.is_stopped:
            done.append(ExitCode.INTERRUPTED)
        done.append(judgement(selected, strict=args.strict, fail_on_finding=args.fail_on_finding))
    if documents:
        from tui.json_documents.sessions import sessions_document

        output.documents.append(sessions_document(documents, _telling(every)))
    return worst_exit_code(done)


def _shown(
    sessions: Sequence[Snapshot], args: argparse.Namespace, redaction: Redaction | None, *, lenient: bool
) -> list[tuple[Snapshot, Query]]:
    """Each session as it may be told, and the filters for it."""
    pairs = [(each, filters_of(args, each, lenient=lenient)) for each in sessions]
    if redaction is None:
        return pairs
    from tui.redaction.snapshots import redacted, redacted_query

    told = [redacted(each, redaction) for each in sessions]
    return [(made, redacted_query(query, each, redaction)) for made, (each, query) in zip(told, pairs, strict=True)]


def _books(snapshot: Snapshot) -> Audit:
    from analyzers.audit import audit

    return audit(snapshot)


def _document(snapshot: Snapshot, filters: Query, books: Audit | None) -> Object:
    from tui.json_documents.analysis import analysis_document

    document = analysis_document(snapshot, filters)
    if books is not None:
        from tui.json_documents.audit import audit_part

        document["audit"] = audit_part(books)
    return document


def _telling(sessions: Sequence[Snapshot]) -> int:
    """The first with pool events, as the interface opens it; the first of all where none has any."""
    return next((place for place, each in enumerate(sessions) if each.pool.totals.events), 0)


def _add(
    output: Output, snapshot: Snapshot, filters: Query, args: argparse.Namespace, whole: Diagnosis, books: Audit | None
) -> None:
    """The narrowed snapshot's report; ``whole``: what is concluded about the trace without the filters.

    ``books``: those of the whole trace, where they are asked for.
    """
    from analyzers.selection.conclusions import as_diagnosed
    from tui.report.summary import summary_of

    diagnosed = as_diagnosed(snapshot, whole)
    output.summaries.append(summary_of(diagnosed))
    if books is not None:
        from tui.console import console
        from tui.report.audit import audit_report

        output.reports.append(audit_report(snapshot, books, width=console().width))
    elif args.short:
        from tui.report.overview import short_lines

        output.reports.append(short_lines(diagnosed, filters))
    elif args.explain is not None:
        finding, top = finding_of(snapshot, args.explain, whole), args.top or TOP
        output.reports.append(explained_lines(diagnosed, finding, top=top, all_frames=args.all_frames))
    else:
        top = args.top or TOP if args.full else args.top
        command, all_frames = command_of(snapshot), args.all_frames
        lines = report_lines(snapshot, filters, command, top=top, whole=whole, all_frames=all_frames)
        output.reports.append(lines)


def _unread(trace: Trace, error: InputError, redaction: Redaction | None) -> Summary:
    from tui.reading.together import paths_of
    from tui.report.summary import Summary
    from tui.safe_text import safe

    paths, told = [str(path) for path in paths_of(trace)], error.what
    if redaction is not None:
        paths, told = list(map(redaction.know_path, paths)), redaction.text(told)
    return Summary(" + ".join(map(safe, paths)), None, f"cannot be read: {told}", is_read=False)


def _write(output: Output, args: argparse.Namespace) -> None:
    """A table first where there are several; of short ones each line says whose it is."""
    from rich.text import Text

    from tui.console import console
    from tui.paging import show_lines
    from tui.report.summary import summary_lines

    is_one = len(output.summaries) == 1
    if args.short:
        names = (
            [""] * len(output.reports) if is_one else [f"{each.name}: " for each in output.summaries if each.is_read]
        )
        show_lines([Text(name) + line for name, lines in zip(names, output.reports, strict=True) for line in lines])
        return
    table = [] if is_one else summary_lines(output.summaries, console().width)
    first, *others = output.reports or [[]]
    show_lines([*table, *first, *(line for lines in others for line in (Text(), *lines))])


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
        why="the filters leave it out"
        if left_out
        else f"the trace has {counted(count, 'finding') if count else 'none'}",
        next="leave the filters out" if left_out else "'poolscope analyze TRACE' lists the findings",
    )


def command_of(snapshot: Snapshot) -> str:
    """What to type to see more of this trace, up to the option."""
    from tui.safe_text import safe

    quoted = " ".join(_quoted(safe(path)) for path in snapshot.info.paths)
    session = f" --session {snapshot.info.session_number}" if snapshot.info.sessions > 1 else ""
    return f"poolscope analyze {quoted}{session}"


def _quoted(path: str) -> str:
    """As the shell of this system takes it."""
    import shlex
    import subprocess

    return subprocess.list2cmdline([path]) if sys.platform == "win32" else shlex.quote(path)


def explained_lines(snapshot: Snapshot, finding: Finding, *, top: int, all_frames: bool = False) -> list[Text]:
    """What is behind one finding, as wide as the terminal."""
    from tui.console import console
    from tui.report.explain import explanation

    return explanation(snapshot, finding, top=top, width=console().width, all_frames=all_frames)


def report_lines(
    snapshot: Snapshot,
    filters: Query,
    command: str,
    *,
    top: int | None,
    whole: Diagnosis | None = None,
    all_frames: bool = False,
) -> list[Text]:
    """The screenful, or with so many rows a table the full report; ``command`` shows more of it."""
    from tui.console import console
    from tui.report.analysis import analysis_report
    from tui.report.overview import overview

    width = console().width
    if top is None:
        return overview(snapshot, filters, width=width, command=command, whole=whole)
    return analysis_report(snapshot, filters, top=top, width=width, whole=whole, all_frames=all_frames)


def print_explanation(snapshot: Snapshot, finding: Finding, *, top: int) -> None:
    """What is behind one finding, on stdout."""
    from tui.paging import show_lines

    show_lines(explained_lines(snapshot, finding, top=top))


def print_report(
    snapshot: Snapshot,
    filters: Query,
    *,
    top: int | None,
    whole: Diagnosis | None = None,
    command: str = "",
) -> None:
    """The text report on stdout; see :func:`report_lines`."""
    from tui.paging import show_lines

    show_lines(report_lines(snapshot, filters, command, top=top, whole=whole))


def add_top(parser: argparse.ArgumentParser) -> None:
    """``--top``."""
    words = f"rows of each table, blocks and requests (default {TOP}); asks for the full report"
    parser.add_argument("--top", type=at_least_one, metavar="N", help=words)


def check_length(args: argparse.Namespace) -> None:
    """Refuse two answers at once. Raises UsageError."""
    asked = [word for word, is_asked in (
        ("--short", args.short), ("--full", args.full), ("--explain", args.explain is not None),
        ("--audit", args.audit), ("--json", args.json),
    ) if is_asked]  # fmt: skip
    if len(asked) > 1 and asked not in (["--explain", "--json"], ["--audit", "--json"]):
        raise UsageError(
            "usage",
            f"{asked[0]} does not go with {asked[1]}",
            where=" ".join(asked),
            why="each is a report of its own",
            next=f"poolscope {args.command} with one of them",
        )


def add_filters(parser: argparse.ArgumentParser, *, writes: bool = False, times: bool = True) -> None:
    """``--tag``, ``--process``, ``--driver``, ``--function``, and with ``times`` an interval.

    ``writes``: it is for a command that writes a file.
    """
    group = parser.add_argument_group(
        "what to look at",
        "A part of a name fits; with ? or * the whole name has to, and after = it has to be that name. Case counts in"
        " tags only. Each may be given several times.",
    )
    group.add_argument("--tag", action="append", type=name_word, default=[], help="only these pool tags")
    group.add_argument("--process", action="append", type=name_word, default=[], help="only these processes; also ids")
    if times:
        add_interval(group, writes=writes)
    group.add_argument("--driver", action="append", type=name_word, default=[], help="only what these drivers allocate")
    group.add_argument(
        "--function", action="append", type=name_word, default=[], help="only what is allocated through these functions"
    )


def filters_of(args: argparse.Namespace, snapshot: Snapshot, *, lenient: bool) -> Query:
    """The filters that were given, for this trace.

    Raises:
        UsageError: it has nothing of the interval, and ``lenient`` is false.
    """
    from analyzers.selection.query import Query

    words = tuple(args.tag), tuple(args.process), tuple(args.driver)
    return Query(*words, interval=interval_of(args, snapshot, lenient=lenient), functions=tuple(args.function))
