"""``poolscope live`` on this machine's kernel."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tracer.errors import MachineError
from tracer.live.counters import PoolCounters, pool_counters
from tracer.live.this_machine import ThisMachine
from tui.capture.notes import tell_notes
from tui.capture.plan_args import filter_words, filters_of, plan_of
from tui.exit_codes import ExitCode, exit_code_of
from tui.outcome import judgement, worst_exit_code
from tui.redaction.options import redaction_of
from tui.streams import say

if TYPE_CHECKING:
    from analyzers.selection.query import Query
    from analyzers.tags import TagNames
    from tracer.live.plan import CapturePlan
    from tracer.live.this_machine import ThisMachine
    from tui.capture.capturing import Captured


def baseline(machine: ThisMachine, *, quiet: bool) -> PoolCounters | None:
    """The pool's counters now; ``None``, and a word of it, where Windows does not tell them."""
    try:
        return pool_counters(machine.query, machine.api.machine().pointer_size)
    except MachineError as error:
        say(f"note: what was allocated before is not known: {error.why}", quiet=quiet)
        return None


def run_capture(args: argparse.Namespace, *, interface: bool) -> int:
    """Capture until the time is up, or the user leaves. Raises MachineError where it cannot begin."""
    from tracer.live import this_machine as here
    from tui.reading.tag_names import load_tag_names
    from tui.reading.trace import compile_kernels

    plan = plan_of(args)
    machine = here.this_machine()
    names = load_tag_names(args.pooltag, quiet=args.quiet)
    compile_kernels(quiet=args.quiet)
    return _watch(machine, plan, names, args) if interface else _report(machine, plan, names, args)


def _report(machine: ThisMachine, plan: CapturePlan, names: TagNames, args: argparse.Namespace) -> int:
    from tui.alerts.counted import alarms_here
    from tui.capture.capturing import Watching, captured
    from tui.reading.symbols import name_source

    until = "Ctrl-C ends it" if plan.seconds is None else f"for {plan.seconds:g} s"
    say(f"capturing, {until}", quiet=args.quiet)
    redaction = redaction_of(args)
    alarms, counted = alarms_here(machine, names, args.alert, redaction)
    before = baseline(machine, quiet=args.quiet)
    with name_source(args) as source:
        symbols = None if source is None else source.symbols()
        done = captured(machine, plan, names, before, Watching(alarms, counted), symbols)
    filters = filters_of(args)
    if redaction is not None:
        from tui.redaction.captures import redacted_capture

        done = redacted_capture(done, redaction)
        filters = redaction.query(filters)
    tell_notes(done.notes, done.left_behind, quiet=args.quiet)
    return worst_exit_code([_reported(done, filters, args), ExitCode.FOUND if alarms.went_off else ExitCode.DONE])


def _reported(done: Captured, filters: Query, args: argparse.Namespace) -> ExitCode:
    """The report or the document of a capture; gives its outcome."""
    from analyzers.selection.select import select
    from tui.errors import tell
    from tui.unfitting import check

    check(done.snapshot, filters, lenient=True)
    snapshot = select(done.snapshot, filters)
    if args.json:
        from tui.json_documents.capture import capture_document
        from tui.json_documents.writing import write_document

        write_document(capture_document(done, snapshot, filters))
    else:
        from tui.commands.analyze import print_report

        print_report(snapshot, filters, top=args.top, whole=done.snapshot.diagnosis)
    if done.fault is not None:
        tell(done.fault, args.command)
        return exit_code_of(done.fault)
    return judgement(snapshot, strict=False, fail_on_finding=args.fail_on_finding)


def _watch(machine: ThisMachine, plan: CapturePlan, names: TagNames, args: argparse.Namespace) -> int:
    from tracer.live.capture import Capture
    from tui.alerts.counted import alarms_here
    from tui.commands.tui import naming_of
    from tui.live.app import LiveApp  # brings textual
    from tui.live.follower import Follower
    from tui.live.worker import run_beside
    from tui.look import look_here
    from tui.reading.symbols import name_source

    before, redaction = baseline(machine, quiet=args.quiet), redaction_of(args)
    alarms, counted = alarms_here(machine, names, args.alert, redaction)
    with Capture.open(plan, machine.api) as capture, name_source(args) as source:
        notes = capture.notes
        tell_notes(notes, capture.reclaimed, quiet=args.quiet)
        symbols = None if source is None else source.symbols(is_aside=True)
        follower = Follower(
            capture, names, baseline=before, alarms=alarms, counted=counted, symbols=symbols, redaction=redaction
        )
        app = LiveApp(
            follower,
            words=filter_words(args.tag, args.process),
            notes=lambda: capture.notes if redaction is None else redaction.value(capture.notes),
            look=look_here(ascii_asked=args.ascii, theme=args.theme),
            naming=naming_of(source, symbols, redaction=redaction),
        )
        run_beside(app, follower)
    tell_notes(capture.notes[len(notes) :], (), quiet=args.quiet)  # what was seen meanwhile
    return ExitCode.FOUND if alarms.went_off else ExitCode.DONE
