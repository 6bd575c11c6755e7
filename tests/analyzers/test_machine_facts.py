"""Which machine a trace is of, and which version of each driver ran there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analyzers.analysis import Analysis
from analyzers.image_lives import Module
from analyzers.machine_facts import VERSIONS, DriverFile, MachineFacts
from analyzers.tags import TagNames
from fixtures.fleet import DRIVER, FleetTrace, stamp_of
from fixtures.settings import Settings
from tests.analyzers.event_tables import event_table, strings
from tracer.etl.file import EtlFile
from tracer.events.image import FILE_VERSION
from tracer.images.carried import ImageFile
from tracer.trace import Batch


def _analysed(path: Path) -> Analysis:
    with EtlFile.open(path) as source:
        analysis = Analysis(source, TagNames(()))
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
    return analysis


def _batch(stamps: list[int], exact: list[str], words: list[str]) -> Batch:
    table = event_table(
        VERSIONS,
        FILE_VERSION,
        {
            "size": np.full(len(stamps), 0x5000, np.uint32),
            "time_date_stamp": np.array(stamps, np.uint32),
            "binary_file_version": strings(exact, "utf-16-le"),
            "file_version": strings(words, "utf-16-le"),
        },
        time=[0] * len(stamps),
    )
    return Batch(tables={VERSIONS: table}, until_ns=0, records=0, bytes_read=0, late_stacks=())  # type: ignore[arg-type]


def _module(name: str, base: int) -> Module:
    return Module(base, 0x5000, name, rf"\drivers\{name}", 0)


def test_a_trace_tells_its_computer_and_the_stamps_of_its_drivers(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(FleetTrace.of("churn", 1, Settings(iterations=5)).on("PC-00017", version=2))
    names = _analysed(path).names
    assert names.machine.computer == "PC-00017"
    [driver] = [each for each in names.drivers() if each.name == DRIVER]
    assert (driver.time_date_stamp, driver.label) == (stamp_of(2), f"{stamp_of(2):08X}{driver.size:x}")
    assert not [each for each in names.drivers() if each.name.endswith("ntdll.dll")]


def test_a_file_version_is_that_of_the_file_with_its_stamp_and_size() -> None:
    facts = MachineFacts()
    facts.feed(_batch([5, 6], ["1.2.0.7", ""], ["1.2 (built)", "3.0"]))
    files = [
        (_module(name, at), ImageFile(name, 0x5000, at, None))
        for at, name in ((5, "b.sys"), (6, "A.sys"), (7, "c.sys"))
    ]
    assert [(each.name, each.label) for each in facts.drivers(files)] == [
        ("A.sys", "3.0 (000000065000)"), ("b.sys", "1.2.0.7 (000000055000)"), ("c.sys", "000000075000"),
    ]  # fmt: skip


def test_a_driver_that_lay_at_two_places_is_one() -> None:
    file = ImageFile("a.sys", 0x5000, 5, None)
    twice = [(_module("a.sys", base), file) for base in (1, 2)]
    assert MachineFacts().drivers(twice) == (DriverFile("a.sys", r"\drivers\a.sys", "", 5, 0x5000),)


def test_a_merged_trace_tells_its_computer_and_the_versions_of_windows_own_files(samples: Path) -> None:
    names = _analysed(samples / "merged-win8-x64-compressed.etl").names
    assert names.machine.computer == "BRIANROB-W8"
    [driver] = [each for each in names.drivers() if each.name.lower() == "afd.sys"]
    assert driver.label == "6.2.9200.16384 (5010AA5B92000)"
