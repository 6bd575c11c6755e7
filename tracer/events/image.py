"""Images: modules mapped and unmapped, the kernel's base, and the identities that merged traces add.

Sources: the kernel's MOF classes and PerfView's parser; versions 2 and 3 and the identity records are
confirmed on real traces. Modules of the kernel come with process 0.
"""

from __future__ import annotations

import uuid
from typing import Final

from tracer.events.layout import Layout, ProviderId, hooks, layout

LOAD: Final = 0x030A
UNLOAD: Final = 0x1402
RUNDOWN_START: Final = 0x1403
RUNDOWN_END: Final = 0x1404

IMAGE_ID: Final = uuid.UUID("b3e675d7-2554-4f18-830b-2762732560de")
"""Provider of the identity records; their event id is the classic opcode."""
IDENTITY: Final = 0
DEBUG_IDENTITY: Final = 36
FILE_VERSION: Final = 64

_LIFE = hooks("030A 1402 1403 1404")
_V1 = "ptr base; ptr size; u4 process; "

LAYOUTS: Final[tuple[Layout, ...]] = (
    # Version 0 stores the size in four bytes: a column of another width, hence of another name.
    layout("image", "image", _LIFE, 0, "ptr base; u4 size32; wstr file_name"),
    layout("image", "image", _LIFE, 1, f"{_V1} wstr file_name"),
    layout(
        "image",
        "image",
        _LIFE,
        2,
        f"{_V1} u4 checksum; u4 time_date_stamp; u4 reserved0; ptr default_base; "
        "u4 reserved1; u4 reserved2; u4 reserved3; u4 reserved4; wstr file_name",
    ),
    layout(
        "image",
        "image",
        _LIFE,
        3,
        f"{_V1} u4 checksum; u4 time_date_stamp; u1 signature_level; u1 signature_type; u2 reserved; ptr default_base; "
        "u4 reserved1; u4 reserved2; u4 reserved3; u4 reserved4; wstr file_name",
    ),
    layout("kernel_base", "kernel base", hooks("1421"), 2, "ptr base"),
    layout(
        "image_identity",
        "image identity",
        (ProviderId(IMAGE_ID, IDENTITY),),
        2,
        "ptr base; ptr size; u4 process; u4 time_date_stamp; wstr file_name",
    ),
    layout(
        "image_identity",
        "image debug identity",
        (ProviderId(IMAGE_ID, DEBUG_IDENTITY),),
        2,
        "ptr base; u4 process; guid signature; u4 age; astr pdb",
    ),
    # Confirmed on 705 real records; the order of the strings is that of PerfView's parser.
    layout(
        "image_version",
        "image file version",
        (ProviderId(IMAGE_ID, FILE_VERSION),),
        0,
        "u4 size; u4 time_date_stamp; wstr file_name; wstr description; wstr file_version; wstr binary_file_version; "
        "wstr language; wstr product; wstr company; wstr product_version; wstr file_id; wstr program_id",
    ),
)
"""``signature`` and ``age`` name the module's PDB file. A file version belongs to the identities with its
``time_date_stamp`` and ``file_name``."""
