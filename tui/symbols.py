"""The images whose names a trace needs, most memory first: as a list, a document, a manifest and debugger commands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from analyzers.analysis import TraceNames
from analyzers.formatting import size
from analyzers.pool_tables import debugger_name
from analyzers.snapshot import Snapshot
from analyzers.symbolization import ImageNames, bytes_through
from tracer.data_classes import dataclass
from tracer.images.headers import DebugFile
from tracer.symbols.identity import store_key, stored_name
from tracer.symbols.symbol import Source
from tui.json_documents.writing import SCHEMA, Object, string
from tui.report.names import caution_lines, image_words, why_none
from tui.report.styles import HEADING, QUIET, note
from tui.report.wrapping import wrapped
from tui.safe_text import safe

_SIZE_CELLS = 10


@dataclass(frozen=True, slots=True)
class NeededImage:
    """An image, and what is outstanding of memory that was allocated through it."""

    names: ImageNames
    outstanding_bytes: int

    @property
    def pdb(self) -> DebugFile | None:
        """The PDB that belongs to it, if the trace says so."""
        return self.names.image.debug


def needed_images(snapshot: Snapshot) -> list[NeededImage]:
    """All images of which names were asked, most memory first. The snapshot's names must be an analysis' own."""
    assert isinstance(snapshot.names, TraceNames)
    sites, named = snapshot.pool.sites, snapshot.named
    held = bytes_through(sites.stack, sites.outstanding_bytes, snapshot.names.files_in)
    found = [NeededImage(each, held.get(each.image, 0)) for each in (named.images if named else ())]
    return sorted(found, key=lambda each: -each.outstanding_bytes)


def symbols_lines(needed: Sequence[NeededImage], notes: Sequence[str], width: int) -> list[Text]:
    """Two or three lines an image."""
    if not needed:
        return [Text("no stack of this trace goes through a known image: there is nothing to name")]
    lines = [note(f"{'Held':>{_SIZE_CELLS}}  Image, what belongs to it, and what came of it")]
    for each in needed:
        lines += [
            Text.assemble(f"{size(each.outstanding_bytes):>{_SIZE_CELLS}}  ", (safe(each.names.image.name), HEADING)),
            *_indented(_pdb_words(each.pdb), width, QUIET),
            *_indented(image_words(each.names), width),
        ]
    said = [Text(safe(words)) for words in notes]
    return [*lines, *wrapped([*said, *caution_lines({each.names.source for each in needed})], width)]


def _indented(words: str, width: int, style: str = "") -> list[Text]:
    return wrapped([Text(f"{' ' * (_SIZE_CELLS + 2)}{words}", style)], width)


def _pdb_words(pdb: DebugFile | None) -> str:
    if pdb is None:
        return "its PDB is not known: the trace does not carry the image's identity"
    return f"{safe(stored_name(pdb) or pdb.name)}, GUID {pdb.guid}, age {pdb.age}"


def symbols_document(needed: Sequence[NeededImage]) -> Object:
    """The document of ``poolscope symbols``."""
    return {
        "schema": SCHEMA,
        "modules": [
            {
                "name": string(each.names.image.name),
                "time_date_stamp": each.names.image.time_date_stamp or None,
                "size": each.names.image.size,
                "pdb": None if each.pdb is None else string(stored_name(each.pdb) or each.pdb.name),
                "guid": None if each.pdb is None else str(each.pdb.guid),
                "age": None if each.pdb is None else each.pdb.age,
                "found": string(each.names.where) or None,
                "named_by": str(each.names.source),
                "why": string(why_none(each.names)) if each.names.source is Source.NONE else None,
                "addresses": each.names.asked,
                "named": each.names.named,
                "outstanding_bytes": each.outstanding_bytes,
            }
            for each in needed
        ],
    }


def manifest_lines(needed: Sequence[NeededImage]) -> list[str]:
    """The PDB files that are missing, ``NAME,KEY,1`` each, as SymChk writes manifests itself.

    The form has no public document; it is that of a manifest that was made with ``symchk /om`` (issue 7 of
    microsoft/WinDbg-Feedback). No SymChk has read one of these yet.
    """
    pdbs = [each.pdb for each in needed if each.pdb is not None and each.names.source is not Source.PDB]
    return list(dict.fromkeys(f"{stored_name(pdb)},{store_key(pdb)},1" for pdb in pdbs if stored_name(pdb)))


def ln_lines(needed: Sequence[NeededImage]) -> list[str]:
    """``ln MODULE+OFFSET`` of every frame without a name: the debugger's command for the nearest symbols."""
    named = [(safe(debugger_name(each.names.image.name)), each.names.nameless) for each in needed]
    return [f"ln {module}+0x{offset:x}" for module, offsets in named for offset in offsets]
