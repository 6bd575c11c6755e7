"""Identities of a recording's images: read from disk, added to the file, and read again by us and by others."""

from __future__ import annotations

import errno
import struct
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from benchmarks.peers import walk_peer
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.images.program_files import ProgramFile
from tests.tracer.traces import kernel_payload, read, write
from tracer.errors import OutputError
from tracer.etl import appending
from tracer.etl.file import EtlFile
from tracer.etl.headers import HeaderType, LogFileMode
from tracer.events.image import LOAD, RUNDOWN_END, RUNDOWN_START
from tracer.images.appending import append_identities
from tracer.images.carried import IDENTITIES, CarriedIdentities, ImageFile
from tracer.images.headers import DebugFile, ImageHeaders, read_image_headers
from tracer.images.loaded import Identities, Identity, LoadedImage, Why, identities, images_in
from tracer.live.image_paths import ImagePaths

AFD = ProgramFile(original_name="afd.sys", pdb="afd.pdb", age=2)
CLIENT = ProgramFile(time_date_stamp=7, size=0x5000, pdb="D:\\out\\client.pdb", guid=uuid.UUID(int=1 << 100))
VOLUME = "\\Device\\HarddiskVolume3"


def loaded(hook: int, time: int, path: str, file: ProgramFile, *, base: int, process: int = 0, cpu: int = 0) -> Record:
    values = {"base": base, "size": file.size, "process": process, "file_name": path}
    values |= {"time_date_stamp": file.time_date_stamp, "checksum": file.checksum}
    return Record(HeaderType.SYSTEM64, time, kernel_payload(hook, 8, values, 3), hook=hook, version=3, cpu=cpu)


