"""Addresses and modules, and the driver that asked for an allocation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.image_lives import Module, ModuleMap
from analyzers.modules import KERNEL as KERNEL_NAMES
from analyzers.modules import KERNEL_FILE, Modules
from tests.analyzers.event_tables import event_table, stack_table, strings
from tracer.columns import Column

pytestmark = pytest.mark.unjitted

LOAD, UNLOAD, RUNDOWN_END = 0x030A, 0x1402, 0x1404
NT, DRIVER, HAL = 0xFFFFF80310000000, 0xFFFFF80320000000, 0xFFFFF80330000000
KERNEL = (
    (LOAD, NT, 0x800000, 0, r"\SystemRoot\system32\ntoskrnl.exe"),
    (LOAD, DRIVER, 0x10000, 0, r"\SystemRoot\System32\drivers\contoso.sys"),
    (LOAD, HAL, 0x10000, 0, r"\SystemRoot\system32\hal.dll"),
)


def modules(*rows: tuple[int, int, int, int, str]) -> Modules:
    """Fed with events as (event, base, size, process id, path)."""
    found = Modules()
    for event, base, size, process, path in rows:
        fields: dict[str, Column] = {
            "base": np.array([base], np.uint64),
            "size": np.array([size], np.uint64),
            "process": np.array([process], np.uint32),
            "file_name": strings([path], "utf-16-le"),
        }
        found.feed(event_table("image", event, fields, time=[0]))
    return found


def name(found: Modules, address: int, process: int = 0) -> str:
    module = found.find(address, process)
    return "" if module is None else module.name


def drivers(found: Modules, *stacks: list[int]) -> tuple[str, ...]:
    return found.allocating(stack_table(stacks), np.arange(len(stacks), dtype=np.int32))[0]


def frames(found: Modules, *stacks: list[int]) -> list[int]:
    _, addresses = found.allocating(stack_table(stacks), np.arange(len(stacks), dtype=np.int32))
    return [int(address) for address in addresses]


def test_an_image_holds_the_addresses_from_its_base_up_to_its_size() -> None:
    found = modules(*KERNEL)
    edges = (DRIVER - 1, DRIVER, DRIVER + 0xFFFF, DRIVER + 0x10000)
    assert [name(found, address) for address in edges] == ["", "contoso.sys", "contoso.sys", ""]


def test_the_driver_is_the_first_frame_outside_the_kernel() -> None:
    found = modules(*KERNEL)
    assert drivers(found, [NT + 5, HAL + 5, DRIVER + 5, NT + 9], [DRIVER + 1]) == ("contoso.sys", "contoso.sys")


def test_the_allocating_frame_is_the_one_in_the_driver() -> None:
    found = modules(*KERNEL)
    assert frames(found, [NT + 5, HAL + 5, DRIVER + 5, NT + 9], [DRIVER + 1, DRIVER + 9]) == [DRIVER + 5, DRIVER + 1]


def test_the_allocating_frame_of_the_kernel_is_the_one_that_called_the_pool() -> None:
    assert frames(modules(*KERNEL), [NT + 5, HAL + 6, NT + 7], [NT + 5]) == [HAL + 6, NT + 5]


def test_without_images_the_allocating_frame_is_the_second_one() -> None:
    assert frames(modules(), [NT + 5, DRIVER + 6, NT + 7]) == [DRIVER + 6]


def test_an_allocation_of_the_kernel_itself_is_nt_s() -> None:
    assert drivers(modules(*KERNEL), [NT + 5, HAL + 6, NT + 7]) == ("nt",)


NOBODY = 0xFFFFF80400000000


def test_an_innermost_frame_in_no_image_is_passed_over() -> None:
    assert drivers(modules(*KERNEL), [NOBODY, NT + 1], [NOBODY, DRIVER]) == ("nt", "contoso.sys")


def test_who_called_a_driver_without_an_image_is_not_taken_for_it() -> None:
    found = modules(*KERNEL)
    assert drivers(found, [NT + 5, NOBODY, DRIVER + 5, NT + 9], [NT + 5, NOBODY, NT + 9]) == ("", "")
    assert frames(found, [NT + 5, NOBODY, DRIVER + 5]) == [NOBODY]


def test_frames_in_no_image_may_be_the_kernels_where_that_is_not_known() -> None:
    found = modules((LOAD, DRIVER, 0x10000, 0, "contoso.sys"))
    assert drivers(found, [NT + 5, NT + 9, DRIVER + 5, NT + 7]) == ("contoso.sys",)


def test_a_user_frame_in_no_image_says_nothing_of_the_driver() -> None:
    assert drivers(modules(*KERNEL), [NT + 5, NT + 9, 0x7FF6_0000_1000]) == ("nt",)


def test_without_a_stack_or_an_image_the_driver_is_not_known() -> None:
    assert drivers(modules(*KERNEL), [0xFFFFF80400000000], [1]) == ("", "")
    assert drivers(modules(), [NT]) == ("",)
    driver, frame = modules(*KERNEL).allocating(stack_table([[NT]]), np.array([-1], np.int32))
    assert (driver, frame.tolist()) == (("",), [0])


@pytest.mark.parametrize("file", ["ntoskrnl.exe", "ntkrnlpa.exe", "ntkrnlmp.exe", "NTKRPAMP.EXE"])
def test_the_kernel_is_known_by_each_of_its_names(file: str) -> None:
    base = 0x81800000
    assert drivers(modules((LOAD, base, 0x300000, 0, file)), [base + 1]) == ("nt",)


@pytest.mark.parametrize("file", ["hal.dll", "halmacpi.dll", "halacpi.dll"])
def test_the_hal_is_part_of_the_kernel(file: str) -> None:
    assert drivers(modules((LOAD, HAL, 0x300000, 0, file)), [HAL + 1]) == ("nt",)


@pytest.mark.parametrize("file", ["halextpl080.dll", "ntfs.sys", "ntosext.sys"])
def test_drivers_with_similar_names_are_not(file: str) -> None:
    assert drivers(modules((LOAD, HAL, 0x300000, 0, file)), [HAL + 1]) == (file,)


def test_kernel_images_of_a_32_bit_machine_are_listed_under_process_0_or_4() -> None:
    found = modules((LOAD, 0x8A000000, 0x10000, 4, "afd.sys"), (LOAD, 0x9A000000, 0x10000, 0, "tcpip.sys"))
    assert [name(found, address) for address in (0x8A000010, 0x9A000010)] == ["afd.sys", "tcpip.sys"]


def test_a_program_above_2_gb_on_a_32_bit_machine_is_its_process_s() -> None:
    found = modules((LOAD, 0x8A000000, 0x10000, 1200, "large.dll"))
    assert [name(found, 0x8A000010, process) for process in (0, 1200, 1300)] == ["", "large.dll", ""]


def test_user_images_are_told_apart_by_process() -> None:
    found = modules((LOAD, 0x400000, 0x1000, 8, "a.exe"), (LOAD, 0x400000, 0x1000, 12, "b.exe"), *KERNEL)
    assert [name(found, 0x400010, process) for process in (8, 12, 16, 0)] == ["a.exe", "b.exe", "", ""]
    assert name(found, NT, 8) == "ntoskrnl.exe"


def test_an_unloaded_image_stays_known_for_the_stacks_before() -> None:
    found = modules(*KERNEL, (UNLOAD, DRIVER, 0x10000, 0, "contoso.sys"))
    assert name(found, DRIVER + 5) == "contoso.sys"


def test_an_image_that_only_its_unloading_tells_of_is_known() -> None:
    assert name(modules((UNLOAD, DRIVER, 0x10000, 0, "gone.sys")), DRIVER + 5) == "gone.sys"


def test_of_two_images_at_one_base_the_newer_one_counts() -> None:
    found = modules(
        (LOAD, DRIVER, 0x10000, 0, "old.sys"), (UNLOAD, DRIVER, 0x10000, 0, ""), (LOAD, DRIVER, 0x4000, 0, "new.sys")
    )
    assert [name(found, DRIVER + at) for at in (0, 0x3FFF, 0x4000)] == ["new.sys", "new.sys", ""]


def test_what_a_newer_image_does_not_cover_of_an_older_one_stays_the_older_one_s() -> None:
    found = modules((LOAD, DRIVER, 0x10000, 0, "old.sys"), (LOAD, DRIVER + 0x4000, 0x1000, 0, "new.sys"))
    assert [name(found, DRIVER + at) for at in (0, 0x4000, 0x5000)] == ["old.sys", "new.sys", "old.sys"]
    assert drivers(found, [DRIVER + 0x5000], [DRIVER + 0x4000]) == ("old.sys", "new.sys")


def test_the_rundown_at_the_end_says_what_is_loaded_then() -> None:
    found = modules(
        (LOAD, DRIVER, 0x10000, 0, "old.sys"),
        (LOAD, DRIVER + 0x4000, 0x1000, 0, "between.sys"),
        (RUNDOWN_END, DRIVER, 0x10000, 0, "old.sys"),
    )
    assert name(found, DRIVER + 0x4000) == "old.sys"


def test_an_image_without_a_size_is_a_page() -> None:
    found = modules((LOAD, DRIVER, 0, 0, "bare.sys"))
    assert [name(found, DRIVER + at) for at in (0xFFF, 0x1000)] == ["bare.sys", ""]


def test_a_size_of_four_bytes_is_read() -> None:
    """Version 0 of the events."""
    found = Modules()
    fields: dict[str, Column] = {
        "base": np.array([DRIVER], np.uint64),
        "size32": np.array([0x8000], np.uint32),
        "file_name": strings(["old.sys"], "utf-16-le"),
    }
    found.feed(event_table("image", LOAD, fields, time=[0]))
    assert name(found, DRIVER + 0x7FFF) == "old.sys"


def test_an_image_at_the_end_of_the_address_space_is_found() -> None:
    top = 0xFFFFFFFFFFFFF000
    assert name(modules((LOAD, top, 0x2000, 0, "top.sys")), top + 0xFF0) == "top.sys"


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=12), st.integers(0, 70))
def test_the_newest_of_all_images_around_an_address_is_its_module(spans: list[tuple[int, int]], address: int) -> None:
    images = tuple(Module(base, size, str(row), "", 0) for row, (base, size) in enumerate(spans))
    around = [image for image in images if image.base <= address < image.base + image.size]
    assert ModuleMap.of(images).find(address) == (around[-1] if around else None)


@pytest.mark.parametrize("name", ["ntkrnlmp.exe", "NTOSKRNL.EXE", "hal.dll"])
def test_the_kernel_is_known_by_its_names_in_any_case(name: str) -> None:
    assert KERNEL_NAMES.match(name)


@pytest.mark.parametrize("name", ["nto\u017fkrnl.exe", "nto\u017f\u212arnl.exe", "ntoskrnl.exe\n", "ntoskrnl.exe.sys"])
def test_what_only_looks_like_the_kernel_is_not_it(name: str) -> None:
    assert not KERNEL_NAMES.match(name)
    assert not KERNEL_FILE.match(name)
