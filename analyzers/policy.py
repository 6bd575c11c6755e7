"""The numbers that decide a verdict: each once, with its reason and where that comes from.

*Measured* numbers lie between what leaks and what harmless programs did in the corpus of ``docs/accuracy.md``, or in
the drawn series of ``docs/trends.md``. *Conventions* could as well be a little larger or smaller. Shares are 0 to 1,
times nanoseconds. ``python -m benchmarks.thresholds`` says which of them no test holds in place.

What is compiled into the kernels that follow events stands beside these: how far clocks may be apart
(``analyzers/ledger/reversed_pairs.py``), how long a call takes and how deep calls go (``analyzers/requests``).
"""

from __future__ import annotations

from typing import Final

from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class PartLimits:
    """When a part speaks for the whole."""

    most: float = 0.5
    """A reason counts for a group of which it holds for half: a convention."""
    stands_out: float = 0.8
    """One process, thread or program that has this share of a group is the one. Measured: tasks of a thread pool share
    theirs more evenly, and one in five may come from a helper thread."""


@dataclass(frozen=True, slots=True)
class LifetimeLimits:
    """When an allocation has outlived its kind, and when that can be said."""

    usual: float = 0.95
    """Share of the freed ones within whose age none has outlived them: a convention."""
    late_deaths: float = 0.05
    """Freed beyond the age, for each that reached it: a tail as heavy as 1/sqrt(age) frees 29 % a doubling."""
    octave: float = 2
    """How many times that age an allocation must have: one doubling, in which the others would have shown."""
    fewest_freed: int = 10
    """Freed ones from which "such allocations are freed" can be said: 95 % of fewer is all of them."""
    fewest_kept: int = 16
    """Outstanding ones, where fewer were freed: so many exclude, at 97 %, that a doubling of the age frees a fifth (0.8
    ** 16)."""
    latest: int = 24
    """Where nothing was freed since the first of the newest so many, at most one in eight is (at 95 %: 0.875 ** 24)."""
    observable: float = 0.6
    """Share of the trace that it may take to outlive the freed ones: the rest must tell a warm-up from a leak, and
    lifetimes as long as the trace look like none at all. Measured."""
    fewest_settled: int = 24
    """Survivors that tell growth where lifetimes are too long to tell them one by one: twice as many as else."""
    older_freed: float = 0.5
    """Freed from before the trace for each survivor, from which survivors are not kept for good. An even load frees one
    for each; one that has grown, fewer. A convention."""


@dataclass(frozen=True, slots=True)
class CourseLimits:
    """Whether things keep coming, up to the end: a leak does, as long as its code runs; a warm-up or a burst not."""

    fewest: int = 12
    """Fewer tell no course: so many exclude, at 97 %, that a doubling of the age frees a quarter (0.75 ** 12)."""
    shortest: float = 0.1
    """Within a smaller share of the trace it is a burst, or growth up to the end may be one. Measured."""
    fewest_occasions: int = 5
    """Moments of their own at which they must come, else it was a few bursts: four times by chance in one half of the
    time is 1 in 16. A convention."""
    moments: int = 64
    """A trace has so many moments: as many as its history has steps at most."""
    apart: int = 10
    """Where growth is told by steps, its rises are moments of their own if a tenth of its time lies between them. A
    convention."""
    last_part: int = 3
    """The last third of the time tells whether they slow down."""
    slowing: float = 0.12
    """Share in the last part of their time below which their number levels off. Even arrivals have a third; of 12 by
    chance, one or none is there in one case of twenty."""
    pause: float = 2.0
    """An end is a pause longer than so many times the longest before it: a leak by fits and starts pauses too.
    Measured."""
    long_pause: float = 0.15
    """And longer than this share of the trace: a program under test often ends a little before its recording.
    Measured."""
    stopped: float = 0.01
    """Chance below which it is no accident that none came since: a convention."""
    ended_early: float = 0.6
    """Share of the trace after its end from which what ended, or what is still held, was a start-up: who records a test
    that takes a few seconds often records as long again before stopping. In the corpus 0.4 gives the same."""
    rarer: float = 1.6
    """Mean of log(whole time / time of birth) from which births become ever rarer: 1 at an even rate, 1.2 at one
    that swings by half, 2 at one that falls as 1/time by a factor of 50. By calculation."""
    rarer_last: float = 0.18
    """And the last third of their time has but this share of them: 0.11 where they fall as 1/time by that factor."""
    doublings: int = 3
    """Their rate is followed over the last three doublings of their time: before that it may have begun with many."""
    rarer_half: float = 0.46
    """And the last of these doublings has this share: a third where they fall as 1/time, 4/7 where they go on evenly
    after a start with many. By calculation."""