def events() -> list[Record]:
    afd = f"{VOLUME}\\Windows\\afd.sys"
    client = f"{VOLUME}\\client.exe"
    return [
        loaded(RUNDOWN_START, 1_000_100, afd, AFD, base=0xFFFFF80000000000),
        loaded(LOAD, 1_000_200, client, CLIENT, base=0x7FF600000000, process=40, cpu=1),
        loaded(LOAD, 1_000_300, client, CLIENT, base=0x7FF700000000, process=44),
        loaded(RUNDOWN_END, 3_000_000, afd, AFD, base=0xFFFFF80000000000),
    ]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A drive of the machine, with the files of the images."""
    root = tmp_path / "drive"
    (root / "Windows").mkdir(parents=True)
    (root / "Windows" / "afd.sys").write_bytes(AFD.data())
    (root / "client.exe").write_bytes(CLIENT.data())
    return root


@pytest.fixture
def paths(drive: Path) -> ImagePaths:
    return ImagePaths({VOLUME.lower(): str(drive)}, str(drive / "Windows"))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "pool.etl"
    write(path, events(), TraceOptions(processors=2, buffer_size=0x1000))
    return path


def carried(path: Path) -> dict[ImageFile, int]:
    found = CarriedIdentities()
    with EtlFile.open(path) as file:
        for batch in file.batches({IDENTITIES}):
            if IDENTITIES in batch.tables:
                found.feed(batch.tables[IDENTITIES])
    return found.files()


def found_in(trace: Path, paths: ImagePaths) -> Identities:
    return identities(images_in(trace), paths.local)


def test_every_image_is_told_once_however_many_events_tell_it(trace: Path) -> None:
    images = images_in(trace)
    assert [(image.process, image.base) for image in images] == [
        (0, 0xFFFFF80000000000), (40, 0x7FF600000000), (44, 0x7FF700000000),
    ]  # fmt: skip
    assert images[0].path.endswith("afd.sys")
    assert (images[1].size, images[1].time_date_stamp) == (0x5000, 7)


def test_a_recording_carries_what_its_images_files_say(trace: Path, paths: ImagePaths) -> None:
    found = found_in(trace, paths)
    assert (found.loaded, len(found.found), found.missing) == (3, 3, ())
    append_identities(trace, found.found)
    assert carried(trace) == {
        ImageFile("afd.sys", AFD.size, AFD.time_date_stamp, DebugFile(AFD.guid, 2, "afd.pdb")): 1,
        ImageFile("client.exe", 0x5000, 7, DebugFile(CLIENT.guid, 1, "D:\\out\\client.pdb")): 2,
    }


def test_nothing_else_of_the_recording_changes(trace: Path, paths: ImagePaths) -> None:
    before, data = read(trace), trace.read_bytes()
    added = append_identities(trace, found_in(trace, paths).found)
    after = read(trace)
    assert trace.stat().st_size == len(data) + added
    assert (after.damage, after.loss) == ((), before.loss)
    assert after.tables["image"]["raw_time"].tolist() == before.tables["image"]["raw_time"].tolist()
    assert after.tables[IDENTITIES]["raw_time"].min() >= before.tables["image"]["raw_time"].max()
    assert after.census.total == before.census.total + 6
    assert (after.info.end, after.info.processors_seen) == (before.info.end, before.info.processors_seen)
    changed = [at for at, (old, new) in enumerate(zip(data, trace.read_bytes(), strict=False)) if old != new]
    with EtlFile.open(trace) as file:
        assert file.head.buffers_written == len(file.index.buffers) == before.info.buffers + 1
        assert int(file.index.buffers["sequence"][-1]) == before.info.buffers
    assert changed == [0x68 + 0x24]  # the header's count of buffers


def test_identities_that_fill_several_buffers_are_all_there(trace: Path) -> None:
    file = ProgramFile(pdb="x" * 200)
    many = [
        Identity(
            LoadedImage(0x10000 * (number + 1), file.size, 40, file.time_date_stamp, f"\\a\\{number}.dll"),
            read_of(file, trace.parent),
        )
        for number in range(100)
    ]
    assert append_identities(trace, many) >= 8 * 0x1000
    assert sum(carried(trace).values()) == 100
    assert read(trace).damage == ()


def read_of(file: ProgramFile, folder: Path) -> ImageHeaders:
    path = folder / "any.dll"
    path.write_bytes(file.data())
    return read_image_headers(path)


def test_images_without_a_pdb_are_identified_by_stamp_and_size(trace: Path, paths: ImagePaths, drive: Path) -> None:
    for name, file in (("Windows/afd.sys", AFD), ("client.exe", CLIENT)):
        (drive / name).write_bytes(ProgramFile(file.time_date_stamp, file.size, pdb="").data())
    append_identities(trace, found_in(trace, paths).found)
    assert carried(trace) == {
        ImageFile("afd.sys", AFD.size, AFD.time_date_stamp, None): 1,
        ImageFile("client.exe", 0x5000, 7, None): 2,
    }


@pytest.mark.parametrize("peer", ["dissect.etl", "etl-parser"])
def test_other_readers_still_read_every_event_and_the_new_ones(trace: Path, paths: ImagePaths, peer: str) -> None:
    pytest.importorskip("dissect.etl" if peer == "dissect.etl" else "etl", reason="a reader to compare with")
    before = walk_peer(peer, trace, 0)
    append_identities(trace, found_in(trace, paths).found)
    after = walk_peer(peer, trace, 0)
    assert (before.stopped, after.stopped) == ("", "")
    assert after.records == before.records + 6


def test_another_reader_finds_the_provider_and_the_bytes_of_an_identity(trace: Path, paths: ImagePaths) -> None:
    dissect = pytest.importorskip("dissect.etl", reason="a reader to compare with")
    append_identities(trace, found_in(trace, paths).found)
    with trace.open("rb") as stream:
        records = [record for buffer in dissect.ETL(stream).buffers() for record in buffer]
    ours = [each for each in records if str(each.header.provider_id) == "b3e675d7-2554-4f18-830b-2762732560de"]
    assert len(ours) == 6
    base, process, guid, age = struct.unpack_from("<QI16sI", ours[1].header.payload)
    assert (base, process, uuid.UUID(bytes_le=guid), age) == (0xFFFFF80000000000, 0, AFD.guid, 2)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda file: file.unlink(), Why.GONE),
        (lambda file: file.write_bytes(b"no program"), Why.NO_IMAGE),
        (lambda file: file.write_bytes(ProgramFile(time_date_stamp=8).data()), Why.ANOTHER),
        (lambda file: (file.unlink(), file.mkdir()), Why.UNREADABLE),
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_loaded_one_gives_no_identity_and_is_told(
    trace: Path, paths: ImagePaths, drive: Path, change: object, why: Why
) -> None:
    change(drive / "client.exe")  # type: ignore[operator]
    found = found_in(trace, paths)
    assert [identity.image.process for identity in found.found] == [0]
    assert [(each.path, each.why) for each in found.missing] == [(f"{VOLUME}\\client.exe", why)]


def test_where_the_event_has_no_stamp_the_size_decides(trace: Path, drive: Path) -> None:
    image = LoadedImage(0x1000, AFD.size, 0, 0, "afd")
    other = LoadedImage(0x1000, AFD.size + 0x1000, 0, 0, "afd")
    found = identities([image, other], lambda _: drive / "Windows" / "afd.sys")
    assert [identity.image for identity in found.found] == [image]
    assert [each.why for each in found.missing] == [Why.ANOTHER]


@pytest.mark.parametrize(
    "options",
    [
        TraceOptions(finalised=False),
        TraceOptions(mode=LogFileMode.CIRCULAR),
        TraceOptions(compressed=True),
        TraceOptions(relogged=True),
        TraceOptions(preallocated=0x20000),
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_as_it_is(
    tmp_path: Path, paths: ImagePaths, options: TraceOptions
) -> None:
    path = tmp_path / "other.etl"
    data = write(path, [event for event in events() if not event.cpu], options)
    with pytest.raises(OutputError) as refused:
        append_identities(path, found_in(path, paths).found)
    assert refused.value.code == "identities-not-written"
    assert refused.value.why
    assert refused.value.next
    assert path.read_bytes() == data


@pytest.mark.parametrize("failing", [1, 2])
def test_where_the_disk_takes_no_more_the_file_is_as_before(
    trace: Path, paths: ImagePaths, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before, found, calls = trace.read_bytes(), found_in(trace, paths).found, list[int]()
    whole = appending._write_at

    def full(stream: BinaryIO, offset: int, data: bytes) -> None:
        calls.append(offset)
        if len(calls) == failing:
            whole(stream, offset, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "no space left on device")
        whole(stream, offset, data)

    monkeypatch.setattr(appending, "_write_at", full)
    with pytest.raises(OutputError) as refused:
        append_identities(trace, found)
    assert "no space" in refused.value.why
    assert trace.read_bytes() == before


def test_a_recording_without_images_is_not_touched(trace: Path) -> None:
    before = trace.read_bytes()
    nothing: Sequence[Identity] = ()
    assert append_identities(trace, nothing) == 0
    assert trace.read_bytes() == before


def test_a_merged_traces_identities_are_read_each_with_its_pdb(samples: Path) -> None:
    files = carried(samples / "merged-win8-x64-compressed.etl")
    kernel = next(file for file in files if file.name == "ntkrnlmp.exe")
    assert kernel.debug == DebugFile(uuid.UUID("72482100-1c1c-4a03-aed8-c4c71c2e8d1d"), 2, "ntkrnlmp.pdb")
    assert files[kernel] == 1
