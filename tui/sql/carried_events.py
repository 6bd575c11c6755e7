"""Events whose schema the trace carries, as one table: their fields as JSON."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.analysis import TraceNames
from analyzers.processes import lives_at
from tracer.columns import BlobColumn, EventTable
from tracer.events.layout import Code
from tracer.events.schema_book import SchemaBook
from tracer.events.schema_fields import InType
from tracer.events.schemas import Schema
from tracer.trace import Batch
from tui.exports.tables import ExportTable, ids, integers, texts, times
from tui.safe_text import valid_unicode

_Json = str | int | float | bool | None

_UTF16: Final = {
    InType.UNICODE_STRING, InType.MANIFEST_COUNTED_STRING, InType.COUNTED_STRING, InType.REVERSED_COUNTED_STRING,
    InType.UNTERMINATED_STRING,
}  # fmt: skip
_ANSI: Final = {
    InType.ANSI_STRING, InType.MANIFEST_COUNTED_ANSI_STRING, InType.COUNTED_ANSI_STRING,
    InType.REVERSED_COUNTED_ANSI_STRING, InType.UNTERMINATED_ANSI_STRING,
}  # fmt: skip
_HEX: Final = {InType.POINTER, InType.SIZE_T, InType.HEX_INT32, InType.HEX_INT64}


class CarriedEvents:
    """Turns batches with the kinds of a trace's own schemas into rows of ``events``."""

    def __init__(self, book: SchemaBook, names: TraceNames) -> None:
        self._schemas = {schema.layout.kind: schema for schema in book.schemas}
        self._names = names

    @property
    def kinds(self) -> frozenset[str]:
        """What a source has to decode."""
        return frozenset(self._schemas)

    def tables(self, batch: Batch) -> list[ExportTable]:
        """The batch's events, kind by kind."""
        return [
            carried_events(table, self._schemas[kind], self._names)
            for kind, table in batch.tables.items()
            if kind in self._schemas
        ]


def carried_events(table: EventTable, schema: Schema | None, names: TraceNames) -> ExportTable:
    """The events of one schema; without one there are none, and the table says only what it looks like."""
    lives, life = lives_at(names, table.process, table.time)
    every = np.zeros(len(table), np.int32)
    fields = [] if schema is None else _json_lines(table, schema)
    return ExportTable(
        "events",
        (
            times("time_ns", table.time),
            texts("provider", [schema.provider_name if schema else ""], every),
            texts("event", [schema.event_name if schema else ""], every),
            integers("event_id", every + (schema.event.event if schema else 0)),
            integers("version", every + (schema.version if schema else 0)),
            ids("process_id", table.process),
            texts("process", [each.name for each in lives], life),
            ids("thread_id", table.thread),
            texts("fields", fields),
            integers("cpu", table.cpu),
            integers("offset", table.offset),
        ),
    )


def _json_lines(table: EventTable, schema: Schema) -> list[str]:
    """By row: the payload's fields as a JSON object.

    These events are the few that others have put beside the pool's; each is looked at by itself.
    """
    types = {each.name: each.in_type for each in schema.properties}
    columns = [
        (field.name, _values(table, field.name, field.code, types.get(field.name, 0)))
        for field in schema.layout.fields
    ]  # fmt: skip
    names = [name for name, _ in columns]
    rows = zip(*(values for _, values in columns), strict=True) if columns else [()] * len(table)
    return [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False) for row in rows]


def _values(table: EventTable, name: str, code: Code, in_type: int) -> list[_Json]:
    column = table.fields[name]
    if isinstance(column, BlobColumn):
        say = _reader(code, in_type)
        said: dict[bytes, _Json] = {}
        return [
            said[raw] if raw in said else said.setdefault(raw, say(raw))
            for raw in map(column.bytes, range(len(column)))
        ]
    if in_type in (InType.FLOAT, InType.DOUBLE):
        reals = column.view(np.float32 if in_type == InType.FLOAT else np.float64)
        return [value if np.isfinite(value) else None for value in reals.astype(np.float64).tolist()]
    values: list[int] = column.tolist()
    if in_type == InType.BOOLEAN:
        return [value != 0 for value in values]
    return [f"0x{value:x}" for value in values] if in_type in _HEX else list(values)


def _reader(code: Code, in_type: int) -> Callable[[bytes], _Json]:
    """How a value's bytes are told; as hexadecimal digits where nothing says what they are."""
    if code in (Code.IP4, Code.IP6):
        return lambda raw: str(ipaddress.ip_address(raw)) if len(raw) in (4, 16) else raw.hex()
    if code is Code.WSTR or in_type in _UTF16:
        return lambda raw: valid_unicode(raw[: len(raw) & ~1].decode("utf-16-le", "replace"))
    if code is Code.ASTR or in_type in _ANSI:
        return lambda raw: raw.decode("cp1252", "replace")
    if in_type == InType.GUID:
        return lambda raw: str(uuid.UUID(bytes_le=raw)) if len(raw) == 16 else raw.hex()
    return bytes.hex
