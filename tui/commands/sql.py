"""``poolscope sql``: questions in SQL over traces."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import UsageError
from tui.commands.options import add_pooltag, add_quiet, add_separate, add_session, add_strict, add_symbols
from tui.commands.traces import expanded
from tui.exit_codes import ExitCode
from tui.new_files import add_force, refuse_to_overwrite, write_whole
from tui.outcome import judgement, worst_exit_code
from tui.redaction.options import add_redact, redaction_of
from tui.streams import is_terminal, write_bytes

if TYPE_CHECKING:
    from tui.sql.database import Database
    from tui.sql.opened import OpenTrace

_FORMATS: Final = ("table", "csv", "json", "parquet", "markdown")
_BY_SUFFIX: Final = {
    ".csv": "csv", ".json": "json", ".ndjson": "json", ".parquet": "parquet", ".md": "markdown", ".txt": "table",
}  # fmt: skip
_QUERY: Final = re.compile(r"\s*(--.*\n|/\*|\(|[a-z]+[\s(*'\"])", re.IGNORECASE)
"""How SQL begins: a comment, a parenthesis, or a word and something after it."""
_STDOUT: Final = "-"


class SqlCommand:
    """Makes a database of traces, and answers a query or asks for some."""

    gathers = "words"

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        parser.usage = "poolscope sql TRACE [TRACE ...] [QUERY] [options]"
        parser.add_argument(
            "words",
            nargs="+",
            metavar="TRACE",
            help="an .etl file, or the folder of a fleet; the last word is the query (without: a prompt)",
        )
        add_separate(parser)
        add_session(parser)
        words = "how the answer is written (table; with --to as the file is called)"
        parser.add_argument("--format", choices=_FORMATS, metavar="NAME", help=f"{', '.join(_FORMATS)}: {words}")
        parser.add_argument("--to", metavar="FILE", help="where to; - is stdout")
        add_symbols(parser)
        add_pooltag(parser)
        add_strict(parser)
        add_redact(parser)
        add_force(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Answer on stdout, or in a file."""
        words, query = _divided(args.words)
        form = _form(args)
        if (folder := _fleet(words)) is not None:
            return self._of_fleet(folder, query, form, args)
        path = None if args.to in (None, _STDOUT) else Path(args.to)
        paths = [path for word in words for path in expanded(Path(word))]
        refuse_to_overwrite(path, force=args.force, read=paths)
        from tui.reading.symbols import name_source
        from tui.reading.tag_names import load_tag_names
        from tui.reading.together import traces_of
        from tui.sql.database import Database
        from tui.sql.opened import OpenTrace

        redaction = redaction_of(args)
        traces = traces_of(paths, separate=args.separate, session=args.session, quiet=args.quiet)
        names = load_tag_names(args.pooltag, quiet=args.quiet)
        with ExitStack() as stack:
            source = stack.enter_context(name_source(args))
            opened = [
                stack.enter_context(
                    OpenTrace(
                        trace,
                        names,
                        quiet=args.quiet,
                        symbols=None if source is None else source.symbols(),
                        redaction=redaction,
                    )
                )
                for trace in traces
            ]
            database = Database(opened, redaction)
            stack.callback(database.close)
            if query is None and is_terminal(sys.stdin):
                _prompt(database, form, path)
            else:
                _answer(database, sys.stdin.read() if query is None else query, form, path, quiet=args.quiet)
            return _code(opened, strict=args.strict)

    def _of_fleet(self, folder: Path, query: str | None, form: str, args: argparse.Namespace) -> int:
        """The tables that ``poolscope fleet`` wrote."""
        if redaction_of(args) is not None:
            raise UsageError(
                "usage",
                "the tables of a fleet are not redacted here",
                where=str(folder),
                why="they are when they are written",
                next="'poolscope fleet' with --redact",
            )
        path = None if args.to in (None, _STDOUT) else Path(args.to)
        refuse_to_overwrite(path, force=args.force)
        from tui.sql.database import Database
        from tui.sql.fleet_folder import FleetFolder

        with closing(Database([FleetFolder(folder)])) as database:
            if query is None and is_terminal(sys.stdin):
                _prompt(database, form, path)
            else:
                _answer(database, sys.stdin.read() if query is None else query, form, path, quiet=args.quiet)
        return ExitCode.DONE


