"""The sessions of one capture: which there are, how they are set up, and what could not be turned on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from functools import partial
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import MachineError
from tracer.etl.headers import ClockType, LogFileMode
from tracer.live import failures
from tracer.live.api import Api, Enable, InfoClass, Machine, Status
from tracer.live.enabling import (
    BASIC_FLAGS,
    MEMORY,
    PROCESS,
    STACK_HOOKS,
    STACK_LISTS,
    PoolTagFilter,
    Provider,
    group_mask,
    has_pool,
    kinds_enabled,
    socket_providers,
    stack_events,
    system_providers,
)
from tracer.live.names import session_name
from tracer.live.plan import FIRST_BUILD, Buffers, CapturePlan, Way, buffers_for, way_for
from tracer.live.session import Losses, Session, owner, reclaim, refused_start
from tracer.live.steps import Outcome, StartStep
from tracer.live.structures import NAME_CHARACTERS, EnableTraceParameters, NamedProperties, wide

_TRACED_GUID: Final = 0x20000
"""WNODE_FLAG_TRACED_GUID."""
_FLUSH_SECONDS: Final = 1
"""How long an event may wait in a buffer that does not fill, where somebody waits for it. A file is given full ones."""
_MB: Final = 20
_KEPT_FREE: Final = 300 << _MB
"""StartTrace refuses a file whose bound leaves less than 200 MB free on the system's drive."""
BUSY_SECONDS: Final = 1.0
"""After which a call that was answered with 170 (busy) is repeated."""


@dataclass(slots=True)
class Sessions:
    """The sessions of one capture. ``notes``: what Windows did not offer, each a sentence; nothing fatal.

    ``steps``: what was asked of Windows, in order. ``reclaimed``: names of sessions that a crashed capture had left
    behind and that were stopped. ``enabled``: what :func:`~tracer.live.enabling.kinds_enabled` says, once it is on.
    ``most_bytes``: bound of the file as it was asked for, 0 for none.
    """

    way: Way
    machine: Machine
    kernel: Session
    steps: list[StartStep]
    most_bytes: int = 0
    sockets: Session | None = None
    enabled: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    reclaimed: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Session, ...]:
        """The kernel's session, then the sockets' where there is one beside it."""
        return (self.kernel,) if self.sockets is None else (self.kernel, self.sockets)

    def poll(self) -> Losses:
        """What all of them say they lost so far."""
        return _sum([session.poll() for session in self.all])

    @property
    def losses(self) -> Losses:
        """What they said they lost when they were asked last."""
        return _sum([session.losses for session in self.all])

    def stop(self) -> None:
        """Stop every one of them, whatever happens to the others; the first error is raised."""
        stop_all(self.all)


def stop_all(sessions: tuple[Session, ...]) -> None:
    """Stop every session, whatever happens to the others; the first error is raised."""
    errors: list[BaseException] = []
    for session in sessions:
        for _ in range(2):  # Ctrl-C may come before Windows was asked
            try:
                session.stop()
            except MachineError as error:
                errors.append(error)
            except BaseException as error:
                errors.append(error)
                continue
            break
    if errors:
        raise errors[0]


def start_sessions(
    plan: CapturePlan, api: Api, steps: list[StartStep] | None = None, receive: Callable[[Session], int] | None = None
) -> Sessions:
    """Start what the plan asks for; where a step fails, what was started is stopped again.

    ``steps`` gets what was asked and answered, also where it fails. ``receive`` opens a session's events as soon as it
    runs and before anything is turned on in it, and gives OpenTrace's status: what comes at once is not lost, and
    Windows writes no playback file for a session without a consumer.

    :class:`~tracer.errors.MachineError`, codes of :mod:`tracer.live.failures`.
    """
    return _Start(plan, api, [] if steps is None else steps, receive).sessions()


