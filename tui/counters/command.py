"""``poolscope live --counters``."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import TYPE_CHECKING

from analyzers.selection.query import Query
from tracer.errors import OutputError
from tui.alerts.counted import warn_of_unknown
from tui.alerts.watching import Alarms
from tui.capture.plan_args import filter_words
from tui.counters.beside import Beside
from tui.counters.log import CountersLog
from tui.counters.sampling import Sampling, counting_of
from tui.exit_codes import ExitCode
from tui.outcome import worst_exit_code
from tui.redaction.options import redaction_of
from tui.redaction.snapshots import redacted
from tui.streams import say

if TYPE_CHECKING:
    from analyzers.snapshot import Snapshot


def run_counters(args: argparse.Namespace, *, interface: bool) -> int:
    """Count until the time is up, or the user leaves; ``interface``: in the terminal interface."""
    from tracer.live import this_machine as here
    from tui.reading.tag_names import load_tag_names

    machine = here.this_machine()
    names = load_tag_names(args.pooltag, quiet=args.quiet)
    sampling = Sampling(counting_of(machine, names))
    with ExitStack() as opened:
        log = None
        if args.log is not None:
            log = opened.enter_context(CountersLog(args.log, Query(tags=tuple(args.tag))))
        warn_of_unknown(sampling.snapshot(), args.alert, redaction_of(args))
        beside = Beside(Alarms(args.alert), log, redaction_of(args))
        code = _watch(sampling, args, beside) if interface else _tell(sampling, args, beside)
    return worst_exit_code([code, ExitCode.FOUND if beside.alarms.went_off else ExitCode.DONE])


def _watch(sampling: Sampling, args: argparse.Namespace, beside: Beside) -> ExitCode:
    from tui.counters.app import CountersApp  # brings textual
    from tui.counters.follower import CountersFollower
    from tui.live.worker import run_beside
    from tui.look import look_here

    follower = CountersFollower(sampling, seconds=args.seconds, beside=beside, redaction=redaction_of(args))
    app = CountersApp(
        follower, words=filter_words(args.tag, ()), look=look_here(ascii_asked=args.ascii, theme=args.theme)
    )
    run_beside(app, follower)
    if isinstance(follower.fault, OutputError):
        raise follower.fault
    return ExitCode.DONE


def _tell(sampling: Sampling, args: argparse.Namespace, beside: Beside) -> ExitCode:
    from tui.counters.waiting import counted_for

    until = "Ctrl-C ends it" if args.seconds is None else f"for {args.seconds:g} s"
    say(f"counting {until}", quiet=args.quiet)
    snapshot = counted_for(sampling, args.seconds, beside=beside)
    _write(snapshot, args)
    return ExitCode.INTERRUPTED if snapshot.partial else ExitCode.DONE


def _write(snapshot: Snapshot, args: argparse.Namespace) -> None:
    from tui.unfitting import check

    filters = Query(tags=tuple(args.tag))
    if (redaction := redaction_of(args)) is not None:
        snapshot = redacted(snapshot, redaction)
    check(snapshot, filters, lenient=True)
    if args.json:
        from tui.counters.waiting import counters_document
        from tui.json_documents.writing import write_document

        write_document(counters_document(snapshot, filters))
        return
    from tui.console import console, write_lines
    from tui.counters.waiting import counters_report

    out = console()
    write_lines(counters_report(snapshot, filters, top=args.top, width=out.width), out)