@dataclass(frozen=True, slots=True)
class RiseLimits:
    """Whether a group's settled memory rises up to the end (measured: ``docs/trends.md``)."""

    burst: float = 3
    """A step counts no more than so many times the median, so that one burst does not hide what goes on beside it."""
    chance: float = 0.005
    """What is less likely than this in a steady leak says that it is none: a convention."""
    speeding_up: float = 2.0
    """A leak that begins later shows as a rate that is so many times what it was before."""
    sharp: float = 0.4
    """Share of the highest level by which a trim lowers it within two steps."""
    least_steps: int = 4
    """Steps of time below which a trim cannot be told from the end of what was used."""
    beyond_chance: float = 4.0
    """A trim is so many times the square root of the peak, which is the scatter of a level that comes and goes by
    chance (Poisson): so no peak below 16 has one."""
    tail: int = 6
    """The last sixth of the trace tells whether the level has stopped rising."""
    still: float = 0.3
    """It has where it rises less than this share of what an even rise would have brought."""
    within_chance: float = 2.0
    """And no more than so many times the scatter of what came and went in that part (normal: 1 in 44)."""
    fewest_windows: int = 4
    """Windows over which a rate is taken, where fewer steps than that have a rise. A convention."""
    most_windows: int = 16
    """The same where more have: more would say no more, and have fewer rises each. A convention."""


@dataclass(frozen=True, slots=True)
class LossLimits:
    """What lost events may explain."""

    margin: float = 1.5
    """A rate told by counters is that of all events; pool events may be lost half as often again. Measured."""
    measured_margin: float = 1.15
    """The rate at which other groups keep survivors is measured on pool events themselves."""
    sigmas: float = 4.0
    """Standard deviations by which a group must stand out: among ten thousand groups none does so by chance (normal: 3
    in 100,000)."""
    few_sigmas: float = 2.0
    """By so many it may be accused with little confidence (normal: 1 in 44)."""
    fewest_groups: int = 3
    """Other groups from which their rate is taken: a middle one has one on each side."""
    telling_allocations: int = 50
    """A group that allocated less says nothing about a loss of a few per cent."""
    fewest_by_clocks: int = 12
    """Replaced allocations below which nothing is said of a silent loss where clocks were corrected. Where they were
    not, one is enough: real traces whose processors' clocks agree show none."""
    left_by_clocks: float = 0.02
    """And the least share of the frees: the rest of the clocks' difference leaves a few blocks out of order."""
    beyond_reported: float = 2.0
    """A session that tells of a loss is believed up to twice as much: pool events may be lost more often than
    others."""
    by_unmatched: float = 2.0
    """Unmatched frees raise the share that replaced allocations show up to so many times: not each address whose free
    was lost is handed out again, but long-lived blocks from before the trace look as if their allocation was lost."""
    most: float = 0.5
    """Share of the events that is said to be missing at most: a convention."""
    interval_sigmas: float = 2.0
    """Standard deviations to each end of an interval (normal: 95 %). Measured by ``python -m benchmarks.loss``."""
    in_a_row: float = 10.0
    """So many lost events count as one where chance is reckoned: sessions lose them in bursts. Measured."""
    short_gap: float = 0.25
    """Share of the trace up to which a gap tells where in it events are missing: a convention."""
    spread_over: float = 0.5
    """Share of the trace that such gaps cover from which the loss is spread over it: a convention."""
    fewest_again: int = 100
    """Addresses handed out again after their free from which those that were so without one tell a share."""
    unseen_sigmas: float = 2.33
    """Standard deviations within which a loss without any sign is reckoned with (normal: 1 in 100)."""
    unseen: float = 0.01
    """Share of the frees that may be missing without any sign at most: a convention."""