class _Start:
    """One start: each call of Windows is a step in its log, and one that is refused has something else in its place."""

    def __init__(
        self, plan: CapturePlan, api: Api, steps: list[StartStep], receive: Callable[[Session], int] | None
    ) -> None:
        self._plan = plan
        self._api = api
        self._steps = steps
        self._receive = receive
        self._notes: list[str] = []
        self._machine = api.machine()
        self._begun: list[Session] = []
        """Those that Windows was asked to start, and did not refuse: its answer may never have come."""

    def sessions(self) -> Sessions:
        if self._machine.build < FIRST_BUILD:
            raise failures.too_old(self._machine.build, FIRST_BUILD)
        way = way_for(self._machine.build)
        reclaimed = reclaim(self._api, self._steps)
        ask = self._api.enable_profiling
        if withheld := self._ask("privilege", "AdjustTokenPrivileges", "profile the system", ask, "left-out"):
            self._notes.append(f"Windows withholds the right to profile the system (error {withheld})")
        most_bytes = self._most_bytes()
        try:
            kernel = self._session("kernel", partial(_kernel_properties, self._plan, self._machine, way, most_bytes))
            made = Sessions(way, self._machine, kernel, self._steps, most_bytes, notes=self._notes, reclaimed=reclaimed)
            self._turn_on(made)
        except BaseException:
            stop_all(tuple(self._begun))
            raise
        return made

    def _turn_on(self, made: Sessions) -> None:
        kernel = made.kernel
        self._open(kernel, "kernel")
        # The list of stacks first: the events that come at once, allocations, are wanted with theirs.
        if self._plan.stacks:
            self._stacks(kernel)
        off: frozenset[str] = frozenset()
        if made.way is Way.SYSTEM_PROVIDERS:
            off = self._system_providers(kernel)
        elif status := self._group_mask(kernel, "group-mask"):
            raise failures.refused("TraceSetInformation (group mask)", kernel.name, status)
        made.enabled = kinds_enabled(self._plan, off)
        if self._plan.sockets:
            if self._plan.file is None:  # else in the kernel's, so that one file holds everything
                made.sockets = self._session("sockets", partial(_properties, self._plan, self._machine, 0))
                self._open(made.sockets, "sockets")
            self._sockets(made.sockets or kernel)

    def _tried(self, call: str, asked: str, ask: Callable[[], int]) -> int:
        """Ask, and once more where Windows is busy: the last status."""
        status = ask()
        if status == Status.BUSY:
            self._steps.append(StartStep("retry-busy", call, asked, status, "retried"))
            time.sleep(BUSY_SECONDS)
            status = ask()
        return status

    def _log(self, name: str, call: str, asked: str, status: int, otherwise: Outcome = "refused") -> int:
        self._steps.append(StartStep(name, call, asked, status, "granted" if status == Status.SUCCESS else otherwise))
        return status

    def _ask(
        self, name: str, call: str, asked: str, ask: Callable[[], int], otherwise: Outcome = "refused"
    ) -> int:  # fmt: skip
        return self._log(name, call, asked, self._tried(call, asked, ask), otherwise)

    def _session(self, purpose: str, properties: Callable[[], NamedProperties]) -> Session:
        """Start a session, in independent mode where Windows takes it.

        Without it, what another session cannot take may be withheld from ours.
        """
        name, handle, given = session_name(purpose, owner(self._api)), 0, properties()
        given.properties.LogFileMode |= LogFileMode.INDEPENDENT_SESSION

        def start() -> int:
            nonlocal handle
            status, handle = self._api.start_trace(name, given)
            return status

        call = "StartTraceW"
        self._begun.append(Session(self._api, name, 0, given))
        status = self._tried(call, purpose, start)
        if status in (Status.SUCCESS, Status.INVALID_PARAMETER):
            self._log("independent-mode", call, purpose, status, "left-out")
        if status == Status.INVALID_PARAMETER:
            given = properties()
            status = self._tried(call, purpose, start)
        if self._log("start" if purpose == "kernel" else f"start-{purpose}", call, purpose, status):
            self._begun.pop()
            raise refused_start(self._api, name, given, self._plan.file, status)
        return Session(self._api, name, handle, given)

    def _open(self, session: Session, purpose: str) -> None:
        if self._receive is not None and (status := self._log("open", "OpenTraceW", purpose, self._receive(session))):
            raise failures.not_opened(session.name, status)

    def _stacks(self, kernel: Session) -> None:
        """The longest list that Windows takes; where that has no pool events, hook ids, which are not documented."""
        refused = 0
        for wanted in STACK_LISTS:
            ask = partial(self._api.set_information, kernel.handle, InfoClass.STACK_TRACING, stack_events(wanted.hooks))
            status = self._ask(wanted.step, "TraceSetInformation (stacks)", wanted.asked, ask)
            if status == Status.SUCCESS:
                break
            refused = refused or status
        if status != Status.SUCCESS or not has_pool(wanted.hooks):
            by_hooks = partial(self._api.set_stack_hooks, kernel.handle, STACK_HOOKS)
            if not self._ask("stacks-by-hook-id", "NtSetSystemInformation", STACK_LISTS[0].asked, by_hooks, "left-out"):
                self._notes.append(f"Windows does not take the list of call stacks (error {refused}): asked by hook id")
                return
        if status != Status.SUCCESS:
            self._notes.append(
                f"WITHOUT CALL STACKS: Windows does not record call stacks for this session (error {refused});"
                " who allocates is told by tag and process alone"
            )
        elif wanted.missing:
            self._notes.append(f"Windows does not record call stacks for {wanted.missing} (error {refused})")

    def _system_providers(self, kernel: Session) -> frozenset[str]:
        """Each kind by its provider; where one is refused, all of them by the group mask. Names of those still off."""
        call, refused = "EnableTraceEx2", dict[str, int]()
        for provider in system_providers(self._plan):
            is_pool = provider.guid == MEMORY
            if is_pool and self._plan.filtered_by_session and self._filtered(kernel, provider):
                continue
            step, ask = "pool-by-provider" if is_pool else "provider", partial(self._enable, kernel, provider)
            if status := self._ask(step, call, provider.name, ask):
                refused[provider.name] = status
        off = self._instead_of(refused, kernel) if refused else frozenset[str]()
        # What runs already. Windows is said to tell it by itself, and to refuse this; no answer is wrong.
        ask = partial(self._api.enable_trace, kernel.handle, PROCESS, Enable.CAPTURE_STATE, 0, 0, None)
        self._ask("rundown", call, "capture state", ask, "left-out")
        return off

    def _instead_of(self, refused: dict[str, int], kernel: Session) -> frozenset[str]:
        """The group mask in the place of providers; it replaces the whole mask, so that it holds every kind."""
        names = ", ".join(f"{name} (error {status})" for name, status in refused.items())
        if not self._group_mask(kernel, "pool-by-group-mask"):
            self._notes.append(f"Windows does not turn on the system provider {names}: the group mask does it")
            return frozenset()
        if "memory" in refused:
            raise failures.refused("EnableTraceEx2 (memory)", kernel.name, refused["memory"])
        self._notes.append(f"Windows does not turn on the system provider {names}: its events are missing")
        return frozenset(refused)

    def _group_mask(self, kernel: Session, step: str) -> int:
        ask = partial(self._api.set_information, kernel.handle, InfoClass.SYSTEM_FLAGS, group_mask(self._plan))
        return self._ask(step, "TraceSetInformation (group mask)", "all kinds", ask)

    def _filtered(self, kernel: Session, provider: Provider) -> bool:
        """Turn pool events on with the filter; false where Windows refuses it, and the consumer filters alone."""
        wanted = PoolTagFilter(self._plan.tags)
        ask = partial(self._enable, kernel, provider, wanted.parameters)
        if status := self._ask("tag-filter", "EnableTraceEx2", "pool tags", ask, "left-out"):
            self._notes.append(f"Windows does not filter by pool tag (error {status}): filtered here")
        else:
            self._log("pool-by-provider", "EnableTraceEx2", provider.name, status)
        return status == Status.SUCCESS

    def _enable(self, session: Session, provider: Provider, parameters: EnableTraceParameters | None = None) -> int:
        return self._api.enable_trace(
            session.handle, provider.guid, Enable.ENABLE, provider.level, provider.keywords, parameters
        )

    def _sockets(self, session: Session) -> None:
        for provider in socket_providers(self._plan):
            ask = partial(self._enable, session, provider)
            if status := self._ask("sockets", "EnableTraceEx2", provider.name, ask, "left-out"):
                why = failures.reason("EnableTraceEx2", status)
                self._notes.append(f"Windows does not turn on {provider.name}: none of its socket events ({why})")

    def _most_bytes(self) -> int:
        """The file's bound, within what the disk has free: Windows refuses a larger one."""
        asked, file = self._plan.most_bytes, self._plan.file
        free = self._api.free_bytes(file.parent) if asked and file is not None else None
        if free is None or asked <= free - _KEPT_FREE:
            return asked
        room = max((free - _KEPT_FREE) >> _MB, 1)
        self._notes.append(f"the disk has {free >> _MB} MB free: the file is full at {room} MB")
        return room << _MB


