"""The one way a kernel is declared: compiled without the GIL, cached on disk, runnable un-jitted."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
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


def c_callback(function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> Any:  # noqa: ANN401 - numba's types
    """Compile what C calls, or take it from the cache: a ``numba`` CFunc, which lives as long as it is kept."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))
    from numba.core.ccallback import CFunc  # numba.cfunc compiles before its cache can be told of the parts

    compiled = CFunc(function, (arguments, result), locals={}, options={"error_model": "numpy"})
    compiled.enable_caching()
    _keep_with_its_parts(compiled, function)
    compiled.compile()
    return compiled


def _keep_with_its_parts(compiled: Any, function: Callable[..., Any]) -> None:  # noqa: ANN401 - numba's dispatcher
    """Let what lies in the cache be taken only by a kernel of the same parts, made by the same tools.

    numba itself looks at its version, the processor's features and the file of the kernel, but steps, and the constants
    in all of them, stand in other files too. The version is what numba compares before it unpickles types, which may be
    of modules that are gone.
    """
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if kept is not None:
        parts = dict(_tools())
        _add_parts(function, parts)
        kept._version = (kept._version, kept._source_stamp, crc32(repr(sorted(parts.items())).encode()))


@functools.cache
def _tools() -> Mapping[str, str]:
    """What kernels are compiled with: numba, LLVM, and the options in this file."""
    import llvmlite  # type: ignore[import-untyped]
    import numba

    return {"numba": numba.__version__, "llvmlite": llvmlite.__version__, "options": _content(__name__)}


@functools.cache
def _content(module: str) -> str:
    """A module's source file, in a few characters."""
    file = sys.modules[module].__file__
    return "" if file is None else f"{crc32(Path(file).read_bytes()):08x}"


def _add_parts(function: Callable[..., Any], parts: dict[str, str]) -> None:
    """Code, constants and fields of records, by name, of a function and of all that it calls.

    Raises TypeError for what is none of these.
    """
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
        called = value.function if isinstance(value, _Step) else getattr(value, "py_func", None)
        if called is not None:
            _add_parts(called, parts)
        elif isinstance(value, int | float | np.generic):
            parts[f"{name} {each}"] = repr(value)
        elif isinstance(value, np.ndarray):
            parts[f"{name} {each}"] = f"{value.dtype} {value.shape} {crc32(value.tobytes())}"
        elif type(value).__name__ == "_Intrinsic":  # of numba.extending; it makes code by means of its whole file
            parts[f"{name} {each}"] = f"{value!r} {_content(value.__module__)}"
        elif value is not None and not isinstance(value, ModuleType):
            raise TypeError(f"{name} uses {each}, and what of a {type(value).__name__} becomes part of it is not known")


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
