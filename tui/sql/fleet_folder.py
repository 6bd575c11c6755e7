"""The tables that ``poolscope fleet`` wrote, in place of a trace's."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from pathlib import Path
from typing import Any, Final

from tracer.errors import InputError
from tui.exports.fleet_files import fleet_tables
from tui.exports.tables import ExportTable, TableColumn, flags, integers, reals, texts

_MAKERS: Final[Mapping[str, Any]] = {"string": texts, "int64": integers, "bool": flags, "double": reals}


class FleetFolder:
    """Tables by name, read when a question first names them; as :class:`~tui.sql.opened.OpenTrace` has them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = str(folder)

    def empty(self) -> dict[str, ExportTable]:
        """Their columns."""
        return {table.name: table for table in fleet_tables([], [])}

    def learn(self) -> None:
        """Nothing: its names were redacted when it was written, or not at all."""

    def rows(self, wanted: Mapping[str, Collection[str]]) -> Generator[ExportTable]:
        """These columns by table. Raises InputError for what no fleet wrote."""
        for name, table in self.empty().items():
            if name in wanted:
                columns = [each.name for each in table.columns if each.name in wanted[name]]
                yield ExportTable(name, tuple(self._columns(name, columns)))

    def _columns(self, name: str, wanted: list[str]) -> Generator[TableColumn]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._folder / f"{name}.parquet"
        try:
            read = pq.read_table(path, columns=wanted)
            for column in wanted:
                values = read.column(column)
                kind = str(values.type)
                none = "" if kind == "string" else 0
                yield _MAKERS[kind](column, [none if each is None else each for each in values.to_pylist()])
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            raise InputError(
                "no-fleet",
                "the table cannot be read",
                where=str(path),
                why=" ".join(str(error).split())[:200],
                next="let 'poolscope fleet' write it again: --out with the same folder",
            ) from error
