"""The one way a kernel is declared: compiled without the GIL, cached on disk, runnable un-jitted."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast
from zlib import crc32

import numpy as np
from platformdirs import user_cache_path

P = ParamSpec("P")
R = TypeVar("R")

Int: TypeAlias = "int | np.signedinteger[Any]"
"""An integer in a kernel: numba's arithmetic gives int64, plain Python's may give either."""


_OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,  # kernels allocate nothing, and counting references to arrays costs as much as the work they do
    "no_cfunc_wrapper": True,  # nobody calls one from C: the wrapper for that takes a sixth of the time to compile
}


def cache_directory() -> Path:
    """Where compiled kernels are kept between runs (the user's cache: the package may not be writable)."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or user_cache_path("poolscope", appauthor=False) / "kernels")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a hot loop over arrays; under ``NUMBA_DISABLE_JIT=1`` it stays plain Python."""
    if _is_off():
        return _interpreted(function)
    import numba

    compiled: Any = numba.njit(**_OPTIONS, cache=True)(function)
    _keep_with_its_parts(compiled, function)
    return cast("Callable[P, R]", compiled)


def _keep_with_its_parts(compiled: Any, function: Callable[..., Any]) -> None:  # noqa: ANN401 - numba's dispatcher
    """Let what lies in the cache be taken only by a kernel of the same parts.

    numba looks at the file of the kernel alone, but its steps, and the constants in all of them, stand in others too.
    """
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if kept is not None:
        parts: dict[str, str] = {}
        _add_parts(function, parts)
        kept._source_stamp = (kept._source_stamp, crc32(repr(sorted(parts.items())).encode()))


def _add_parts(function: Callable[..., Any], parts: dict[str, str]) -> None:
    """Code and constants of a function and of its steps, by name."""
    name = f"{function.__module__}.{function.__qualname__}"
    if name in parts:
        return
    code = function.__code__
    parts[name] = f"{code.co_code!r} {code.co_consts!r}"
    for each in code.co_names:
        value = function.__globals__.get(each)
        if isinstance(value, _Step):
            _add_parts(value.function, parts)
        elif isinstance(value, int | float | np.generic):
            parts[f"{name} {each}"] = repr(value)
        elif isinstance(value, np.ndarray):
            parts[f"{name} {each}"] = f"{value.dtype} {value.shape} {crc32(value.tobytes())}"


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A step of a hot loop: compiled into each kernel that calls it, and interpreted where Python calls it.

    An array is passed as seven values, so that a call costs more than most steps.
    """
    return _step(function, inline=True)


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """A part of kernels that is long, or that many call: compiled once and called; else as :func:`inlined`."""
    return _step(function, inline=False)


class _Step(Generic[P, R]):
    """What a kernel calls: for numba the compiled function, for Python the plain one.

    It has no wrapper through which Python could call it, as making that takes longer than compiling most steps does;
    and it is not cached by itself: the kernels that it became a part of are.
    """

    def __init__(self, function: Callable[P, R], *, inline: bool) -> None:
        import numba

        functools.update_wrapper(self, function)
        self.function = function
        self._plain = _interpreted(function)
        options = {**_OPTIONS, "forceinline": inline, "no_cpython_wrapper": True}
        self.compiled: Any = numba.njit(**options)(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._plain(*args, **kwargs)


def _step(function: Callable[P, R], *, inline: bool) -> Callable[P, R]:
    if _is_off():
        return _interpreted(function)
    _introduce_steps()
    return _Step(function, inline=inline)


def _is_off() -> bool:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))
    import numba  # costs 0.3 s: only who runs a kernel pays for it

    return bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]  # set from the environment


@functools.cache
def _introduce_steps() -> None:
    """Tell numba what a :class:`_Step` in a kernel stands for."""
    from numba.core.types import Dispatcher
    from numba.extending import typeof_impl

    typeof_impl.register(_Step)(lambda step, _: Dispatcher(step.compiled))


def _interpreted(function: Callable[P, R]) -> Callable[P, R]:
    """The plain function, with unsigned wrap-around as silent as in compiled code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(over="ignore"):
            return function(*args, **kwargs)

    return run
