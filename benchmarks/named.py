"""A PDB file of some 20 MB for an image of the benchmark traces, made of generated functions. All simulated."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.rundown import NAMED, NAMED_DEBUG
from tracer.images.headers import DebugFile, read_image_headers

FUNCTIONS: Final = 27_000
"""They make 20 MB."""
_VERSIONS: Final = ("", "-14", "-15", "-16", "-17", "-18", "-19", "-20")
_BEGIN: Final = """typedef unsigned long long Word;
struct Request { Word length; Word *buffer; struct Request *next; };
static inline __attribute__((always_inline)) Word Left(struct Request *request, Word by) {
    return request->length > by ? request->length - by : by;
}
"""
_FUNCTION: Final = """struct Context%(i)d { struct Request request; Word number%(i)d; };
__attribute__((noinline)) Word SimulatedFunction%(i)05d(struct Context%(i)d *context, Word argument) {
    Word left = Left(&context->request, argument + %(i)d);
    context->number%(i)d = left;
    return left ^ argument;
}
"""
_END: Final = "Word DriverEntry(void) { return 0; }\n"


class NoCompilerError(Exception):
    """What makes PDB files is missing; the message says what."""


def make_pdb(path: Path, functions: int = FUNCTIONS) -> None:
    """Write the PDB of the image :data:`~benchmarks.rundown.NAMED`. Raises NoCompilerError."""
    clang, link = _program("clang"), _program("lld-link")
    with TemporaryDirectory(prefix="poolscope-benchmarks-") as folder:
        source = Path(folder) / "benchmark.c"
        source.write_text(_BEGIN + "".join(_FUNCTION % {"i": i} for i in range(functions)) + _END, "ascii")
        compiling = f"{clang} --target=x86_64-pc-windows-msvc -O1 -g -gcodeview -ffreestanding -c benchmark.c -o a.obj"
        end = "/subsystem:native /entry:DriverEntry /dll /nodefaultlib /opt:noref /opt:noicf"
        linking = f"{link} /nologo /debug /Brepro {end} /out:image.sys /pdb:image.pdb a.obj"
        for command in (compiling, linking):
            subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
        debug = read_image_headers(Path(folder) / "image.sys").debug
        if debug is None:
            raise NoCompilerError(f"{link} made an image of {NAMED} that names no PDB file")
        path.write_bytes(_renamed((Path(folder) / "image.pdb").read_bytes(), debug))


def _renamed(pdb: bytes, debug: DebugFile) -> bytes:
    """With the GUID that the traces have, whatever compiler made it."""
    return pdb.replace(debug.guid.bytes_le, NAMED_DEBUG.guid.bytes_le)


def _program(name: str) -> str:
    for version in _VERSIONS:
        if found := shutil.which(name + version):
            return found
    raise NoCompilerError(f"needs clang and lld-link: {name} is not there")