@dataclass(frozen=True, slots=True)
class StandstillLimits:
    """When a machine counts as asleep or stopped."""

    least_ns: int = 10_000_000_000
    """No CPU changed its thread for so long: ten times as long as the kernel's balance set manager sleeps at a time
    (Windows Internals, 6th edition, part 2, chapter 10)."""


@dataclass(frozen=True, slots=True)
class SeparatingLimits:
    """When a frame tells the kept from the freed (``docs/verdicts.md``)."""

    nearly_all: float = 0.95
    """Share of the kept ones that it is in: a few may come from elsewhere, or be in use."""
    hardly_any: float = 0.1
    """Share of the freed ones that it may be in: who keeps some may free others by the same way."""
    apart: float = 0.5
    """How far the two shares are apart at least, each at the unfavourable end of its 90 % interval: 12 of 12 and 0 of
    10 are, 3 of 3 and 0 of 2 are not."""
    not_all: float = 0.75
    """Share of the freed ones that may be of a caller that forgets some and frees others: so many are freed for others
    that some of theirs would have been kept as well, were it not this caller's fault."""
    apart_as_caller: float = 0.2
    """How far the two shares are apart then, at the unfavourable ends."""
    z: float = 1.645
    """Quantile of the normal distribution for these ends, of a 90 % interval (Wilson's score interval)."""


@dataclass(frozen=True, slots=True)
class CoverageLimits:
    """Which evidence counts as there."""

    few_stacks: float = 0.5
    """Share of allocations with a stack below which a trace counts as one without stacks: a convention."""
    few_free_stacks: float = 0.1
    """The same of frees. It is lower, because stacks that come after their batch of events are not counted."""
    walked: float = 0.9
    """Share with a stack from which the few without do not matter: where a session walks the stacks of pool events it
    loses fewer than one in ten."""
    wrapped: float = 0.2
    """Share of frees without their allocation from which a circular file shows only the end of a longer story."""


@dataclass(frozen=True, slots=True)
class SurenessLimits:
    """Confidence before doubts, and what takes from it."""

    pending_apc: float = 0.97
    """Told by rules and exclusions of what Windows documents."""
    undrained_port: float = 0.97
    """The same."""
    driver_kept: float = 0.95
    """A driver may still mean to complete what it keeps."""
    missing_free: float = 0.93
    """Others of the kind are freed, so these should be; a design that keeps them is possible."""
    growth: float = 0.75
    """Its cause is not shown."""
    mostly_lost: float = 0.5
    """What lost events explain more than half of is said with no more than this."""
    special_apcs: float = 0.5
    """What special kernel APCs hold is never said more surely: they are told by exclusion, and run in the end."""
    by_loss: float = 0.9
    """Where lost events explain all of a group its confidence falls by this share (and it would not be accused)."""
    few: float = 6
    """Small numbers may be chance: half of ``by_few`` is taken at this number."""
    by_few: float = 0.4
    """Share of the confidence that the smallest numbers take."""
    least: float = 0.2
    """What is less sure is not worth an accusation."""
    likely: float = 0.5
    """Findings at least as sure come before the others, whatever their size."""
    lifetimes: float = 1.0
    """Usual lifetimes after which the confidence is half: a start explains what was born within the last one."""
    many_lifetimes: float = 0.9
    """Share reached after nine usual lifetimes, from where on a start explains little; the trace's length leaves open
    what lives longer."""
    starting: float = 0.7
    """At most this is left where the program has just started: programs create what they need then, and close it when
    they end."""
    starting_ns: int = 60_000_000_000
    """A program is taken to be up a minute after its start: a convention."""
    worth_saying: float = 0.97
    """A doubt that takes less than 3 % is taken, and not worth a word."""


