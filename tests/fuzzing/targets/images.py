"""Headers of program files: an image, or none."""

from __future__ import annotations

from tests.fuzzing.mutations import binary
from tests.fuzzing.scratch import written
from tests.fuzzing.target import Target, insist
from tests.tracer.images.program_files import ProgramFile
from tests.tracer.symbols.named import IMAGE
from tracer.images.headers import NotAnImage, read_image_headers


def _seeds() -> list[bytes]:
    made = [ProgramFile(original_name="ntkrnlmp.exe", is_64_bit=wide).data() for wide in (True, False)]
    return [*made, ProgramFile(pdb="").data(), IMAGE.read_bytes()[:16_384], b"MZ"]


def check(data: bytes) -> None:
    try:
        found = read_image_headers(written(data))
    except NotAnImage:
        return
    insist(0 <= found.size < 1 << 32 and 0 <= found.time_date_stamp < 1 << 32, "a size or time of no 32 bits")
    insist(len(found.original_name) <= 1024, f"a name of {len(found.original_name)} letters")
    insist(found.debug is None or len(found.debug.name) <= 1024, "a long name of a PDB")


TARGET = Target(check, _seeds, binary(), 12_000)
