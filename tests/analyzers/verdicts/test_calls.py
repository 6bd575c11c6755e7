"""The modules from which a program makes its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from analyzers.pool_tables import Frame
from analyzers.processes import Process
from analyzers.verdicts.calls import calling_modules
from tracer.arrays import I32, I64, U64


class _Names:
    def __init__(self, *modules: str) -> None:
        self._modules = modules

    def process(self, pid: int, at_ns: int | None = None) -> str:
        raise NotImplementedError

    def lives(self, pid: int) -> Sequence[Process]:
        raise NotImplementedError

    def images(self) -> frozenset[tuple[str, str]]:
        return frozenset()

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        return {}

    def process_names(self) -> frozenset[tuple[int, str]]:
        raise NotImplementedError

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        assert stack >= 0
        assert process
        return tuple(Frame(at, module, at) for at, module in enumerate(self._modules))

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        raise NotImplementedError

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("stack", "calls"),
    [
        (
            ("ntdll.dll", "mswsock.dll", "WS2_32.dll", "server.exe", "server.exe", "KERNEL32.DLL", "ntdll.dll"),
            ("mswsock.dll", "WS2_32.dll", "server.exe"),
        ),
        (("ntdll.dll", "wow64.dll", "", "app.exe"), ("app.exe",)),
        (("ntdll.dll", "kernel32.dll"), ("kernel32.dll",)),
        (("ntdll.dll",), ()),
    ],
)
def test_modules_that_every_stack_has_are_not_named(stack: tuple[str, ...], calls: tuple[str, ...]) -> None:
    assert calling_modules(_Names(*stack), 3, 8) == calls


def test_without_a_stack_or_a_process_none_is_named() -> None:
    names = _Names("app.exe")
    assert calling_modules(names, -1, 8) == calling_modules(names, 3, None) == ()
