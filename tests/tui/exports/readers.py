"""Readers of other programs' formats, each its own ecosystem's."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def published() -> Path:
    """The folder of what the formats' owners publish: ``speedscope/``, and ``sarif.schema.json``."""
    folder = os.environ.get("POOLSCOPE_TEST_SCHEMAS")
    if folder is None:
        pytest.skip("speedscope and the schemas are not here (POOLSCOPE_TEST_SCHEMAS; .ci/run fetches them)")
    return Path(folder)


_INT64, _UINT64, _STRING, _MESSAGE, _BOOL = 3, 4, 9, 11, 8
_PROFILE: dict[str, list[tuple[int, str, int, bool, str]]] = {
    "ValueType": [(1, "type", _INT64, False, ""), (2, "unit", _INT64, False, "")],
    "Label": [(1, "key", _INT64, False, ""), (2, "str", _INT64, False, ""), (3, "num", _INT64, False, "")],
    "Line": [(1, "function_id", _UINT64, False, ""), (2, "line", _INT64, False, "")],
    "Sample": [
        (1, "location_id", _UINT64, True, ""),
        (2, "value", _INT64, True, ""),
        (3, "label", _MESSAGE, True, "Label"),
    ],
    "Mapping": [(1, "id", _UINT64, False, ""), (5, "filename", _INT64, False, "")],
    "Location": [
        (1, "id", _UINT64, False, ""),
        (2, "mapping_id", _UINT64, False, ""),
        (3, "address", _UINT64, False, ""),
        (4, "line", _MESSAGE, True, "Line"),
    ],
    "Function": [
        (1, "id", _UINT64, False, ""),
        (2, "name", _INT64, False, ""),
        (3, "system_name", _INT64, False, ""),
        (4, "filename", _INT64, False, ""),
    ],
    "Profile": [
        (1, "sample_type", _MESSAGE, True, "ValueType"),
        (2, "sample", _MESSAGE, True, "Sample"),
        (3, "mapping", _MESSAGE, True, "Mapping"),
        (4, "location", _MESSAGE, True, "Location"),
        (5, "function", _MESSAGE, True, "Function"),
        (6, "string_table", _STRING, True, ""),
    ],
}
"""Numbers and names of the fields in proto/profile.proto of github.com/google/pprof."""


def profile_of(data: bytes) -> Any:
    """A pprof profile as protobuf reads it."""
    file = descriptor_pb2.FileDescriptorProto(name="profile.proto", package="perftools.profiles", syntax="proto3")
    for name, fields in _PROFILE.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeated, of in fields:
            added = message.field.add(name=field, number=number, type=kind, label=3 if repeated else 1)
            if of:
                added.type_name = f".perftools.profiles.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.GetMessageClass(pool.FindMessageTypeByName("perftools.profiles.Profile"))
    return made.FromString(gzip.decompress(data))
