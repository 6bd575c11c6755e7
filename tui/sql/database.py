"""Traces as a database of duckdb's: a table is filled when a question first names it, with the columns that it names.

It is in memory; what it has beyond the limit lies in a folder of its own, which goes with it. A question cannot reach
other files, the network or duckdb's settings.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import MachineError, OutputError, UsageError
from tui.exports.arrow_files import arrow_table
from tui.exports.extras import ARROW
from tui.sql.event_tables import BY_STACK, RESOLVED, STACKED
from tui.sql.named_columns import named_columns, only_describes

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tui.redaction.redaction import Redaction
    from tui.sql.fleet_folder import FleetFolder
    from tui.sql.opened import OpenTrace

MEMORY: Final = "1GiB"
"""What duckdb itself may take; the trace is read in windows, and what it leaves outstanding stays in memory."""
_ANSWERED: Final = frozenset({"SELECT", "EXECUTE", "EXPLAIN", "MULTI", "PRAGMA", "CALL"})
"""Statements with an answer; PIVOT is several in one. Of others duckdb counts rows."""
_PATIENCE_SECONDS: Final = 0.1
"""How long a Ctrl-C waits while duckdb works."""
_HANDED: Final = "handed_over"
_SETTINGS: Final = frozenset({"current_setting", "duckdb_settings", "temp_directory"})
"""Words of what tells them."""
_TREE: Final = "SELECT json_serialize_sql(?, skip_null := true, skip_empty := true, skip_default := true)"
_ROWS_AT_ONCE: Final = 1 << 17
"""Rows that are added together: duckdb's row groups have 122,880, and each INSERT is planned anew."""


