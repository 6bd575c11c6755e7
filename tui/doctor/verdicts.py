"""What a trial tells of each point that no Windows kernel has answered yet: asked, answered, and did it come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from analyzers.formatting import counted, size
from fixtures.held_requests import Holder
from tracer.data_classes import dataclass
from tracer.errors import PoolscopeError
from tracer.events import afd, irp, process, thread
from tracer.images.carried import IDENTITIES
from tracer.live.steps import StartStep
from tui.capture.recording import End
from tui.doctor.attempting import END, Attempt
from tui.doctor.trial import FileTrial, Trial

_MOST: Final = 0.5
"""A share that is as good as all: lists of freed IRPs, and events at a capture's edges, take some."""
_FEW: Final = 0.25
_SMALL_ENOUGH: Final = 16 << 20
"""A file of so many bytes is small whatever it is filled with."""


_BEHIND: Final = 2 << 20
"""Bytes that the identities of images may take behind what Windows has written."""


class State(StrEnum):
    """How a point came out."""

    GRANTED = "granted"
    REFUSED = "refused"  # Windows said no; what was used instead is told
    UNMET = "unmet"  # nothing was refused, and what must come did not
    NOT_TOLD = "not-told"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``point`` is a stable key, ``asks`` the question, ``says`` the answer.

    ``status``: Windows' error code, ``None`` where nothing was refused; ``used``: what was used instead, empty for
    nothing.
    """

    point: str
    asks: str
    state: State
    says: str
    status: int | None = None
    used: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    state: State
    says: str
    status: int | None = None
    used: str = ""


def verdicts(made: Trial) -> tuple[Verdict, ...]:
    """One for each point, in the order of the trials."""
    return tuple(_verdict(made, *point) for point in _POINTS)


def _verdict(made: Trial, point: str, asks: str, judge: Callable[[Trial], _Answer]) -> Verdict:
    answer = judge(made)
    return Verdict(point, asks, answer.state, answer.says, answer.status, answer.used)


def _granted(says: str) -> _Answer:
    return _Answer(State.GRANTED, says)


def _unmet(says: str) -> _Answer:
    return _Answer(State.UNMET, says)


def _unanswered(says: str) -> _Answer:
    return _Answer(State.NOT_TOLD, says)


def _skipped(made: Trial, why: str = "it did not come to its turn") -> _Answer:
    return _Answer(State.SKIPPED, "the trial was interrupted" if made.interrupted else why)


def _asked(steps: Sequence[StartStep], names: Sequence[str], instead: Sequence[str] = ()) -> _Answer | None:
    """What Windows said to these steps, and which of those ``instead`` it granted; ``None``: none was asked."""
    wanted = [step for step in steps if step.name in names]
    if not wanted:
        return None
    refused = next((step for step in wanted if step.status), None)
    if refused is None:
        return _granted(f"{wanted[0].call} took it")
    granted = next((step for step in reversed(steps) if step.name in instead and not step.status), None)
    used = "" if granted is None else f"{granted.name} ({granted.asked})"
    says = f"{refused.call} for {refused.asked} answered with error {refused.status}"
    return _Answer(State.REFUSED, f"{says}; instead: {used}" if used else f"{says}; without it", refused.status, used)


def _failed(error: PoolscopeError, steps: Sequence[StartStep]) -> _Answer:
    """A trial that Windows, or something else, kept from its end."""
    status = next((step.status for step in reversed(steps) if step.status), None)
    return _Answer(State.REFUSED, f"{error.what}: {error.why} ({error.where})", status)


def _of(
    name: str, *steps: str, instead: Sequence[str] = (), comes: Callable[[Attempt], _Answer] | None = None,
    unasked: str = "",
) -> Callable[[Trial], _Answer]:  # fmt: skip
    """A judge of a capture: Windows' answer to its steps, and then whether what must come came.

    What was refused and has something in its place must come all the same. ``unasked``: why the steps may be missing.
    """

    def judge(made: Trial) -> _Answer:
        tried = made.attempts.get(name)
        if tried is None:
            return _skipped(made)
        answer = _asked(tried.steps, steps, instead) if steps else None
        if tried.error is not None:
            if answer is None or (comes is not None and answer.state is State.GRANTED):
                return _failed(tried.error, tried.steps)
            return answer
        if steps and answer is None and (unasked or comes is None):
            return _skipped(made, unasked or "it was not asked for")
        if answer is not None and (comes is None or (answer.state is State.REFUSED and not answer.used)):
            return answer
        came = _unanswered("nothing was asked for") if comes is None else comes(tried)
        if answer is None or answer.state is State.GRANTED:
            return came
        return _Answer(State.REFUSED, f"{answer.says}; {came.says}", answer.status, answer.used)

    return judge


def _busy(made: Trial) -> _Answer:
    tried = list(_logs(made))
    retried = [step for steps in tried for step in steps if step.outcome == "retried"]
    if not tried:
        return _skipped(made)
    if not retried:
        return _granted("Windows was never busy")
    first = retried[0]
    steps = next(steps for steps in tried if first in steps)
    after = next((step for step in steps[steps.index(first) + 1 :] if step.call == first.call), None)
    if after is not None and not after.status:
        return _granted(f"{first.call} for {first.asked} was busy, and took it when asked again")
    return _Answer(State.REFUSED, f"{first.call} for {first.asked} stayed busy", first.status)


def _logs(made: Trial) -> Iterator[list[StartStep]]:
    yield from (each.steps for each in made.attempts.values())
    yield from (each.steps for each in made.files.values())


def _pool(tried: Attempt) -> _Answer:
    many = tried.seen.get("pool", 0)
    return _granted(f"{many:,} pool events came") if many else _unmet("no pool event came")


def _stacks(*kinds: str) -> Callable[[Attempt], _Answer]:
    def comes(tried: Attempt) -> _Answer:
        seen = sum(tried.seen.get(kind, 0) for kind in kinds)
        have = sum(tried.with_stack.get(kind, 0) for kind in kinds)
        return _most_have(have, seen, "a stack of equal time and thread")

    return comes


def _completion_stacks(tried: Attempt) -> _Answer:
    """Of the requests' events only completions are asked for with stacks."""
    return _most_have(tried.with_stack.get("irp", 0), tried.hook(irp.COMPLETE), "a stack")


