"""The trials of a Windows machine in their order: short sessions, each with one thing more than the one before.

Every wait is of ``passing``'s seconds. Nothing that was started goes on afterwards, whatever happens: sessions,
threads, files, WPR.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Final

from analyzers.formatting import counted
from fixtures.held_requests import Held, Holder
from tracer.data_classes import dataclass
from tracer.errors import MachineError, PoolscopeError
from tracer.etl.file import EtlFile
from tracer.images.carried import IDENTITIES
from tracer.live import failures
from tracer.live.api import Api, Control, Status
from tracer.live.names import Owner, owner_of, session_name
from tracer.live.plan import Buffers, CapturePlan
from tracer.live.starting import real_time_properties
from tracer.live.steps import StartStep
from tracer.live.structures import NamedProperties
from tracer.live.this_machine import ThisMachine
from tracer.trace import ByteCount
from tui.capture.recording import End, Recorded, Time, recorded
from tui.doctor.attempting import Attempt, Counts, Stage, attempt
from tui.doctor.checks import State
from tui.doctor.examining import Examination
from tui.doctor.traffic import Traffic
from tui.doctor.wpr import Wpr, WprOutcome

SMALL_FILE: Final = 8 << 20
"""The bound of the recording that must end when it is full."""
_KINDS: Final = frozenset({"pool", "process", "image", IDENTITIES, "irp", "thread"})
_SMALL: Final = Buffers(kilobytes=64, least=4, most=8)
_READS: Final = (b"Irp ",)
"""Tags that the filtered capture asks for: this process makes such while it runs."""


@dataclass(slots=True)
class FileTrial(Counts):
    """A recording that was tried, and what reading it gave; ``error``: what kept it from its end."""

    asked_seconds: float = 0.0
    most_bytes: int = 0
    steps: list[StartStep] = field(default_factory=list)
    recorded: Recorded | None = None
    bytes: ByteCount | None = None
    error: PoolscopeError | None = None


@dataclass(slots=True)
class Trial:
    """All that was seen. A trial that is in none of the tables did not come to its turn.

    ``left``: sessions of ours that were found, and stopped, at the end; ``None`` where Windows does not show them.
    """

    found: Examination
    attempts: dict[str, Attempt] = field(default_factory=dict)
    files: dict[str, FileTrial] = field(default_factory=dict)
    held: dict[Holder, Held] = field(default_factory=dict)
    orphan: tuple[str, int] | None = None
    wpr: WprOutcome | None = None
    rounds: int = 0
    failures: tuple[str, ...] = ()
    left: tuple[str, ...] | None = None
    interrupted: bool = False
    seconds: float = 0.0


def require_trial(found: Examination) -> None:
    """Raise MachineError where a trial cannot begin: the first thing that stands in the way, and its fix."""
    for check in found.checks:
        if check.state is State.BAD:
            code = failures.ACCESS_DENIED if check.name == "elevation" else "no-trial"
            what = "the trial cannot begin on this machine as it is"
            raise MachineError(code, what, where="poolscope doctor --trial", why=check.says, next=check.fix)


def run_trial(
    machine: ThisMachine,
    found: Examination,
    traffic: Traffic,
    wpr: Wpr | None,
    say: Callable[[str], None],
    passing: Time | None = None,
) -> Trial:
    """Run all of them; Ctrl-C ends them early. ``wpr`` is ``None`` where there is none."""
    made, time = Trial(found), passing or Time()
    began, run = time.clock(), _Run(machine, traffic, wpr, made, time)
    try:
        for number, (name, words) in enumerate(ORDER, start=1):
            say(f"{number} of {len(ORDER)}: {words}")
            getattr(run, f"try_{name}")()
    except KeyboardInterrupt:
        made.interrupted = True
    finally:
        traffic.end()
        made.left = _stop_what_is_left(machine.api, made.orphan)
    made.held, made.rounds, made.failures = traffic.held, traffic.rounds, tuple(traffic.failures)
    made.seconds = time.clock() - began
    return made


ORDER: Final = (
    ("plain", "a session without stacks and sockets"),
    ("pool", "pool events alone"),
    ("stacks", "with call stacks"),
    ("tags", "one tag alone"),
    ("everything", "everything, while requests are held and let go"),
    ("reclaim", "a session that a crash has left behind"),
    ("recording", "a recording of an idle machine"),
    ("small_file", "a recording with a small bound"),
    ("wpr", "the profile for WPR"),
)
"""Each trial and what it is, in words."""


@dataclass(slots=True)
class _Run:
    machine: ThisMachine
    traffic: Traffic
    wpr: Wpr | None
    made: Trial
    passing: Time

    def try_plain(self) -> None:
        self._attempt("plain", CapturePlan(stacks=False, sockets=False), Stage("quiet", 4))

    def try_pool(self) -> None:
        plan = CapturePlan(stacks=False, sockets=False, requests=False, context_switches=False)
        self._attempt("pool", plan, Stage("quiet", 3))

    def try_stacks(self) -> None:
        self._attempt("stacks", CapturePlan(sockets=False), Stage("loop", 4, self.traffic.sockets))

    def try_tags(self) -> None:
        hold = Stage("held", 3, lambda: self.traffic.hold(Holder.APCS))
        self._attempt("tags", CapturePlan(tags=_READS, sockets=False), hold)
        self.traffic.let_go()

    def try_everything(self) -> None:
        self._attempt(
            "everything", CapturePlan(),
            Stage("before", 4, self.traffic.sockets),
            Stage("apcs", 4, lambda: self.traffic.hold(Holder.APCS)),
            Stage("after apcs", 4, self.traffic.let_go),
            Stage("port", 4, lambda: self.traffic.hold(Holder.PORT)),
            Stage("after port", 4, self.traffic.let_go),
        )  # fmt: skip

    def try_reclaim(self) -> None:
        """A session by the name of a process that is gone: what a crash leaves behind."""
        api, name = self.machine.api, session_name("kernel", Owner(_gone_process(), 1))
        status, _ = api.start_trace(name, real_time_properties(_SMALL))
        self.made.orphan = name, status
        if status != Status.SUCCESS:
            return
        try:
            self._attempt("reclaim", CapturePlan(stacks=False, sockets=False), Stage("quiet", 1))
        finally:  # it is gone already where all is well
            api.control_trace(name, NamedProperties.empty(), Control.STOP)

    def try_recording(self) -> None:
        self._record("idle", 15, 0)

    def try_small_file(self) -> None:
        self.traffic.sockets()
        self._record("small", 10, SMALL_FILE)

    def try_wpr(self) -> None:
        if self.wpr is not None:
            with tempfile.TemporaryDirectory(prefix="poolscope-") as folder:
                self.made.wpr = self.wpr.tried(Path(folder), self.traffic.sockets, partial(self.passing.sleep, 5.0))

    def _attempt(self, name: str, plan: CapturePlan, *stages: Stage) -> None:
        self.made.attempts[name] = attempt(self.machine.api, plan, stages, self.passing.clock)

    def _record(self, name: str, seconds: float, most_bytes: int) -> None:
        made = self.made.files[name] = FileTrial(asked_seconds=seconds, most_bytes=most_bytes)
        with tempfile.TemporaryDirectory(prefix="poolscope-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "trial.etl"
            plan = CapturePlan(seconds=made.asked_seconds, file=path, most_bytes=most_bytes)
            try:
                made.recorded = recorded(self.machine, plan, (), self.passing, steps=made.steps)
                if made.recorded.ended_by is End.INTERRUPTED:
                    raise KeyboardInterrupt
                with EtlFile.open(path) as trace:
                    for batch in trace.batches(_KINDS):
                        made.take(batch)
                    made.census, made.bytes = trace.census, trace.bytes
            except PoolscopeError as error:
                made.error = error


def _gone_process() -> int:
    """The id of a process that has just ended."""
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL) as process:
        return process.pid


def _stop_what_is_left(api: Api, orphan: tuple[str, int] | None) -> tuple[str, ...] | None:
    """Stop sessions of this process, and the one left behind on purpose, that still run, which none should: names."""
    status, running = api.sessions()
    if status not in (Status.SUCCESS, Status.MORE_DATA):
        return None
    own, also = api.own_process(), "" if orphan is None else orphan[0]
    left = tuple(
        each.name for each in running if each.name == also or ((owner := owner_of(each.name)) and owner.process == own)
    )
    for name in left:
        with suppress(MachineError):
            api.control_trace(name, NamedProperties.empty(), Control.STOP)
    return left


def words_of(made: Trial) -> str:
    """How it went, in short."""
    tried = len(made.attempts) + len(made.files) + (made.wpr is not None)
    return f"{counted(tried, 'session')} in {made.seconds:.0f} s"
