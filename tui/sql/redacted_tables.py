"""Tables as they may be passed on: what a database holds of names are stand-ins, so that no query gets a name out."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any, Final

from tracer.events.providers import provider_name
from tui.exports.tables import ColumnType, ExportTable, TableColumn, texts
from tui.redaction.redaction import Redaction
from tui.redaction.stand_ins import Kind, image_kind

_IMAGES: Final = {"process": Kind.PROCESS, "driver": Kind.DRIVER, "image": Kind.IMAGE}
"""Columns of names; others with names are ``path`` and those of addresses of the network."""
_TEXTS: Final = frozenset({*_IMAGES, "path", "local_address", "remote_address"})
_MICROSOFTS: Final = ("microsoft-", "microsoft.")
"""How the names of Windows' own providers begin, those with manifests and those of TraceLogging."""
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-f]+")
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IS_ADDRESS: Final = 1 << 63
"""A whole number from here on is taken for an address of the kernel's."""


def redacted_table(table: ExportTable, redaction: Redaction) -> ExportTable:
    """A table that was made of events or of what the trace names; tags and words of Poolscope's own stay."""
    return replace(table, columns=tuple(_column(column, redaction) for column in table.columns))


def _column(column: TableColumn, redaction: Redaction) -> TableColumn:
    if column.type is ColumnType.ADDRESS:
        return replace(column, values=redaction.addresses(column.values))
    if column.name not in _TEXTS:
        return column
    if column.name in _IMAGES:
        for word in column.words:
            redaction.know_image(word, _IMAGES[column.name])
    return texts(column.name, list(map(redaction.text, column.words)), column.values)


class RedactedEvents:
    """What events of one provider say. ``provider``: its stand-in, unless it is Windows' own."""

    def __init__(self, name: str, guid: uuid.UUID, redaction: Redaction) -> None:
        self._redaction = redaction
        self._is_own = provider_name(guid) is not None or name.lower().startswith(_MICROSOFTS)
        self.provider = name if self._is_own else redaction.stand_ins.of(Kind.PROVIDER, name)

    def name(self, name: str) -> str:
        """Of an event or a field."""
        return name if self._is_own else self._redaction.stand_ins.of(Kind.NAME, name)

    def value(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
        """A field's value: any text may tell of whom it is, so that whole texts are replaced."""
        match value:
            case dict():
                return {self.name(key): self.value(each) for key, each in value.items()}
            case list():
                return [self.value(each) for each in value]
            case str():
                return self._text(value)
            case int() if value >= _IS_ADDRESS:
                return self._redaction.address(value)
        return value

    def _text(self, text: str) -> str:
        stand_ins = self._redaction.stand_ins
        if not text or self._redaction.is_own(text):
            return text
        if (address := stand_ins.address(text)) is not None:
            return address
        if _HEXADECIMAL.fullmatch(text):
            return self._redaction.text(text)
        if _GUID.fullmatch(text):
            return str(stand_ins.guid(uuid.UUID(text)))
        if "\\" in text or "/" in text:
            return stand_ins.of(Kind.PATH, text)
        return stand_ins.of(image_kind(text, Kind.NAME), text)
