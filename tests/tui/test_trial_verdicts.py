"""Each verdict of a trial both ways: what came is granted, what did not is told, by numbers alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.tags import TagNames
from tests.tui.made_windows import MadeWindows
from tracer.errors import OutputError
from tracer.events import afd, irp, process, thread
from tracer.live.steps import StartStep
from tracer.trace import ByteCount, Census, Loss
from tui.capture.recording import End, Recorded
from tui.doctor.attempting import Attempt
from tui.doctor.examining import examine
from tui.doctor.trial import SMALL_FILE, FileTrial, Trial
from tui.doctor.verdicts import State, Verdict, verdicts

MB = 1 << 20
HOOKS = Census(9, {}, {process.RUNDOWN_START: 3}, {})
AFD = Census(9, {}, {}, {afd.PROVIDER: 4})
NOTHING = Census(0, {}, {}, {})


def verdict(point: str, made: Trial) -> Verdict:
    return next(each for each in verdicts(made) if each.point == point)


def trial(**parts: object) -> Trial:
    made = Trial(examine(MadeWindows().machine(), TagNames(())))
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def file(size: int, *, padding: int = 0, by: End = End.TIME, census: Census = NOTHING, **seen: int) -> FileTrial:
    done = Recorded(Path("trial.etl"), size, 10.0, by, None, Loss(0, 0, ()), (), ())
    return FileTrial(
        seen=seen, census=census, most_bytes=SMALL_FILE, recorded=done, bytes=ByteCount(0, size - padding, padding, 0)
    )


@pytest.mark.parametrize(
    ("point", "name", "tried", "state"),
    [
        ("recording", "idle", file(MB, census=HOOKS, pool=5, image=2), State.GRANTED),
        ("recording", "idle", file(MB, census=HOOKS, image=2), State.UNMET),
        ("recording", "idle", file(MB, census=HOOKS, pool=5), State.UNMET),
        ("recording", "idle", file(MB, pool=5, image=2), State.UNMET),
        ("recording-size", "idle", file(100 * MB, padding=40 * MB), State.GRANTED),
        ("recording-size", "idle", file(100 * MB, padding=60 * MB), State.UNMET),
        ("recording-size", "idle", file(2 * MB, padding=2 * MB), State.GRANTED),
        ("recording-sockets", "small", file(MB, census=AFD), State.GRANTED),
        ("recording-sockets", "small", file(MB), State.UNMET),
        ("identities", "idle", file(MB, image_identity=7), State.GRANTED),
        ("identities", "idle", file(MB), State.UNMET),
        ("file-limit", "small", file(SMALL_FILE, by=End.FULL), State.GRANTED),
        ("file-limit", "small", file(SMALL_FILE + 3 * MB), State.UNMET),
        ("file-limit", "small", file(SMALL_FILE, by=End.SESSION), State.UNMET),
    ],
)
def test_a_recording_is_judged_by_what_is_in_it(point: str, name: str, tried: FileTrial, state: State) -> None:
    assert verdict(point, trial(files={name: tried})).state is state


def test_a_recording_that_failed_is_told_by_the_step_that_did() -> None:
    error = OutputError("x", "it could not be written", where="trial.etl", why="the disk is full", next="-")
    tried = FileTrial(steps=[StartStep("start", "StartTraceW", "kernel", 112, "refused")], error=error)
    found = verdict("recording", trial(files={"idle": tried}))
    assert (found.state, found.status) == (State.REFUSED, 112)
    assert "the disk is full" in found.says


def kernel(**hooks: int) -> Attempt:
    named = {"call": irp.CALL, "complete": irp.COMPLETE, "put": thread.QUEUE_INSERT, "take": thread.QUEUE_REMOVE}
    return Attempt(census=Census(9, {}, {named[name]: many for name, many in hooks.items()}, {}))


@pytest.mark.parametrize(
    ("point", "name", "tried", "state"),
    [
        ("requests", "everything", kernel(call=5, complete=5), State.GRANTED),
        ("requests", "everything", kernel(call=5), State.UNMET),
        ("requests", "everything", kernel(complete=5), State.UNMET),
        ("queues", "everything", kernel(put=5, take=5), State.GRANTED),
        ("queues", "everything", kernel(put=5), State.UNMET),
        ("queues", "everything", kernel(take=5), State.UNMET),
        ("loss", "everything", Attempt(loss=Loss(0, 0, ())), State.GRANTED),
        ("loss", "everything", Attempt(loss=Loss(1, 0, ())), State.UNMET),
        ("loss", "everything", Attempt(loss=Loss(0, 1, ())), State.UNMET),
        ("loss", "everything", Attempt(), State.NOT_TOLD),
        ("addresses", "everything", Attempt(seen={"pool": 9}, stacks=9), State.GRANTED),
        ("addresses", "everything", Attempt(seen={"pool": 9}, stacks=9, hidden_stacks=9), State.UNMET),
        ("ready-stacks", "stacks", Attempt(seen={"ready_thread": 9}, with_stack={"ready_thread": 9}), State.GRANTED),
        ("ready-stacks", "stacks", Attempt(seen={"ready_thread": 9}, with_stack={"ready_thread": 1}), State.UNMET),
        ("rundown", "plain", Attempt(processes=9, knows_itself=True, census=HOOKS), State.GRANTED),
        ("rundown", "plain", Attempt(processes=9, census=HOOKS), State.UNMET),
    ],
)
def test_a_capture_is_judged_by_what_came(point: str, name: str, tried: Attempt, state: State) -> None:
    assert verdict(point, trial(attempts={name: tried})).state is state


@pytest.mark.parametrize(
    ("sent_unasked", "seen", "state"), [(0, 5, State.GRANTED), (1, 5, State.UNMET), (0, 0, State.UNMET)]
)
def test_a_filter_that_is_taken_is_judged_by_what_stays_away(sent_unasked: int, seen: int, state: State) -> None:
    steps = [StartStep("tag-filter", "EnableTraceEx2", "pool tags", 0, "granted")]
    tried = Attempt(steps=steps, sent_unasked=sent_unasked, seen={"pool": seen})
    assert verdict("tag-filter", trial(attempts={"tags": tried})).state is state


ORPHAN = "Poolscope kernel 1-1"


@pytest.mark.parametrize(
    ("steps", "left", "state"),
    [
        ([StartStep("reclaim", "ControlTraceW", ORPHAN, 0, "granted")], (), State.GRANTED),
        ([StartStep("reclaim", "ControlTraceW", ORPHAN, 5, "left-out")], (), State.REFUSED),
        ([StartStep("reclaim", "ControlTraceW", "another", 0, "granted")], (), State.UNMET),
        ([], None, State.NOT_TOLD),
    ],
)
def test_a_session_left_behind_is_judged_by_who_stopped_it(
    steps: list[StartStep], left: tuple[str, ...] | None, state: State
) -> None:
    made = trial(orphan=(ORPHAN, 0), attempts={"reclaim": Attempt(steps=steps)}, left=left)
    assert verdict("reclaim", made).state is state


@pytest.mark.parametrize(("left", "state"), [((), State.GRANTED), ((ORPHAN,), State.UNMET), (None, State.NOT_TOLD)])
def test_sessions_that_still_ran_at_the_end_are_told(left: tuple[str, ...] | None, state: State) -> None:
    assert verdict("sessions-left", trial(left=left)).state is state
