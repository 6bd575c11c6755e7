"""The cache keeps compiled kernels of the code that is there, and no others."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from numba.core.caching import UserProvidedCacheLocator

from tracer import kernel_files
from tracer.kernel_files import remove_stale

SOURCE = """import x

@kernel
def walk(a):
    pass


@other
@kernel
def sort(a):
    pass

def _take(a):
    pass
"""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "poolscope" / "kernels"
    folder.mkdir(parents=True)
    monkeypatch.setattr(kernel_files, "cache_directory", lambda: folder)
    monkeypatch.setattr(kernel_files, "user_cache_path", lambda *_, **__: tmp_path / "poolscope")
    return folder


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A package with a package in it."""
    inner = tmp_path / "room" / "inner"
    inner.mkdir(parents=True)
    (inner / "hot.py").write_text(SOURCE)
    return inner.parent


def compiled(cache: Path, sources: Path, *names: str) -> Path:
    """Files as numba names them, in the folder that it would take."""
    folder_name: Any = UserProvidedCacheLocator.get_suitable_cache_subpath
    folder = cache / str(folder_name(str(sources / "any.py")))
    folder.mkdir()
    for name in names:
        (folder / f"{name}.py311.nbi").touch()
        (folder / f"{name}.py311.1.nbc").touch()
    return folder


def test_kernels_of_functions_that_are_there_stay_and_others_go(cache: Path, room: Path) -> None:
    stay = ("hot.walk-3", "hot.sort-8", "hot._take-13")
    folder = compiled(
        cache, room / "inner", *stay, "hot.walk-4", "hot.sort-9", "hot.gone-3", "cold.walk-3", "hot.walk-99"
    )
    (folder / "unknown").touch()
    remove_stale([room])
    assert {path.name.partition(".py311")[0] for path in folder.iterdir()} == {*stay, "unknown", "compiled-from"}


def test_a_folder_whose_sources_are_gone_goes_with_them(cache: Path, room: Path) -> None:
    folder = compiled(cache, room / "inner", "hot.walk-3")
    remove_stale([room])
    (room / "inner" / "hot.py").unlink()
    (room / "inner").rmdir()
    remove_stale([room])
    assert not folder.exists()


@pytest.mark.parametrize(("days", "shared", "stays"), [(1, False, True), (40, False, False), (40, True, True)])
def test_a_folder_that_nobody_owns_goes_when_it_is_old_and_in_our_own_cache(
    days: int, shared: bool, stays: bool, cache: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = compiled(cache, room.parent / "elsewhere", "hot.walk-3")
    for file in folder.iterdir():
        os.utime(file, (time.time() - days * 86_400,) * 2)
    if shared:
        monkeypatch.setattr(kernel_files, "user_cache_path", lambda *_, **__: Path("another"))
    remove_stale([room])
    assert folder.exists() is stays


def test_a_cache_that_is_not_there_is_no_error(cache: Path, room: Path) -> None:
    cache.rmdir()
    remove_stale([room])
