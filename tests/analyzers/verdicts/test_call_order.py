"""Which of several findings is the cause: the driver that called the others."""

from __future__ import annotations

import numpy as np

from analyzers.findings import Finding, Verdict
from analyzers.image_lives import module_of
from analyzers.modules import FrameTable
from analyzers.verdicts.call_order import causes_first, modules_below
from tracer.arrays import I32

_STACKS = {
    1: ("ntoskrnl.exe", "tcpip.sys", "afd.sys", "ntoskrnl.exe"),
    2: ("ntoskrnl.exe", "afd.sys", "ntoskrnl.exe"),
    3: ("ntoskrnl.exe", "ntoskrnl.exe"),
}


_MODULES = ("ntoskrnl.exe", "tcpip.sys", "afd.sys")


def _frames_of(stacks: I32) -> FrameTable:
    every = [[_MODULES.index(name) for name in _STACKS.get(stack, ())] for stack in stacks.tolist()]
    module = np.array([at for one in every for at in one], np.int32)
    bounds = np.cumsum([0, *map(len, every)], dtype=np.int64)
    return FrameTable(
        module.astype(np.uint64), bounds, module, tuple(module_of(0, 0, each, "", 0) for each in _MODULES)
    )


def _in_order(*findings: Finding) -> list[Finding]:
    return causes_first(findings, modules_below(findings, _frames_of))


def _finding(driver: str, stack: int, *, count: int = 100, thread: int = 8) -> Finding:
    return Finding(
        rank=0, verdict=Verdict.GROWTH, confidence=0.7, tag=1, paged=False, count=count, bytes=count,
        retained_bytes=count, bytes_per_hour=0.0, bytes_per_hour_interval=(0.0, 0.0), process_id=4, process="System",
        thread_id=thread, driver=driver, stack=stack, path=(), evidence=(), doubts=(), advice="",
    )  # fmt: skip


TRANSPORT, WINSOCK, KERNEL = _finding("tcpip.sys", 1), _finding("afd.sys", 2), _finding("nt", 3)


def test_the_caller_comes_before_what_was_allocated_for_it() -> None:
    assert _in_order(TRANSPORT, KERNEL, WINSOCK) == [KERNEL, WINSOCK, TRANSPORT]


def test_an_order_with_the_cause_first_stays() -> None:
    assert _in_order(WINSOCK, KERNEL, TRANSPORT) == [WINSOCK, KERNEL, TRANSPORT]


def test_a_caller_that_keeps_another_number_is_another_matter() -> None:
    fewer = _finding("afd.sys", 2, count=50)
    assert _in_order(TRANSPORT, fewer) == [TRANSPORT, fewer]


def test_a_caller_on_another_thread_is_another_matter() -> None:
    other = _finding("afd.sys", 2, thread=12)
    assert _in_order(TRANSPORT, other) == [TRANSPORT, other]


def test_callers_are_the_modules_of_the_stack_without_the_driver_itself() -> None:
    nobody = _finding("", -1)
    found = modules_below([TRANSPORT, nobody, WINSOCK], _frames_of)
    assert found == [{"ntoskrnl.exe", "afd.sys"}, set(), {"ntoskrnl.exe"}]


def test_findings_that_go_behind_their_causes_keep_their_order_among_each_other() -> None:
    first, second = _finding("tcpip.sys", 1), _finding("tcpip.sys", 1, count=101)
    assert _in_order(first, second, KERNEL, WINSOCK) == [KERNEL, WINSOCK, second, first]
