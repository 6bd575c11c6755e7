"""``poolscope record``: what happens on this Windows machine, into a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from tracer.errors import OutputError
from tui.commands.options import (
    add_alert,
    add_fail_on_finding,
    add_for,
    add_json,
    add_pooltag,
    add_quiet,
    at_least_one,
    name_word,
    span,
)
from tui.exit_codes import ExitCode
from tui.new_files import add_force, refuse_to_overwrite
from tui.redaction.options import add_redact, redaction_of
from tui.streams import say

if TYPE_CHECKING:
    from tracer.live.this_machine import ThisMachine
    from tui.capture.recording import Recorded

_MOST_MB: Final = 8192
"""The file's size, unless ``--max-size`` says otherwise: hours of a machine with one tag, minutes of a busy one."""


_NO_FILTER: Final = "Windows filters by one or two whole tags (--tag =Irp), from build 20348 on"


class RecordCommand:
    """Records until its time is up, its command ends, its file is full, or Ctrl-C."""

    follows: ClassVar = "COMMAND"
    """What may follow ``--``."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.usage = "poolscope record OUT.etl [options] [-- COMMAND ...]"
        parser.epilog = "After --: a command that is started once the session runs, and with whose end it ends."
        parser.add_argument("output", type=Path, metavar="OUT.etl", help="the trace to write")
        add_for(parser, "record")
        words = "then go on for so long: what is freed late still is, a leak stays"
        parser.add_argument("--drain", type=span, metavar="TIME", help=words)
        parser.add_argument(
            "--tag",
            action="append",
            type=name_word,
            default=[],
            help="only this tag, where Windows can: one or two, from build 20348 on",
        )
        parser.add_argument("--no-stacks", action="store_true", help="without call stacks")
        parser.add_argument(
            "--max-size", type=at_least_one, default=_MOST_MB, metavar="MB", help=f"of the file (default {_MOST_MB})"
        )
        add_alert(parser, "end the recording, and exit with 1,")
        add_force(parser, "--overwrite")
        parser.add_argument("--analyze", action="store_true", help="analyse the trace at once")
        add_fail_on_finding(parser, "with --analyze: ")
        words = "with --analyze: the full report, N rows a table"
        parser.add_argument("--top", type=at_least_one, metavar="N", help=words)
        add_json(parser)
        add_pooltag(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Record, and tell how it went."""
        from tracer.live import this_machine as here  # brings numpy: not for --help
        from tui.capture.plan_args import is_filtered, plan_of
        from tui.capture.recording import Drain, End, Time, recorded
        from tui.outcome import worst_exit_code

        plan = plan_of(args, file=args.output.absolute(), most_bytes=args.max_size << 20)
        machine = here.this_machine()
        refuse_to_overwrite(args.output, force=args.force)
        if args.tag and not is_filtered(plan, machine.api.machine().build):
            say(f"note: every tag is recorded: {_NO_FILTER}", quiet=args.quiet)
        say(f"recording to {args.output}{_until(args)}; Ctrl-C ends it", quiet=args.quiet)
        went_off = _alarms(machine, args) if args.alert else None
        drain = None if args.drain is None else Drain(args.drain, lambda: say(_drain_words(args), quiet=args.quiet))
        done = recorded(machine, plan, args.rest, Time(), went_off, drain=drain)
        path, redaction = done.path, redaction_of(args)
        if redaction is not None:
            from tui.redaction.captures import redacted_recording

            done = redacted_recording(done, redaction)
        _tell(done, quiet=args.quiet)
        if redaction is not None:
            say("note: the file that was written holds every name: only what is said of it goes without")
        code = _analyse(done, path, args) if args.analyze else _document(done, args)
        ends = {End.ALERT: ExitCode.FOUND, End.DISK_FULL: ExitCode.OUTPUT}
        return worst_exit_code([code, ends.get(done.ended_by, ExitCode.DONE)])


def _alarms(machine: ThisMachine, args: argparse.Namespace) -> Callable[[], bool]:
    """Whether an alert holds, by the pool's counters now; says which on stderr.

    Raises MachineError where Windows does not tell them.
    """
    from tui.alerts.counted import alarms_here
    from tui.reading.tag_names import load_tag_names

    names = load_tag_names(args.pooltag, quiet=True)
    alarms, counted = alarms_here(machine, names, args.alert, redaction_of(args))

    def went_off() -> bool:
        for alarm in alarms.look(counted()) if counted else ():
            say(alarm)
        return alarms.went_off

    went_off()
    return went_off