def _most_have(have: int, seen: int, what: str) -> _Answer:
    if not seen:
        return _unmet("no such event came")
    says = f"{have:,} of {seen:,} have {what}"
    return _granted(says) if have >= _MOST * seen else _unmet(says)


def _tags(tried: Attempt) -> _Answer:
    many = tried.seen.get("pool", 0)
    if not many:
        return _unmet("not one event of the tag came")
    if tried.sent_unasked:
        return _unmet(f"{many:,} events of the tag came, and {tried.sent_unasked:,} of others all the same")
    return _granted(f"{many:,} events of the tag came, and none of another")


def _rundown(tried: Attempt) -> _Answer:
    rundown = tried.hook(process.RUNDOWN_START)
    says = f"{tried.processes:,} processes are named"
    if not tried.knows_itself:
        return _unmet(f"{says}, but not this one, which ran before; {counted(rundown, 'event')} of the rundown")
    if rundown:
        return _granted(f"{says}, this one too; {counted(rundown, 'event')} of the rundown came by themselves")
    return _Answer(State.UNMET, f"{says}, this one too; no event of the rundown came", None, "a snapshot")


def _sockets(tried: Attempt) -> _Answer:
    many = tried.of_provider(afd.PROVIDER)
    return _granted(f"{many:,} AFD events came") if many else _unmet("no AFD event came from the loop over sockets")


def _requests(tried: Attempt) -> _Answer:
    calls, ends = tried.hook(irp.CALL), tried.hook(irp.COMPLETE)
    says = f"{calls:,} calls of drivers and {ends:,} completions came"
    return _granted(says) if calls and ends else _unmet(says)


def _queues(tried: Attempt) -> _Answer:
    puts, takes = tried.hook(thread.QUEUE_INSERT), tried.hook(thread.QUEUE_REMOVE)
    says = f"{puts:,} entries were put into queues and {takes:,} taken"
    return _granted(says) if puts and takes else _unmet(says)


