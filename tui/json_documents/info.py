"""The document of ``poolscope info``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from tracer.images.carried import ImageFile
from tracer.trace import ByteCount, Census
from tui.contents import Contents
from tui.json_documents.trace import damage_part, loss_part, trace_part
from tui.json_documents.writing import SCHEMA, Object, string


def records_part(census: Census, names: Mapping[uuid.UUID, str]) -> Object:
    """How many records of which kind; hook ids are group and type in four hex digits."""
    return {
        "total": census.total,
        "by_header": dict(sorted(census.by_header.items())),
        "kernel_events": {f"{hook:04X}": count for hook, count in sorted(census.kernel_events.items())},
        "providers": {str(guid): count for guid, count in sorted(census.providers.items())},
        "provider_names": {str(guid): name for guid, name in sorted(names.items())},
    }


def bytes_part(count: ByteCount) -> Object:
    """Where the bytes went; the sum is the file's size unless the document is partial."""
    return {
        "headers": count.headers,
        "records": count.records,
        "padding": count.padding,
        "skipped": count.skipped,
    }


def images_part(images: Mapping[ImageFile, int], *, listed: bool) -> Object:
    """Images whose identity the trace carries, and those with the GUID and age of their PDB; ``listed``: each file."""
    return {
        "identified": sum(images.values()),
        "with_pdb": sum(count for file, count in images.items() if file.debug is not None),
        "files": [_image(file, count) for file, count in images.items()] if listed else None,
    }


def _image(file: ImageFile, count: int) -> Object:
    return {
        "name": string(file.name),
        "pdb": None if file.debug is None else string(file.debug.name),
        "guid": None if file.debug is None else str(file.debug.guid),
        "age": None if file.debug is None else file.debug.age,
        "time_date_stamp": file.time_date_stamp,
        "size": file.size,
        "loaded": count,
    }


def info_document(contents: Contents, *, images: bool = False) -> Object:
    """The whole document; ``images``: with a list of those whose identity the trace carries."""
    return {
        "schema": SCHEMA,
        "simulated": contents.info.simulated,
        "partial": contents.partial,
        "finalised": contents.info.finalised,
        "trace": trace_part(contents.info),
        "records": records_part(contents.census, contents.provider_names),
        "loss": loss_part(contents.loss),
        "damage": damage_part(contents.damage),
        "bytes": bytes_part(contents.bytes),
        "images": images_part(contents.images, listed=images),
    }
