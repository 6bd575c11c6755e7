"""Machine code from a file into this process: a shared library as the system loads it, object files by LLVM."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_RUN: Final = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
_SIGNED: Final = 1 << 63


class Entry:
    """The entry of a kernel for arguments of some types: takes their words, gives what the kernel gives."""

    def __init__(self, address: int, letters: str) -> None:
        """``letters``: what is given (:func:`tracer.kernels.compiler.compiled`)."""
        self.address = address
        self._run = _RUN(address)
        self._letters = letters.strip("()")
        self._is_tuple = letters.startswith("(")

    def __call__(self, words: list[int]) -> Any:  # noqa: ANN401 - what the kernel gives
        """Run it. Raises RuntimeError where it came upon an error: no kernel should."""
        room = len(words) + len(self._letters)
        row = (ctypes.c_uint64 * room)(*words)
        if self._run(row):
            raise RuntimeError("a kernel raised an error")
        if not self._letters:
            return None
        given = tuple(map(_value, self._letters, row))
        return given if self._is_tuple else given[0]


def _value(letter: str, word: int) -> int | bool:
    if letter == "i":
        return word - 2 * _SIGNED if word >= _SIGNED else word
    return bool(word & 1) if letter == "b" else word


def of_shared_library(path: Path) -> Callable[[str], int]:
    """What tells the address of a function by its name.

    Raises OSError where the system does not load the file, and tells AttributeError of a function that is not there.
    """
    library = ctypes.CDLL(str(path))

    def address(name: str) -> int:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0

    return address


def of_object_files(contents: list[bytes]) -> Callable[[str], int]:
    """The same for object files, by means of LLVM (importing it costs 30 ms and 45 MB)."""
    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    engine = _engine()
    for each in contents:
        engine.add_object_file(llvm.ObjectFileRef.from_data(each))
    engine.finalize_object()
    return lambda name: int(engine.get_function_address(name))


def _engine() -> Any:  # noqa: ANN401 - llvmlite says no types
    import llvmlite.binding as llvm

    prepare_llvm()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    _engines.append(engine)  # code lives as long as the engine that loaded it
    return engine


_engines: Final[list[Any]] = []


@functools.cache
def prepare_llvm() -> None:
    """Let LLVM know the processor, before anything else is asked of it."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
