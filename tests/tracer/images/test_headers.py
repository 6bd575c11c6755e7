"""What a program file's headers say, and files that have none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tracer.images.program_files import ProgramFile
from tracer.images.headers import DebugFile, ImageHeaders, NotAnImage, read_image_headers


def written(folder: Path, data: bytes) -> Path:
    path = folder / "driver.sys"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("is_64_bit", [True, False])
def test_stamp_size_checksum_original_name_and_pdb_are_read(tmp_path: Path, is_64_bit: bool) -> None:
    made = ProgramFile(original_name="ntkrnlmp.exe", pdb="C:\\build\\größe.pdb", age=3, is_64_bit=is_64_bit)
    expected = ImageHeaders(
        made.time_date_stamp, made.size, made.checksum, "ntkrnlmp.exe", DebugFile(made.guid, 3, made.pdb)
    )
    assert read_image_headers(written(tmp_path, made.data())) == expected


def test_a_file_without_pdb_and_version_is_an_image_all_the_same(tmp_path: Path) -> None:
    headers = read_image_headers(written(tmp_path, ProgramFile(pdb="").data()))
    assert (headers.debug, headers.original_name, headers.size) == (None, "", 0x9000)


NO_IMAGES = {
    "empty": b"",
    "two letters": b"MZ",
    "a script": b"#!/bin/sh\n" * 100,
    "nonsense": b"MZ" + b"\xff" * 8192,
    "cut": ProgramFile().data()[:0x90],
}


@pytest.mark.parametrize("data", NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_is_no_program_file_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NotAnImage):
        read_image_headers(written(tmp_path, data))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 0x9FF), st.integers(0, 255)), max_size=12), end=st.integers(0, 0xA00))
def test_damage_anywhere_is_an_image_or_none_and_nothing_else(
    tmp_path: Path, changes: list[tuple[int, int]], end: int
) -> None:
    data = bytearray(ProgramFile(original_name="a.sys").data())
    for at, value in changes:
        data[at] = value
    path = written(tmp_path, bytes(data[:end]))
    try:
        read_image_headers(path)
    except NotAnImage:
        assert path.stat().st_size == end
