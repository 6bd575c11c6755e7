"""``poolscope symbols``: whose PDB files the names of a trace need, which are there, and how to get the rest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.formatting import counted
from tracer.errors import UsageError
from tui.commands.options import add_json, add_quiet, add_session, add_symbols, add_traces
from tui.exit_codes import ExitCode
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.redaction.options import add_redact, redaction_of
from tui.streams import say

if TYPE_CHECKING:
    from tui.symbols import NeededImage


class SymbolsCommand:
    """Reads the trace, looks for names, and tells image by image what came of it."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        add_traces(parser, "an .etl file, or several that are one trace")
        add_session(parser)
        add_symbols(parser)
        parser.add_argument(
            "--fetch", action="store_true", help="fetch what is missing from the symbol server: as --symbol-server"
        )
        parser.add_argument(
            "--manifest",
            type=Path,
            metavar="FILE",
            help="write what is missing in the form that symchk /im takes",
        )
        parser.add_argument(
            "--ln", action="store_true", help="debugger commands that name the frames without a name, and nothing else"
        )
        add_force(parser)
        add_json(parser)
        add_redact(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write the list, the document or the commands to stdout."""
        args.symbol_server |= args.fetch
        redaction = redaction_of(args)
        if redaction is not None and args.manifest is not None:
            raise UsageError(
                "usage",
                "--manifest does not go with --redact",
                where="--manifest",
                why="no symbol server knows a stand-in",
                next="poolscope symbols TRACE --manifest FILE without it",
            )
        refuse_to_overwrite(args.manifest, force=args.force)
        from contextlib import closing

        from tui.reading.symbols import names_asked  # brings numpy: not for --help
        from tui.reading.tag_names import load_tag_names
        from tui.reading.together import one_trace
        from tui.reading.trace import read_telling_session
        from tui.symbols import needed_images

        trace = one_trace(args.traces, args.session)
        names = load_tag_names(None, quiet=True)
        with closing(names_asked(args)) as source:
            source.is_thorough = True
            symbols = source.symbols()
            snapshot, _ = read_telling_session(trace, names, quiet=args.quiet, symbols=symbols)
        needed, notes = needed_images(snapshot), symbols.notes
        if redaction is not None:
            from tui.redaction.needed import redacted_needed

            needed, notes = redacted_needed(needed, snapshot, redaction), redaction.value(notes)
        if args.manifest is not None:
            _write_manifest(args.manifest, needed, quiet=args.quiet)
        _show(needed, notes, args)
        return ExitCode.INTERRUPTED if snapshot.partial or symbols.is_stopped else ExitCode.DONE


def _show(needed: list[NeededImage], notes: tuple[str, ...], args: argparse.Namespace) -> None:
    from tui.symbols import ln_lines, symbols_document, symbols_lines

    if args.json:
        from tui.json_documents.writing import write_document

        write_document(symbols_document(needed))
        return
    from rich.text import Text

    from tui.console import console
    from tui.paging import show_lines

    show_lines(list(map(Text, ln_lines(needed))) if args.ln else symbols_lines(needed, notes, console().width))


def _write_manifest(path: Path, needed: list[NeededImage], *, quiet: bool) -> None:
    from tui.symbols import manifest_lines

    lines = manifest_lines(needed)
    write_whole(path, "the manifest", (f"{line}\r\n".encode("ascii", "replace") for line in lines))
    how = f"symchk /im {path.name} /s srv*FOLDER*SERVER"
    say(f"wrote {path}: {counted(len(lines), 'PDB file')} to fetch, with {how}", quiet=quiet)
