"""``poolscope doctor``: what this machine needs before a capture will work."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from tui.commands.options import add_json, add_pooltag
from tui.doctor.checks import State
from tui.doctor.examining import Examination
from tui.exit_codes import ExitCode
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.report.styles import heading, note
from tui.report.wrapping import hanging, wrapped
from tui.safe_text import safe

if TYPE_CHECKING:
    from tui.doctor.trial import Trial
    from tui.doctor.verdicts import Verdict
    from tui.json_documents.writing import Object

_STYLES: Final = {State.OK: "green", State.NOTE: "", State.LIMIT: "bold yellow", State.BAD: "bold red"}


def doctor_report(found: Examination, *, width: int) -> list[Text]:
    """Each check with its state and its fix, and the sum of it."""
    name = max(len(check.name) for check in found.checks)
    lines = [heading("What a capture needs on this machine"), Text()]
    for check in found.checks:
        said = Text.assemble("  ", (f"{check.state:<5}", _STYLES[check.state]), f"  {check.name:<{name}}  ")
        lines += hanging(said, safe(check.says), width)
        if check.fix:
            lines += hanging(Text(" " * (len(said) - 5) + "fix: "), safe(check.fix), width)
    return [*lines, Text(), *wrapped([_sum(found)], width)]


def _sum(found: Examination) -> Text:
    if found.can_capture:
        return note("Nothing seen here stands in the way of 'poolscope live' and 'poolscope record'.")
    return Text("A capture will not work here as it is; what is marked bad has to be mended first.", "bold")


class DoctorCommand:
    """Checks, and says for each what to do."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_json(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--report",
            action="store_true",
            help="facts, pool counters by tag and, where it can be done, five seconds of capture in numbers; names no"
            " user, no computer and no file",
        )
        what.add_argument(
            "--trial",
            type=Path,
            metavar="FILE",
            help="try all that a capture asks of Windows, in two minutes, and write what it granted to FILE, to be sent"
            " back; names no user, no computer and no file (needs an elevated prompt)",
        )
        add_force(parser)
        add_pooltag(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Check, and tell."""
        from analyzers.tags import TagNames  # brings numpy: not for --help
        from tui.doctor.examining import examine, machine_or_none

        if args.trial is not None:
            return _trial(args)
        machine = machine_or_none()
        found = examine(machine, TagNames.load(args.pooltag))
        if args.report:
            from tui.doctor.reporting import report_document
            from tui.json_documents.writing import write_document

            write_document(report_document(found, machine))
        elif args.json:
            from tui.json_documents.doctor import doctor_document
            from tui.json_documents.writing import write_document

            write_document(doctor_document(found))
        else:
            from tui.console import console, write_lines

            out = console()
            write_lines(doctor_report(found, width=out.width), out)
        return ExitCode.DONE if found.can_capture else ExitCode.MACHINE


def _trial(args: argparse.Namespace) -> ExitCode:
    """Try it all, write the file, tell the verdicts. Raises MachineError where it cannot begin."""
    from analyzers.tags import TagNames
    from tracer.live import this_machine as here
    from tui.console import console, write_lines
    from tui.doctor.examining import examine
    from tui.doctor.reporting import trial_document
    from tui.doctor.traffic import OwnTraffic
    from tui.doctor.trial import require_trial, run_trial, words_of
    from tui.doctor.verdicts import verdicts
    from tui.doctor.wpr import Wpr
    from tui.json_documents.writing import document_text, write_document
    from tui.report.trial import trial_report
    from tui.streams import say

    machine = here.this_machine()
    found = examine(machine, TagNames.load(args.pooltag))
    require_trial(found)
    refuse_to_overwrite(args.trial, force=args.force)
    told: list[tuple[Trial, tuple[Verdict, ...], Object]] = []

    def tried() -> Iterator[bytes]:
        say("about two minutes; it stops what it starts, and Ctrl-C ends it early")
        made = run_trial(machine, found, OwnTraffic(), Wpr.here(), say)
        judged = verdicts(made)
        told.append((made, judged, trial_document(made, judged, machine)))
        yield f"{document_text(told[0][2])}\n".encode("ascii")

    write_whole(args.trial, "the report", tried())  # that it cannot be written is known before two minutes have gone by
    made, judged, document = told[0]
    if args.json:
        write_document(document)
    else:
        out = console()
        write_lines(trial_report(judged, words_of(made), str(args.trial), width=out.width), out)
    return ExitCode.INTERRUPTED if made.interrupted else ExitCode.DONE