class Database:
    """The tables of some traces, with a column ``trace`` where there are several. Close it when done.

    ``redaction``: that of the traces; errors and settings tell no names either.
    """

    def __init__(self, traces: Sequence[OpenTrace | FleetFolder], redaction: Redaction | None = None) -> None:
        """Raises MachineError where duckdb or pyarrow is not installed."""
        self._duckdb: Any = _module()
        self._traces = traces
        self.redaction = redaction
        self._open = ExitStack()
        self._filled: dict[str, frozenset[str]] = {}
        self._is_changed = False
        """Whether a statement may have made or changed anything: views and macros do not tell what they read."""
        self._types: dict[str, dict[str, str]] = {}
        self.tables: dict[str, tuple[str, ...]] = {}
        """Columns by table."""
        with ExitStack() as opening:
            folder = opening.enter_context(_folder())
            self._connection: duckdb.DuckDBPyConnection = self._duckdb.connect(
                ":memory:",
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
            self._connection.execute("CREATE SCHEMA stored")
            self._connection.execute("CREATE SCHEMA as_read")
            for name, table in traces[0].empty().items():
                with self._handed([arrow_table(table)], None if len(traces) == 1 else "") as rows:
                    told = self._connection.execute(f"DESCRIBE {rows}").fetchall()
                self._types[name] = {column: kind for column, kind, *_ in told}
                self.tables[name] = tuple(self._types[name])
                self._store("stored", name, self.tables[name])
                self._show(name, self.tables[name])
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
                self._fill(self._needed(statement))
                self._is_changed |= statement.type.name not in _ANSWERED
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
        if self.redaction is not None and (settings := _SETTINGS & self._identifiers(statement.query)):
            raise UsageError(
                "sql",
                "with --redact, duckdb's settings are not told",
                where=", ".join(sorted(settings)),
                why="they hold paths of this machine",
                next="ask for tables of the trace, or without --redact",
            )
        if statement.type == self._duckdb.StatementType.SELECT:
            try:
                self._connection.execute(f"EXPLAIN {statement.query}")
            except self._duckdb.Error:
                self._connection.execute(statement)  # the same error, about the query as it was written
                raise

    def _fill(self, wanted: Mapping[str, frozenset[str]]) -> None:
        """Read what these columns need, where they are not there: all of it, or nothing where it is interrupted.

        A table that lacks some is made whole: more questions are likely.
        """
        missing = {
            name: frozenset(self.tables[name]) if name in self._filled else columns
            for name, columns in wanted.items()
            if name not in self._filled or not columns <= self._filled[name]
        }
        if not missing:
            return
        try:
            for name, columns in missing.items():
                self._store("stored", name, columns)
            self._read(missing)
        except BaseException:
            for name in missing:
                self._filled.pop(name, None)
                self._store("stored", name, self.tables[name])
            raise
        for name, columns in missing.items():
            self._show(name, columns)
        self._filled |= missing

    def _store(self, schema: str, name: str, columns: Collection[str]) -> None:
        """Have an empty table of some columns."""
        told = ", ".join(f'"{column}" {kind}' for column, kind in self._types[name].items() if column in columns)
        self._connection.execute(f'CREATE OR REPLACE TABLE {schema}."{name}" ({told})')

    def _show(self, name: str, columns: Collection[str]) -> None:
        """Show what is stored by the table's name, with all columns: a query for those that are missing fills it first.

        In a table, a column without values takes as much memory as another.
        """
        told = ", ".join(
            f'"{column}"' if column in columns else f'NULL::{kind} AS "{column}"'
            for column, kind in self._types[name].items()
        )
        self._connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT {told} FROM stored."{name}"')

    def _read(self, missing: Mapping[str, frozenset[str]]) -> None:
        staged = {name for name in missing.keys() & STACKED if missing[name] & BY_STACK}
        for trace in self._traces if self.redaction is not None else ():
            trace.learn()
        for trace in self._traces:
            for name in staged:
                self._store("as_read", name, missing[name] | BY_STACK)
            is_told = len(self._traces) > 1
            paths = {name: trace.path if is_told and "trace" in columns else None for name, columns in missing.items()}
            gathered: dict[str, list[pa.Table]] = {}
            with closing(trace.rows(missing)) as tables:
                for table in tables:
                    if table.name == RESOLVED:
                        resolved = arrow_table(table)
                        continue
                    parts = gathered.setdefault(table.name, [])
                    parts.append(arrow_table(table, coded=True))
                    if sum(map(len, parts)) >= _ROWS_AT_ONCE:
                        self._add(
                            table.name, gathered.pop(table.name), paths[table.name], is_staged=table.name in staged
                        )
            for name, parts in gathered.items():
                self._add(name, parts, paths[name], is_staged=name in staged)
            for name in staged:
                self._resolve(name, missing[name], resolved)

    def _add(self, name: str, parts: Sequence[pa.Table], path: str | None, *, is_staged: bool) -> None:
        schema = "as_read" if is_staged else "stored"
        with self._handed(parts, path) as rows, _room():
            self._connection.execute(f'INSERT INTO {schema}."{name}" BY NAME {rows}')

    def _resolve(self, name: str, columns: frozenset[str], stacks: pa.Table) -> None:
        """Move what was read of one trace to its table, with the stacks' own ids and who called."""
        own = {"driver": "stacks.driver", "stack_id": "stacks.stack_id", "user_stack_id": "users.stack_id"}
        made = ((own.get(column, f'events."{column}"'), column) for column in sorted(columns))
        chosen = ", ".join(f'{value} AS "{column}"' for value, column in made)
        self._connection.register(_HANDED, stacks)
        with _room():
            self._connection.execute(
                f"INSERT INTO stored.{name} BY NAME SELECT {chosen} FROM as_read.{name} AS events"
                f" LEFT JOIN {_HANDED} AS stacks ON events.stack_id = stacks.as_read"
                f" LEFT JOIN {_HANDED} AS users ON events.user_stack_id = users.as_read"
            )
            self._connection.execute(f"DROP TABLE as_read.{name}")
        self._connection.unregister(_HANDED)

    def _needed(self, statement: duckdb.Statement) -> dict[str, frozenset[str]]:
        """The tables that a statement reads, and their columns that it names; with one more there are rows to count."""
        words = None
        if statement.type == self._duckdb.StatementType.SELECT:
            [(text,)] = self._connection.execute(_TREE, [statement.query]).fetchall()
            tree = json.loads(text)
            if only_describes(tree):
                return {}
            words = None if self._is_changed else named_columns(tree)
        needed = {}
        for name in self._named(statement):
            columns = self.tables[name]
            needed[name] = frozenset(columns) if words is None else (words & {*columns}) | {columns[-1]}
        return needed

    def _named(self, statement: duckdb.Statement) -> set[str]:
        """The tables that a statement reads, as duckdb binds it; where it may not tell, every one spelled in it."""
        names = self._identifiers(statement.query)
        if statement.type == self._duckdb.StatementType.SELECT:
            with suppress(self._duckdb.Error):
                names = self._connection.get_table_names(statement.query)
        return {name.lower() for name in names} & self.tables.keys()

    def _identifiers(self, query: str) -> set[str]:
        """What is spelled in it of names, in lower case."""
        kinds = self._duckdb.token_type
        return {
            _word(query[start:]).lower() for start, kind in self._duckdb.tokenize(query) if kind != kinds.string_const
        }

    @contextmanager
    def _handed(self, parts: Sequence[pa.Table], path: str | None) -> Iterator[str]:
        """Inside, the query that gives the rows of some tables of the same columns; ``path``: their ``trace``."""
        import pyarrow as pa

        self._connection.register(_HANDED, pa.concat_tables(parts))
        try:
            trace = "" if path is None else f"'{path.replace(chr(39), 2 * chr(39))}' AS trace, "
            yield f"SELECT {trace}* FROM {_HANDED}"
        finally:
            self._connection.unregister(_HANDED)

    @contextmanager
    def told(self, text: str) -> Iterator[None]:
        """An error of duckdb's in its own words, as one of ours."""
        try:
            yield
        except self._duckdb.OutOfMemoryException as error:
            raise _no_room(error) from error
        except self._duckdb.Error as error:
            shown = str if self.redaction is None else self.redaction.text
            raise UsageError(
                "sql",
                "the query cannot be answered",
                where=shown(" ".join(text.split())[:200]),
                why=shown(_in_short(error)),
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
