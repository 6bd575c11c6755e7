"""What Windows refuses is told by a thread's last error, which Python may write over before anybody reads it.

The libraries here keep it where :func:`tracer.live.libraries.last_error` finds it; their GetLastError has lost it.
"""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable
from typing import Any

import pytest

from tests.tracer.live.fake_api import FakeApi
from tracer.live import libraries, privilege
from tracer.live.all_sessions import LEAST_ROOM, all_sessions
from tracer.live.api import NOT_TOLD, Status
from tracer.live.names import Owner, session_name
from tracer.live.process_start import process_started
from tracer.live.session import reclaim
from tracer.live.structures import NamedProperties

STARTED = 0x1DD000000001234


class Function:
    """A function of a library: takes argument types, and leaves an error."""

    def __init__(self, does: Callable[..., int]) -> None:
        self._does = does

    def __call__(self, *given: Any) -> int:
        return self._does(*given)


class Library:
    """kernel32 and advapi32 in one, of a machine on which one process runs, and may be asked or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Callable[..., int]) -> None:
        self.error = 0
        plain: dict[str, Callable[..., int]] = {"CloseHandle": lambda _: 1, "GetLastError": lambda: 0}
        plain["GetCurrentProcess"] = lambda: -1
        for name, does in {**plain, **answers}.items():
            setattr(self, name, Function(does))
        monkeypatch.setattr(libraries, "library", lambda _name: self)
        monkeypatch.setattr(libraries, "last_error", lambda: self.error)

    def refuses(self, error: int) -> Callable[..., int]:
        return lambda *_: self._fail(error)

    def _fail(self, error: int) -> int:
        self.error = error
        return 0


def process(monkeypatch: pytest.MonkeyPatch, *, error: int = 0, code: int = 259, asked: bool = True) -> int:
    """What is told of a process that OpenProcess refuses with ``error``, or whose exit code is ``code``."""

    def exit_code(_handle: int, out: Any) -> int:
        ct.cast(out, ct.POINTER(ct.c_uint32))[0] = code
        return int(asked)

    def times(_handle: int, created: Any, *_: Any) -> int:
        ct.cast(created, ct.POINTER(ct.c_int64))[0] = STARTED
        return 1

    library = Library(monkeypatch, GetExitCodeProcess=exit_code, GetProcessTimes=times, OpenProcess=lambda *_: 77)
    if error:
        library.OpenProcess = Function(library.refuses(error))  # type: ignore[attr-defined]
    return process_started(library, 4711)


def test_only_error_87_says_that_no_such_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert process(monkeypatch) == STARTED
    assert process(monkeypatch, error=Status.INVALID_PARAMETER) == 0
    for error in (Status.ACCESS_DENIED, 6, 299, 1450):
        assert process(monkeypatch, error=error) == NOT_TOLD


def test_a_process_that_has_ended_is_gone_and_one_that_cannot_be_asked_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert process(monkeypatch, code=1) == 0
    assert process(monkeypatch, code=1, asked=False) == NOT_TOLD


@pytest.mark.parametrize(("told", "stopped"), [(NOT_TOLD, False), (0, True)])
def test_a_session_of_a_process_that_nothing_is_told_of_goes_on(told: int, stopped: bool) -> None:
    api = FakeApi()
    name = session_name("kernel", Owner(999, STARTED))
    api.foreign(name)
    api.running[999] = told
    assert reclaim(api, []) == ((name,) if stopped else ())


def adjusted(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> tuple[int, list[str]]:
    """Status of turning rights on, and which were asked for."""
    asked: list[str] = []

    def look_up(_system: None, name: str, _luid: Any) -> int:
        asked.append(name)
        return 1

    library = Library(monkeypatch, OpenProcessToken=lambda *_: 1, LookupPrivilegeValueW=look_up)

    def adjust(*_: Any) -> int:
        library.error = answers.get(asked[-1], 0)
        return 1

    library.AdjustTokenPrivileges = Function(adjust)  # type: ignore[attr-defined]
    return privilege.enable_profiling(), asked


def test_a_right_that_was_not_assigned_is_not_told_as_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """AdjustTokenPrivileges succeeds all the same, and leaves 1300 (ERROR_NOT_ALL_ASSIGNED)."""
    assert adjusted(monkeypatch)[0] == Status.SUCCESS
    assert adjusted(monkeypatch, SeSystemProfilePrivilege=1300)[0] == Status.PRIVILEGE_NOT_HELD


def test_the_right_to_debug_is_asked_for_too_and_its_absence_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    status, asked = adjusted(monkeypatch, SeDebugPrivilege=1300)
    assert status == Status.SUCCESS
    assert sorted(asked) == ["SeDebugPrivilege", "SeSystemProfilePrivilege"]


class Machine:
    """One that has so many places for sessions, of which some are taken."""

    def __init__(self, places: int, running: int, *, tells_all: bool = True) -> None:
        self.places, self.running, self.tells_all = places, running, tells_all
        self.rooms: list[int] = []

    def query(self, found: list[NamedProperties]) -> tuple[int, int]:
        self.rooms.append(len(found))
        if len(found) > self.places:
            return Status.INVALID_PARAMETER, 0
        for number, item in enumerate(found[: self.running]):
            item.properties.EventsLost = number + 1
        if self.running <= len(found):
            return Status.SUCCESS, self.running
        return Status.MORE_DATA, self.running if self.tells_all else len(found)


@pytest.mark.parametrize(("places", "running"), [(64, 64), (256, 65), (256, 256), (32, 32), (48, 40), (64, 0)])
def test_every_session_is_told_whatever_number_the_registry_allows(places: int, running: int) -> None:
    """EtwMaxLoggers: 32 to 256; an array longer than that is refused with 87, a short one is answered with 234."""
    machine = Machine(places, running)
    status, found = all_sessions(machine.query)  # type: ignore[arg-type]
    assert status == Status.SUCCESS
    assert [item.properties.EventsLost for item in found] == list(range(1, running + 1))
    assert len(machine.rooms) <= 3


def test_a_machine_that_counts_only_what_it_has_told_is_asked_for_more() -> None:
    """One of Microsoft's pages has LoggerCount as the sessions that run, the other as those that were told."""
    machine = Machine(256, 200, tells_all=False)
    status, found = all_sessions(machine.query)  # type: ignore[arg-type]
    assert (status, len(found)) == (Status.SUCCESS, 200)
    assert machine.rooms == [64, 128, 256]


def test_sessions_beyond_what_may_be_asked_for_leave_those_that_were_told() -> None:
    machine = Machine(64, 70)  # no machine has so many; the answer is bounded all the same
    status, found = all_sessions(machine.query)  # type: ignore[arg-type]
    assert (status, len(found)) == (Status.MORE_DATA, 64)
    refused = all_sessions(lambda _: (Status.ACCESS_DENIED, 0))
    assert refused == (Status.ACCESS_DENIED, [])
    assert all_sessions(Machine(LEAST_ROOM - 1, 0).query)[0] == Status.INVALID_PARAMETER  # type: ignore[arg-type]
