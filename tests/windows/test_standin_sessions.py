"""The stand-in for advapi32 as a controller sees it: what Microsoft documents for sessions."""

from __future__ import annotations

import ctypes as ct
from pathlib import Path

import pytest

from tests.windows import controller
from tests.windows.controller import REAL_TIME, SYSTEM_LOGGER, Properties, control, start, started
from tests.windows.standin import StandIn

ACCESS_DENIED, BAD_LENGTH, INVALID_PARAMETER, ALREADY_EXISTS, MORE_DATA = 5, 24, 87, 183, 234
PATH_NOT_FOUND, DISK_FULL, BAD_PATHNAME, NO_SYSTEM_RESOURCES = 3, 112, 161, 1450
ACTIVE_CONNECTIONS, NO_SUCH_SESSION = 2402, 4201
MOST_SESSIONS, MOST_PRIVATE_LOGGERS = 64, 6


def test_a_session_gets_a_handle_its_name_behind_the_structure_and_the_sizes_it_runs_with(standin: StandIn) -> None:
    properties = Properties()
    status, handle = start("mine", properties)
    assert status == 0
    assert handle != 0
    assert properties.it.Wnode.HistoricalContext == handle
    assert properties.name() == "mine"
    assert properties.it.BufferSize == 64
    assert properties.it.MaximumBuffers >= properties.it.MinimumBuffers >= 2
    assert (standin.count("ours"), standin.count("started")) == (1, 1)


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("LogFileMode", 0, BAD_PATHNAME),  # events that go nowhere
        ("LogFileMode", 0x02000000, INVALID_PARAMETER),
        ("LogFileMode", 0x3, INVALID_PARAMETER),  # sequential and circular
        ("LogFileNameOffset", 40, INVALID_PARAMETER),
        ("LoggerNameOffset", 40, INVALID_PARAMETER),
        ("LoggerNameOffset", 1 << 20, BAD_LENGTH),
    ],
)
def test_properties_that_cannot_be_are_refused(standin: StandIn, field: str, value: int, status: int) -> None:
    properties = Properties()
    setattr(properties.it, field, value)
    assert start("mine", properties) == (status, 0)
    assert standin.count("ours") == 0


@pytest.mark.parametrize(("field", "value"), [("BufferSize", 119), ("Flags", 0), ("ClientContext", 9)])
def test_a_wnode_header_that_cannot_be_is_refused(standin: StandIn, field: str, value: int) -> None:
    properties = Properties()
    setattr(properties.it.Wnode, field, value)
    assert start("mine", properties)[0] == (BAD_LENGTH if field == "BufferSize" else INVALID_PARAMETER)
    assert standin.count("ours") == 0


def test_a_name_is_taken_once_whatever_its_case(standin: StandIn) -> None:
    started("mine")
    assert start("MINE") == (ALREADY_EXISTS, 0)


def test_six_private_system_loggers_are_the_most_and_other_sessions_still_fit(standin: StandIn) -> None:
    for number in range(MOST_PRIVATE_LOGGERS):
        standin.foreign(f"theirs {number}", SYSTEM_LOGGER)
    for reserved in ("NT Kernel Logger", "Circular Kernel Context Logger"):
        standin.foreign(reserved, SYSTEM_LOGGER)
    assert start("mine")[0] == NO_SYSTEM_RESOURCES
    assert start("mine", Properties(REAL_TIME))[0] == 0


def test_sixty_four_sessions_are_the_most(standin: StandIn) -> None:
    for number in range(MOST_SESSIONS):
        standin.foreign(f"theirs {number}")
    assert start("mine", Properties(REAL_TIME))[0] == NO_SYSTEM_RESOURCES
    assert standin.count("foreign") == MOST_SESSIONS


def test_a_session_is_asked_changed_flushed_and_stopped_by_its_name(standin: StandIn) -> None:
    handle = started("mine")
    asked = Properties()
    assert control("mine", controller.QUERY, asked) == 0
    assert asked.it.Wnode.HistoricalContext == handle
    asked.it.FlushTimer = 3
    assert control("mine", controller.UPDATE, asked) == 0
    assert control("mine", controller.FLUSH) == 0
    again = Properties()
    assert control("mine", controller.STOP, again) == 0
    assert again.it.FlushTimer == 3
    assert control("mine", controller.QUERY) == NO_SUCH_SESSION
    assert [standin.count(name) for name in ("ours", "started", "stopped", "flushed")] == [0, 1, 1, 1]


