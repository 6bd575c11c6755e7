"""The schemas of one trace, and the layouts they give to events that have none declared."""

from __future__ import annotations

import uuid
from typing import Final

from tracer.events import self_described
from tracer.events.layout import EventId, Layout
from tracer.events.registry import layouts_for
from tracer.events.schemas import EVENT_SCHEMA, VALUE_MAP, Schema, SchemaError, ValueMap, parse_schema, parse_value_map

_REASONS_KEPT: Final = 8


class SchemaBook:
    """Collects the schema records of a trace.

    A declared layout goes before a schema. A schema holds for exactly its own version, and the first schema of an
    event and version wins. ``refused`` counts the records that could not be used, ``reasons`` says why for the first
    few of them.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.reasons: list[str] = []
        self._schemas: dict[tuple[EventId, int], Schema] = {}
        self._maps: dict[tuple[uuid.UUID, str], ValueMap] = {}
        self._names: dict[uuid.UUID, str] = {}
        self._kinds: set[str] = set()

    def add(self, opcode: int, payload: bytes) -> None:
        """Take one record of :data:`tracer.events.schemas.PROVIDER`; other opcodes than the two known are ignored."""
        try:
            if opcode == EVENT_SCHEMA:
                self._add_schema(parse_schema(payload))
            elif opcode == VALUE_MAP:
                value_map = parse_value_map(payload)
                self._maps.setdefault((value_map.provider, value_map.name), value_map)
        except SchemaError as error:
            self.refused += 1
            if len(self.reasons) < _REASONS_KEPT:
                self.reasons.append(str(error))

    def _add_schema(self, schema: Schema) -> None:
        self._names.setdefault(schema.event.provider, schema.provider_name)
        key = (schema.event, schema.version)
        if key in self._schemas or layouts_for(schema.event):
            return
        if schema.layout.kind in self._kinds:
            raise SchemaError("another provider of the same name has an event of the same name, id and version")
        self._kinds.add(schema.layout.kind)
        self._schemas[key] = schema

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The schemas in use, in the order of the trace."""
        return tuple(self._schemas.values())

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Those of the schemas, and one for the events that bring their own."""
        return (*(schema.layout for schema in self.schemas), self_described.LAYOUT)

    def layout_for(self, event_id: EventId, version: int) -> Layout | None:
        """The layout that this trace's schemas give to an event; ``None`` where they say nothing."""
        schema = self._schemas.get((event_id, version))
        return None if schema is None else schema.layout

    def value_map(self, provider: uuid.UUID, name: str) -> ValueMap | None:
        """A provider's value map by name."""
        return self._maps.get((provider, name))

    def provider_name(self, provider: uuid.UUID) -> str | None:
        """What the trace itself calls a provider."""
        return self._names.get(provider)