def _held(holder: Holder, before: str, there: str, after: str, wanted: str) -> Callable[[Trial], _Answer]:
    """Whether what the reproducer held was seen, laid at this process' door, and seen to go."""

    def judge(made: Trial) -> _Answer:
        tried, held = made.attempts.get("everything"), made.held.get(holder)
        if tried is None:
            return _skipped(made)
        if tried.error is not None:
            return _failed(tried.error, tried.steps)
        if held is None or not held.issued:
            return _skipped(made, "; ".join(made.failures) or "nothing was held")
        first, most, last = (tried.observations[name] for name in (before, there, after))
        grew, stayed = most.irps - first.irps, last.irps - first.irps
        says = f"of {held.issued:,} IRPs held {grew:,} were seen, {max(stayed, 0):,} after their release"
        if grew < _MOST * held.issued or stayed > _FEW * held.issued:
            return _unmet(says)
        if wanted not in most.verdicts:
            return _unmet(f"{says}; this process was not accused: {', '.join(most.verdicts) or 'no verdict'}")
        return _granted(f"{says}; verdict: {wanted}")

    return judge


def _addresses(tried: Attempt) -> _Answer:
    pool, hidden = tried.seen.get("pool", 0), tried.no_address
    says = f"{hidden:,} of {pool:,} pool events and {tried.hidden_stacks:,} of {tried.stacks:,} stacks have none"
    if not pool:
        return _unanswered("no pool event came")
    is_hidden = hidden > _MOST * pool or (tried.stacks and tried.hidden_stacks > _MOST * tried.stacks)
    return _unmet(says) if is_hidden else _granted(says)


def _loss(tried: Attempt) -> _Answer:
    if tried.loss is None:
        return _unanswered("it is not known")
    lost = f"{tried.loss.events_lost:,} events and {tried.loss.buffers_lost:,} buffers were lost"
    return _unmet(lost) if tried.loss.events_lost or tried.loss.buffers_lost else _granted("nothing was lost")


def _reclaimed(made: Trial) -> _Answer:
    if made.orphan is None:
        return _skipped(made)
    name, status = made.orphan
    if status:
        return _Answer(State.REFUSED, f"StartTraceW for the session left behind: error {status}", status)
    tried = made.attempts.get("reclaim")
    if tried is None:
        return _skipped(made)
    step = next((step for step in tried.steps if step.name == "reclaim" and step.asked == name), None)
    if step is not None and step.outcome == "granted":
        return _granted("a session of a process that is gone was stopped")
    if step is not None:
        return _Answer(State.REFUSED, f"ControlTraceW for the session left behind: error {step.status}", step.status)
    if made.left is None:
        return _unanswered("Windows does not show the running sessions")
    return _unmet("a session of a process that is gone was taken for a living one's, and left")


def _file(name: str, comes: Callable[[FileTrial], _Answer]) -> Callable[[Trial], _Answer]:
    def judge(made: Trial) -> _Answer:
        tried = made.files.get(name)
        if tried is None:
            return _skipped(made)
        return comes(tried) if tried.error is None else _failed(tried.error, tried.steps)

    return judge


def _idle_size(tried: FileTrial) -> _Answer:
    done, read = tried.recorded, tried.bytes
    if done is None or read is None:
        return _unanswered("no file was read")
    padding = read.padding / max(done.bytes, 1)
    says = f"{size(done.bytes)} in {done.seconds:.0f} s, {padding:.0%} of it padding"
    return _unmet(says) if padding > _MOST and done.bytes > _SMALL_ENOUGH else _granted(says)


def _holds(tried: FileTrial) -> _Answer:
    seen, rundown = tried.seen, tried.hook(process.RUNDOWN_START)
    says = f"{seen.get('pool', 0):,} pool events, {seen.get('image', 0):,} images, {rundown:,} processes of the rundown"
    return _granted(says) if seen.get("pool") and seen.get("image") and rundown else _unmet(says)


def _file_sockets(tried: FileTrial) -> _Answer:
    if (answer := _asked(tried.steps, ["sockets"])) is not None and answer.state is State.REFUSED:
        return answer
    many = tried.of_provider(afd.PROVIDER)
    says = f"{many:,} AFD events are in the file of the kernel's session"
    return _granted(says) if many else _unmet(says)


def _identities(tried: FileTrial) -> _Answer:
    many = tried.seen.get(IDENTITIES, 0)
    return _granted(f"{many:,} events tell of images") if many else _unmet("no event tells an image's identity")


