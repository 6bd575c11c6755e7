"""Every way in which Windows can fail a capture: its own error, with a next step, and no session of ours left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.analyzers.against_truth import concluded
from tests.windows.capturing import Api, follow, followed, open_capture
from tests.windows.controller import REAL_TIME, SYSTEM_LOGGER
from tests.windows.standin import Counters, StandIn
from tests.windows.stream import busy_stream
from tracer.errors import MachineError
from tracer.live import failures
from tracer.live.names import Owner, session_name
from tracer.live.plan import CapturePlan, Way
from tracer.live.recording import Recording
from tracer.live.session import owner
from tracer.trace import Batch

Play = Callable[[bytes], None]
DENIED, INVALID, BUSY, EXISTS, PRIVILEGE, RESOURCES, NO_SUCH_SESSION = 5, 87, 170, 183, 1314, 1450, 4201


@pytest.fixture(autouse=True)
def _nothing_of_ours_is_left(standin: StandIn) -> Iterator[None]:
    yield
    assert standin.count("ours") == 0, "a session of ours still runs"
    assert standin.count("open") == 0, "a consumer's handle is still open"


def refused(way: Way = Way.SYSTEM_PROVIDERS) -> MachineError:
    """The error of a capture that cannot begin."""
    with pytest.raises(MachineError) as caught:
        open_capture(way)
    assert caught.value.next
    return caught.value


@pytest.mark.parametrize(
    ("function", "status", "skip", "code"),
    [
        ("StartTraceW", DENIED, 0, failures.ACCESS_DENIED),
        ("StartTraceW", PRIVILEGE, 0, failures.ACCESS_DENIED),
        ("StartTraceW", EXISTS, 0, failures.SESSION_EXISTS),
        ("StartTraceW", INVALID, 0, failures.CAPTURE_FAILED),
        ("StartTraceW", DENIED, 1, failures.ACCESS_DENIED),  # the sockets' session, beside the kernel's
        ("StartTraceW", RESOURCES, 1, failures.SESSION_LIMIT),
        ("OpenTraceW", DENIED, 0, failures.OPEN_FAILED),
        ("OpenTraceW", RESOURCES, 1, failures.OPEN_FAILED),  # the sockets' consumer, after the kernel's
        ("StartTraceW", BUSY, 0, failures.CAPTURE_FAILED),
    ],
)
def test_a_step_that_is_refused_gives_its_own_error(
    standin: StandIn, function: str, status: int, skip: int, code: str
) -> None:
    standin.refuse(function, status, skip=skip)
    error = refused()
    assert error.code == code
    assert standin.count("started") == standin.count("stopped")


def test_a_group_mask_that_is_refused_is_an_error(standin: StandIn) -> None:
    standin.refuse("TraceSetInformation", INVALID)
    error = refused(Way.PRIVATE_SYSTEM_LOGGER)
    assert error.code == failures.CAPTURE_FAILED
    assert "group mask" in error.where


def test_a_call_that_finds_windows_busy_is_repeated_once(standin: StandIn) -> None:
    for call in ("StartTraceW", "EnableTraceEx2", "TraceSetInformation stacks"):
        standin.refuse(call, BUSY, times=1)
        with open_capture() as capture:
            assert [step.outcome for step in capture.steps if step.name == "retry-busy"] == ["retried"]
            assert capture.notes == ()


def test_independent_mode_is_left_out_where_it_is_refused(standin: StandIn) -> None:
    standin.refuse("StartTraceW independent", INVALID)
    with open_capture() as capture:
        assert [step.outcome for step in capture.steps if step.name == "independent-mode"] == ["left-out"] * 2


def test_pool_events_come_by_the_group_mask_where_the_memory_provider_is_refused(
    standin: StandIn, play: Play, loop_stream: bytes
) -> None:
    play(loop_stream)
    granted = followed(open_capture(), standin)
    standin.reset()
    play(loop_stream)
    standin.refuse("EnableTraceEx2 memory", INVALID)
    capture = open_capture()
    assert "the group mask does it" in capture.notes[0]
    assert concluded(followed(capture, standin)) == concluded(granted)


def test_without_pool_events_by_either_way_there_is_no_capture(standin: StandIn) -> None:
    standin.refuse("EnableTraceEx2 memory", INVALID)
    standin.refuse("TraceSetInformation", INVALID)
    assert "memory" in refused().where


@pytest.mark.parametrize(
    ("parts", "says", "pool"),
    [
        (["completion"], "for completions of I/O", True),
        (["completion", "pool"], "asked by hook id", True),
        (["completion", "pool", "hooks"], "for pool events and completions of I/O", False),
        (["all"], "asked by hook id", True),
        (["all", "hooks"], "WITHOUT CALL STACKS", False),
    ],
)
def test_stacks_come_as_far_as_windows_lets_them(
    standin: StandIn, play: Play, loop_stream: bytes, parts: list[str], says: str, pool: bool
) -> None:
    Counters.bound()  # ntdll's other function takes the hook ids
    play(loop_stream)
    for part in parts:
        names = {"all": "TraceSetInformation stacks", "hooks": "NtSetSystemInformation"}
        standin.refuse(names.get(part, f"TraceSetInformation stacks {part}"), INVALID)
    with_stack = 0
    with open_capture() as capture:
        assert [says in note for note in capture.notes] == [True]

        def take(batch: Batch) -> None:
            nonlocal with_stack
            if "pool" in batch.tables:
                with_stack += int(np.count_nonzero(batch.tables["pool"].stack >= 0))

        follow(capture, standin, take)
    assert (with_stack > 0) == pool


def test_a_session_that_somebody_else_is_stopping_counts_as_stopped(standin: StandIn) -> None:
    left = session_name("kernel", Owner(999_999, 1))
    standin.foreign(left, REAL_TIME)
    standin.stopping(left)
    with open_capture() as capture:
        assert capture.reclaimed == (left,)
        standin.stopping(capture.info.session)
    assert standin.count("foreign") == 0


@pytest.mark.parametrize(("many", "mode"), [(6, SYSTEM_LOGGER), (64, REAL_TIME)])
def test_a_limit_that_is_reached_says_who_holds_the_sessions(standin: StandIn, many: int, mode: int) -> None:
    for number in range(many):
        standin.foreign(f"theirs {number}", mode)
    error = refused()
    assert error.code == failures.SESSION_LIMIT
    assert str(many) in error.what
    assert all(f"theirs {number}" in error.why for number in range(many))
    assert standin.count("foreign stopped") == 0


def test_what_a_crash_left_behind_is_stopped_at_the_next_start_and_nothing_else(standin: StandIn) -> None:
    api = Api()
    left, running = session_name("kernel", Owner(999_999, 1)), session_name("kernel", owner(api))
    for name in (left, running, "Poolscope is a word that others may use", "theirs"):
        standin.foreign(name, REAL_TIME)
    standin.refuse("StartTraceW", DENIED)
    refused()
    assert (standin.count("foreign"), standin.count("foreign stopped")) == (3, 1)
    with pytest.raises(OSError, match=str(NO_SUCH_SESSION)):
        standin.stop(left)


def test_events_that_cannot_be_received_after_all_are_an_error(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000))
    standin.refuse("ProcessTrace", DENIED)
    with open_capture() as capture, pytest.raises(MachineError) as caught:
        follow(capture, standin, lambda _: None)
    assert caught.value.code == failures.ACCESS_DENIED


@pytest.mark.parametrize("way", Way)
def test_a_session_taken_away_is_an_error_after_everything_that_came(standin: StandIn, play: Play, way: Way) -> None:
    play(busy_stream(100_000))
    standin.set(take_away_after=5_000, loop=1)
    taken = []

    def take(batch: Batch) -> None:
        taken.append(sum(len(table) for table in batch.tables.values()))

    with open_capture(way) as capture, pytest.raises(MachineError) as caught:
        follow(capture, standin, take)
    assert caught.value.code == failures.SESSION_TAKEN
    assert sum(taken) >= 2_500  # the other half are stacks


def test_a_stop_from_outside_is_told_by_the_session_of_that_name(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000))
    with open_capture() as capture:
        standin.stop(capture.info.session)
        with pytest.raises(MachineError) as caught:
            follow(capture, standin, lambda _: None)
    assert capture.info.session in caught.value.what


def test_what_the_session_lost_is_counted_and_has_its_place(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000))
    standin.set(lose_after=4_000, lose_count=1_000)
    with open_capture() as capture:
        follow(capture, standin, lambda _: None)
    assert capture.loss.events_lost == standin.count("lost") == 1_000
    assert capture.loss.buffers_lost == 1
    assert capture.loss.gaps


def test_a_worker_that_falls_behind_drops_counts_and_places_what_found_no_room(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000, blocks=20_000))
    taken = []

    def take(batch: Batch) -> None:
        taken.append(sum(len(table) for table in batch.tables.values()))

    with open_capture(ring_bytes=1 << 20) as capture:
        while standin.count("exhausted") < 2:  # nobody takes anything meanwhile
            capture.wait(0.01)
        follow(capture, standin, take)
    assert capture.loss.events_lost > 0
    assert capture.census.total + capture.loss.events_lost == standin.count("delivered")
    assert capture.loss.gaps


def test_a_keyboard_interrupt_ends_the_sessions(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000))

    def interrupt() -> None:
        with open_capture() as capture:
            for _ in capture.batches():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert standin.count("started") == standin.count("stopped") == 2


@pytest.mark.parametrize("way", [Way.SYSTEM_PROVIDERS, Way.PRIVATE_SYSTEM_LOGGER])
def test_a_recording_writes_its_file_and_its_failures_leave_none_running(
    standin: StandIn, tmp_path: Path, way: Way
) -> None:
    ready, out = tmp_path / "ready.etl", tmp_path / "out.etl"
    ready.write_bytes(b"what Windows wrote")
    standin.record(ready)
    with Recording.open(CapturePlan(file=out, most_bytes=64 << 20), Api(way)) as recording:
        assert (recording.loss.events_lost, standin.count("ours")) == (0, 1)
    assert out.read_bytes() == b"what Windows wrote"
    nowhere = CapturePlan(file=tmp_path / "none" / "out.etl")
    with pytest.raises(MachineError) as caught:
        Recording.open(nowhere, Api(way))
    assert caught.value.code == failures.FILE_REFUSED


def test_a_disk_without_room_bounds_the_file_and_one_that_is_full_is_told(
    standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, free = CapturePlan(file=tmp_path / "out.etl", most_bytes=8192 << 20), 1000
    monkeypatch.setattr(Api, "free_bytes", lambda *_: free << 20)
    standin.set(free_megabytes=free)
    with Recording.open(plan, Api()) as recording:
        assert "full at 700 MB" in recording.notes[0]
    standin.set(free_megabytes=100)
    with pytest.raises(MachineError) as caught:
        Recording.open(plan, Api())
    assert (caught.value.code, "error 112" in caught.value.why) == (failures.FILE_REFUSED, True)


@pytest.mark.parametrize("path", ["none/out.etl", "a file/out.etl", "folder", "a<b.etl"])
def test_a_path_that_cannot_be_written_is_told_as_the_file_s(standin: StandIn, tmp_path: Path, path: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(MachineError) as caught:
        Recording.open(CapturePlan(file=tmp_path / path), Api())
    assert caught.value.code == failures.FILE_REFUSED
    assert standin.count("started") == 0
