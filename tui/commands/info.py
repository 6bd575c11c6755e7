"""``poolscope info``: what is in a trace."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import InputError
from tui.commands.options import add_json, add_quiet, add_separate, add_session, add_strict, add_traces
from tui.commands.several import unreadable, write_all
from tui.exit_codes import ExitCode
from tui.outcome import is_incomplete, outcome, worst_exit_code
from tui.redaction.options import add_redact, redaction_of

if TYPE_CHECKING:
    from tui.contents import Contents
    from tui.json_documents.writing import Object
    from tui.reading.together import Trace


class InfoCommand:
    """Header, record counts, losses, damage and bytes of traces."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file; files that belong together are one trace")
        add_separate(parser)
        add_session(parser)
        parser.add_argument("--images", action="store_true", help="list the images whose identity the trace carries")
        add_json(parser)
        add_strict(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the reports or the document to stdout."""
        from tui.reading.together import traces_of

        traces = traces_of(args.traces, separate=args.separate, session=args.session, quiet=args.quiet)
        redaction = redaction_of(args)
        documents: list[Object] = []
        codes: list[ExitCode] = []
        for trace in traces:
            try:
                every = _sessions(trace, quiet=args.quiet)
            except InputError as error:
                if len(traces) == 1:
                    raise
                codes.append(unreadable(trace, error, documents, args.command, redaction))
                continue
            if args.strict:
                every = [_with_silent_loss(each, trace, quiet=args.quiet) for each in every]
            if redaction is not None:
                from tui.redaction.contents import redacted_contents

                every = [redacted_contents(each, redaction) for each in every]
            _tell(every, args, documents)
            codes += [outcome(each.loss, each.damage, partial=each.partial, strict=args.strict) for each in every]
            if codes[-1] is ExitCode.INTERRUPTED:
                break
        if args.json:
            write_all(documents, several=len(traces) > 1)
        return worst_exit_code(codes)


def _sessions(trace: Trace, *, quiet: bool) -> list[Contents]:
    """The contents of a trace, or of each of the sessions of a file that holds several."""
    from tui.reading.together import other_sessions
    from tui.reading.trace import read_contents  # brings numpy and the kernels: not for --help

    first = read_contents(trace, quiet=quiet)
    if first.partial:
        return [first]
    return [first, *(read_contents(each, quiet=quiet) for each in other_sessions(trace, first.info))]


def _with_silent_loss(contents: Contents, trace: Trace, *, quiet: bool) -> Contents:
    """The contents with what only an analysis shows to be missing, where nothing else says that anything is."""
    from tracer.events.pool import GROUP
    from tui.reading.together import OneSession
    from tui.reading.trace import read_loss

    number = contents.info.session_number
    session = OneSession(trace, number) if isinstance(trace, Path) and number > 1 else trace
    has_pool = any(hook >> 8 == GROUP for hook in contents.census.kernel_events)
    if contents.partial or not has_pool or is_incomplete(contents.loss, contents.damage):
        return contents
    return replace(contents, loss=read_loss(session, quiet=quiet))


def _tell(every: list[Contents], args: argparse.Namespace, documents: list[Object]) -> None:
    """A report for each session on stdout, or one document added to ``documents``."""
    if args.json:
        from tui.json_documents.info import info_document
        from tui.json_documents.sessions import sessions_document

        documents.append(sessions_document([info_document(each, images=args.images) for each in every], 0))
        return
    from rich.text import Text

    from tui.console import console, write_lines
    from tui.report.info import info_report

    out = console()
    for each in every:
        write_lines(
            [
                *info_report(each, width=out.width, images=args.images),
                *([Text()] if len(args.traces) + len(every) > 2 else []),
            ],
            out,
        )
