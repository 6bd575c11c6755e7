"""Facts that Python alone can tell, and those that only Windows does."""

from __future__ import annotations

import struct
import sys

import pytest

from tracer.errors import MachineError
from tracer.live.asking import WindowsAsking
from tracer.live.machine import SYMBOL_PATH, facts
from tracer.live.this_machine import this_machine

BITS = struct.calcsize("P") * 8


def test_without_anybody_to_ask_windows_own_facts_are_not_known() -> None:
    found = facts()
    assert (found.build, found.way, found.sessions, found.elevated) == (0, None, None, None)
    assert (found.python_bits, found.machine_bits) == (BITS, BITS)
    assert found.processors > 0


def test_a_symbol_path_is_told_of_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SYMBOL_PATH, r"srv*c:\symbols")
    assert facts().symbol_path
    monkeypatch.delenv(SYMBOL_PATH)
    assert not facts().symbol_path


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.live.machine.CONSUMER", "a-package-that-nobody-has")
    assert facts().consumer == ""


def test_a_32_bit_python_learns_the_machine_s_bits_from_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCESSOR_ARCHITEW6432", "AMD64")
    assert WindowsAsking().machine_bits() == 64
    monkeypatch.delenv("PROCESSOR_ARCHITEW6432")
    assert WindowsAsking().machine_bits() == BITS


@pytest.mark.skipif(sys.platform == "win32", reason="there it is one")
def test_this_is_no_windows() -> None:
    asked = WindowsAsking()
    assert (asked.elevated(), asked.paging_executive_disabled(), asked.in_container()) == (None, None, None)
    with pytest.raises(MachineError) as refused:
        this_machine()
    assert refused.value.code == "no-capture"


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows answers")
def test_windows_answers() -> None:
    asked = WindowsAsking()
    assert asked.elevated() in (True, False)
    assert asked.paging_executive_disabled() in (True, False)
    assert asked.in_container() is False
