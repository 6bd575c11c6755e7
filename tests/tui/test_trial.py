"""All that a Windows may answer to a trial: each verdict is right, and no session is left."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from analyzers.tags import TagNames
from fixtures.held_requests import Held, Holder
from tests.tracer.live.counted import refusing
from tests.tracer.traces import UNJITTED
from tests.tui.made_windows import MadeWindows, consumer, installed
from tests.tui.trials import TrialApi, fast, machine_of, traffic_of_the_leak, tried
from tracer.live.steps import StartStep
from tracer.live.this_machine import ThisMachine
from tui.cli import main
from tui.doctor.attempting import END, Attempt, Observation
from tui.doctor.examining import examine
from tui.doctor.traffic import OwnTraffic
from tui.doctor.trial import Trial
from tui.doctor.verdicts import State, Verdict, verdicts
from tui.exit_codes import ExitCode

GRANTED, REFUSED, UNMET, NOT_TOLD, SKIPPED = State
NATIVE = pytest.mark.skipif(UNJITTED, reason="the callback is native: there is no plain Python form of it")
TIMED = ("held-by-apcs", "held-by-port")
"""Points that depend on what has come by when: a test of their own waits long enough."""

ALL_GRANTED = {
    "counters": GRANTED, "privilege": GRANTED, "session": GRANTED, "independent-mode": GRANTED, "busy": GRANTED,
    "providers": GRANTED, "open": GRANTED, "pool-events": GRANTED, "rundown": GRANTED, "pool-stacks": GRANTED,
    "ready-stacks": UNMET,  # the kernel that is played logs these two without stacks,
    "completion-stacks": UNMET,
    "tag-filter": UNMET,  # takes the filter and sends every tag,
    "sockets": GRANTED, "requests": GRANTED,
    "queues": UNMET,  # and its threads use no queue
    "addresses": GRANTED, "loss": GRANTED, "reclaim": GRANTED, "recording": GRANTED, "recording-size": GRANTED,
    "recording-sockets": GRANTED,
    "identities": UNMET,  # of a file that Windows has written, not of a merged one
    "file-limit": GRANTED, "wpr-profile": SKIPPED, "sessions-left": GRANTED,
}  # fmt: skip
CAPTURED = (
    *("providers", "open", "pool-events", "rundown", "pool-stacks", "ready-stacks", "completion-stacks", "tag-filter"),
    *("sockets", "requests", "queues", "addresses", "loss"),
)
RECORDED = ("recording", "recording-size", "recording-sockets", "identities", "file-limit")


def all_of(points: tuple[str, ...], state: State) -> dict[str, State]:
    return dict.fromkeys(points, state)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.doctor.attempting.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("tracer.live.capture.POLL_SECONDS", 0.005)
    monkeypatch.setattr("tracer.live.starting.BUSY_SECONDS", 0.0)
    consumer(monkeypatch, "0.2.0")


def judged(refuse: Mapping[str, int], once: Mapping[str, int] | None = None, build: int = 26100) -> dict[str, Verdict]:
    """The verdicts of a Windows that refuses these calls; nothing of ours may run afterwards."""
    traffic = traffic_of_the_leak()
    api = TrialApi(traffic, build=build)
    machine = machine_of(api)
    api.refuse.update({call: status for call, status in refuse.items() if call != "counters"})
    api.once.update(once or {})
    if "counters" in refuse:
        machine = ThisMachine(api, machine.asking, refusing(refuse["counters"]))
    made = tried(machine, traffic)
    assert api.ours == []
    assert traffic.ended
    return {each.point: each for each in verdicts(made)}


def states(found: Mapping[str, Verdict]) -> dict[str, State]:
    return {point: each.state for point, each in found.items() if point not in TIMED}


SINGLE: list[tuple[str, dict[str, int], dict[str, State], str, str]] = [
    ("AdjustTokenPrivileges", {"AdjustTokenPrivileges": 1314}, {"privilege": REFUSED}, "privilege", ""),
    ("independent", {"StartTraceW independent": 87}, {"independent-mode": REFUSED}, "independent-mode", ""),
    (
        "memory", {"EnableTraceEx2 memory": 87}, {"pool-events": REFUSED, "tag-filter": REFUSED}, "pool-events",
        "pool-by-group-mask",
    ),
    ("scheduler", {"EnableTraceEx2 scheduler": 87}, {"providers": REFUSED}, "providers", "pool-by-group-mask"),
    (
        "completion stacks", {"TraceSetInformation stack_tracing completion": 87}, {"pool-stacks": REFUSED},
        "pool-stacks", "stacks-shorter",
    ),
    (
        "pool stacks", {"TraceSetInformation stack_tracing pool": 87}, {"pool-stacks": REFUSED}, "pool-stacks",
        "stacks-by-hook-id",
    ),
    (
        "stacks", {"TraceSetInformation stack_tracing": 50, "NtSetSystemInformation": 5}, {"pool-stacks": REFUSED},
        "pool-stacks", "",
    ),
    ("filter", {"filter": 87}, {"tag-filter": REFUSED}, "tag-filter", ""),
    ("afd", {"EnableTraceEx2 afd": 1450}, {"sockets": REFUSED, "recording-sockets": REFUSED}, "sockets", ""),
    ("sessions", {"QueryAllTracesW": 5}, {"reclaim": NOT_TOLD, "sessions-left": NOT_TOLD}, "sessions-left", ""),
    ("counters", {"counters": 0xC0000022}, {"counters": REFUSED}, "counters", ""),
    ("open", {"OpenTraceW": 5}, all_of(CAPTURED, REFUSED), "open", ""),
    (
        "start", {"StartTraceW": 5},
        all_of(("session", "independent-mode", *CAPTURED, "reclaim", *RECORDED), REFUSED), "session", "",
    ),
]  # fmt: skip


@NATIVE
def test_when_all_is_granted_the_leak_is_seen_accused_and_seen_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tui.trials.SCALE", 0.1)
    found = judged({})
    assert states(found) == ALL_GRANTED
    held = found["held-by-apcs"]
    assert (held.state, held.says) == (
        GRANTED,
        "of 21 IRPs held 21 were seen, 0 after their release; verdict: pending-apc",
    )
    assert found["held-by-port"].state is UNMET  # the kernel that is played has no port


@NATIVE
@pytest.mark.parametrize(
    ("refuse", "changes", "point", "used"), [case[1:] for case in SINGLE], ids=[c[0] for c in SINGLE]
)
def test_each_refusal_changes_its_own_verdicts_and_no_other(
    refuse: dict[str, int], changes: dict[str, State], point: str, used: str
) -> None:
    found = judged(refuse)
    assert states(found) == ALL_GRANTED | changes
    assert found[point].used.startswith(used)
    assert bool(found[point].used) == bool(used)
    if found[point].state is REFUSED and point != "counters":
        assert found[point].status in refuse.values()
        assert f"error {found[point].status}" in found[point].says


@NATIVE
@pytest.mark.repeats
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_refusals_at_random_change_the_verdicts_of_each(seed: int) -> None:
    apart = [case for case in SINGLE if case[0] not in ("start", "open", "pool stacks", "completion stacks")]
    chosen = random.Random(seed).sample(apart, 3)
    refuse, changes = dict[str, int](), dict[str, State]()
    for _, calls, changed, _, _ in chosen:
        refuse.update(calls)
        changes.update(changed)
    assert states(judged(refuse)) == ALL_GRANTED | changes


@NATIVE
def test_a_call_that_was_busy_once_is_told_and_nothing_else_changes() -> None:
    found = judged({}, once={"EnableTraceEx2 memory": 170})
    assert states(found) == ALL_GRANTED
    assert found["busy"].says == "EnableTraceEx2 for memory was busy, and took it when asked again"


@NATIVE
def test_a_build_without_system_providers_has_no_filter_to_judge() -> None:
    found = judged({}, build=19045)
    assert states(found) == ALL_GRANTED | {"tag-filter": SKIPPED}


@NATIVE
def test_ctrl_c_ends_it_with_verdicts_of_what_was_tried_and_nothing_left() -> None:
    traffic = traffic_of_the_leak()
    traffic.interrupt_at = Holder.APCS
    api = TrialApi(traffic)
    made = tried(machine_of(api), traffic)
    found = {each.point: each for each in verdicts(made)}
    assert made.interrupted
    assert found["pool-stacks"].state is GRANTED
    assert (found["tag-filter"].state, found["tag-filter"].says) == (SKIPPED, "the trial was interrupted")
    assert found["sessions-left"].state is GRANTED
    assert api.ours == []
    assert traffic.ended


def observed(before: int, there: int, after: int, *against: str) -> Attempt:
    made = Attempt()
    irps = {"before": 0, "apcs": 0, "after apcs": before, "port": there, END: after}
    for name, count in irps.items():
        made.observations[name] = Observation(count, against if name == "port" else ())
    return made


@pytest.mark.parametrize(
    ("attempt", "state", "says"),
    [
        (observed(7, 990, 12, "undrained-port"), GRANTED, "983 were seen, 5 after"),
        (observed(7, 990, 12, "growth"), UNMET, "not accused: growth"),
        (observed(7, 20, 12, "undrained-port"), UNMET, "13 were seen"),
        (observed(7, 990, 980, "undrained-port"), UNMET, "973 after"),
    ],
)
def test_a_port_is_judged_by_what_came_who_was_accused_and_what_went(
    attempt: Attempt, state: State, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Trial(examine(MadeWindows().machine(), TagNames(())))
    made.attempts["everything"] = attempt
    made.held[Holder.PORT] = Held(Holder.PORT, 1_000, 1_000)
    found = next(each for each in verdicts(made) if each.point == "held-by-port")
    assert found.state is state
    assert says in found.says


def test_a_call_that_stays_busy_is_refused() -> None:
    made = Trial(examine(MadeWindows().machine(), TagNames(())))
    steps = [
        StartStep("retry-busy", "StartTraceW", "kernel", 170, "retried"),
        StartStep("start", "StartTraceW", "kernel", 170, "refused"),
    ]
    made.attempts["plain"] = Attempt(steps=steps)
    found = next(each for each in verdicts(made) if each.point == "busy")
    assert (found.state, found.status) == (REFUSED, 170)


def test_addresses_that_are_hidden_are_told() -> None:
    made = Trial(examine(MadeWindows().machine(), TagNames(())))
    made.attempts["everything"] = Attempt(seen={"pool": 100}, no_address=100)
    found = next(each for each in verdicts(made) if each.point == "addresses")
    assert (found.state, found.says) == (UNMET, "100 of 100 pool events and 0 of 0 stacks have none")


def test_processes_that_a_snapshot_names_are_told_as_that() -> None:
    made = Trial(examine(MadeWindows().machine(), TagNames(())))
    made.attempts["plain"] = Attempt(processes=90, knows_itself=True)
    found = next(each for each in verdicts(made) if each.point == "rundown")
    assert (found.state, found.used) == (UNMET, "a snapshot")
    assert "90 processes are named, this one too" in found.says


@pytest.mark.skipif(sys.platform == "win32", reason="there they are held")
def test_traffic_that_cannot_be_made_says_why() -> None:
    traffic = OwnTraffic()
    traffic.hold(Holder.APCS)
    traffic.end()
    assert traffic.held == {}
    assert "only Windows holds finished requests" in traffic.failures[0]


@NATIVE
def test_the_command_writes_a_file_that_names_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "USERNAME": "Erika.Mustermann",
        "COMPUTERNAME": "BUCHHALTUNG7",
        "USERDOMAIN": "CONTOSO",
    }.items():
        monkeypatch.setenv(name, value)
    traffic = traffic_of_the_leak()
    api = TrialApi(traffic)
    api.foreign("trace of erika.mustermann on BUCHHALTUNG7")
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine_of(api))
    monkeypatch.setattr("tui.doctor.traffic.OwnTraffic", lambda: traffic)
    monkeypatch.setattr("tui.doctor.trial.Time", fast)
    out = tmp_path / "trial.json"
    assert main(["doctor", "--trial", str(out)]) == ExitCode.DONE
    shown = capsys.readouterr()
    assert "attach it to an issue" in " ".join(shown.out.split())
    assert "9 of 9: " in shown.err
    text = out.read_text("ascii")
    told = json.loads(text)
    assert {each["point"]: each["verdict"] for each in told["verdicts"] if each["point"] not in TIMED} == ALL_GRANTED
    assert "trace of <user> on <host>" in [each["name"] for each in told["machine"]["sessions"]]
    assert not [
        word for word in ("mustermann", "buchhaltung7", "contoso", str(tmp_path).lower()) if word in text.lower()
    ]
    assert main(["doctor", "--trial", str(out)]) == ExitCode.USAGE  # there is a file now


def test_without_elevation_it_says_what_to_do_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(is_elevated=False))
    out = tmp_path / "trial.json"
    assert main(["doctor", "--trial", str(out), "--json"]) == ExitCode.MACHINE
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "access-denied"
    assert "Run as administrator" in error["next"]
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there it is Windows")
def test_elsewhere_it_says_where_it_can_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--trial", str(tmp_path / "trial.json"), "--json"]) == ExitCode.MACHINE
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "no-capture"
    assert error["next"]


@NATIVE
@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is asked as other systems tell it")
def test_a_trial_takes_less_than_half_a_gigabyte() -> None:
    words = """
from benchmarks.machine import peak_memory
from tests.tui import trials
from tui.doctor import attempting
attempting.LOOK_SECONDS = 0.01
traffic = trials.traffic_of_the_leak()
trials.tried(trials.machine_of(trials.TrialApi(traffic)), traffic)
print(peak_memory() >> 20)
"""
    said = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout
    assert int(said) < 512
