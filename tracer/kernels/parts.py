"""What a kernel is made of: its code and that of its steps, and the constants and records in all of them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


def digest(function: Callable[..., Any]) -> str:
    """A kernel's parts in 24 characters: any other code, constant or record makes others.

    Raises TypeError for a part of which it is not known what becomes part of the kernel.
    """
    parts: dict[str, str] = {}
    _add(function, parts)
    return blake2b(repr(sorted(parts.items())).encode(), digest_size=12).hexdigest()


def _add(function: Callable[..., Any], parts: dict[str, str]) -> None:
    name = f"{function.__module__}.{function.__qualname__}"
    if name in parts:
        return
    code = function.__code__
    parts[name] = f"{code.co_code!r} {code.co_consts!r}"
    for each in function.__annotations__.values():  # numba knows a record by its name: not what is where in it
        fields = getattr(function.__globals__.get(each), "_fields", None)
        if fields is not None:
            parts[f"{name} {each}"] = repr(fields)
    for each in code.co_names:
        value = function.__globals__.get(each)
        called = getattr(value, "called", None) or getattr(value, "py_func", None)
        if called is not None:
            _add(called, parts)
        elif isinstance(value, int | float | np.generic):
            parts[f"{name} {each}"] = repr(value)
        elif isinstance(value, np.ndarray):
            parts[f"{name} {each}"] = f"{value.dtype} {value.shape} {blake2b(value.tobytes()).hexdigest()}"
        elif type(value).__name__ in {"Intrinsic", "_Intrinsic"}:  # ours and numba's; its whole file makes its code
            parts[f"{name} {each}"] = f"{each} {_content(value.__module__)}"
        elif value is not None and not isinstance(value, ModuleType):
            raise TypeError(f"{name} uses {each}, and what of a {type(value).__name__} becomes part of it is not known")


@functools.cache
def _content(module: str) -> str:
    """A module's source file, in a few characters."""
    file = sys.modules[module].__file__
    return "" if file is None else blake2b(Path(file).read_bytes(), digest_size=8).hexdigest()
