"""Which frames of a stack are folded, by name and without."""

from __future__ import annotations

import pytest

from analyzers.plumbing import Run, runs, runs_of
from analyzers.pool_tables import Frame
from tracer.symbols.symbol import Source, Symbol

NT = "ntoskrnl.exe"
ALLOCATING = [(NT, "ExAllocateHeapPool"), (NT, "ExpAllocatePoolWithTagFromNode"), (NT, "ExAllocatePool2")]
ASKED = [
    (NT, "IofCallDriver"),
    (NT, "IopXxxControlFile"),
    (NT, "NtDeviceIoControlFile"),
    (NT, "KiSystemServiceCopyEnd"),
]
DRIVER = [("contosodev.sys", "CtProcessRequest"), ("contosodev.sys", "CtDispatch")]


def told(frames: list[tuple[str, str]]) -> list[str]:
    """Each line: a frame's function (or module), or what is folded."""
    out: list[str] = []
    for run in runs(frames):
        out += [str(run)] if run.parts else [function or module for module, function in frames[run.begin : run.end]]
    return out


def test_a_stack_begins_where_the_drivers_code_does() -> None:
    assert told([*ALLOCATING, *DRIVER, *ASKED]) == [
        "3 frames of the pool allocator",
        "CtProcessRequest",
        "CtDispatch",
        "4 frames of the I/O manager and the system call",
    ]


def test_every_frame_is_in_one_run_and_in_its_place() -> None:
    frames = [*ALLOCATING, *DRIVER, *ASKED, ("afd.sys", ""), (NT, "")]
    found = runs(frames)
    assert [run.begin for run in found] == [0, *[run.end for run in found[:-1]]]
    assert found[-1].end == len(frames)


@pytest.mark.parametrize(
    ("function", "whose"),
    [
        ("ExAllocatePoolWithTag", "the pool allocator"),
        ("ExFreeHeapPool", "the pool allocator"),
        ("ExDeferredFreePool", "the pool allocator"),
        ("ExAllocateFromNPagedLookasideList", "the pool allocator"),
        ("RtlpHpVsContextAllocateInternal", "the pool allocator"),
        ("VerifierExAllocatePoolWithTag", "Driver Verifier"),
        ("VeAllocatePoolWithTagPriority", "Driver Verifier"),
        ("IopAllocateIrpPrivate", "the I/O manager"),
        ("IoAllocateIrp", "the I/O manager"),
    ],
)
def test_the_first_frame_alone_is_folded_as_what_it_is_a_part_of(function: str, whose: str) -> None:
    assert told([(NT, function), *DRIVER]) == [f"1 frame of {whose}", "CtProcessRequest", "CtDispatch"]


@pytest.mark.parametrize(
    "function", ["ExAllocateTimer", "ObCreateObjectEx", "IoBuildDeviceIoControlRequest", "CmpAllocate", "NtCreateFile"]
)
def test_what_tells_something_is_shown(function: str) -> None:
    assert told([(NT, function), *DRIVER])[0] == function


def test_a_drivers_function_of_such_a_name_is_the_drivers() -> None:
    assert told([("contosodev.sys", "ExAllocatePoolWithTag")]) == ["ExAllocatePoolWithTag"]


def test_one_frame_between_two_drivers_is_shown() -> None:
    frames = [*ALLOCATING, *DRIVER, (NT, "IofCallDriver"), ("fltmgr.sys", "FltpDispatch")]
    assert told(frames)[-2:] == ["IofCallDriver", "FltpDispatch"]


def test_where_only_plumbing_would_be_left_what_was_asked_for_is_shown() -> None:
    frames = [*ALLOCATING, (NT, "IopAllocateIrpPrivate"), *ASKED[1:]]
    assert told(frames) == [
        "3 frames of the pool allocator",
        *("IopAllocateIrpPrivate", "IopXxxControlFile", "NtDeviceIoControlFile", "KiSystemServiceCopyEnd"),
    ]


def test_kernel_frames_without_names_are_folded_before_the_first_driver_only() -> None:
    assert told([(NT, ""), (NT, ""), ("afd.sys", ""), (NT, ""), (NT, "")]) == [
        "2 frames of the kernel",
        "afd.sys",
        NT,
        NT,
    ]


def test_a_stack_of_kernel_frames_without_names_is_shown_as_it_is() -> None:
    assert told([(NT, ""), (NT, "")]) == [NT, NT]


def test_the_hal_is_folded_with_what_is_beside_it() -> None:
    assert told([("hal.dll", "HalpX"), *ALLOCATING, *DRIVER])[0] == "4 frames of the HAL and the pool allocator"


def test_frames_of_programs_and_of_no_module_are_shown() -> None:
    assert told([("ntdll.dll", "NtReadFile"), ("", "")]) == ["NtReadFile", ""]
    assert runs([]) == []
    assert runs([(NT, "ExFreePool")]) == [Run(0, 1)]


def frame(module: str, function: str, source: Source = Source.PDB) -> Frame:
    symbol = Symbol(function, 4) if function else None
    return Frame(0xFFFFF80310001000, module, 0x1000, symbol, source if function else Source.NONE)


def test_frames_are_folded_where_names_are_known_and_shown_where_none_is() -> None:
    named = [frame(*each) for each in (*ALLOCATING, *DRIVER)]
    assert [str(run) for run in runs_of(named) if run.parts] == ["3 frames of the pool allocator"]
    assert runs_of([frame(NT, ""), frame(NT, ""), frame("afd.sys", "")]) == [Run(0, 3)]
    assert runs_of([]) == []


def test_the_nearest_export_is_no_name_to_fold_by() -> None:
    exports = [frame(*each, source=Source.EXPORTS) for each in (*ALLOCATING, *DRIVER)]
    assert runs_of(exports) == [Run(0, 5)]


def test_the_argument_list_that_some_pdb_files_have_makes_no_difference() -> None:
    assert str(runs_of([frame(NT, "ExFreePool(void *)"), *(frame(*each) for each in DRIVER)])[0]).startswith("1 frame")
