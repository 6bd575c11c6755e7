"""Events whose schema the trace carries, or that bring it with them, as one table: their fields as JSON."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from analyzers.analysis import TraceNames
from analyzers.processes import lives_at
from tracer.columns import BlobColumn, EventTable
from tracer.etl.described import described_event
from tracer.events import self_described
from tracer.events.described_values import Json, values_of
from tracer.events.layout import Code
from tracer.events.schema_book import SchemaBook
from tracer.events.schema_fields import InType
from tracer.events.schemas import Schema
from tracer.events.self_described import Description, parse_description, provider_of
from tracer.trace import Batch
from tui.exports.tables import ExportTable, TableColumn, ids, integers, texts, times
from tui.redaction.redaction import Redaction
from tui.safe_text import valid_unicode
from tui.sql.event_tables import no_events
from tui.sql.redacted_tables import RedactedEvents

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

    def __init__(self, book: SchemaBook, names: TraceNames, redaction: Redaction | None = None) -> None:
        self._schemas = {schema.layout.kind: schema for schema in book.schemas}
        self._names = names
        self._redaction = redaction
        self._descriptions: dict[bytes, Description] = {}

    @property
    def kinds(self) -> frozenset[str]:
        """What a source has to decode."""
        return frozenset({*self._schemas, self_described.KIND})

    def tables(self, batch: Batch) -> list[ExportTable]:
        """The batch's events, kind by kind."""
        made = [
            _with_schema(table, self._schemas[kind], self._names, self._redaction)
            for kind, table in batch.tables.items()
            if kind in self._schemas
        ]
        if (table := batch.tables.get(self_described.KIND)) is not None:
            made.append(self._self_described(table))
        return made

    def _self_described(self, table: EventTable) -> ExportTable:
        said = list[tuple[str, str, int, int, str]]()
        records = table.blob("record")
        for event in map(described_event, map(records.bytes, range(len(table)))):
            description = self._descriptions.get(event.description)
            if description is None:
                description = self._descriptions[event.description] = parse_description(event.description)
            shown = _Shown(provider_of(event.traits) or str(event.provider), event.provider, self._redaction)
            fields = shown.fields(values_of(description, event.payload))
            said.append((shown.provider, shown.name(description.name), event.id, event.version, fields))
        providers, events, numbers, versions, fields_of = zip(*said, strict=True) if said else ((),) * 5
        return _events_table(
            table,
            self._names,
            texts("provider", providers),
            texts("event", events),
            integers("event_id", numbers),
            integers("version", versions),
            fields=fields_of,
        )


def no_carried_events(names: TraceNames) -> ExportTable:
    """What the table looks like."""
    return CarriedEvents(SchemaBook(), names)._self_described(no_events(self_described.KIND))


def _with_schema(table: EventTable, schema: Schema, names: TraceNames, redaction: Redaction | None) -> ExportTable:
    shown = _Shown(schema.provider_name, schema.event.provider, redaction)
    every = np.zeros(len(table), np.int32)
    return _events_table(
        table,
        names,
        texts("provider", [shown.provider], every),
        texts("event", [shown.name(schema.event_name)], every),
        integers("event_id", every + schema.event.event),
        integers("version", every + schema.version),
        fields=list(map(shown.fields, _fields(table, schema))),
    )


def _events_table(table: EventTable, names: TraceNames, *columns: TableColumn, fields: Sequence[str]) -> ExportTable:
    lives, life = lives_at(names, table.process, table.time)
    return ExportTable(
        "events",
        (
            times("time_ns", table.time),
            *columns,
            ids("process_id", table.process),
            texts("process", [each.name for each in lives], life),
            ids("thread_id", table.thread),
            texts("fields", fields),
            integers("cpu", table.cpu),
            integers("offset", table.offset),
        ),
    )


class _Shown:
    """How a provider's events are told, with stand-ins where there is a redaction."""

    def __init__(self, name: str, guid: uuid.UUID, redaction: Redaction | None) -> None:
        self._redacted = None if redaction is None else RedactedEvents(name, guid, redaction)
        self.provider = name if self._redacted is None else self._redacted.provider

    def name(self, name: str) -> str:
        """Of an event."""
        return name if self._redacted is None else self._redacted.name(name)

    def fields(self, fields: dict[str, Json]) -> str:
        """As a JSON object."""
        said = fields if self._redacted is None else self._redacted.value(fields)
        return json.dumps(said, ensure_ascii=False, allow_nan=False)


def _fields(table: EventTable, schema: Schema) -> list[dict[str, Json]]:
    """By row: the payload's fields.

    These events are the few that others have put beside the pool's; each is looked at by itself.
    """
    types = {each.name: each.in_type for each in schema.properties}
    columns = [
        (field.name, _values(table, field.name, field.code, types.get(field.name, 0)))
        for field in schema.layout.fields
    ]  # fmt: skip
    names = [name for name, _ in columns]
    rows = zip(*(values for _, values in columns), strict=True) if columns else [()] * len(table)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _values(table: EventTable, name: str, code: Code, in_type: int) -> list[Json]:
    column = table.fields[name]
    if isinstance(column, BlobColumn):
        say = _reader(code, in_type)
        said: dict[bytes, Json] = {}
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


def _reader(code: Code, in_type: int) -> Callable[[bytes], Json]:
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