@dataclass(frozen=True, slots=True)
class DoubtFactors:
    """What each doubt leaves of the confidence: conventions.

    Its words (``analyzers/verdicts/confidence.py``) say why. Above 0.85: what is missing rarely tells another story.
    From 0.8: nothing excludes another one, but growth of fifty blocks is still likely. Below: another story is as
    likely, so that only what is surest is likely still. What that comes to is fitted (``CalibrationLimits``).
    """

    no_stacks: float = 0.8
    few_stacks: float = 0.9
    no_driver: float = 0.85
    no_calls: float = 0.8
    no_process: float = 0.8
    no_switches: float = 0.95
    no_requests: float = 0.9
    wrapped: float = 0.9
    rolled: float = 0.85
    ended: float = 0.85
    not_rising: float = 0.85
    caller_frees: float = 0.85
    sends: float = 0.33
    others_freed: float = 0.8
    anybody: float = 0.8
    may_rest: float = 0.2
    running: float = 0.6
    unloaded_at_end: float = 0.9
    one_lost: float = 0.17
    """A forgotten free and a lost one leave the same behind: either is as likely, so that 0.46 is said in the end."""
    by_library: float = 0.88
    thread_inferred: float = 0.95
    threads_inferred: float = 0.97


@dataclass(frozen=True, slots=True)
class CalibrationLimits:
    """From a product of doubts to the share of such findings that are right.

    Log-odds of the one are a slope times those of the other, and a shift: 1 and 0 leave a product as it is. *Measured*:
    fitted on half of its traces by ``python -m benchmarks.accuracy --calibrate``, which prints them
    (``docs/accuracy.md``).
    """

    held_slope: float = 0.62
    """Of what held requests are found to be held by."""
    held_shift: float = 1.27
    """The same."""
    missing_free_slope: float = 0.94
    """Of *missing-free*."""
    missing_free_shift: float = 1.39
    """The same."""
    growth_slope: float = 0.89
    """Of *growth*."""
    growth_shift: float = 0.0
    """0 by rule: what grows for three seconds is as likely a start (``LengthLimits``)."""
    most: float = 0.98
    """What simulated traces show of real ones is not worth more."""


@dataclass(frozen=True, slots=True)
class LengthLimits:
    """What the length of a trace takes from the confidence (``analyzers/verdicts/lengths.py``)."""

    least: float = 0.65
    """So much is left in the shortest trace where none is freed: of growth half, no more than what a start has.
    Measured (``docs/accuracy.md``)."""
    growth_from_ns: int = 3_000_000_000
    """Length up to which the least is left where none is freed, so that nothing tells how long such blocks usually
    live: any program may take so long to start. From there it rises with the logarithm, as lifetimes spread over all
    orders of magnitude."""
    growth_until_ns: int = 600_000_000_000
    """Length from which it is no doubt any more. Windows keeps things for seconds to minutes in ordinary use:
    connections in TIME-WAIT for 4 minutes (RFC 9293; 30 to 300 s by TcpTimedWaitDelay on learn.microsoft.com), idle
    HTTP connections for 2 (http.sys, ConnectionTimeout)."""
    least_known: float = 0.7
    """The least where others of the kind are freed, so that the usual lifetime is known, or where what holds requests
    is known. But a second sort of them, which lives longer, is not seen in a short trace, nor who comes later to take
    them. Measured (``docs/accuracy.md``)."""
    known_from_ns: int = 10_000_000
    """Length up to which that is left."""
    known_until_ns: int = 10_000_000_000
    """Length from which it is no doubt any more."""


