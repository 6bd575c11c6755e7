"""The sessions of one capture: which there are, how they are set up, and what could not be turned on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tracer.errors import MachineError
from tracer.etl.headers import ClockType, LogFileMode
from tracer.live import failures
from tracer.live.api import Api, Enable, InfoClass, Machine, Status
from tracer.live.enabling import (
    BASIC_FLAGS,
    MEMORY,
    PROCESS,
    SYSTEM_TRACE_CONTROL,
    PoolTagFilter,
    Provider,
    group_mask,
    kinds_enabled,
    socket_providers,
    stack_events,
    system_providers,
)
from tracer.live.names import KERNEL_LOGGER, session_name
from tracer.live.plan import CapturePlan, Way, buffers_for, way_for
from tracer.live.session import Losses, Session, owner, reclaim
from tracer.live.structures import NAME_CHARACTERS, Guid, NamedProperties, wide

_TRACED_GUID: Final = 0x20000
"""WNODE_FLAG_TRACED_GUID."""
_FLUSH_SECONDS: Final = 1
"""How long an event may wait in a buffer that does not fill."""


@dataclass(slots=True)
class Sessions:
    """The sessions of one capture. ``notes``: what Windows did not offer, each a sentence; nothing fatal.

    ``reclaimed``: names of sessions that a crashed capture had left behind and that were stopped. ``enabled``: what
    :func:`~tracer.live.enabling.kinds_enabled` says, once it is on.
    """

    way: Way
    machine: Machine
    kernel: Session
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
    errors: list[MachineError] = []
    for session in sessions:
        try:
            session.stop()
        except MachineError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def start_sessions(plan: CapturePlan, api: Api) -> Sessions:
    """Start what the plan asks for; where a step fails, what was started is stopped again.

    :class:`~tracer.errors.MachineError`, codes of :mod:`tracer.live.failures`.
    """
    machine = api.machine()
    way = way_for(machine.build)
    reclaimed = reclaim(api)
    withheld = api.enable_profiling()
    kernel = Session.start(api, _name(api, way), _properties(plan, machine, way))
    sessions = Sessions(way, machine, kernel, reclaimed=reclaimed)
    if withheld != Status.SUCCESS:
        sessions.notes.append(f"Windows withholds the right to profile the system (error {withheld})")
    try:
        _Starter(plan, api, sessions).enable()
    except BaseException:
        sessions.stop()
        raise
    return sessions


class _Starter:
    """Turns on what the sessions are for."""

    def __init__(self, plan: CapturePlan, api: Api, sessions: Sessions) -> None:
        self._plan = plan
        self._api = api
        self._sessions = sessions

    def enable(self) -> None:
        kernel = self._sessions.kernel
        # The list of stacks first: the events that come at once, allocations, are wanted with theirs.
        if self._plan.stacks:
            self._stacks(kernel)
        if self._sessions.way is Way.SYSTEM_PROVIDERS:
            self._system_providers(kernel)
        else:
            status = self._api.set_information(kernel.handle, InfoClass.SYSTEM_FLAGS, group_mask(self._plan))
            self._require(status, "TraceSetInformation (group mask)", kernel)
        self._sessions.enabled = kinds_enabled(self._plan)
        self._sockets()

    def _stacks(self, kernel: Session) -> None:
        status = self._api.set_information(kernel.handle, InfoClass.STACK_TRACING, stack_events())
        if status != Status.SUCCESS:
            self._sessions.notes.append(f"Windows does not record call stacks for this session (error {status})")

    def _system_providers(self, kernel: Session) -> None:
        for provider in system_providers(self._plan):
            if provider.guid == MEMORY and self._plan.filtered_by_session and self._filtered(kernel, provider):
                continue
            self._require(self._turn_on(kernel, provider), "EnableTraceEx2", kernel)
        # The processes, threads and images that are there already; without it only what comes later has a name.
        status = self._api.enable_trace(kernel.handle, PROCESS, Enable.CAPTURE_STATE, 0, 0, None)
        if status != Status.SUCCESS:
            self._sessions.notes.append(f"Windows does not tell which processes ran before (error {status})")

    def _filtered(self, kernel: Session, provider: Provider) -> bool:
        """Turn pool events on with the filter; false where Windows refuses it, and the consumer filters alone."""
        wanted = PoolTagFilter(self._plan.tags)
        status = self._api.enable_trace(
            kernel.handle, provider.guid, Enable.ENABLE, provider.level, provider.keywords, wanted.parameters
        )
        if status != Status.SUCCESS:
            self._sessions.notes.append(f"Windows does not filter by pool tag (error {status}): filtered here")
        return status == Status.SUCCESS

    def _turn_on(self, session: Session, provider: Provider) -> int:
        return self._api.enable_trace(
            session.handle, provider.guid, Enable.ENABLE, provider.level, provider.keywords, None
        )

    def _sockets(self) -> None:
        """In the same session where its file is to hold everything, else in one beside it."""
        providers = socket_providers(self._plan)
        sessions = self._sessions
        if not providers:
            return
        if self._plan.file is None:
            name = session_name("sockets", owner(self._api))
            sessions.sockets = Session.start(self._api, name, _plain_properties(self._plan, sessions.machine))
        elif sessions.way is Way.NT_KERNEL_LOGGER:
            sessions.notes.append("before Windows 8 a file holds kernel events alone: no socket events are recorded")
            return
        session = sessions.sockets or sessions.kernel
        for provider in providers:
            status = self._turn_on(session, provider)
            if status != Status.SUCCESS:
                sessions.notes.append(f"Windows does not turn on {provider.guid} (error {status}): no socket events")

    def _require(self, status: int, call: str, session: Session) -> None:
        if status != Status.SUCCESS:
            raise failures.refused(call, session.name, status)


def _name(api: Api, way: Way) -> str:
    return KERNEL_LOGGER if way is Way.NT_KERNEL_LOGGER else session_name("kernel", owner(api))


def _plain_properties(plan: CapturePlan, machine: Machine) -> NamedProperties:
    """Of a session in real time, or into the plan's file: bounded buffers, the performance counter as its clock."""
    made = NamedProperties.empty()
    properties = made.properties
    buffers = buffers_for(plan.events_per_second, machine.processors)
    properties.Wnode.Flags = _TRACED_GUID
    properties.Wnode.ClientContext = ClockType.QPC
    properties.BufferSize, properties.MinimumBuffers, properties.MaximumBuffers = (
        buffers.kilobytes, buffers.least, buffers.most,
    )  # fmt: skip
    properties.FlushTimer = _FLUSH_SECONDS
    properties.LogFileMode = LogFileMode.REAL_TIME
    if plan.file is not None:
        properties.LogFileMode = LogFileMode.SEQUENTIAL
        properties.MaximumFileSize = -(-plan.most_bytes >> 20) if plan.most_bytes else 0
        _write_file_name(made, str(plan.file))
    return made


def _properties(plan: CapturePlan, machine: Machine, way: Way) -> NamedProperties:
    """Of the kernel's session."""
    made = _plain_properties(plan, machine)
    properties = made.properties
    if way is Way.NT_KERNEL_LOGGER:
        properties.Wnode.Guid = Guid.of(SYSTEM_TRACE_CONTROL)
    else:
        properties.LogFileMode |= LogFileMode.SYSTEM_LOGGER
    if way is not Way.SYSTEM_PROVIDERS:
        properties.EnableFlags = BASIC_FLAGS
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