def _limit(tried: FileTrial) -> _Answer:
    done = tried.recorded
    if done is None:
        return _unanswered("no file was written")
    says = f"{size(done.bytes)}, ended by {done.ended_by}"
    kept = done.bytes <= tried.most_bytes + _BEHIND and done.ended_by in (End.TIME, End.FULL)
    return _granted(says) if kept else _unmet(says)


def _wpr(made: Trial) -> _Answer:
    if made.wpr is None:
        return _skipped(made, "wpr is not on this machine's path")
    done = made.wpr
    if done.step == "read":
        return _unmet(f"what it wrote cannot be read: {done.said}")
    if done.step:
        return _Answer(State.REFUSED, f"wpr -{done.step}: {done.said}", done.exit_code)
    says = (
        f"{size(done.bytes)}: {done.pool_events:,} pool events, {done.identities:,} identities of images,"
        f" {done.metadata:,} schemas"
    )
    return _granted(says) if done.pool_events and done.identities and done.metadata else _unmet(says)


def _counters(made: Trial) -> _Answer:
    check = next((check for check in made.found.checks if check.name == "counters"), None)
    if check is None:
        return _unanswered("they were not asked for")
    return _granted(check.says) if check.state == "ok" else _Answer(State.REFUSED, check.says)


def _left(made: Trial) -> _Answer:
    if made.left is None:
        return _unanswered("Windows does not show the running sessions")
    if made.left:
        return _unmet(f"{counted(len(made.left), 'session')} still ran and had to be stopped")
    return _granted("no session of this process runs")


_POINTS: Final = (
    ("counters", "does Windows tell the pool's counters?", _counters),
    ("privilege", "may this user profile the system?", _of("plain", "privilege")),
    ("session", "does a private system logger in real time start?", _of("plain", "start")),
    ("independent-mode", "does it start in independent mode?", _of("plain", "independent-mode")),
    ("busy", "is a call that was busy granted the second time?", _busy),
    ("providers", "are processes, switches and I/O turned on?",
     _of("plain", "provider", "group-mask", instead=["pool-by-group-mask"])),
    ("open", "can the events be received?", _of("plain", "open")),
    ("pool-events", "do pool events come?",
     _of("pool", "pool-by-provider", "group-mask", instead=["pool-by-group-mask"], comes=_pool)),
    ("rundown", "are processes named that started before?", _of("plain", comes=_rundown)),
    ("pool-stacks", "do pool events come with stacks?",
     _of("stacks", "stacks", instead=["stacks-shorter", "stacks-by-hook-id"], comes=_stacks("pool"))),
    ("ready-stacks", "do ready threads come with stacks?", _of("stacks", comes=_stacks("ready_thread"))),
    ("completion-stacks", "do completions come with stacks?", _of("stacks", comes=_completion_stacks)),
    ("tag-filter", "does Windows filter by pool tag?",
     _of("tags", "tag-filter", comes=_tags, unasked="this build has no such filter")),
    ("sockets", "do events of sockets come?", _of("everything", "start-sockets", "sockets", comes=_sockets)),
    ("requests", "do events of I/O requests come?", _of("everything", comes=_requests)),
    ("queues", "do events of kernel queues come?", _of("everything", comes=_queues)),
    ("held-by-apcs", "is a leak by user APCs seen, and seen to go?",
     _held(Holder.APCS, "before", "apcs", "after apcs", "pending-apc")),
    ("held-by-port", "is a leak by an undrained port seen, and seen to go?",
     _held(Holder.PORT, "after apcs", "port", END, "undrained-port")),
    ("addresses", "do events and stacks have kernel addresses?", _of("everything", comes=_addresses)),
    ("loss", "is nothing lost?", _of("everything", comes=_loss)),
    ("reclaim", "is a session that a crash left behind stopped?", _reclaimed),
    ("recording", "does a recording hold what it must?", _file("idle", _holds)),
    ("recording-size", "is a recording of an idle machine small?", _file("idle", _idle_size)),
    ("recording-sockets", "are events of sockets in the recording too?", _file("small", _file_sockets)),
    ("identities", "does a recording tell the images' identities?", _file("idle", _identities)),
    ("file-limit", "does a recording keep to its bound?", _file("small", _limit)),
    ("wpr-profile", "does WPR take the profile, and merge what is read?", _wpr),
    ("sessions-left", "is no session left?", _left),
)  # fmt: skip
