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
    add_separate,
    add_session,
    add_strict,
    add_traces,
    at_least_one,
    name_word,
)
from tui.commands.several import unreadable, write_all
from tui.exit_codes import ExitCode
from tui.outcome import gravest, judgement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.text import Text

    from analyzers.findings import Diagnosis, Finding
    from analyzers.snapshot import Snapshot
    from analyzers.tags import TagNames
    from tui.filters import Filters
    from tui.json_documents.writing import Object
    from tui.reading.together import Trace

TOP: Final = 10
"""Rows of each table of the text report, unless ``--top`` says otherwise."""


class AnalyzeCommand:
    """Reads traces one after the other; an unreadable one does not keep the others from being told."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file; files that belong together are one trace")
        add_separate(parser)
        add_session(parser)
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
        documents: list[Object] = []
        for trace in traces:
            try:
                codes.append(_one(trace, names, args, documents, several=len(traces) > 1))
            except InputError as error:
                if len(traces) == 1:
                    raise
                codes.append(unreadable(trace, error, documents, args.command))
            if codes[-1] is ExitCode.INTERRUPTED:
                break
        if args.json:
            write_all(documents, several=len(traces) > 1)
        return gravest(codes)


def _one(
    trace: Trace, names: TagNames, args: argparse.Namespace, documents: list[Object], *, several: bool
) -> ExitCode:
    """Report one trace, each of its sessions for itself; its document, if one is wanted, is added to ``documents``.

    ``several``: it is one of several traces.
    """
    from tui.reading.together import other_sessions
    from tui.reading.trace import read_snapshot
    from tui.selection import select
    from tui.unfitting import check

    first = read_snapshot(trace, names, quiet=args.quiet)
    every = [first]
    if not first.partial:
        every += [read_snapshot(each, names, quiet=args.quiet) for each in other_sessions(trace, first.info)]
    if args.explain is not None and len(every) > 1:
        raise UsageError(
            "usage",
            "--explain takes one session",
            where=first.info.path,
            why=f"the file holds {len(every)} sessions, and findings are numbered session by session",
            next="poolscope analyze TRACE --session N --explain N",
        )
    lenient = several or len(every) > 1
    told: list[Object] = []
    done = []
    for each in every:
        filters = filters_of(args, each, lenient=lenient)
        check(each, filters, lenient=lenient)
        done.append(show(select(each, filters), filters, args, told, whole=each.diagnosis))
    if told:
        from tui.json_documents.sessions import sessions_document

        documents.append(sessions_document(told, _telling(every)))
    return gravest(done)


def _telling(sessions: Sequence[Snapshot]) -> int:
    """The first with pool events, as the interface opens it; the first of all where none has any."""
    return next((place for place, each in enumerate(sessions) if each.pool.totals.events), 0)


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
