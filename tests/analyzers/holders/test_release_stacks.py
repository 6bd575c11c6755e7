"""What released an IRP, by the functions on its freeing stack."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.holders.release_stacks import AS_USER_APC, FROM_PORT, Release, release_by, released
from analyzers.requests.releases import NO_KIND, ReleaseTable

NT = "ntoskrnl.exe"
FREE = ("ExFreeHeapPool", "ExFreePoolWithTag", "IoFreeIrp")
INLINED = ("ExFreePoolWithTag",)
"""Where the functions that free an IRP are inlined into who asked for it."""
DRIVER = ("contosodev.sys", "CtDone")
CALLS = {
    Release.SPECIAL_APC: ("IopCompleteRequest", "KiDeliverApc", "KiApcInterrupt"),
    Release.DIRECT: ("IopCompleteRequest", "IopfCompleteRequest", "IofCompleteRequest"),
    Release.DEFERRED: ("IopCompleteRequest", "IopSynchronousServiceTail", "NtReadFile"),
    Release.PORT: ("IoRemoveIoCompletion", "NtWaitForWorkViaWorkerFactory", "KiSystemServiceCopyEnd"),
    Release.PORT_CLOSED: ("IopCloseIoCompletion", "ObCloseHandleTableEntry", "NtClose"),
    Release.USER_APC: ("IopUserRundown", "KiDeliverApc", "KiInitiateUserApc"),
    Release.EXIT: ("IopUserRundown", "KeRundownApcQueues", "PspExitThread"),
}


def of(*functions: str) -> Release:
    return release_by((NT, function) for function in functions)


@pytest.mark.parametrize("free", [FREE, INLINED, ("RtlpHpVsContextFree", *FREE), ("VfFreePoolNotification", *FREE)])
@pytest.mark.parametrize("release", CALLS, ids=str)
def test_the_functions_below_the_free_tell_what_released_it(release: Release, free: tuple[str, ...]) -> None:
    assert of(*free, *CALLS[release]) is release


@pytest.mark.parametrize(
    ("functions", "release"),
    [
        (("IopCompleteRequest", "KiApcInterrupt"), Release.SPECIAL_APC),
        (("IopCompleteRequest", "KiSwapThread", "KiCommitThreadWait"), Release.SPECIAL_APC),
        (("IopCompleteRequest", "KiCheckForKernelApcDelivery", "KeLeaveGuardedRegion"), Release.SPECIAL_APC),
        (("IopCompleteRequest", "IoRemoveIoCompletion", "NtRemoveIoCompletionEx"), Release.PORT),
        (("IopCompleteRequest", "", "IofCompleteRequest"), Release.DIRECT),
        (("NtRemoveIoCompletionEx", "KiSystemServiceCopyEnd"), Release.PORT),
        (("IopUserCompletion", "KiDeliverApc", "KiContinueEx"), Release.USER_APC),
        (("KiDeliverApc", "KiInitiateUserApc"), Release.USER_APC),
        (("KeRundownApcQueues", "PspExitThread"), Release.EXIT),
        (("IopUserRundown", "PspExitThread", "KiSchedulerApcTerminate", "KiDeliverApc"), Release.EXIT),
    ],
)
def test_functions_that_leave_no_frame_may_be_missing(functions: tuple[str, ...], release: Release) -> None:
    assert of(*FREE, *functions) is release


def test_stage_two_that_a_driver_calls_is_direct_though_a_function_is_inlined() -> None:
    frames = [*((NT, each) for each in (*FREE, "IopCompleteRequest")), DRIVER]
    assert release_by(frames) is Release.DIRECT


def test_a_drivers_own_free_is_the_drivers_whoever_called_it() -> None:
    frames = [*((NT, each) for each in FREE), DRIVER, (NT, "IopfCompleteRequest"), (NT, "KiDeliverApc")]
    assert release_by(frames) is Release.DRIVER


@pytest.mark.parametrize("decisive", ["KiDeliverApc", "KeRundownApcQueues"])
def test_a_kernel_function_that_is_not_known_to_release_irps_tells_nothing_below_an_apc(decisive: str) -> None:
    assert of(*FREE, "IopCompletePageWrite", decisive) is Release.UNKNOWN
    assert of(*FREE, "", decisive) is Release.UNKNOWN


def test_a_stack_without_names_or_without_a_decisive_function_tells_nothing() -> None:
    assert of("", "", "") is Release.UNKNOWN
    assert of(*FREE, "IopXxxControlFile", "NtDeviceIoControlFile") is Release.UNKNOWN
    assert release_by([(NT, ""), DRIVER]) is Release.UNKNOWN
    assert release_by([*((NT, each) for each in FREE), ("", ""), (NT, "KiDeliverApc")]) is Release.UNKNOWN
    assert release_by([]) is Release.UNKNOWN


def table(*rows: tuple[int, int, int, int]) -> ReleaseTable:
    kind, process, stack, count = np.array(rows, np.int64).reshape(-1, 4).T
    thread = np.full(len(rows), 88, np.uint32)
    return ReleaseTable(kind.astype(np.int32), process.astype(np.uint32), thread, stack.astype(np.int32), count)


STACKS = {
    1: [(NT, each) for each in (*FREE, *CALLS[Release.USER_APC])],
    2: [(NT, each) for each in (*FREE, *CALLS[Release.EXIT])],
    3: [(NT, each) for each in (*FREE, *CALLS[Release.PORT])],
    4: [(NT, "")],
}


def test_releases_are_counted_by_kind_and_process() -> None:
    found = released(table((0, 8, 1, 5), (0, 8, 2, 2), (1, 8, 3, 7), (0, 12, 1, 100), (0, 8, 4, 9)), STACKS.__getitem__)
    kinds, processes = np.array([0, 1, 0, 2, -1], np.int32), np.array([8, 8, 12, 8, 8], np.uint32)
    assert found.of_kind(kinds, processes, AS_USER_APC).tolist() == [7, 0, 100, 0, 0]
    assert found.of_kind(kinds, processes, FROM_PORT).tolist() == [0, 7, 0, 0, 0]
    assert found.of_process(8, AS_USER_APC) == 7
    assert found.of_process(16, AS_USER_APC) == 0


def test_frees_of_no_known_kind_are_their_process_alone() -> None:
    found = released(table((NO_KIND, 8, 1, 5)), STACKS.__getitem__)
    assert found.of_kind(np.array([NO_KIND], np.int32), np.array([8], np.uint32), AS_USER_APC).tolist() == [0]
    assert found.of_process(8, AS_USER_APC) == 5


@pytest.mark.parametrize("rows", [(), ((0, 8, 4, 9),)])
def test_without_frees_or_names_nothing_is_known(rows: tuple[tuple[int, int, int, int], ...]) -> None:
    found = released(table(*rows), STACKS.__getitem__)
    assert not len(found.kind)
    assert found.of_kind(np.array([0], np.int32), np.array([8], np.uint32), AS_USER_APC).tolist() == [0]
