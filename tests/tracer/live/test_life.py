"""Sessions are started, watched and stopped; whatever goes wrong, none of ours is left, none of others touched."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tracer.live.fake_api import STARTED, FakeApi
from tracer.errors import MachineError, UsageError
from tracer.etl.headers import LogFileMode
from tracer.events import afd
from tracer.live.api import NOT_TOLD, Api, InfoClass, Status
from tracer.live.capture import Capture
from tracer.live.enabling import MEMORY
from tracer.live.plan import CapturePlan
from tracer.live.recording import Recording
from tracer.live.session import Session
from tracer.live.structures import NamedProperties
from tracer.live.windows import WindowsApi, windows_api

OURS = f"Poolscope kernel 4242-{STARTED:x}"


def opened(api: FakeApi, plan: CapturePlan | None = None) -> None:
    with Capture.open(plan or CapturePlan(), api):
        raise AssertionError("it was opened")


def recording(api: FakeApi, tmp_path: Path, **options: object) -> Recording:
    return Recording.open(CapturePlan(file=tmp_path / "out.etl", **options), api)  # type: ignore[arg-type]


@pytest.mark.parametrize("build", [26100, 19045, 9600])
def test_a_capture_runs_in_two_sessions_and_leaves_none(build: int) -> None:
    api = FakeApi(build=build)
    with Capture.open(CapturePlan(), api) as capture:
        assert list(api.sessions_by_name) == [OURS, OURS.replace("kernel", "sockets")]
        assert capture.info.mode[0] == "real-time"
        assert capture.info.os_build == build
    assert api.sessions_by_name == {}


def test_a_capture_says_that_kernel_queues_are_on_as_nothing_that_it_receives_does() -> None:
    for build in (26100, 19045):
        with Capture.open(CapturePlan(), FakeApi(build=build)) as capture:
            assert capture.info.enabled == {"queue"}
        with Capture.open(CapturePlan(requests=False), FakeApi(build=build)) as capture:
            assert capture.info.enabled == frozenset()


def test_a_capture_is_cleaned_up_whatever_ends_it() -> None:
    for error in (KeyboardInterrupt, RuntimeError, SystemExit):
        api = FakeApi()
        with pytest.raises(error), Capture.open(CapturePlan(), api):
            raise error
        assert api.ours == []


class Dying(FakeApi):
    """Something ends the process at call ``at``, before or after Windows has done what it was asked for."""

    def __init__(self, at: int, *, done: bool, build: int) -> None:
        super().__init__(build=build)
        self.left, self.done, self.died = at, done, False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CALLS or self.died:
            return found

        def call(*arguments: Any) -> Any:
            self.left -= 1
            if self.left >= 0:
                return found(*arguments)
            self.died = True
            if self.done:
                found(*arguments)
            raise KeyboardInterrupt

        return call


CALLS = frozenset(name for name in vars(Api) if not name.startswith("_")) - {"snapshot", "process_trace"}
"""All that is asked of Windows as sessions start and stop."""


@pytest.mark.parametrize("build", [26100, 19045])
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("kind", ["capture", "recording"])
def test_whatever_ends_a_start_at_whichever_call_no_session_stays(
    kind: str, done: bool, build: int, tmp_path: Path
) -> None:
    def begun(api: FakeApi) -> AbstractContextManager[object]:
        return Capture.open(CapturePlan(), api) if kind == "capture" else recording(api, tmp_path, most_bytes=1 << 20)

    at, died = 0, True
    while died:
        api = Dying(at, done=done, build=build)
        with suppress(KeyboardInterrupt), begun(api):
            pass
        assert api.ours == [], at
        at, died = at + 1, api.died
    assert at > 12


def test_each_way_turns_on_what_it_can(tmp_path: Path) -> None:
    newest = FakeApi(build=26100)
    with recording(newest, tmp_path):
        session = newest.sessions_by_name[OURS]
        assert session.enabled[MEMORY] == (0x8, False)
        assert afd.PROVIDER in session.enabled
        assert InfoClass.STACK_TRACING in session.information
        assert InfoClass.SYSTEM_FLAGS not in session.information
    older = FakeApi(build=19045)
    with recording(older, tmp_path):
        session = older.sessions_by_name[OURS]
        assert session.information[InfoClass.SYSTEM_FLAGS][4] == 0x40 | 0x4 | 0x10
        assert MEMORY not in session.enabled
        assert session.mode == LogFileMode.SEQUENTIAL | LogFileMode.SYSTEM_LOGGER | LogFileMode.INDEPENDENT_SESSION
        assert session.file == str(tmp_path / "out.etl")


def test_without_stacks_none_are_asked_for(tmp_path: Path) -> None:
    api = FakeApi()
    with recording(api, tmp_path, stacks=False):
        assert api.sessions_by_name[OURS].information == {}


def test_the_session_filters_by_tag_and_where_it_cannot_it_says_so(tmp_path: Path) -> None:
    api = FakeApi()
    with recording(api, tmp_path, tags=(b"AfdE",)) as running:
        assert api.sessions_by_name[OURS].enabled[MEMORY] == (0x8, True)
        assert running.notes == ()
    api.refuse["filter"] = Status.INVALID_PARAMETER
    with recording(api, tmp_path, tags=(b"AfdE",)) as running:
        assert api.sessions_by_name[OURS].enabled[MEMORY] == (0x8, False)
        assert "does not filter by pool tag (error 87)" in running.notes[0]


def test_the_right_to_profile_is_turned_on_first_and_told_where_it_is_withheld(tmp_path: Path) -> None:
    api = FakeApi()
    with recording(api, tmp_path) as running:
        assert running.notes == ()
    assert api.log.index("AdjustTokenPrivileges") < api.log.index("StartTraceW")
    api.refuse["AdjustTokenPrivileges"] = Status.PRIVILEGE_NOT_HELD
    with recording(api, tmp_path) as running:
        assert "right to profile the system (error 1314)" in running.notes[0]


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("StartTraceW", Status.ACCESS_DENIED, "access-denied"),
        ("StartTraceW", Status.PRIVILEGE_NOT_HELD, "access-denied"),
        ("StartTraceW", Status.ALREADY_EXISTS, "session-exists"),
        ("StartTraceW", Status.NO_SYSTEM_RESOURCES, "session-limit"),
        ("StartTraceW", Status.DISK_FULL, "file-refused"),
        ("StartTraceW", Status.INVALID_PARAMETER, "capture-failed"),
        ("StartTraceW", Status.BUSY, "capture-failed"),
        ("OpenTraceW", Status.ACCESS_DENIED, "open-failed"),
        ("ControlTraceW stop", Status.ACCESS_DENIED, "access-denied"),
    ],
)
def test_every_refusal_has_its_own_error_with_what_to_do_next(
    call: str, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.live.capture.END_SECONDS", 0.0)  # a session that cannot be stopped delivers no end
    monkeypatch.setattr("tracer.live.starting.BUSY_SECONDS", 0.0)
    api = FakeApi()
    api.refuse[call] = status
    with pytest.raises(MachineError) as raised, Capture.open(CapturePlan(), api):
        pass
    error = raised.value
    assert error.code == code
    assert error.what
    assert error.where
    assert error.why
    assert error.next
    if call != "ControlTraceW stop":
        assert api.ours == []


def test_what_a_group_mask_is_refused_for_is_told(tmp_path: Path) -> None:
    api = FakeApi(build=19045)
    api.refuse["TraceSetInformation system_flags"] = 4711
    with pytest.raises(MachineError, match="did not carry out") as raised:
        recording(api, tmp_path)
    assert "group mask" in raised.value.where
    assert "4711" in raised.value.why
    assert api.ours == []


@pytest.mark.parametrize("build", [7601, 9200])
def test_a_windows_before_8_1_is_too_old_and_told_what_to_do(tmp_path: Path, build: int) -> None:
    api = FakeApi(build=build)
    with pytest.raises(MachineError, match="too old") as raised:
        recording(api, tmp_path)
    assert raised.value.code == "no-capture"
    assert "xperf" in raised.value.next
    assert api.log == []


@pytest.mark.parametrize(("count", "mode", "most"), [(6, LogFileMode.SYSTEM_LOGGER, "6"), (64, LogFileMode(0), "64")])
def test_a_limit_names_the_sessions_that_hold_it(tmp_path: Path, count: int, mode: LogFileMode, most: str) -> None:
    api = FakeApi()
    for number in range(count):
        api.foreign(f"other {number}", mode | LogFileMode.REAL_TIME)
    with pytest.raises(MachineError) as raised:
        recording(api, tmp_path)
    assert raised.value.code == "session-limit"
    assert raised.value.what.endswith(most)
    assert "other 0, other 1" in raised.value.why
    assert len(api.sessions_by_name) == count


def test_what_a_crash_left_behind_is_reclaimed_and_nothing_else(tmp_path: Path) -> None:
    api = FakeApi()
    api.running |= {70: 0x111, 71: NOT_TOLD}
    stale = ["Poolscope kernel 69-abc", "Poolscope sockets 70-abc", f"Poolscope kernel 4242-{STARTED - 1:x}"]
    kept = ["Poolscope kernel 70-111", "Poolscope kernel 71-abc", "Poolscope", "somebody's"]
    for name in (*stale, *kept):
        api.foreign(name)
    with recording(api, tmp_path) as running:
        assert set(running.reclaimed) == set(stale)
        assert set(api.sessions_by_name) == {*kept, OURS}
    assert set(api.sessions_by_name) == set(kept)


@pytest.mark.parametrize("name", ["NT Kernel Logger", "Circular Kernel Context Logger"])
def test_the_reserved_loggers_take_no_private_place(tmp_path: Path, name: str) -> None:
    api = FakeApi()
    for number in range(5):
        api.foreign(f"other {number}", LogFileMode.SYSTEM_LOGGER | LogFileMode.REAL_TIME)
    api.foreign(name, LogFileMode.SYSTEM_LOGGER | LogFileMode.REAL_TIME)
    with recording(api, tmp_path):
        assert api.ours == [OURS]


def test_of_all_sessions_the_system_loggers_are_named_first(tmp_path: Path) -> None:
    api = FakeApi()
    for number in range(61):
        api.foreign(f"plain {number}")
    for name in ("NT Kernel Logger", "their logger", "their other logger"):
        api.foreign(name, LogFileMode.SYSTEM_LOGGER | LogFileMode.REAL_TIME)
    with pytest.raises(MachineError) as raised:
        recording(api, tmp_path)
    assert raised.value.what.endswith("64")
    assert raised.value.why.startswith("these run: their logger, their other logger, plain 0")


def test_a_session_that_is_being_stopped_already_counts_as_stopped(tmp_path: Path) -> None:
    api = FakeApi()
    left = "Poolscope kernel 69-abc"
    api.foreign(left).stopping = True
    with recording(api, tmp_path) as running:
        assert running.reclaimed == (left,)
        api.sessions_by_name[OURS].stopping = True
    assert not running.running
    assert api.ours == []


def test_a_recording_needs_a_file_and_tells_its_losses(tmp_path: Path) -> None:
    api = FakeApi()
    with pytest.raises(UsageError, match="needs a file"):
        Recording.open(CapturePlan(), api)
    with recording(api, tmp_path) as running:
        api.sessions_by_name[OURS].lost = 17
        assert running.loss.events_lost == 17
        assert running.running
        api.end(OURS)
        assert running.loss.events_lost == 17
        assert not running.running


def test_a_session_that_is_taken_away_is_told_after_what_it_gave() -> None:
    api = FakeApi()
    with Capture.open(CapturePlan(), api) as capture:
        batches = capture.batches(())
        next(batches)
        api.end(OURS)
        with pytest.raises(MachineError, match="stopped by somebody else") as raised:
            drain(batches, capture)
    assert raised.value.code == "session-taken"
    assert api.ours == []


def test_a_session_has_ten_seconds_to_deliver_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    now, delivered = [0.0], threading.Event()

    class Slow(FakeApi):
        def process_trace(self, handle: int) -> int:
            status = super().process_trace(handle)
            delivered.wait(60)
            return status

    monkeypatch.setattr("tracer.live.capture.time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: None))
    with Capture.open(CapturePlan(), Slow()) as capture:
        capture.stop()
        now[0] = 9.9
        assert not capture.wait(0)
        now[0] = 10.1
        assert capture.wait(0)
        delivered.set()


def test_processing_that_fails_is_told() -> None:
    api = FakeApi()
    api.refuse["ProcessTrace"] = Status.NO_SYSTEM_RESOURCES
    with Capture.open(CapturePlan(), api) as capture, pytest.raises(MachineError) as raised:
        drain(capture.batches(()), capture)
    assert raised.value.code == "capture-failed"
    assert "ProcessTrace" in raised.value.where
    assert api.ours == []


def test_a_capture_ends_after_its_seconds() -> None:
    now = iter(range(1 << 20))
    api = FakeApi()
    with Capture.open(CapturePlan(seconds=20), api, lambda: float(next(now))) as capture:
        drain(capture.batches(()), capture)
        assert api.ours == []
        assert capture.info.finalised


def test_any_thread_may_stop_a_capture_that_waits() -> None:
    api = FakeApi()
    with Capture.open(CapturePlan(), api) as capture:
        assert not capture.wait(0.001)
        stopper = threading.Thread(target=capture.stop)
        stopper.start()
        drain(capture.batches(()), capture)
        stopper.join()
        assert capture.wait(0)


def test_a_session_is_controlled_by_its_name_since_its_handle_may_be_anothers() -> None:
    asked: list[tuple[int, str]] = []

    def control(handle: int, name: str, *_: object) -> int:
        asked.append((handle, name))
        return Status.NO_SUCH_SESSION

    api = object.__new__(WindowsApi)
    api._etw = SimpleNamespace(ControlTraceW=control, EVENT_TRACE_PROPERTIES=NamedProperties)
    session = Session(api, OURS, 0x20, NamedProperties.empty())
    session.poll()
    assert (asked, session.running) == ([(0, OURS)], False)
    session.stop()
    assert len(asked) == 1


def test_off_windows_there_is_no_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(MachineError) as raised:
        windows_api()
    assert raised.value.code == "no-capture"
    assert "--replay" in raised.value.next


def drain(batches: object, capture: Capture) -> None:
    for _ in batches:  # type: ignore[attr-defined]
        capture.wait(0.05)
