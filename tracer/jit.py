"""The one way a kernel is declared: compiled ahead of its call or at it, cached on disk, runnable un-jitted."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np

from tracer.kernels.declared import Callback, Kernel
from tracer.kernels.steps import Intrinsic, Step, interpreted

P = ParamSpec("P")
R = TypeVar("R")

Int: TypeAlias = "int | np.signedinteger[Any]"
"""An integer in a kernel: numba's arithmetic gives int64, plain Python's may give either."""

IS_OFF = os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}
"""Whether kernels run as plain Python."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a hot loop over arrays; under ``NUMBA_DISABLE_JIT=1`` it stays plain Python."""
    return interpreted(function) if IS_OFF else Kernel(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A step of a hot loop: compiled into each kernel that calls it, and interpreted where Python calls it.

    An array is passed as seven values, so that a call costs more than most steps.
    """
    return interpreted(function) if IS_OFF else Step(function, inline=True)


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """A part of kernels that is long, or that many call: compiled once and called; else as :func:`inlined`."""
    return interpreted(function) if IS_OFF else Step(function, inline=False)


def intrinsic(plain: Callable[P, R]) -> Callable[[Callable[..., Any]], Callable[P, R]]:
    """Decorate what numba's ``intrinsic`` takes, to be LLVM's code in a kernel and ``plain`` for Python.

    What is decorated may import numba when it is called: only who compiles calls it.
    """

    def declared(build: Callable[..., Any]) -> Callable[P, R]:
        return plain if IS_OFF else cast("Callable[P, R]", Intrinsic(plain, build))

    return declared


def c_callback(function: Callable[..., None]) -> Callback:
    """Compile what C calls with 64-bit integers, or take it from the cache."""
    return Callback(function)