def real_time_properties(buffers: Buffers) -> NamedProperties:
    """Of a session in real time, which has no file, not even a place for the name of one."""
    made = _with_buffers(buffers)
    made.properties.LogFileMode = LogFileMode.REAL_TIME
    made.properties.LogFileNameOffset = 0
    return made


def _with_buffers(buffers: Buffers) -> NamedProperties:
    """Bounded buffers, and the performance counter as the clock."""
    made = NamedProperties.empty()
    properties = made.properties
    properties.Wnode.Flags = _TRACED_GUID
    properties.Wnode.ClientContext = ClockType.QPC
    properties.BufferSize, properties.MinimumBuffers, properties.MaximumBuffers = (
        buffers.kilobytes, buffers.least, buffers.most,
    )  # fmt: skip
    return made


def _properties(plan: CapturePlan, machine: Machine, most_bytes: int) -> NamedProperties:
    """Of a session in real time, or into the plan's file."""
    buffers = buffers_for(plan.events_per_second, machine.processors)
    if plan.file is None:
        made = real_time_properties(buffers)
        made.properties.FlushTimer = _FLUSH_SECONDS
        return made
    made = _with_buffers(buffers)
    made.properties.LogFileMode = LogFileMode.SEQUENTIAL
    made.properties.MaximumFileSize = -(-most_bytes >> _MB)
    _write_file_name(made, str(plan.file))
    return made


def _kernel_properties(plan: CapturePlan, machine: Machine, way: Way, most_bytes: int) -> NamedProperties:
    made = _properties(plan, machine, most_bytes)
    made.properties.LogFileMode |= LogFileMode.SYSTEM_LOGGER
    if way is Way.PRIVATE_SYSTEM_LOGGER:
        made.properties.EnableFlags = BASIC_FLAGS
    return made


def _write_file_name(made: NamedProperties, path: str) -> None:
    text = wide(path)
    if len(text) > NAME_CHARACTERS:
        raise failures.refused("StartTraceW", path, Status.BAD_PATHNAME)
    for at, unit in enumerate(text):
        made.file_name[at] = unit


def _sum(parts: list[Losses]) -> Losses:
    return Losses(
        sum(part.events for part in parts), sum(part.log_buffers for part in parts),
        sum(part.real_time_buffers for part in parts), sum(part.written for part in parts),
    )  # fmt: skip
