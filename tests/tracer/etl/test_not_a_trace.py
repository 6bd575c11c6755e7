"""Input that cannot be read at all: one typed error, which says what, where, why and what to do next."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tracer.etl.headers import HeaderType


def refusal(path: Path) -> InputError:
    """The error that opening a path gives, all of whose four parts must say something."""
    with pytest.raises(InputError) as caught:
        EtlFile.open(path)
    error = caught.value
    assert all(len(part) > 5 for part in (error.what, error.why, error.next))
    assert str(path) in error.where
    return error


def refusal_of(data: bytes, folder: Path) -> InputError:
    path = folder / "t.etl"
    path.write_bytes(data)
    return refusal(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    error = refusal_of(b"", tmp_path)
    assert error.code == "empty-file"
    assert "empty" in error.what


def test_one_byte_is_no_trace(tmp_path: Path) -> None:
    assert refusal_of(b"x", tmp_path).code == "not-etl"


def test_a_text_file_is_called_a_text_file(tmp_path: Path) -> None:
    assert "text file" in refusal_of(b"time,event,cpu\r\n" * 100, tmp_path).what


def test_a_zip_holding_a_trace_is_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.etl", EtlWriter(TraceOptions()).write([]))
    error = refusal(path)
    assert ".zip" in error.what
    assert "unpack" in error.next


@pytest.mark.parametrize(
    ("magic", "word"),
    [
        (b"ElfFile\0", ".evtx"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"MSCF\0\0\0\0", ".cab"),
        (b"PAGEDU64", "dump"),
        (b"MDMP", "minidump"),
    ],
)
def test_a_file_of_another_kind_is_named_by_its_first_bytes(magic: bytes, word: str, tmp_path: Path) -> None:
    error = refusal_of(magic + bytes(4_096), tmp_path)
    assert word in error.what
    assert error.code == "not-etl"


def test_a_directory_is_no_trace(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "is-directory"


def test_a_missing_file_is_called_missing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.etl").code == "not-found"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert refusal(path).code == "not-a-file"


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write([]))

    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    error = refusal(path)
    assert error.code == "no-permission"
    assert error.why == "Permission denied"


def test_an_error_while_reading_names_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write([Record(HeaderType.PERFINFO64, 1_000_000)]))

    class Broken:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def seek(self, offset: int) -> int:
            if offset:
                raise OSError(5, "Input/output error")
            return int(self._stream.seek(offset))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    real = Path.open

    def opened(self: Path, *args: Any, **kwargs: Any) -> Any:
        stream = real(self, *args, **kwargs)
        return Broken(stream) if self == path else stream

    def read_at(file: int, size: int, offset: int) -> bytes:
        if offset:
            raise OSError(5, "Input/output error")
        os.lseek(file, offset, os.SEEK_SET)
        return os.read(file, size)

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(os, "pread", read_at, raising=False)  # what a file is read with where the system has it
    with EtlFile.open(path) as trace, pytest.raises(InputError) as caught:
        trace.scan()
    assert caught.value.code == "read-failed"
    assert "byte 0" not in caught.value.where
    assert caught.value.why == "Input/output error"


@pytest.mark.parametrize("stride", [0, 16, 71, 103, (16 << 20) + 1, 0xFFFFFFFF])
def test_a_first_buffer_of_an_impossible_size_is_no_trace(stride: int, tmp_path: Path) -> None:
    data = EtlWriter(TraceOptions()).write([])
    error = refusal_of(struct.pack("<I", stride) + data[4:], tmp_path)
    assert error.code == "not-etl"
    assert f"{stride:,}" in error.why


def test_a_trace_that_does_not_begin_with_the_log_file_header_is_none(tmp_path: Path) -> None:
    data = bytearray(EtlWriter(TraceOptions()).write([]))
    data[72 + 6] = 5
    assert "0005" in refusal_of(bytes(data), tmp_path).why


def test_a_first_record_of_another_kind_is_no_trace(tmp_path: Path) -> None:
    data = bytearray(EtlWriter(TraceOptions()).write([]))
    data[72 + 3] = 0
    assert "XP" in refusal_of(bytes(data), tmp_path).why


@pytest.mark.parametrize("length", [104, 200, 380])
def test_a_file_cut_inside_its_head_says_that_the_head_is_damaged(length: int, tmp_path: Path) -> None:
    data = EtlWriter(TraceOptions()).write([])
    error = refusal_of(data[:length], tmp_path)
    assert error.code == "damaged-head"
    assert "complete" in error.next


def test_a_trace_that_was_refused_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(bytes(4_096))
    refusal(path)
    path.rename(tmp_path / "moved.etl")
    assert not path.exists()
