"""What the kinds of record header have in common, as tables by header type for the kernels to look things up in."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.etl.headers import (
    COMPACT_HEADER,
    EVENT_HEADER,
    FULL_HEADER,
    INSTANCE_HEADER,
    MESSAGE_HEADER,
    PERFINFO_HEADER,
    POINTER_SIZE,
    SYSTEM_HEADER,
    HeaderType,
)

# How a header is read.
KERNEL: Final = 1
MANIFEST: Final = 2
CLASSIC: Final = 3
OPAQUE: Final = 4
MESSAGE: Final = 5

FAMILY: Final = np.zeros(256, np.uint8)
"""By header type: how the header is read."""
HEADER_SIZE: Final = np.full(256, 1 << 16, np.int64)
"""By header type: bytes before the payload; of an unknown type more than a record can have."""
TIME_AT: Final = np.zeros(256, np.int64)
"""By header type: where the i64 time stands."""
POINTER_BYTES: Final = np.zeros(256, np.int64)
"""By header type: bytes of a pointer."""
THREAD_AT: Final = np.full(256, -1, np.int64)
"""By header type: where the u32 thread id stands (the process id follows it), -1 where there is none."""


def _describe(names: str, dtype: np.dtype[np.void] | None, family: int) -> None:
    for name in names.split():
        kind = HeaderType[name]
        FAMILY[kind] = family
        POINTER_BYTES[kind] = POINTER_SIZE[kind]
        if dtype is not None and dtype.fields is not None:
            HEADER_SIZE[kind] = dtype.itemsize
            TIME_AT[kind] = dtype.fields["time"][1] if "time" in dtype.fields else 0
            THREAD_AT[kind] = dtype.fields["thread"][1] if "thread" in dtype.fields else -1


_describe("SYSTEM32 SYSTEM64", SYSTEM_HEADER, KERNEL)
_describe("COMPACT32 COMPACT64", COMPACT_HEADER, KERNEL)
_describe("PERFINFO32 PERFINFO64", PERFINFO_HEADER, KERNEL)
_describe("EVENT32 EVENT64", EVENT_HEADER, MANIFEST)
_describe("FULL32 FULL64", FULL_HEADER, CLASSIC)
_describe("INSTANCE32 INSTANCE64", INSTANCE_HEADER, CLASSIC)
_describe("MESSAGE", MESSAGE_HEADER, MESSAGE)
_describe("TIMED ERROR WNODE", None, OPAQUE)
HEADER_SIZE[[HeaderType.TIMED, HeaderType.ERROR, HeaderType.WNODE]] = 8  # no layout known: only the size is read
