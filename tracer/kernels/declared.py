"""Kernels, their steps and what they take from LLVM directly: as objects that plain Python can call.

Only :mod:`tracer.kernels.compiler` makes code of them. Nothing here imports numba.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, ParamSpec, TypeVar

import numpy as np

from tracer.kernels.arguments import Key, flat
from tracer.kernels.loading import Entry

P = ParamSpec("P")
R = TypeVar("R")

_making: Final = threading.RLock()


class Kernel(Generic[P, R]):
    """A compiled loop over arrays, called as the function it is made of; Python's lock is free while it runs.

    For numba, in other kernels, it is a :class:`Step`.
    """

    inline: Final = False

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self.called = function
        self.numba: Any = None
        self._entries: dict[Key, Entry] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            raise TypeError(f"{self.called.__qualname__} is a kernel, and takes no arguments by name")
        key, words = flat(args)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._found(key, args)
        gives: R = entry(words)
        return gives

    def _found(self, key: Key, args: tuple[Any, ...]) -> Entry:
        from tracer.kernels.store import found

        with _making:
            if key not in self._entries:
                self._entries[key] = found(self, args)
            return self._entries[key]


class Callback:
    """A kernel that C calls: its arguments are 64-bit integers, what it gives is an int32 that says nothing."""

    def __init__(self, function: Callable[..., None]) -> None:
        from tracer.kernels.store import found

        kernel = Kernel(function)
        with _making:
            self._entry = found(kernel, (0,) * function.__code__.co_argcount, direct=True)

    @property
    def address(self) -> int:
        """Where it is, as long as this process runs."""
        return self._entry.address


class Step(Generic[P, R]):
    """What a kernel calls: compiled into it; called by Python, the plain function."""

    def __init__(self, function: Callable[P, R], *, inline: bool) -> None:
        functools.update_wrapper(self, function)
        self.called = function
        self.inline = inline
        self.numba: Any = None
        self._plain = interpreted(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._plain(*args, **kwargs)


class Intrinsic(Generic[P, R]):
    """What numba has no word for: LLVM's code in a kernel, a plain function for Python."""

    def __init__(self, plain: Callable[P, R], build: Callable[..., Any]) -> None:
        """``build`` is what numba's ``intrinsic`` takes: called with types, it gives a signature and a generator."""
        functools.update_wrapper(self, plain)
        self.build = build
        self.numba: Any = None
        self._plain = plain

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._plain(*args, **kwargs)


def interpreted(function: Callable[P, R]) -> Callable[P, R]:
    """The plain function, with unsigned wrap-around as silent as in compiled code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(over="ignore"):
            return function(*args, **kwargs)

    return run
