"""Traces made by hand: a few events, written to a file as a session would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tests.laws.events import Held
from tests.laws.requests import BUFFER, IRP
from tracer.etl.headers import HeaderType
from tracer.events import afd, pool, stack, thread
from tracer.events import irp as irp_events
from tracer.events.encode import Value, encode
from tracer.events.irp import MajorFunction
from tracer.events.layout import KernelId, ProviderId
from tracer.events.registry import layout_for
from tracer.events.thread import WAIT_MODE_USER, ThreadState

PROCESS: Final = 40
CLIENT: Final = 400
OTHER: Final = 404
WORKER: Final = 408
"""``CLIENT`` and ``OTHER`` are threads of the program ``PROCESS``, ``WORKER`` is one of the System process."""
FILE: Final = 0xFFFF_9A80_0070_0030
ENDPOINT: Final = 0xFFFF_9A80_0071_0000
STEP: Final = 500
"""Ticks of 100 ns from one event to the next: longer than any interrupt takes."""
_START: Final = 1_000_000
SMALL: Final = 0x118
_IMAGE: Final = 0xFFFF_F800_0010_0000
_PROCESSES: Final = {CLIENT: PROCESS, OTHER: PROCESS, WORKER: 4}
_CPUS: Final = {CLIENT: 0, OTHER: 1, WORKER: 2}
_VERSIONS: Final = {thread.START: 3, thread.END: 3, thread.RUNDOWN_START: 3, thread.CONTEXT_SWITCH: 4}


class Made:
    """Writes one event after another; each thread has a CPU of its own from the beginning.

    ``held``: what the truth of the trace says. ``functions``: addresses of those that stacks name.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.held: tuple[Held, ...] = ()
        self.now = _START
        self.functions: dict[str, int] = {}
        self._ids = 0x1000
        self._irps = 0xFFFF_9A80_0100_0000
        for each in _PROCESSES:
            self.kernel(thread.RUNDOWN_START, each, thread=each, process=_PROCESSES[each])
        for each in _PROCESSES:
            self.switch(0, each)

    @property
    def now_ns(self) -> int:
        """When the last event was."""
        return (self.now - _START) * 100

    def kernel(self, hook: int, who: int, cpu: int | None = None, **values: Value) -> None:
        """A kernel event of a thread, a step after the one before."""
        self.now += STEP
        version = _VERSIONS.get(hook, 2)
        layout = layout_for(KernelId(hook), version)
        assert layout is not None
        cpu = _CPUS[who] if cpu is None else cpu
        self.records.append(
            Record(
                *(HeaderType.SYSTEM64, self.now, encode(layout, 8, values), cpu, who, _PROCESSES.get(who, 0)),
                hook=hook,
                version=version,
            )
        )

    def below(self, *functions: str, who: int = CLIENT) -> None:
        """The kernel stack of the event before, innermost first."""
        frames = [self.functions.setdefault(name, _IMAGE + 0x100 * len(self.functions)) for name in functions]
        at = self.now
        values: dict[str, Value] = {"event_time": at, "process": _PROCESSES[who], "thread": who, "frames": frames}
        self.kernel(stack.STACK, who, None, **values)

    def allocate(self, tag: int, address: int, size: int = 0x40, who: int = CLIENT) -> int:
        self.kernel(pool.ALLOC, who, type=512, tag=tag, bytes=size, entry=address)
        return address

    def free(self, tag: int, address: int, size: int = 0x40, who: int = CLIENT) -> None:
        self.kernel(pool.FREE, who, type=512, tag=tag, bytes=size, entry=address)

    def irp(self, who: int = CLIENT, size: int = SMALL) -> int:
        """A new IRP from the pool."""
        self._irps += 0x1000
        return self.allocate(IRP, self._irps, size, who)

    def free_irp(self, irp: int, who: int = CLIENT) -> None:
        self.free(IRP, irp, SMALL, who)

    def buffer(self, who: int = CLIENT) -> int:
        """A system buffer of the request that the thread issues next."""
        return self.allocate(BUFFER, self._irps + 0x800, who=who)

    def free_buffer(self, buffer: int, who: int = CLIENT) -> None:
        self.free(BUFFER, buffer, who=who)

    def call(self, irp: int, major: int = MajorFunction.DEVICE_CONTROL, file: int = FILE, who: int = CLIENT) -> int:
        """A driver is called; gives the call's id."""
        self._ids += 1
        values = {"major": major, "routine": 0xFFFF_F800_0001_0000, "file_object": file, "irp": irp, "id": self._ids}
        self.kernel(irp_events.CALL, who, **values)
        return self._ids

    def returns(self, irp: int, number: int, who: int = CLIENT) -> None:
        self.kernel(irp_events.RETURN, who, irp=irp, id=number)

    def begin_completion(self, irp: int, who: int = WORKER) -> int:
        self._ids += 1
        self.kernel(irp_events.COMPLETE, who, irp=irp, id=self._ids)
        return self._ids

    def end_completion(self, irp: int, number: int, who: int = WORKER) -> None:
        self.kernel(irp_events.COMPLETE_RETURN, who, irp=irp, id=number)

    def issue(self, irp: int, major: int = MajorFunction.DEVICE_CONTROL, file: int = FILE, who: int = CLIENT) -> int:
        """A driver is called and returns at once; gives the time of the call."""
        number = self.call(irp, major, file, who)
        at = self.now_ns
        self.returns(irp, number, who)
        return at

    def complete(self, irp: int, who: int = WORKER) -> int:
        """Stage 1; gives its time."""
        number = self.begin_completion(irp, who)
        at = self.now_ns
        self.end_completion(irp, number, who)
        return at

    def insert(self, entry: int, who: int = WORKER) -> None:
        self.kernel(thread.QUEUE_INSERT, who, entry=entry, thread=who)

    def remove(self, entry: int, who: int = CLIENT) -> None:
        self.kernel(thread.QUEUE_REMOVE, who, thread=who, count=1, entries=[entry])

    def handle(self, major: int, file: int = FILE, who: int = CLIENT) -> None:
        """A create, cleanup or close, from the allocation of its IRP to its free."""
        irp = self.irp(who)
        number = self.call(irp, major, file, who)
        self.complete(irp, who)
        self.returns(irp, number, who)
        self.free_irp(irp, who)

    def switch(
        self,
        old: int,
        new: int,
        state: int = ThreadState.READY,
        *,
        in_user: bool = False,
        cpu: int | None = None,
    ) -> None:
        """A CPU goes from a thread to another, 0 for idle."""
        cpu = _CPUS[old or new] if cpu is None else cpu
        flags = WAIT_MODE_USER if in_user else 0
        values = {"new_thread": new, "old_thread": old, "old_state": state, "old_wait_mode_flags": flags}
        self.kernel(thread.CONTEXT_SWITCH, old, cpu, **values)

    def wait(self, who: int = CLIENT) -> None:
        """A user-mode wait, and its end."""
        self.switch(who, 0, ThreadState.WAITING, in_user=True)
        self.ready(who)
        self.switch(0, who)

    def ready(self, whom: int, who: int = WORKER) -> None:
        self.kernel(thread.READY, who, thread=whom)

    def end(self, who: int = CLIENT) -> None:
        """The thread's end event; it goes on in the kernel for a while."""
        self.kernel(thread.END, who, thread=who, process=_PROCESSES[who])

    def socket(self, event: int, step: int = afd.EnterExit.STARTED, who: int = CLIENT) -> None:
        self.now += STEP
        layout = layout_for(ProviderId(afd.PROVIDER, event), 0)
        assert layout is not None
        payload = encode(layout, 8, {"enter_exit": step, "endpoint": ENDPOINT})
        self.records.append(
            Record(
                *(HeaderType.EVENT64, self.now, payload, _CPUS[who], who, _PROCESSES[who]),
                provider=afd.PROVIDER,
                id=event,
                opcode=afd.DESCRIPTORS[event].opcode,
                keyword=afd.DESCRIPTORS[event].keyword,
            )
        )

    def write(self, path: Path) -> None:
        """The file."""
        path.write_bytes(EtlWriter(TraceOptions(processors=3, start_ticks=_START)).write(self.records))
