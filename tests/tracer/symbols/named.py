"""The image and the PDB of ``fixtures/named``, and what llvm-pdbutil 14 says of every byte of its code.

``llvm-pdbutil dump -l -symbols fixtures/named/contosodev.pdb``; its section 1 begins 0x1000 bytes into the image.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile
from tracer.symbols.symbol import Inlined, Symbol

FOLDER = Path(__file__).parents[3] / "fixtures" / "named"
PDB = FOLDER / "contosodev.pdb"
IMAGE = FOLDER / "contosodev.sys"
SOURCE = r"C:\contoso\contosodev.c"
DEBUG = DebugFile(uuid.UUID("e307d01e-6947-7b67-4c4c-44205044422e"), 1, "contosodev.pdb")
FILE = ImageFile("contosodev.sys", 0x4000, 728273581, DEBUG)

FUNCTIONS = [
    ("CtProcessRequest", 0x1000, 80),
    ("CtAllocateContext", 0x1050, 27),
    ("CtDispatch", 0x1070, 40),
    ("DriverEntry", 0x10A0, 40),
]
LINES = {
    0x1000: 26, 0x100A: 28, 0x100F: 30, 0x1020: 29, 0x102F: 30, 0x1033: 28, 0x1043: 32,
    0x1050: 20, 0x106A: 23,
    0x1070: 36, 0x1074: 37, 0x1079: 38, 0x1086: 40, 0x108B: 39, 0x1093: 40,
    0x10A0: 43, 0x10A4: 44,
}  # fmt: skip
INLINED = [
    ("CtCount", 13, 0x1050, 6), ("CtCount", 14, 0x1056, 6),
    ("CtDispatch", 37, 0x10A4, 5), ("CtDispatch", 38, 0x10A9, 13), ("CtDispatch", 39, 0x10BB, 8),
]  # fmt: skip
"""Inlined functions with their line, where their code begins and how long it is."""


def truth(address: int) -> Symbol | None:
    """What is at an address."""
    for function, begin, size in FUNCTIONS:
        if begin <= address < begin + size:
            line = LINES[max(start for start in LINES if start <= address)]
            inlined = [
                Inlined(name, SOURCE, at) for name, at, start, size in INLINED if start <= address < start + size
            ]
            return Symbol(function, address - begin, SOURCE, line, tuple(inlined))
    return None
