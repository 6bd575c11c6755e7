"""Which file a loaded image was, by the identities that a trace carries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analyzers.image_files import ImageFiles
from analyzers.image_lives import Module
from tests.analyzers.event_tables import event_table, strings
from tracer.columns import BlobColumn, Column, EventTable
from tracer.events.image import DEBUG_IDENTITY, IDENTITY
from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile

PDB = DebugFile(uuid.UUID(int=7), 2, "client.pdb")
OTHER = DebugFile(uuid.UUID(int=8), 1, "other.pdb")
BASE = 0x7FF600000000


Identity = tuple[int, int, int, DebugFile | None]
"""Process, base, time stamp, PDB; of an image of 0x5000 bytes."""


def told(*identities: Identity) -> ImageFiles:
    files = ImageFiles()
    files.feed(table(*identities))
    return files


def table(*identities: Identity) -> EventTable:
    rows = [
        (event, each) for each in identities for event in (IDENTITY, *([DEBUG_IDENTITY] if each[3] is not None else []))
    ]
    process, base, stamp, pdb = zip(*(each for _, each in rows), strict=True)
    fields: dict[str, Column] = {
        "process": np.array(process, np.uint32),
        "base": np.array(base, np.uint64),
        "size": np.full(len(rows), 0x5000, np.uint64),
        "time_date_stamp": np.array(stamp, np.uint32),
        "age": np.array([each.age if each else 0 for each in pdb], np.uint32),
        "file_name": strings(["original.exe"] * len(rows), "utf-16-le"),
        "pdb": strings([each.name if each else "" for each in pdb], "latin-1"),
        "signature": _blobs([each.guid.bytes_le if each else b"" for each in pdb]),
    }
    return event_table("image_identity", np.array([event for event, _ in rows]), fields, time=[0] * len(rows))


def _blobs(values: Sequence[bytes]) -> BlobColumn:
    lengths = np.array([len(value) for value in values], np.int64)
    return BlobColumn(np.frombuffer(b"".join(values), np.uint8), np.cumsum(lengths) - lengths, lengths)


def image(process: int = 40, base: int = BASE, stamp: int = 5, size: int = 0x5000) -> Module:
    return Module(base, size, "client.exe", r"\a\client.exe", process, time_date_stamp=stamp)


def test_the_identity_of_the_same_place_is_the_image_s_under_the_name_that_it_was_loaded_by() -> None:
    assert told((40, BASE, 5, PDB)).of(image()) == ImageFile("client.exe", 0x5000, 5, PDB)


def test_of_several_identities_of_a_place_the_time_stamp_tells_which() -> None:
    files = told((40, BASE, 5, PDB), (40, BASE, 6, OTHER))
    assert (files.of(image()).debug, files.of(image(stamp=6)).debug) == (PDB, OTHER)


def test_without_a_time_stamp_one_of_several_is_not_guessed() -> None:
    assert told((40, BASE, 5, PDB), (40, BASE, 6, OTHER)).of(image(stamp=0)).debug is None


def test_the_same_file_in_another_process_has_the_same_pdb() -> None:
    assert told((40, BASE, 5, PDB)).of(image(process=44, base=BASE + 0x10000)).debug == PDB


def test_a_file_of_another_size_elsewhere_is_another_one() -> None:
    assert told((40, BASE, 5, PDB)).of(image(process=44, base=BASE + 0x10000, size=0x9000)).debug is None


def test_an_identity_of_the_kernel_s_space_may_be_told_of_process_0_or_4() -> None:
    kernel = image(process=0, base=0xFFFFF80000000000)
    for process in (0, 4):
        assert told((process, 0xFFFFF80000000000, 5, PDB)).of(kernel).debug == PDB


def test_an_identity_without_a_pdb_tells_time_stamp_and_size() -> None:
    assert told((40, BASE, 5, None)).of(image(stamp=0)) == ImageFile("client.exe", 0x5000, 5, None)


def test_what_comes_later_is_heard() -> None:
    files = told((40, BASE, 6, OTHER))
    assert files.of(image()).debug is None
    files.feed(table((40, BASE, 5, PDB)))
    assert files.of(image()).debug == PDB


def test_an_identity_that_was_cut_inside_its_guid_tells_no_pdb() -> None:
    whole = table((40, BASE, 5, DebugFile(uuid.UUID(int=7), 1, "client.pdb")))
    for length in range(16):
        cut = _blobs([b"", bytes(range(length))])
        files = ImageFiles()
        files.feed(replace(whole, fields={**whole.fields, "signature": cut}))
        assert files.of(image()).debug is None