@dataclass(frozen=True, slots=True)
class DrainLimits:
    """When frees without allocations at a trace's end are taken for a drain that nothing marks."""

    fewest_steps: int = 3
    """Whole steps of the history without an allocation, and with frees: what a program frees as it exits takes
    milliseconds, and lies in one or two. A convention."""
    fewest_frees: int = 20
    """Frees in it. Where one event in two is an allocation, so many without one are one chance in a million."""
    fewest_tags: int = 5
    """Tags of which allocations were due: Windows filters by four at most, so a trace with five is no filtered one, of
    which the load may just have ended. The rest of a machine never stops allocating."""
    fewest_due: float = 5
    """Allocations of each that were to be expected at its rate before: that none comes is a chance of 0.7 %
    (Poisson)."""
    pause: float = 2.0
    """And longer than so many times the longest pause of all allocations before, as an end is elsewhere."""
    grown: float = 1 / 3
    """Share of what was there at a drain's beginning that had come in the second half of the time before, from which it
    grew: even growth has half. A convention."""


@dataclass(frozen=True, slots=True)
class ClockLimits:
    """When pool events show that the clocks of CPUs differ (``docs/matching.md``)."""

    fewest_pairs: int = 20
    """Pairs from which it is said: a machine hands out some freed addresses on other CPUs in every trace."""
    opposite: float = 0.1
    """Pairs the other way round, and pairs whose allocation was freed again later, of those that speak for it."""
    least_ns: int = 10_000
    """Differences below are not told from an address that is handed out again at once; and hardly any block that is
    freed on another CPU lives that short."""
    sharpness: float = 2.5
    """By how much the 95th hundredth of the differences may exceed their middle. They end sharply, at the difference
    of the clocks: where lifetimes are spread evenly it is 1.9, where they are short nearly 1. Waiting times of chance
    have a long tail: 4.3 for those of independent events."""
    stragglers: float = 1.5
    """Pairs that are earlier than this many times the 95th hundredth are coincidences."""
    alike: float = 0.2
    """Share by which two differences may differ and be those of one clock."""
    opposite_again: float = 0.5
    """Instead of ``opposite`` where addresses are handed out again so soon that frees close the wrong blocks."""
    fewest_one_way: int = 6
    """And instead of ``fewest_pairs``: the frees that are mended tell then, not the pairs alone."""
    mended: float = 0.2
    """Share of the frees without allocation that such shifts leave at most, or they are none."""


@dataclass(frozen=True, slots=True)
class TogetherLimits:
    """What belongs together, and what is no leak of its own."""

    most_each: int = 4
    """Blocks of one kind for each of another up to which they are told to be in step."""
    alike: float = 0.1
    """Share by which numbers of what is made together may differ: lost events, and what is too young to be judged."""
    in_step: float = 0.7
    """Share of the steps with just that number. Where a tenth of each kind is missing 0.8 are left; of two kinds that
    are born at an even rate by chance, 0.25 of the steps have one, at a fixed rate and one by chance 0.37."""
    most_kinds: int = 64
    """Kinds of one thread that are compared with each other, the largest: a bound of the work."""
    least_listed: float = 0.5
    """Share of the steps that have a block from the pool, where lists hand out the others: IRPs that are kept are
    taken off them by whoever comes first."""
    alone: float = 0.9
    """Share of a kind's blocks, where not every step has one, that must be the only one of their step."""
    spread: float = 0.3
    """And how much their places within their steps may differ (10 % to 90 %), in mean lengths of a step; by chance
    0.8."""
    on_sockets: float = 0.8
    """Share of a group's survivors that belong to sockets from which the group is part of the sockets' leak."""
    passed_on: int = 512
    """IRPs that all lists together give to asynchronous requests, at most, before these come from the pool."""
    files_alike: float = 0.25
    """Share by which the number of files opened in each step of time may differ from that of the IRPs that stay,
    where each request has its own."""
    files_freed: float = 0.8
    """Share of these that must have been freed."""
    calls_each: int = 5
    """Requests that each thread made, on average, from which it went on calling after most of them."""
    started: float = 0.95
    """Share of the survivors that must have been allocated while a program started, to be its start's."""
    start: float = 1 / 3
    """Of the time from the start to the trace's end: what is all there by then was set up at the start."""
    at_first: float = 1 / 30
    """Share of the trace within which a load begins that is taken to have begun with it: a tenth of that part."""
    after_unload_ns: int = 10_000_000
    """How much later than the unload an allocation of the driver may be stamped: its last deferred calls run on other
    processors, and no image is loaded again so soon."""
    unloaded_late: float = 0.005
    """Share of the trace after an unload that is too short to see others free what it left."""


