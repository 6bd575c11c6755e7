"""The kernel's names of files, as paths that can be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.live.image_paths import NO_IMAGE_PATHS, ImagePaths

PATHS = ImagePaths({"\\device\\harddiskvolume3": "C:", "\\device\\harddiskvolume33": "D:"}, "C:\\Windows")


@pytest.mark.parametrize(
    ("kernels", "here"),
    [
        ("\\Device\\HarddiskVolume3\\Windows\\System32\\ntdll.dll", ("C:/", "Windows", "System32", "ntdll.dll")),
        ("\\DEVICE\\HARDDISKVOLUME33\\a b.dll", ("D:/", "a b.dll")),
        ("\\SystemRoot\\system32\\ntoskrnl.exe", ("C:\\Windows/", "system32", "ntoskrnl.exe")),
        ("\\Windows\\System32\\ntdll.dll", ("C:/", "Windows", "System32", "ntdll.dll")),
        ("\\??\\D:\\tools\\x.sys", ("D:/", "tools", "x.sys")),
        ("\\\\?\\D:\\tools\\x.sys", ("D:/", "tools", "x.sys")),
        ("D:\\tools\\x.sys", ("D:/", "tools", "x.sys")),
    ],
)
def test_a_path_of_the_kernel_is_opened_by_its_drive(kernels: str, here: tuple[str, ...]) -> None:
    assert PATHS.local(kernels) == Path(*here)


@pytest.mark.parametrize(
    "kernels",
    [
        "",
        "hal.dll",
        "\\Device\\Mup\\server\\share\\x.dll",
        "\\Device\\HarddiskVolume4\\x.dll",
        "\\\\server\\share\\x.dll",
    ],
)
def test_what_lies_on_no_drive_of_this_machine_has_no_path(kernels: str) -> None:
    assert PATHS.local(kernels) is None


def test_without_windows_nothing_has_a_path() -> None:
    assert NO_IMAGE_PATHS.local("\\SystemRoot\\System32\\drivers\\afd.sys") is None
    assert NO_IMAGE_PATHS.local("\\Device\\HarddiskVolume3\\x.dll") is None
