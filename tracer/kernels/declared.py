"""Kernels as objects that Python calls, and that know the entries of their compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from tracer.kernels.arguments import Key, flat
from tracer.kernels.loading import Entry
from tracer.kernels.steps import Part

P = ParamSpec("P")
R = TypeVar("R")


class Kernel(Part[P, R]):
    """A compiled loop over arrays, called as the function it is made of; Python's lock is free while it runs.

    In other kernels it is a step that is called.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        super().__init__(function)
        self._entries: dict[Key, Entry] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it. Raises TypeError for arguments by name and for what no kernel takes."""
        if kwargs:
            raise TypeError(f"{self.called.__qualname__} is a kernel, and takes no arguments by name")
        key, words = flat(args)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._found(key, args)
        gives: R = entry(words)
        return gives

    def _found(self, key: Key, args: tuple[Any, ...]) -> Entry:
        from tracer.kernels.store import found, making

        with making:
            if key not in self._entries:
                self._entries[key] = found(self.called, args)
            return self._entries[key]


class Callback:
    """A kernel that C calls: its arguments are 64-bit integers, what it gives is an int32 that says nothing."""

    def __init__(self, function: Callable[..., None]) -> None:
        from tracer.kernels.store import found, making

        with making:
            self._entry = found(function, (0,) * function.__code__.co_argcount, direct=True)

    @property
    def address(self) -> int:
        """Where it is, as long as this process runs."""
        return self._entry.address