@dataclass(frozen=True, slots=True)
class RestingLimits:
    """How many free IRPs Windows keeps on lookaside lists ("Using Lookaside Lists", learn.microsoft.com)."""

    depth: int = 16
    """IRPs of one size and processor that lists hold as a rule, and a thread's part of those of one kind: a depth
    starts at 4 and follows the demand (ReactOS ExInitializeNPagedLookasideList), and what the processor's own list does
    not take goes to one that all share."""
    both_lists: int = 32
    """The same of both lists together, the processor's own and the shared one."""
    far_too_many: int = 48
    """More of one list do not rest, whether new ones were needed or not, or they were all asked for at once."""
    pause: float = 2.0
    """New IRPs were needed up to the end where the last was so no longer ago than so many times the longest
    pause."""
    least_on_none: int = 3
    """IRPs on no list that a thread needs before its others are believed to be on none: one or two may be chance."""
    retired: float = 0.9
    """Share of a kind's completed requests that were retired, from which the few others are taken to rest."""
    fewest_shown: int = 24
    """IRPs of one process and size whose course is told."""


@dataclass(frozen=True, slots=True)
class HeldLimits:
    """When a completed request counts as held, and by what (``docs/held-requests.md``)."""

    fewest: int = 4
    """Requests below which nobody is accused: a few may be on their way."""
    fewest_apcs: int = 8
    """The same of user APCs, which a thread may take late."""
    at_once_ns: int = 20_000
    """From an IRP's allocation to the call: straight-line code, with a buffer and the stack walks of both. Any
    longer, and the IRP may have come to somebody else over a lookaside list in the meantime."""
    soon_ns: int = 100_000
    """Within this the same thread may have used its IRP again: it counts where one thread made nearly all."""
    one_maker: float = 0.9
    """Share of IRPs of a kind of requests that one thread made soon before, from which it issued those requests."""
    rarely_retired: float = 0.05
    """Share of a kind's completed requests up to which hardly any was retired."""
    got_through: float = 0.3
    """Share of a kind's completed requests that were retired, from which others got through."""
    several: int = 2
    """Programs whose requests a driver's routine stopped, from which it is the driver's doing."""
    young: float = 0.75
    """Share of the trace up to whose length pending APCs may be taken at the next alertable wait, where others were."""
    both_ways: int = 2
    """Requests in flight on one file that are usual at any time: one each way."""
    grace_ns: int = 50_000_000
    """From the close or exit on: cancelling takes microseconds, and an ending thread waits for it in steps of 10 ms."""
    grace_of_many_ns: int = 20_000_000
    """The same where a driver let many pass; then the younger ones count too."""
    stale: int = 4
    """An entry that waits in a port so many times as long as any other did before it was taken is not on its way."""
    least_stale_ns: int = 20_000_000
    """And at least so long, more than a clock interval of 15.6 ms, in which a ready thread may not run."""
    slower: float = 1.5
    """A port falls behind where the oldest entry has waited so many times the median of those taken, and ever more."""
    fewest_taken: int = 8
    """Entries taken from which that is judged."""
    slower_by_chance: float = 0.001
    """Chance (Mann-Kendall) below which waits that become longer are no accident: a convention."""
    port_may_rest: int = 64
    """IRPs that may have gone to lookaside lists when their port was closed, where others were."""


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """How old a completed request may be before it counts as not retired."""

    enough: int = 20
    """Retired requests, or ready threads that got a CPU, from which the usual time is taken."""
    share: float = 0.999
    """Of the retired ones, within whose time they are usual: all but one in a thousand."""
    times: float = 4.0
    """How many usual times a request may take."""
    times_own: float = 2.0
    """Of the longest time that one of the same thread took: a thread that takes its user APCs now and then has that."""
    least_ns: int = 1_000_000
    """A running thread gets a special APC within microseconds: by an interrupt, once the DPC that queued it is through.
    DPCs of some hundred microseconds do occur."""
    least_known_ns: int = 10_000_000
    """The same where few retired requests tell what is usual, and the thread is not seen to have had its chance."""
    turns_ns: int = 62_500_000
    """Two turns on a client, of two clock intervals of 15.625 ms each. A ready thread waits a turn for each before
    it."""
    settled_ns: int = 100_000
    """A thread that has run for so long has had its chance to take APCs."""


