"""``poolscope doctor``: what this machine needs before a capture will work."""

from __future__ import annotations

import argparse

from tui.commands.options import add_json, add_pooltag
from tui.exit_codes import ExitCode


class DoctorCommand:
    """Checks, and says for each what to do."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_json(parser)
        parser.add_argument(
            "--report",
            action="store_true",
            help="what to send back with the checklist of docs/live.md: facts, pool counters by tag and, where it can"
            " be done, five seconds of capture in numbers; names no user, no computer and no file",
        )
        add_pooltag(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Check, and tell."""
        from analyzers.tags import TagNames  # brings numpy: not for --help
        from tui.doctor.examining import examine, machine_or_none

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
            from tui.report.doctor import doctor_report

            out = console()
            write_lines(doctor_report(found, width=out.width), out)
        return ExitCode.DONE if found.can_capture else ExitCode.MACHINE
