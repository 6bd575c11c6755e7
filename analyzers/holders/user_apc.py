"""Holder *user-apc*: stage 2 of the completion has made the IRP a user-mode APC, which its thread has not taken.

A request that was issued with a completion routine is not released by stage 2: its IRP becomes the APC that calls
the routine, and stays until the thread waits alertably in user mode, tests for alerts, or ends (Microsoft, "Alertable
I/O"; ReactOS ntoskrnl/io/iomgr/irp.c, IopCompleteRequest). The buffer, the event and the file reference are gone by
then. No event tells of routine or APC, so it is what is left when all else is excluded.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers import advice
from analyzers.findings import Accused, Evidence, Verdict
from analyzers.holders.evidence import Seen
from analyzers.holders.held import BY_NAME_ALONE, NOT_STEADY, HeldGroup, others_say, user_mode_since
from analyzers.holders.holder import Holder, Rule, Turn
from analyzers.policy import BY_NAME, HELD, HELD_DOUBTS, PARTS
from analyzers.requests.tables import NEVER
from tracer.arrays import Mask
from tracer.columns import Who

RULE: Final = "completed-not-retired"
ALIKE: Final = "with-others"
BY_CALL: Final = "issued-with-routine"
BY_OTHERS: Final = "others-released-as-user-apcs"
_HAVE: Final = "they have a completion routine (by function names)"
_AT_ONCE: Final = "nearly all others of the kind were released by stage 2 itself (by function names)"
_AFTER_ALL: Final = np.iinfo(np.int64).max


def holds(evidence: Seen) -> Mask:
    """By completed request that is in no port: whether nothing but a user APC can hold it."""
    return _may_hold(evidence) & np.bool_(evidence.snapshot.seen_queues)


def by_call(evidence: Seen) -> Mask:
    """By completed request: the same where function names tell that it has a routine, which no file with a port takes.

    Asked where the trace does not log kernel queues.
    """
    return _may_hold(evidence) & evidence.by_name.with_routine


def by_others(evidence: Seen) -> Mask:
    """By completed request: the same where function names tell that others of its kind were released as user APCs."""
    return _may_hold(evidence) & evidence.by_name.like_user_apcs


def _may_hold(evidence: Seen) -> Mask:
    """By completed request: whether nothing but a user APC or a port can hold it."""
    went_on = (
        ~evidence.passed | evidence.rarely_retired
    )  # a driver that stops all of a kind would stop the program, too
    stage_two = evidence.finished | (~evidence.owns_buffer & ~evidence.refers & went_on)
    here = evidence.requests.exited_ns == NEVER
    return np.asarray(evidence.user_mode & stage_two & evidence.proven & here)


def alike(seen: Seen, held: Mask, left: Mask) -> Mask:
    """By request of those ``left``: whether it must be held too, like held ones of its thread and kind.

    They were completed later, as user APCs are taken in the order in which they were queued. Or hardly any of the
    kind was retired in all of the trace; or their IRPs come from a list that was filled before the trace and were
    not used again, while IRPs of later ones came from the pool.
    """
    requests = seen.requests
    keys = (requests.thread.astype(np.int64) << 24) | (requests.kind.astype(np.int64) + 1)
    distinct, place = np.unique(keys, return_inverse=True)
    first = np.full(len(distinct), _AFTER_ALL)
    np.minimum.at(first, place[held], requests.completed_ns[held])
    fits = left & seen.completed & ~seen.owns_buffer & ~seen.blocks.drivers_own & (requests.exited_ns == NEVER)
    earlier = (~seen.blocks.held | seen.rarely_retired) & (first[place] != _AFTER_ALL)
    return np.asarray(fits & ((requests.completed_ns >= first[place]) | earlier))


def taken_now_and_then(group: HeldGroup) -> bool:
    """Whether the thread takes its user APCs from time to time: most of the kind were retired, and these are young."""
    seen, kinds = group.seen, group.seen.snapshot.kinds
    kind = group.kinds[group.kinds >= 0]
    retired, completed = (int(column[kind].sum()) for column in (kinds.retired, kinds.completed))
    young = group.oldest_ns < HELD.young * (seen.machine.at_ns - seen.machine.start_ns)
    return young and retired >= PARTS.most * completed


def evidence(group: HeldGroup) -> list[Evidence]:
    """Why the requests of a thread are taken for user APCs, in sentences."""
    seen, thread = group.seen, f"thread {group.thread}"
    freed, closed = seen.buffer_gone, seen.finished & ~seen.buffer_gone
    oldest = int(group.rows[np.argmin(group.times_ns)])
    found = [user_mode_since(group), Evidence("thread-since", f"{thread} {seen.since.words(oldest)}", inferred=True)]
    if group.number(closed):
        says = f"{group.their('files', closed)} are closed for good: only their IRPs are left"
        found.append(Evidence("file-gone", says, inferred=True))
    if group.number(freed):
        says = f"{group.their('system buffers', freed)} were freed: only their IRPs are left"
        found.append(Evidence("buffer-gone", says))
    if names := group.number(seen.by_name.with_routine):
        says = f"{group.of_them(seen.by_name.with_routine)} were issued by ReadFileEx or WriteFileEx, so {_HAVE}"
        found.append(Evidence(BY_CALL, says.replace("all of them were", "all were"), inferred=True))
    found += others_say(group, seen.by_name.as_user_apc, "freed by their user APCs", BY_OTHERS)
    if seen.snapshot.seen_queues:
        says = "their IRPs are in no completion port and on no lookaside list, so they wait as user APCs"
    else:
        why = (
            "a file with a completion port takes no completion routine"
            if names
            else "none of the kind was taken out of a port"
        )
        says = f"their IRPs are on no lookaside list, and {why}, so they wait as user APCs"
    return [*found, Evidence(RULE, says, inferred=True)]


def doubts(group: HeldGroup) -> list[tuple[float, str]]:
    """What speaks against it, each with the factor by which it lowers the confidence (judgement, not measurement)."""
    seen = group.seen
    found = []
    if not seen.since.is_known(group.rows):
        found.append((HELD_DOUBTS.apcs_no_switches, "no context switch tells what the thread did since"))
    if not group.steady:
        found.append((HELD_DOUBTS.apcs_not_steady, NOT_STEADY))
    if not seen.snapshot.seen_queues:
        found.append((HELD_DOUBTS.by_name, BY_NAME_ALONE))
    by_name = seen.by_name
    routine = group.share(by_name.with_routine | by_name.like_user_apcs) >= PARTS.most
    if not routine and group.share(by_name.at_once >= BY_NAME.many_each * len(group)) >= PARTS.most:
        found.append((HELD_DOUBTS.apcs_at_once, _AT_ONCE))
    if group.share(seen.passed) >= PARTS.most and not routine:
        found.append((HELD_DOUBTS.apcs_passed, "their completion called a driver's routine, which may have stopped it"))
    if group.share(seen.requests.who == Who.CONTEXT_SWITCH) >= PARTS.most:
        found.append(
            (HELD_DOUBTS.apcs_inferred, "the issuing thread is inferred, from context switches or from its allocations")
        )
    return found


def says(group: HeldGroup) -> str:
    """The reason as an explanation."""
    return f"only their IRPs are left: user APCs, until thread {group.thread} waits alertably or ends"


HOLDER: Final = Holder(
    verdict=Verdict.PENDING_APC,
    name="user APC",
    edge="completed, not yet delivered",
    accuses=Accused.PROCESS,
    rules=(
        Rule(
            RULE,
            "completed, stage 2 has run, and its IRP is in no port and on no lookaside list",
            Turn.LEFT,
            lambda asked: holds(asked.seen),
        ),
        Rule(
            BY_CALL,
            "completed, stage 2 has run, and a function issued it that takes a completion routine (by function names)",
            Turn.LEFT,
            lambda asked: by_call(asked.seen),
        ),
        Rule(
            BY_OTHERS,
            "completed, stage 2 has run, and others of its kind were released as user APCs (by function names)",
            Turn.LEFT,
            lambda asked: by_others(asked.seen),
        ),
        Rule(
            ALIKE,
            "completed like others of its thread and kind that wait as user APCs, which are taken in order",
            Turn.AFTERWARDS,
            lambda asked: alike(asked.seen, asked.held, asked.left),
        ),
    ),
    evidence=evidence,
    doubts=doubts,
    says=says,
    advice=lambda group, process: advice.user_apc(process, group.thread, group.irp),
)