def test_a_name_goes_before_a_handle_and_a_handle_that_is_none_is_an_error_of_another_kind(standin: StandIn) -> None:
    handle = started("mine")
    started("another")
    assert control("another", controller.STOP, handle=handle) == 0
    assert control("mine", controller.QUERY) == 0
    assert control(None, controller.STOP, handle=handle) == 0
    assert control(None, controller.QUERY, handle=handle) == INVALID_PARAMETER


def test_too_little_room_for_the_name_is_told_and_the_session_is_stopped_all_the_same(standin: StandIn) -> None:
    started("a name of some length")
    assert control("a name of some length", controller.STOP, Properties(room=4)) == MORE_DATA
    assert standin.count("ours") == 0


def test_all_sessions_are_listed_and_too_few_places_for_them_are_told(standin: StandIn) -> None:
    started("mine")
    standin.foreign("theirs")
    places = [Properties() for _ in range(2)]
    query = standin.dll.QueryAllTracesW
    pointers = (ct.c_void_p * 2)(*(ct.addressof(place.it) for place in places))
    count = ct.c_uint32()
    assert query(pointers, 2, ct.byref(count)) == 0
    assert [place.name() for place in places[: count.value]] == ["mine", "theirs"]
    assert query(pointers, 1, ct.byref(count)) == MORE_DATA
    assert count.value == 2


def test_what_the_test_refuses_is_refused_as_often_as_it_said(standin: StandIn) -> None:
    standin.refuse("StartTraceW", ACCESS_DENIED, skip=1, times=1)
    assert [start(name)[0] for name in ("first", "second", "third")] == [0, ACCESS_DENIED, 0]


def test_a_session_of_somebody_else_counts_apart_and_who_stops_it_is_told_on(standin: StandIn) -> None:
    standin.foreign("theirs")
    assert (standin.count("ours"), standin.count("foreign")) == (0, 1)
    assert control("theirs", controller.STOP) == 0
    assert (standin.count("foreign stopped"), standin.count("stopped")) == (1, 0)


def test_a_recording_session_has_its_file_from_the_start_and_its_events_in_it_at_the_stop(
    standin: StandIn, tmp_path: Path
) -> None:
    ready, out = tmp_path / "ready.etl", tmp_path / "out.etl"
    ready.write_bytes(b"what was recorded")
    standin.record(ready)
    assert start("mine", Properties(0x02000001, file=str(out)))[0] == 0
    assert out.read_bytes() == b""
    assert control("mine", controller.STOP) == 0
    assert out.read_bytes() == b"what was recorded"


def test_a_recording_into_a_folder_that_is_not_there_is_refused(standin: StandIn, tmp_path: Path) -> None:
    status, _ = start("mine", Properties(0x1, file=str(tmp_path / "none" / "out.etl")))
    assert status == PATH_NOT_FOUND
    assert standin.count("ours") == 0


def test_a_place_for_a_files_name_in_a_session_without_a_file_is_refused(standin: StandIn) -> None:
    properties = Properties()
    properties.it.LogFileNameOffset = properties.fixed + 1024
    assert start("mine", properties) == (INVALID_PARAMETER, 0)


def test_a_file_that_another_session_writes_is_refused(standin: StandIn, tmp_path: Path) -> None:
    file = str(tmp_path / "out.etl")
    assert start("mine", Properties(0x1, file=file))[0] == 0
    assert start("another", Properties(0x1, file=file))[0] == BAD_PATHNAME


@pytest.mark.parametrize(
    ("free", "megabytes", "status"), [(1000, 801, DISK_FULL), (1000, 800, 0), (199, 0, DISK_FULL), (200, 0, 0)]
)
def test_a_file_may_not_become_larger_than_what_is_free_with_200_mb_to_spare(
    standin: StandIn, tmp_path: Path, free: int, megabytes: int, status: int
) -> None:
    standin.set(free_megabytes=free)
    properties = Properties(0x1, file=str(tmp_path / "out.etl"))
    properties.it.MaximumFileSize = megabytes
    assert start("mine", properties)[0] == status


def test_a_stop_while_it_is_being_stopped_is_told_and_it_ends(standin: StandIn) -> None:
    started("mine")
    standin.stopping("mine")
    assert control("mine", controller.STOP) == ACTIVE_CONNECTIONS
    assert standin.count("ours") == 0


def test_pywintraces_own_session_starts_and_stops_on_it(standin: StandIn) -> None:
    from etw import etw

    session = etw.EventProvider("by pywintrace", etw.TraceProperties(), [])
    session.start()
    assert standin.count("ours") == 1
    session.stop()
    assert standin.count("ours") == 0
