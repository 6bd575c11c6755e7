"""A recording on Windows CPython carries the identities of images: those that this very process has loaded.

What it leaves, once recorded, is read where there is no Windows by :mod:`tests.tracer.images.test_recorded_on_windows`.
"""

from __future__ import annotations

import ctypes as ct
import json
import struct
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.live.counted import Kernel
from tests.tracer.traces import kernel_payload, write
from tests.tui.made_windows import MadeWindows
from tests.windows.capturing import Api
from tests.windows.standin import StandIn
from tracer.etl.headers import HeaderType
from tracer.events.image import RUNDOWN_START
from tracer.live.image_paths import windows_image_paths
from tracer.live.this_machine import ThisMachine
from tui.cli import main
from tui.exit_codes import ExitCode


@dataclass(frozen=True)
class InMemory:
    """An image as the loader has mapped it, by its headers there: where, how large, of which build, with which PDB."""

    path: Path
    base: int
    size: int
    stamp: int
    guid: uuid.UUID
    age: int

    @classmethod
    def of(cls, name: str | None) -> InMemory:
        kernel: Any = vars(ct)["WinDLL"]("kernel32")
        kernel.GetModuleHandleW.restype = ct.c_void_p
        kernel.GetModuleHandleW.argtypes = [ct.c_wchar_p]
        kernel.GetModuleFileNameW.argtypes = [ct.c_void_p, ct.c_wchar_p, ct.c_uint32]
        base = kernel.GetModuleHandleW(name)
        path = ct.create_unicode_buffer(1024)
        kernel.GetModuleFileNameW(base, path, 1024)
        coff = base + _number(base + 0x3C)
        debug = base + _number(coff + 24 + 112 + 6 * 8)
        while _number(debug + 12) != 2:
            debug += 28
        code_view = ct.string_at(base + _number(debug + 20), 24)
        guid = uuid.UUID(bytes_le=code_view[4:20])
        age = struct.unpack_from("<I", code_view, 20)[0]
        return cls(Path(path.value), base, _number(coff + 24 + 56), _number(coff + 8), guid, age)

    def event(self, time: int) -> Record:
        """The rundown's event of it, with the path as a kernel gives it."""
        device = next(name for name, drive in windows_image_paths().drives.items() if drive == self.path.drive.upper())
        values = {"base": self.base, "size": self.size, "process": 4711, "time_date_stamp": self.stamp}
        values["file_name"] = device + str(self.path)[2:]  # type: ignore[assignment]
        payload = kernel_payload(RUNDOWN_START, 8, values, 3)
        return Record(HeaderType.SYSTEM64, time, payload, hook=RUNDOWN_START, version=3)


def _number(address: int) -> int:
    return int(ct.c_uint32.from_address(address).value)


def test_a_recording_carries_the_identities_of_the_images_of_this_process(
    standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [InMemory.of(None), InMemory.of(f"python3{sys.version_info.minor}.dll")]
    write(
        tmp_path / "kernel.etl",
        [image.event(1_000_100 + 100 * number) for number, image in enumerate(images)],
        TraceOptions(buffer_size=0x1000, session="Poolscope kernel"),
    )
    standin.record(tmp_path / "kernel.etl")
    machine = ThisMachine(Api(), MadeWindows(), Kernel().query, windows_image_paths())
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    out = tmp_path / "recorded.etl"
    assert main(["record", str(out), "--for", "100ms", "--json", "--quiet"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)["recording"]["images"]
    assert told == {"loaded": 2, "identified": 2, "missing": []}
    assert main(["info", str(out), "--images", "--json", "--quiet"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["damage"] == []
    files = {file["guid"]: (file["age"], file["time_date_stamp"]) for file in document["images"]["files"]}
    assert files == {str(image.guid): (image.age, image.stamp) for image in images}
    assert standin.count("ours") == 0
