"""Context switches of a real machine: who ran by them is who its profile samples found.

The trace is randomascii's "slow ppt" (bigfiles, ETWTraces, Apache-2.0): xperf on Windows 7 SP1 x64 with 8 CPUs, the
first public trace with context switches that we know. It holds no pool events.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from analyzers.scheduling import CpuTimeline
from analyzers.threads import Threads
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.etl.file import EtlFile
from tracer.etl.tables import joined
from tracer.events.layout import hooks, layout
from tracer.events.process import DEFUNCT
from tracer.events.registry import LAYOUTS
from tracer.trace import NO_LATE_STACKS, Batch

PROFILE: Final = layout("profile", "sampled profile", hooks("0F2E"), 2, "ptr instruction; u4 thread; u4 count")
"""SampledProfile of the kernel's MOF classes; in a test only, as nothing is concluded from samples."""


@pytest.fixture(scope="module")
def switches_and_samples(slow_ppt: Path) -> tuple[EventTable, EventTable]:
    parts: dict[str, list[EventTable]] = {"context_switch": [], "profile": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracer.etl.classify.LAYOUTS", (*LAYOUTS, PROFILE))
        with EtlFile.open(slow_ppt) as trace:
            for batch in trace.batches(parts.keys()):
                for kind, table in batch.tables.items():
                    parts[kind].append(table)
    return joined(parts["context_switch"]), joined(parts["profile"])


def test_on_every_cpu_the_old_thread_is_the_new_thread_of_the_switch_before(
    switches_and_samples: tuple[EventTable, EventTable],
) -> None:
    switches, _ = switches_and_samples
    assert len(switches) == 29_533
    pairs = agreeing = 0
    for cpu in np.unique(switches.cpu):
        here = switches.cpu == cpu
        old, new = switches.array("old_thread")[here], switches.array("new_thread")[here]
        pairs += len(old) - 1
        agreeing += int(np.count_nonzero(old[1:] == new[:-1]))
    assert (agreeing, pairs) == (29_525, 29_525)


def test_who_ran_by_switches_is_who_the_samples_found(switches_and_samples: tuple[EventTable, EventTable]) -> None:
    switches, samples = switches_and_samples
    nobody = np.full(len(samples), UNKNOWN_ID, np.uint32)
    events = replace(samples, thread=nobody, who=np.zeros(len(samples), np.uint8))
    batch = Batch({"pool": events, "context_switch": switches}, NO_LATE_STACKS, 0, 0, 0)
    CpuTimeline(Threads()).stamp(batch)
    told = events.who == Who.CONTEXT_SWITCH
    right = events.thread[told] == samples.array("thread")[told]
    assert (len(samples), int(np.count_nonzero(~told))) == (136_370, 382)
    assert (int(np.count_nonzero(right)), len(right)) == (135_971, 135_988)


def test_a_dead_process_of_windows_7_has_its_name(slow_ppt: Path) -> None:
    with EtlFile.open(slow_ppt) as trace:
        tables = [batch.tables["process"] for batch in trace.batches({"process"}) if "process" in batch.tables]
    table = joined(tables)
    (row,) = np.flatnonzero(table.event == DEFUNCT)
    assert int(table.array("process")[row]) == 4952
    assert table.blob("image_name").bytes(int(row)) == b"OUTLOOK.EXE"
