"""Parts of kernels, and what they take from LLVM directly: as objects that plain Python can call.

Only :mod:`tracer.kernels.compiler` makes code of them. Nothing here imports numba.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


class Part(Generic[P, R]):
    """A function that becomes machine code."""

    def __init__(self, function: Callable[P, R], *, inline: bool = False) -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # what is called is a method
        self.called = function
        self.inline = inline
        self.numba: Any = None
        """What the compiler made of it."""


class Step(Part[P, R]):
    """What a kernel calls: compiled into it; called by Python, the plain function."""

    def __init__(self, function: Callable[P, R], *, inline: bool) -> None:
        super().__init__(function, inline=inline)
        self._plain = interpreted(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it in plain Python."""
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
        """Do it in plain Python."""
        return self._plain(*args, **kwargs)


def interpreted(function: Callable[P, R]) -> Callable[P, R]:
    """The plain function, with unsigned wrap-around as silent as in compiled code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(over="ignore"):
            return function(*args, **kwargs)

    return run
