"""What threads did since given times: in columns and in words."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzers.activity.rows import NEVER, NO_CPU, RECENT_WAITS, THREAD, THREAD_ID, UNSEEN, ActivityTables, first_life
from analyzers.activity.state_machine import is_wait
from analyzers.findings import SINCE_CODES, ThreadSince
from analyzers.formatting import agreeing, duration, moment
from analyzers.hashing import row_of
from analyzers.policy import PARTS
from tracer.arrays import I8, I32, I64, U8, U32, Mask, Structured
from tracer.data_classes import dataclass
from tracer.events.thread import WaitReason
from tracer.jit import Int, inlined, kernel

RAN: Final = SINCE_CODES.index(ThreadSince.RAN)
WAITED: Final = SINCE_CODES.index(ThreadSince.WAITED)
NEVER_RAN: Final = SINCE_CODES.index(ThreadSince.NEVER_RAN)
EXITED: Final = SINCE_CODES.index(ThreadSince.EXITED)
UNKNOWN: Final = SINCE_CODES.index(ThreadSince.UNKNOWN)

_REASON_NAMES: Final = {int(reason): reason.name.title().replace("_", "") for reason in WaitReason}


@dataclass(frozen=True, slots=True, eq=False)
class ActivitySince:
    """One row per question (a thread and a time), asked at ``at_ns``.

    ``what``: index into :data:`~analyzers.findings.SINCE_CODES`. ``unbroken``: it has run ever since without leaving
    the CPU; ``silent_cpu``: that is inferred, because it was seen on a CPU on which nothing was switched since.
    ``ready``: it is off the CPU and waits for nothing else. ``waits``: how often it left the CPU to wait, at least
    so often where ``more_waits``. ``wait_reason`` (-1 for none) and ``user_mode``: of its last wait, which may be
    older than the time asked for; ``user_wait_ns``: when its last wait in user mode began. ``cpu``: where it ran
    last, -1 where unknown. ``stay_ns``: since when it has run there only. ``long_from_ns``, ``long_to_ns``: its
    longest earlier stay on one CPU, equal for none. ``echoes``: how often in its life a wait was interrupted and
    went on for the same reason, as a kernel APC does to it, and other things too. Times are nanoseconds since the
    trace's start, -1 for what was not seen; ``*_cpu`` and ``*_offset`` point at the events.
    """

    at_ns: int
    time_ns: I64
    what: U8
    unbroken: Mask
    silent_cpu: Mask
    ready: Mask
    waits: I32
    more_waits: Mask
    wait_reason: I8
    user_mode: Mask
    cpu: I32
    stay_ns: I64
    long_from_ns: I64
    long_to_ns: I64
    switches: U32
    echoes: U32
    user_wait_ns: I64
    last_in_ns: I64
    last_in_cpu: I32
    last_in_offset: I64
    last_out_ns: I64
    last_out_cpu: I32
    last_out_offset: I64
    exit_ns: I64
    exit_cpu: I32
    exit_offset: I64

    def __len__(self) -> int:
        return len(self.what)

    def code(self, row: int) -> ThreadSince:
        """What the thread did, as a code."""
        return SINCE_CODES[int(self.what[row])]

    def is_known(self, rows: npt.NDArray[np.integer[Any]]) -> bool:
        """Whether it is known for most of these rows what the thread did."""
        return bool(np.mean(self.what[rows] == UNKNOWN) < PARTS.most)

    def words(self, row: int) -> str:
        """What the thread did, as the end of a sentence that begins with the thread."""
        match self.code(row):
            case ThreadSince.EXITED:
                when = int(self.exit_ns[row])
                return f"exited at {moment(when)}" if when != NEVER else "exited; its id was given to another thread"
            case ThreadSince.RAN:
                return self._ran(row)
            case ThreadSince.WAITED:
                return f"has waited {self._times(row)} since, last for {self._wait(row)}"
            case ThreadSince.NEVER_RAN if self.ready[row]:
                return "has not run since; it is ready and waits for a CPU"
            case ThreadSince.NEVER_RAN:
                return f"has not run since; it waits for {self._wait(row)}"
            case _:
                return "did what no event shows"

    def _ran(self, row: int) -> str:
        if not self.unbroken[row]:
            return f"has not waited since; it last ran on CPU {self.cpu[row]}"
        time = duration(self.at_ns - int(self.time_ns[row]))
        words = f"has run on CPU {self.cpu[row]} ever since, for {time}"
        return f"{words} (no thread was switched in there)" if self.silent_cpu[row] else words

    def _times(self, row: int) -> str:
        count = int(self.waits[row])
        times = agreeing(count, "once", f"{count:,} times")
        return f"at least {times}" if self.more_waits[row] else times

    def _wait(self, row: int) -> str:
        reason = int(self.wait_reason[row])
        name = _REASON_NAMES.get(reason, f"reason {reason}")
        return f"{name} ({'user' if self.user_mode[row] else 'kernel'} mode)"


@inlined
def _judge(rows: Structured, row: Int, time: Int) -> Int:
    """One of the codes."""
    thread = rows[row]
    if thread["started"] > time or (thread["exited"] != NEVER and thread["exited"] >= thread["started"]):
        return EXITED
    if thread["last_wait"] > time:
        return WAITED
    if thread["last_in"] > time or thread["last_out"] > time or thread["on_cpu"] != NO_CPU:
        return RAN
    if thread["last_out"] == NEVER or thread["out_state"] == UNSEEN:
        return UNKNOWN
    return NEVER_RAN


class Answers(NamedTuple):
    """By question: the row of its thread (-1 for none), a code, whether it is ready, and its waits."""

    found: I32
    what: U8
    ready: Mask
    waits: I32


@kernel
def judge(activity: ActivityTables, threads: U32, times: I64, answers: Answers) -> None:
    """Answer each question."""
    for i in range(threads.shape[0]):
        row = row_of(activity.key_index, THREAD_ID, np.uint64(threads[i]))
        answers.found[i] = row
        answers.what[i] = UNKNOWN
        if row < 0:
            continue
        answers.what[i] = _judge(activity.rows, row, times[i])
        thread = activity.rows[row]
        off = thread["on_cpu"] == NO_CPU and thread["last_out"] != NEVER and thread["out_state"] != UNSEEN
        waiting = is_wait(np.int64(thread["out_state"])) and thread["readied"] < thread["last_out"]
        answers.ready[i] = off and not waiting
        for back in range(min(np.int64(thread["waits"]), np.int64(activity.ring.shape[1]))):
            answers.waits[i] += 1 if activity.ring[row, back] > times[i] else 0


def answer(at_ns: int, times: I64, rows: Structured, answers: Answers) -> ActivitySince:
    """Gather the columns of :class:`ActivitySince` from the threads' rows."""
    found, what, ready, waits = answers
    blank = np.zeros(1, THREAD)
    first_life(blank, 0, np.uint32(0))
    threads = np.concatenate([rows, blank])  # the last one stands for a thread that was never seen
    place = np.where(found >= 0, found, len(rows))

    def known(name: str) -> npt.NDArray[Any]:
        return np.asarray(threads[name][place])

    last_in, last_out, exited = known("last_in"), known("last_out"), known("exited")
    on_cpu = known("on_cpu") != NO_CPU
    own_exit = exited >= times
    return ActivitySince(
        at_ns=at_ns,
        time_ns=times,
        what=what,
        unbroken=(what == RAN) & on_cpu & (last_in <= times) & (last_out <= times),
        silent_cpu=np.zeros(len(found), np.bool_),
        ready=ready,
        waits=waits,
        more_waits=(waits == RECENT_WAITS) & (known("waits") > RECENT_WAITS),
        wait_reason=known("wait_reason"),
        user_mode=known("wait_user").astype(np.bool_),
        cpu=known("last_cpu"),
        stay_ns=known("stay"),
        long_from_ns=known("long_from"),
        long_to_ns=known("long_to"),
        switches=known("switches"),
        echoes=known("echoes"),
        user_wait_ns=known("user_wait"),
        last_in_ns=last_in,
        last_in_cpu=known("in_cpu"),
        last_in_offset=known("in_offset"),
        last_out_ns=last_out,
        last_out_cpu=known("out_cpu"),
        last_out_offset=known("out_offset"),
        exit_ns=np.where(own_exit, exited, NEVER),
        exit_cpu=np.where(own_exit, known("exit_cpu"), NO_CPU),
        exit_offset=np.where(own_exit, known("exit_offset"), NEVER),
    )
