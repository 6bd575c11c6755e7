"""Traces as a database of duckdb's: a table is filled when a question first names it.

The database is a file in a folder of its own, which goes with it: what a table has beyond the memory limit lies there.
A question cannot reach other files, the network or duckdb's settings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import MachineError, OutputError, UsageError
from tui.exports.arrow_files import arrow_table
from tui.exports.extras import ARROW
from tui.exports.tables import ExportTable
from tui.sql.event_tables import RESOLVED, STACKED

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tui.sql.fleet_folder import FleetFolder
    from tui.sql.opened import OpenTrace

MEMORY: Final = "1GiB"
"""What duckdb itself may take; the trace is read in windows, and what it leaves outstanding stays in memory."""
_ANSWERED: Final = frozenset({"SELECT", "EXPLAIN", "MULTI", "PRAGMA", "CALL"})
"""Statements with an answer; PIVOT is several in one. Of others duckdb counts rows."""
_PATIENCE_SECONDS: Final = 0.1
"""How long a Ctrl-C waits while duckdb works."""
_HANDED: Final = "handed_over"


class Database:
    """The tables of some traces, with a column ``trace`` where there are several. Close it when done."""

    def __init__(self, traces: Sequence[OpenTrace | FleetFolder]) -> None:
        """Raises MachineError where duckdb or pyarrow is not installed."""
        self._duckdb: Any = _module()
        self._traces = traces
        self._open = ExitStack()
        self._filled: set[str] = set()
        self.tables: dict[str, tuple[str, ...]] = {}
        """Columns by table."""
        with ExitStack() as opening:
            folder = opening.enter_context(_folder())
            self._connection: duckdb.DuckDBPyConnection = self._duckdb.connect(
                str(folder / "tables.duckdb"),
                config={
                    "memory_limit": MEMORY,
                    "temp_directory": str(folder / "spilled"),
                    "python_enable_replacements": False,
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                    "preserve_insertion_order": True,
                },
            )
            opening.callback(self._connection.close)
            for name, table in traces[0].empty().items():
                self.tables[name] = tuple(self._columns(table))
                with self._handed(arrow_table(table), "") as rows:
                    self._connection.execute(f'CREATE TABLE "{name}" AS {rows}')
            self._connection.execute("CREATE SCHEMA as_read")
            for name in STACKED & self.tables.keys():
                self._connection.execute(f"CREATE TABLE as_read.{name} AS FROM {name}")
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
            self._open = opening.pop_all()

    def close(self) -> None:
        """Also removes its folder."""
        self._open.close()

    def statements(self, text: str) -> list[duckdb.Statement]:
        """Its statements, one after the other. Raises UsageError."""
        with self.told(text):
            found = list(self._connection.extract_statements(text))
        if not found:
            raise UsageError("sql", "the query is empty", next='poolscope sql TRACE "select ..."')
        return found

    def ask(self, text: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """The answer of each statement that has one, before the next is run: the connection, to fetch rows from.

        Raises UsageError; to take the rows is to be done in :meth:`told`.
        """
        for statement in self.statements(text):
            with self.told(text):
                self._check(statement)
                self._fill(self._named(statement.query))
                answer = self._run(partial(self._connection.execute, statement))
            if answer.description and statement.type.name in _ANSWERED:
                yield answer

    def _run(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it gives
        """Let duckdb work in a thread of its own: it does not look for a Ctrl-C that others have a handler for."""
        with ThreadPoolExecutor(1) as beside:
            done = beside.submit(work)
            try:
                while not done.done():
                    wait([done], _PATIENCE_SECONDS)
            except KeyboardInterrupt:
                while not done.done():  # again, as it may not have begun
                    self._connection.interrupt()
                    wait([done], _PATIENCE_SECONDS)
                raise
            return done.result()

    def _check(self, statement: duckdb.Statement) -> None:
        """Raise duckdb's error for a question that has no answer whatever the traces hold, before any is read."""
        if statement.type == self._duckdb.StatementType.SELECT:
            try:
                self._connection.execute(f"EXPLAIN {statement.query}")
            except self._duckdb.Error:
                self._connection.execute(statement)  # the same error, about the query as it was written
                raise

    def _fill(self, wanted: set[str]) -> None:
        """Read what these tables need, where they are not filled: all of it, or nothing where it is interrupted."""
        missing = wanted - self._filled
        if not missing:
            return
        self._connection.begin()
        try:
            self._read(missing)
            with _room():
                self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        self._filled |= missing

    def _read(self, missing: set[str]) -> None:
        for trace in self._traces:
            with closing(trace.rows(missing)) as tables:
                for table in tables:
                    if table.name == RESOLVED:
                        self._resolve(missing & STACKED, table)
                    else:
                        self._add(table, trace.path)

    def _add(self, table: ExportTable, path: str) -> None:
        target = f"as_read.{table.name}" if table.name in STACKED else f'"{table.name}"'
        with self._handed(arrow_table(table), path) as rows, _room():
            self._connection.execute(f"INSERT INTO {target} {rows}")

    def _resolve(self, names: set[str], stacks: ExportTable) -> None:
        """Move what was read of one trace to its table, with the stacks' own ids and who called."""
        self._connection.register(_HANDED, arrow_table(stacks))
        for name in names:
            with _room():
                self._connection.execute(
                    f"INSERT INTO {name} SELECT events.* REPLACE (stacks.driver AS driver, stacks.stack_id AS stack_id,"
                    f" users.stack_id AS user_stack_id) FROM as_read.{name} AS events"
                    f" LEFT JOIN {_HANDED} AS stacks ON events.stack_id = stacks.as_read"
                    f" LEFT JOIN {_HANDED} AS users ON events.user_stack_id = users.as_read"
                )
                self._connection.execute(f"TRUNCATE as_read.{name}")
        self._connection.unregister(_HANDED)

    def _named(self, query: str) -> set[str]:
        """The tables that a statement reads, as duckdb binds it; where it cannot, every one that is spelled in it."""
        try:
            names = self._connection.get_table_names(query)
        except self._duckdb.Error:
            starts = [
                start for start, kind in self._duckdb.tokenize(query) if kind == self._duckdb.token_type.identifier
            ]
            names = {_word(query[start:]) for start in starts}
        return {name.lower() for name in names} & self.tables.keys()

    @contextmanager
    def _handed(self, table: pa.Table, path: str) -> Iterator[str]:
        """Inside, the query that gives the table's rows."""
        self._connection.register(_HANDED, table)
        try:
            trace = f"'{path.replace(chr(39), 2 * chr(39))}' AS trace, " if len(self._traces) > 1 else ""
            yield f"SELECT {trace}* FROM {_HANDED}"
        finally:
            self._connection.unregister(_HANDED)

    def _columns(self, table: ExportTable) -> Iterator[str]:
        if len(self._traces) > 1:
            yield "trace"
        yield from (column.name for column in table.columns)

    @contextmanager
    def told(self, text: str) -> Iterator[None]:
        """An error of duckdb's in its own words, as one of ours."""
        try:
            yield
        except self._duckdb.OutOfMemoryException as error:
            raise _no_room(error) from error
        except self._duckdb.Error as error:
            raise UsageError(
                "sql",
                "the query cannot be answered",
                where=" ".join(text.split())[:200],
                why=_in_short(error),
                next=f"the tables are {', '.join(sorted(self.tables))}; 'describe TABLE' lists the columns of one",
            ) from error


def _in_short(error: Exception) -> str:
    """Duckdb's words, without the picture of the line that follows them."""
    return " ".join(str(error).partition("\n\nLINE ")[0].split())


def _word(text: str) -> str:
    """The name at the start of a text, without its quotes."""
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    end = next((at for at, letter in enumerate(text) if not (letter.isalnum() or letter == "_")), len(text))
    return text[:end]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="poolscope-sql-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _room() -> Iterator[None]:
    duckdb = _module()
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise _no_room(error) from error


def _no_room(error: Exception) -> OutputError:
    return OutputError(
        "output",
        "the tables do not fit",
        where=tempfile.gettempdir(),
        why=_in_short(error),
        next="set TMPDIR (TEMP on Windows) to a folder with more room, or ask for fewer columns or rows",
    )


def _module() -> Any:  # noqa: ANN401 - a module that may not be installed
    try:
        return import_module("duckdb")
    except ImportError as error:
        raise MachineError(
            "no-duckdb",
            "duckdb is not installed",
            where="this Python",
            why="SQL needs it, and nothing else does",
            next=ARROW.command,
        ) from error
