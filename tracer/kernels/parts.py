"""What a kernel is made of: its code and that of its steps, and the constants in all of them."""

from __future__ import annotations

import dis
import functools
import marshal
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

import numpy as np

_Parts = dict[Callable[..., Any], list[str]]
"""What was found of each function; others name it by its place."""
_NAMED: Final = (np, math)
"""Modules of which a kernel may use anything: what is in others changes, and is not seen here."""


def digest(function: Callable[..., Any]) -> str:
    """A kernel's parts in 24 characters: any other code or constant makes others. Docstrings are no part.

    Raises TypeError for a part of which it is not known what becomes part of the kernel.
    """
    parts: _Parts = {}
    _add(function, parts)
    return blake2b(repr(list(parts.values())).encode(), digest_size=12).hexdigest()


def _add(function: Callable[..., Any], parts: _Parts) -> int:
    """The function's place among the parts."""
    if function in parts:
        return list(parts).index(function)
    place = len(parts)
    code = function.__code__
    name = f"{function.__module__}.{function.__qualname__}"
    if any(isinstance(each, CodeType) for each in code.co_consts):
        raise TypeError(f"{name} has a function in it, and kernels have none")
    constants = [None if each == function.__doc__ else each for each in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_argcount)  # the code has their places only
    parts[function] = [name, repr(code.co_code), repr(constants), repr(names)]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    closed = [each.cell_contents for each in function.__closure__ or ()]
    known = function.__globals__
    used = [
        *((each, known[each]) for each in code.co_names if each in known),
        *zip(code.co_freevars, closed, strict=True),
        *(("a default value", each) for each in defaults),
    ]
    for each, value in used:
        if isinstance(value, ModuleType) and value not in _NAMED and not _is_global(each, code):
            continue
        parts[function].append(f"{each} {_described(value, f'{name} uses {each}', parts)}")
    return place


def _described(value: Any, use: str, parts: _Parts) -> str:  # noqa: ANN401 - whatever a function can see
    called = getattr(value, "called", None) or getattr(value, "py_func", None)
    if called is not None:
        return f"{_add(called, parts)} {getattr(value, 'inline', '')}"
    if value is None or isinstance(value, int | float | np.generic):
        return repr(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {blake2b(value.tobytes()).hexdigest()}"
    if type(value).__name__ in {"Intrinsic", "_Intrinsic"}:  # ours and numba's; its whole file makes its code
        return f"{value.__name__} {_content(value.__module__)}"
    if isinstance(value, ModuleType):
        if value in _NAMED:
            return value.__name__
        raise TypeError(f"{use}, a module: import what it needs of it by name, so that a change of that is seen")
    raise TypeError(f"{use}, and what of a {type(value).__name__} becomes part of it is not known")


@functools.cache
def _is_global(name: str, code: CodeType) -> bool:
    """Or else an attribute that is called as something in its module."""
    return any(
        each.argval == name and each.opname.startswith(("LOAD_GLOBAL", "LOAD_DEREF"))
        for each in dis.get_instructions(code)
    )


@functools.cache
def _content(module: str) -> str:
    """A module's source, in a few characters."""
    file = sys.modules[module].__file__
    return "" if file is None else blake2b(source(Path(file), module), digest_size=8).hexdigest()


def source(file: Path, module: str) -> bytes:
    """What is in a module's source file; where that lies in an archive, as a frozen program's does, its code."""
    with suppress(OSError):
        return file.read_bytes()
    spec = find_spec(module)
    return marshal.dumps(None if spec is None else getattr(spec.loader, "get_code", lambda _: None)(module))