def _until(args: argparse.Namespace) -> str:
    """What ends it, in words."""
    ends = [f"for {args.seconds:g} s"] if args.seconds is not None else []
    ends += [f"until {args.rest[0]} ends"] if args.rest else []
    return f", {' or '.join(ends)}" if ends else ""


def _drain_words(args: argparse.Namespace) -> str:
    """That the drain has begun."""
    return f"the load is over: going on for {args.drain:g} s, so that late frees are seen; Ctrl-C ends it"


def _tell(done: Recorded, *, quiet: bool) -> None:
    """What there is to know of a recording, on stderr."""
    from analyzers.formatting import exact_size
    from tui.capture.notes import tell_images, tell_notes
    from tui.capture.recording import End
    from tui.errors import tell
    from tui.incompleteness import lost_words

    tell_notes(done.notes, done.left_behind, quiet=quiet)
    if done.images is not None:
        tell_images(done.images, quiet=quiet)
    if done.ended_by is End.SESSION:
        say("warning: somebody else stopped the session; what was recorded until then stands", quiet=quiet)
    if done.ended_by is End.DISK_FULL:
        tell(_disk_full(done.path), "record")
    if done.ended_by is End.FULL:
        say("warning: the file is full: what came later is not in it (--max-size MB, --tag)", quiet=quiet)
    if lost := lost_words(done.loss.events_lost, done.loss.buffers_lost):
        say(f"warning: Windows lost {lost}", quiet=quiet)
    if done.command_exit_code is not None:
        say(f"the command ended with {done.command_exit_code}", quiet=quiet)
    say(f"wrote {done.path.name}: {exact_size(done.bytes)} in {done.seconds:.1f} s", quiet=quiet)


def _disk_full(path: Path) -> OutputError:
    return OutputError(
        "disk-full",
        "the disk took no more of the recording",
        where=str(path),
        why="Windows has ended the session, and there is as good as no room left",
        next="what was recorded until then stands; make room or give a path elsewhere, and --max-size MB bounds it",
    )


def _document(done: Recorded, args: argparse.Namespace) -> ExitCode:
    if args.json:
        from tui.json_documents.capture import recording_document
        from tui.json_documents.writing import write_document

        write_document(recording_document(done))
    return _outcome(done, args)


def _analyse(done: Recorded, path: Path, args: argparse.Namespace) -> ExitCode:
    """Report on the file at ``path``, or give the analysis' document with the recording's part."""
    from analyzers.selection.query import Query
    from analyzers.selection.select import select
    from tui.outcome import judgement, worst_exit_code
    from tui.reading.tag_names import load_tag_names
    from tui.reading.trace import read_snapshot
    from tui.unfitting import check

    filters = Query(tags=tuple(args.tag))
    whole = read_snapshot(path, load_tag_names(args.pooltag, quiet=args.quiet), quiet=args.quiet)
    if (redaction := redaction_of(args)) is not None:
        from tui.redaction.snapshots import redacted

        whole = redacted(whole, redaction)
    check(whole, filters, lenient=True)
    snapshot = select(whole, filters)
    if args.json:
        from tui.json_documents.analysis import analysis_document
        from tui.json_documents.capture import recording_part
        from tui.json_documents.writing import write_document

        write_document(analysis_document(snapshot, filters) | {"recording": recording_part(done)})
    else:
        from tui.commands.analyze import command_of, print_report

        print_report(snapshot, filters, top=args.top, whole=whole.diagnosis, command=command_of(snapshot))
    judged = judgement(snapshot, strict=False, fail_on_finding=args.fail_on_finding)
    return worst_exit_code((_outcome(done, args), judged))


def _outcome(done: Recorded, args: argparse.Namespace) -> ExitCode:
    """Ctrl-C is the planned end of a recording that has no other."""
    from tui.capture.recording import End

    planned = args.seconds is None and not args.rest
    return ExitCode.INTERRUPTED if done.ended_by is End.INTERRUPTED and not planned else ExitCode.DONE