def _fleet(words: list[str]) -> Path | None:
    """The folder, where it is one that ``poolscope fleet`` wrote to."""
    folder = Path(words[0])
    return folder if len(words) == 1 and (folder / "traces.parquet").is_file() else None


def _divided(words: list[str]) -> tuple[list[str], str | None]:
    """The traces, and the query where the last word is one. Raises UsageError."""
    *traces, last = words
    is_query = not last.strip() or (_QUERY.match(last) and not _is_there(last))
    if not is_query:
        return words, None
    if not traces:
        raise UsageError(
            "usage",
            "no trace is given",
            where=last[:80],
            why="this is read as the query, and there is no file of that name",
            next='poolscope sql TRACE "select ..."',
        )
    return traces, last


def _is_there(word: str) -> bool:
    return os.path.exists(word)  # noqa: PTH110 - a query may be too long for a name, which Path raises for


def _form(args: argparse.Namespace) -> str:
    """How to write. Raises UsageError."""
    if args.format is not None:
        return str(args.format)
    if args.to in (None, _STDOUT):
        return _FORMATS[0]
    form = _BY_SUFFIX.get(Path(args.to).suffix.lower())
    if form is None:
        raise UsageError(
            "export-form",
            "which form to write is not said",
            where=f"--to {args.to}",
            why="no form has that end of a name",
            next=f"a name that ends in {', '.join(_BY_SUFFIX)}, or --format with one of {', '.join(_FORMATS)}",
        )
    return form


def _prompt(database: Database, form: str, path: Path | None) -> None:
    from tui.sql.prompt import ask_on

    if path is not None or form == "parquet":
        raise UsageError(
            "usage",
            "a file takes one query, and none is given",
            where="--to" if path is not None else "--format parquet",
            next='poolscope sql TRACE "select ..." --to FILE',
        )
    ask_on(database, lambda text: _answer(database, text, form, None))


def _answer(database: Database, text: str, form: str, path: Path | None, *, quiet: bool = False) -> None:
    """Write the answers of a query's statements; a file takes one."""
    if path is not None:
        write_whole(path, "the answer", _only(database, text, form, f"writing {path}", quiet=quiet))
        return
    pieces = _pieces(database, text, form, is_screen=is_terminal(sys.stdout))
    if form == "parquet":
        write_bytes(pieces)
        return
    for piece in pieces:
        sys.stdout.write(piece.decode())
    sys.stdout.flush()


def _pieces(database: Database, text: str, form: str, *, is_screen: bool = False) -> Iterator[bytes]:
    from tui.sql.results import FORMATS, table_lines

    write = FORMATS[form]
    if is_screen and write is table_lines:
        write = partial(table_lines, cells=shutil.get_terminal_size().columns)
    for answer in database.ask(text):
        with database.told(text):
            yield from write(answer)


def _only(database: Database, text: str, form: str, doing: str, *, quiet: bool) -> Iterator[bytes]:
    from tui.reading.progress import while_written
    from tui.sql.results import FORMATS

    if len(database.statements(text)) != 1:
        raise UsageError(
            "usage", "a file takes the answer of one statement", where=text[:80], next="give each a file of its own"
        )
    for answer in database.ask(text):
        with database.told(text), while_written(doing, FORMATS[form](answer), quiet=quiet) as pieces:
            yield from pieces


def _code(opened: list[OpenTrace], *, strict: bool) -> ExitCode:
    """The exit code of what was read."""
    read = [trace.snapshot for trace in opened if trace.snapshot is not None]
    return worst_exit_code(judgement(each, strict=strict, fail_on_finding=False) for each in read)