@dataclass(frozen=True, slots=True)
class HeldDoubtFactors:
    """What is left of the confidence in a holder of requests where something speaks against it."""

    apcs_not_steady: float = 0.55
    """They do not keep coming: the thread may take them at its next alertable wait."""
    apcs_no_switches: float = 0.9
    """No context switch tells what the thread did since."""
    apcs_passed: float = 0.7
    """Their completion called a driver's routine, which may have stopped it."""
    apcs_inferred: float = 0.95
    """The issuing thread is inferred."""
    by_name: float = 0.95
    """No kernel queue event excludes a port: function names tell what holds them."""
    apcs_at_once: float = 0.2
    """Nearly all others of the kind were released by stage 2 itself, as those without a completion routine are."""
    port_not_steady: float = 0.6
    """They do not keep coming: the program may drain its port yet."""
    port_drained: float = 0.8
    """Entries are taken out of the port, but more slowly than they come."""
    driver_not_steady: float = 0.8
    """They do not keep coming."""
    driver_still_open: float = 0.6
    """Their files are still open: the driver may complete them yet, as it does where news of a folder are asked for."""
    stopped_no_routine: float = 0.85
    """No event shows which driver's completion routine stopped them."""
    stopped_irps_alone: float = 0.75
    """Only the IRPs stay, which user APCs would explain as well."""
    stopped_not_steady: float = 0.7
    """They do not keep coming."""
    unknown_not_steady: float = 0.7
    """They do not keep coming."""
    unknown_no_switches: float = 0.95
    """No context switch tells what the thread did since."""


