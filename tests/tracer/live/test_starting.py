"""What a start asks of Windows, in which order, and what it does instead where Windows refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracer.live.fake_api import STARTED, FakeApi
from tracer.errors import MachineError
from tracer.etl.headers import LogFileMode
from tracer.live.api import InfoClass, Status
from tracer.live.capture import Capture
from tracer.live.enabling import MEMORY, STACK_HOOKS
from tracer.live.plan import CapturePlan
from tracer.live.recording import Recording
from tracer.live.steps import StartStep

OURS = f"Poolscope kernel 4242-{STARTED:x}"
SOCKETS = OURS.replace("kernel", "sockets")
MB = 1 << 20


@pytest.fixture(autouse=True)
def _windows_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.live.starting.BUSY_SECONDS", 0.0)


def recorded(api: FakeApi, tmp_path: Path, plan: CapturePlan | None = None) -> tuple[tuple[str, ...], list[StartStep]]:
    """Notes and steps of a recording that began."""
    steps: list[StartStep] = []
    with Recording.open(plan or CapturePlan(file=tmp_path / "out.etl"), api, steps) as running:
        return running.notes, steps


def outcomes(steps: list[StartStep], *names: str) -> list[tuple[str, int, str]]:
    return [(step.name, step.status, step.outcome) for step in steps if step.name in names]


def test_where_all_is_granted_each_step_is_in_the_log_once_and_in_order() -> None:
    with Capture.open(CapturePlan(tags=(b"AfdE",)), FakeApi()) as capture:
        assert [(step.name, step.asked) for step in capture.steps] == [
            ("privilege", "profile the system"),
            ("independent-mode", "kernel"), ("start", "kernel"), ("open", "kernel"),
            ("stacks", "pool, ready thread, I/O completion"),
            ("provider", "process"), ("tag-filter", "pool tags"), ("pool-by-provider", "memory"),
            ("provider", "scheduler"), ("provider", "io"), ("rundown", "capture state"),
            ("independent-mode", "sockets"), ("start-sockets", "sockets"), ("open", "sockets"),
            ("sockets", "Winsock-AFD"), ("sockets", "TCPIP"),
        ]  # fmt: skip
        assert [step.name for step in capture.steps if step.outcome != "granted"] == ["rundown"]
        assert capture.notes == ()


def test_a_session_is_opened_before_anything_is_turned_on_in_it() -> None:
    api = FakeApi()
    with Capture.open(CapturePlan(), api):
        pass
    first = [api.log.index(call) for call in ("StartTraceW", "OpenTraceW", "TraceSetInformation stack_tracing")]
    assert [*first, api.log.index("EnableTraceEx2")] == sorted([*first, api.log.index("EnableTraceEx2")])
    again = [len(api.log) - api.log[::-1].index(call) for call in ("StartTraceW", "OpenTraceW", "EnableTraceEx2")]
    assert again == sorted(again)


def test_a_session_without_a_file_gives_no_place_of_a_files_name(tmp_path: Path) -> None:
    api = FakeApi()  # refuses it with 87, as the real one is documented to
    with Capture.open(CapturePlan(), api):
        assert set(api.sessions_by_name) == {OURS, SOCKETS}
    assert recorded(api, tmp_path)[0] == ()


def test_a_file_gets_full_buffers_and_a_follower_gets_them_every_second(tmp_path: Path) -> None:
    api = FakeApi()
    with Recording.open(CapturePlan(file=tmp_path / "out.etl"), api):
        assert api.sessions_by_name[OURS].flush_seconds == 0
    with Capture.open(CapturePlan(), api):
        assert [session.flush_seconds for session in api.sessions_by_name.values()] == [1, 1]


@pytest.mark.parametrize(("free", "most"), [(20_000, 8192), (4_000, 3_700), (301, 1)])
def test_a_file_is_bounded_by_what_the_disk_has_free(tmp_path: Path, free: int, most: int) -> None:
    api = FakeApi()
    api.free = free * MB
    plan = CapturePlan(file=tmp_path / "out.etl", most_bytes=8192 * MB)
    with Recording.open(plan, api) as running:
        assert api.sessions_by_name[OURS].most_megabytes == most
        assert running.full_bytes <= most * MB
        assert any(f"full at {most} MB" in note for note in running.notes) == (most < 8192)


@pytest.mark.parametrize("most_bytes", [MB, 0])
def test_a_disk_without_room_is_told_as_such(tmp_path: Path, most_bytes: int) -> None:
    api = FakeApi()
    api.free = 100 * MB
    with pytest.raises(MachineError) as raised:
        recorded(api, tmp_path, CapturePlan(file=tmp_path / "out.etl", most_bytes=most_bytes))
    assert (raised.value.code, "error 112" in raised.value.why) == ("file-refused", True)


def test_a_file_one_buffer_short_of_its_bound_is_full(tmp_path: Path) -> None:
    with Recording.open(CapturePlan(file=tmp_path / "out.etl", most_bytes=64 * MB), FakeApi()) as running:
        assert running.full_bytes == 63 * MB
    with Recording.open(CapturePlan(file=tmp_path / "out.etl", most_bytes=MB), FakeApi()) as running:
        assert 0 < running.full_bytes < MB
    with Recording.open(CapturePlan(file=tmp_path / "out.etl"), FakeApi()) as running:
        assert running.full_bytes == 0


@pytest.mark.parametrize("path", ["none/out.etl", "a file/out.etl", "folder"])
def test_a_file_that_cannot_be_written_is_no_question_of_rights_to_trace(tmp_path: Path, path: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(MachineError) as raised:
        recorded(FakeApi(), tmp_path, CapturePlan(file=tmp_path / path))
    assert raised.value.code == "file-refused"


def test_a_denial_with_a_file_that_can_be_written_is_one_of_rights_and_leaves_no_file(tmp_path: Path) -> None:
    api = FakeApi()
    api.refuse["StartTraceW"] = Status.ACCESS_DENIED
    with pytest.raises(MachineError) as raised:
        recorded(api, tmp_path)
    assert raised.value.code == "access-denied"
    assert "Performance Log Users" not in raised.value.next
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [2, 3, 123, 161, 267])
def test_errors_of_paths_are_told_as_the_file_s(tmp_path: Path, status: int) -> None:
    api = FakeApi()
    api.refuse["StartTraceW"] = status
    with pytest.raises(MachineError) as raised:
        recorded(api, tmp_path)
    assert (raised.value.code, f"error {status}" in raised.value.why) == ("file-refused", True)


def test_independent_mode_is_left_out_where_windows_does_not_know_it(tmp_path: Path) -> None:
    api = FakeApi()
    api.refuse["StartTraceW independent"] = Status.INVALID_PARAMETER
    with Recording.open(CapturePlan(file=tmp_path / "out.etl"), api) as running:
        assert not api.sessions_by_name[OURS].mode & LogFileMode.INDEPENDENT_SESSION
        assert outcomes(list(running.steps), "independent-mode", "start") == [
            ("independent-mode", 87, "left-out"), ("start", 0, "granted"),
        ]  # fmt: skip


def test_a_busy_windows_is_asked_once_more(tmp_path: Path) -> None:
    for call in ("StartTraceW", "EnableTraceEx2", "TraceSetInformation stack_tracing"):
        api = FakeApi()
        api.once[call] = Status.BUSY
        notes, steps = recorded(api, tmp_path)
        assert notes == ()
        assert outcomes(steps, "retry-busy") == [("retry-busy", 170, "retried")]
        assert {step.outcome for step in steps if step.name != "rundown"} == {"granted", "retried"}


def test_a_windows_that_stays_busy_is_an_error_that_says_who_may_be_at_it(tmp_path: Path) -> None:
    api, steps = FakeApi(), list[StartStep]()
    api.refuse["StartTraceW"] = Status.BUSY
    with pytest.raises(MachineError, match="did not carry out") as raised:
        Recording.open(CapturePlan(file=tmp_path / "out.etl"), api, steps)
    assert "security software" in raised.value.why
    assert outcomes(steps, "retry-busy", "start") == [("retry-busy", 170, "retried"), ("start", 170, "refused")]


def test_pool_events_that_the_memory_provider_refuses_come_by_the_group_mask(tmp_path: Path) -> None:
    api = FakeApi()
    api.refuse["EnableTraceEx2 memory"] = Status.INVALID_PARAMETER
    with Recording.open(CapturePlan(file=tmp_path / "out.etl"), api) as running:
        session = api.sessions_by_name[OURS]
        assert MEMORY not in session.enabled
        assert session.information[InfoClass.SYSTEM_FLAGS][4] & 0x40
        assert "memory (error 87): the group mask does it" in running.notes[0]
    assert outcomes(list(running.steps), "pool-by-provider", "pool-by-group-mask") == [
        ("pool-by-provider", 87, "refused"), ("pool-by-group-mask", 0, "granted"),
    ]  # fmt: skip


def test_without_pool_events_by_any_way_there_is_no_capture_and_the_steps_tell_why(tmp_path: Path) -> None:
    api, steps = FakeApi(), list[StartStep]()
    api.refuse |= {"EnableTraceEx2 memory": Status.INVALID_PARAMETER, "TraceSetInformation system_flags": 50}
    with pytest.raises(MachineError) as raised:
        Recording.open(CapturePlan(file=tmp_path / "out.etl"), api, steps)
    assert "memory" in raised.value.where
    assert outcomes(steps, "pool-by-provider", "pool-by-group-mask") == [
        ("pool-by-provider", 87, "refused"), ("pool-by-group-mask", 50, "refused"),
    ]  # fmt: skip
    assert api.ours == []


def test_another_kind_that_cannot_be_had_is_a_note(tmp_path: Path) -> None:
    api = FakeApi()
    api.refuse |= {"EnableTraceEx2 io": Status.INVALID_PARAMETER, "TraceSetInformation system_flags": 50}
    assert "io (error 87): its events are missing" in recorded(api, tmp_path)[0][0]


@pytest.mark.parametrize(("provider", "enabled"), [("scheduler", set()), ("io", {"queue"})])
def test_kernel_queues_that_cannot_be_had_are_not_said_to_be_on(provider: str, enabled: set[str]) -> None:
    """Their absence would tell a user APC from an IRP in a port."""
    api = FakeApi()
    api.refuse[f"EnableTraceEx2 {provider}"] = Status.INVALID_PARAMETER
    with Capture.open(CapturePlan(), api) as capture:
        assert capture.info.enabled == {"queue"}  # by the group mask
    api.refuse["TraceSetInformation system_flags"] = 50
    with Capture.open(CapturePlan(), api) as capture:
        assert capture.info.enabled == enabled


@pytest.mark.parametrize(
    ("refused", "taken", "says"),
    [
        (["completion"], [("stacks", 87, "refused"), ("stacks-shorter", 0, "granted")], "for completions of I/O"),
        (
            ["completion", "pool"],
            [("stacks", 87, "refused"), ("stacks-shorter", 87, "refused"), ("stacks-shorter", 0, "granted"),
             ("stacks-by-hook-id", 0, "granted")],
            "asked by hook id",
        ),
    ],
)  # fmt: skip
def test_a_list_of_stacks_that_is_refused_is_asked_for_shorter(
    tmp_path: Path, refused: list[str], taken: list[tuple[str, int, str]], says: str
) -> None:
    api = FakeApi()
    api.refuse |= {f"TraceSetInformation stack_tracing {part}": 87 for part in refused}
    with Recording.open(CapturePlan(file=tmp_path / "out.etl"), api) as running:
        assert api.sessions_by_name[OURS].stack_hooks == (STACK_HOOKS if "pool" in refused else ())
    assert outcomes(list(running.steps), "stacks", "stacks-shorter", "stacks-by-hook-id") == taken
    assert len(running.notes) == 1
    assert says in running.notes[0]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ("", "WITHOUT CALL STACKS"),
        (" pool", "does not record call stacks for pool events and completions of I/O (error 87)"),
    ],
)
def test_stacks_that_windows_gives_by_no_way_are_missed_loudly_and_no_end(
    tmp_path: Path, parts: str, says: str
) -> None:
    api = FakeApi()
    api.refuse |= {f"TraceSetInformation stack_tracing{parts}": 87, "NtSetSystemInformation": 0xC000000D}
    notes, steps = recorded(api, tmp_path)
    assert says in notes[0]
    assert outcomes(steps, "stacks-by-hook-id") == [("stacks-by-hook-id", 0xC000000D, "left-out")]


def test_a_state_that_windows_does_not_give_is_no_news(tmp_path: Path) -> None:
    notes, steps = recorded(FakeApi(), tmp_path)  # which refuses it for a system provider
    assert outcomes(steps, "rundown") == [("rundown", 50, "left-out")]
    assert notes == ()


def test_a_provider_that_too_many_have_turned_on_is_told_as_such() -> None:
    api = FakeApi()
    with Capture.open(CapturePlan(), api) as first:
        assert first.notes == ()
    api.refuse["EnableTraceEx2"] = Status.NO_SYSTEM_RESOURCES
    with Capture.open(CapturePlan(), api) as capture:
        assert sum("more than eight sessions have it turned on" in note for note in capture.notes) == 2


def test_steps_of_a_start_that_fails_are_told_too() -> None:
    api, steps = FakeApi(), list[StartStep]()
    api.refuse["OpenTraceW"] = Status.ACCESS_DENIED
    with pytest.raises(MachineError):
        Capture.open(CapturePlan(), api, steps=steps)
    assert outcomes(steps, "start", "open") == [("start", 0, "granted"), ("open", 5, "refused")]
    assert api.ours == []
