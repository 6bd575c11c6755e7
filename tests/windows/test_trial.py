"""The trial of a Windows, on Windows CPython against the stand-in: right verdicts, and no session left."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from analyzers.tags import TagNames
from fixtures.held_requests import Holder
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.tracer.live.counted import Kernel, Tag
from tests.tui.made_windows import MadeWindows
from tests.tui.trials import MadeTraffic, fast
from tests.windows.capturing import Api
from tests.windows.standin import StandIn
from tests.windows.stream import stream_of
from tracer.live.this_machine import ThisMachine
from tui.doctor.examining import examine
from tui.doctor.traffic import OwnTraffic, Traffic
from tui.doctor.trial import run_trial
from tui.doctor.verdicts import State, Verdict, verdicts

Play = Callable[[bytes], None]
GRANTED, REFUSED, UNMET, NOT_TOLD, SKIPPED = State
OF_THIS_PROCESS = ("held-by-apcs", "held-by-port", "rundown")
"""Points about this very process, which is in no stream."""
TRACE = simulate("winsock-loop", 7, Settings(iterations=24))

ALL_GRANTED = {
    "counters": GRANTED, "privilege": GRANTED, "session": GRANTED, "independent-mode": GRANTED, "busy": GRANTED,
    "providers": GRANTED, "open": GRANTED, "pool-events": GRANTED, "pool-stacks": GRANTED,
    "ready-stacks": UNMET, "completion-stacks": UNMET,  # the stream has them without stacks,
    "tag-filter": GRANTED, "sockets": GRANTED, "requests": GRANTED,
    "queues": UNMET,  # and its threads use no queue
    "addresses": GRANTED, "loss": GRANTED, "reclaim": GRANTED, "recording": GRANTED, "recording-size": GRANTED,
    "recording-sockets": GRANTED, "identities": UNMET, "file-limit": GRANTED, "wpr-profile": SKIPPED,
    "sessions-left": GRANTED,
}  # fmt: skip
SINGLE: dict[str, tuple[dict[str, int], dict[str, State]]] = {
    "independent": ({"StartTraceW independent": 87}, {"independent-mode": REFUSED}),
    "memory": ({"EnableTraceEx2 memory": 87}, {"pool-events": REFUSED, "tag-filter": REFUSED}),
    "completion": ({"TraceSetInformation stacks completion": 87}, {"pool-stacks": REFUSED}),
    "hooks": ({"TraceSetInformation stacks": 50}, {"pool-stacks": REFUSED}),
    "sessions": ({"QueryAllTracesW": 5}, {"reclaim": NOT_TOLD, "sessions-left": NOT_TOLD}),
}


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch, standin: StandIn) -> Iterator[None]:
    monkeypatch.setattr("tui.doctor.attempting.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("tracer.live.starting.BUSY_SECONDS", 0.0)
    yield
    assert standin.count("ours") == 0, "a session of ours still runs"
    assert standin.count("open") == 0, "a consumer's handle is still open"


@pytest.fixture
def judged(standin: StandIn, play: Play, tmp_path: Path) -> Callable[[Traffic], dict[str, Verdict]]:
    """The verdicts of a trial, by point."""
    ready = tmp_path / "ready.etl"
    TRACE.write(ready)
    standin.record(ready)
    play(stream_of(TRACE))

    def judge(traffic: Traffic) -> dict[str, Verdict]:
        machine = ThisMachine(Api(), MadeWindows(), Kernel([Tag(b"AfdE", nonpaged=(10, 4, 960))]).query)
        made = run_trial(machine, examine(machine, TagNames(())), traffic, None, lambda _: None, fast())
        return {each.point: each for each in verdicts(made)}

    return judge


def states(found: Mapping[str, Verdict]) -> dict[str, State]:
    return {point: each.state for point, each in found.items() if point not in OF_THIS_PROCESS}


def test_all_is_granted_while_requests_are_really_held_and_let_go(
    judged: Callable[[Traffic], dict[str, Verdict]],
) -> None:
    traffic = OwnTraffic(count=300)
    assert states(judged(traffic)) == ALL_GRANTED
    assert {holder: (each.issued, each.released) for holder, each in traffic.held.items()} == {
        Holder.APCS: (300, 300), Holder.PORT: (300, 300),
    }  # fmt: skip
    assert traffic.rounds > 0
    assert traffic.failures == []


@pytest.mark.parametrize("name", SINGLE)
def test_each_refusal_changes_its_own_verdicts_and_no_other(
    standin: StandIn, judged: Callable[[Traffic], dict[str, Verdict]], name: str
) -> None:
    refuse, changes = SINGLE[name]
    for function, status in refuse.items():
        standin.refuse(function, status)
    assert states(judged(MadeTraffic(1))) == ALL_GRANTED | changes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_refusals_at_random_change_the_verdicts_of_each(
    standin: StandIn, judged: Callable[[Traffic], dict[str, Verdict]], seed: int
) -> None:
    expected = dict(ALL_GRANTED)
    for refuse, changes in random.Random(seed).sample(list(SINGLE.values()), 2):
        for function, status in refuse.items():
            standin.refuse(function, status)
        expected.update(changes)
    assert states(judged(MadeTraffic(1))) == expected