@dataclass(frozen=True, slots=True)
class BelongingLimits:
    """Which allocations belong to a request or a socket (``docs/retention.md``)."""

    nearly_all: float = 0.9
    """Share of a kind that must fit. The rest allows for lost events, and for a thread that was preempted in
    between."""
    most_each: int = 4
    """More than this of one kind at one request or socket is a list that grows, not a part of it."""
    on_its_way: float = 0.25
    """What a smaller share of the pending requests or sockets has is on its way through, not a part of them. Not a
    half: without AFD events connects and sends are one operation, and each has buffers of its own."""
    share_of_others: float = 0.8
    """Share of an operation's pending requests that must have one, where the driver is not known to hang it on
    requests."""
    lift: float = 2.0
    """And how much rarer such an allocation must be outstanding elsewhere: at least half of all must have been
    freed."""
    reach_ns: int = 100_000
    """Time before the call in which buffers are made for an IRP from a lookaside list, where no other tells it."""
    reach_least_ns: int = 5_000
    """The same where others tell it, at least: a few stack walks."""
    reach_medians: float = 3
    """And so many times the median time from the allocation of an IRP to its call."""


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """How many nodes the retention graph has: bounds of the work, and of what anybody reads.

    The largest have one of their own, the others of a kind share one.
    """

    most_owners: int = 500
    """Threads, processes, and pairs of process and driver."""
    most_sockets: int = 1_000
    """Sockets up to which each has one; above, each pair of process and remote address. Less than 2,047: 11 bits of a
    key tell them apart."""
    most_routines: int = 100
    """Routines of drivers that requests were sent to. Less than 128: 7 bits of a key tell their drivers apart."""
    most_groups: int = 2_000
    """Groups of requests; of allocations that something holds; of others."""
    most_keepers: int = 8
    """Where more keep a socket it is shown as what keeps its objects."""
    most_shared: int = 200
    """The same where there are more different sets of keepers."""


@dataclass(frozen=True, slots=True)
class ByNameLimits:
    """How far function names decide (``analyzers/holders/by_name.py``)."""

    fewest: int = 4
    """Others of a kind that must have been released in one way, for it to be the kind's: fewer may be another use of
    the same driver."""
    many_each: int = 10
    """So many others that stage 2 released for each that stays speak against a completion routine of the kind."""
    most_stacks: int = 128
    """Different stacks of frees, and of IRPs, that are named, those with most."""
    most_pairs: int = 256
    """Different user stacks of IRPs that are looked at."""


@dataclass(frozen=True, slots=True)
class ComparisonLimits:
    """When traces differ (``analyzers/comparison/changes.py``)."""

    chance: float = 0.002
    """Chance that any of the groups of one kind in two runs of the same load is called changed (Holm's bound).
    Measured: 99 of 100 clean simulated pairs have no change, and 200 of 200 leaks are new or grown."""
    level: float = 0.1
    """Share of the survivors born in the second half, up to which a group has come to a level: growth has half of them,
    a burst or a warm-up next to none. A convention."""
    mortal: float = 0.1
    """Share of the survivors that are freed later than the trace can show, up to which these do not count."""
    lossy: float = 0.5
    """What is left of how sure a change is where events were lost: a lost free looks like a survivor. A convention."""


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """When a driver's version tells the machines of a fleet that leak from those that do not (``analyzers/fleet``)."""

    chance: float = 0.01
    """Chance that any version of any driver is called so where none has to do with it (Bonferroni's bound, over all
    versions and leaks): a convention."""
    least: float = 0.1
    """By how much the share of leaking machines must be larger with the version, at the lower end of its interval: what
    is true of fewer helps nobody to find them. A convention."""


PARTS: Final = PartLimits()
LIFETIMES: Final = LifetimeLimits()
COURSE: Final = CourseLimits()
RISE: Final = RiseLimits()
LOSS: Final = LossLimits()
SEPARATING: Final = SeparatingLimits()
COVERAGE: Final = CoverageLimits()
SURENESS: Final = SurenessLimits()
DOUBTS: Final = DoubtFactors()
CALIBRATION: Final = CalibrationLimits()
LENGTHS: Final = LengthLimits()
DRAIN: Final = DrainLimits()
CLOCKS: Final = ClockLimits()
STANDSTILL: Final = StandstillLimits()
TOGETHER: Final = TogetherLimits()
RESTING: Final = RestingLimits()
HELD: Final = HeldLimits()
AGES: Final = AgeLimits()
HELD_DOUBTS: Final = HeldDoubtFactors()
BY_NAME: Final = ByNameLimits()
BELONGING: Final = BelongingLimits()
GRAPH: Final = GraphLimits()
COMPARISON: Final = ComparisonLimits()
FLEET: Final = FleetLimits()
