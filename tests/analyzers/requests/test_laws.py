"""What holds for requests and sockets whatever the events are and however they are cut into batches."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.requests.tables import NEVER
from tests.analyzers.requests.script import CLIENT, ENDPOINT, FILE, IRP, SERVER, Story, plain, sockaddr
from tracer.columns import UNKNOWN_ID
from tracer.events.irp import MajorFunction

pytestmark = pytest.mark.unjitted

EVENTS = 160


def drawn(seed: int) -> Story:
    """Events at random among a few IRPs, files, endpoints and threads: much that can happen, and much nonsense."""
    draw = random.Random(f"requests {seed}")
    story = Story()
    tellers = [
        _call, _call, _returns, _complete, _complete, _routine, _operation, _operation, _memory, _queue, _other
    ]  # fmt: skip
    for _ in range(EVENTS):
        draw.choice(tellers)(story, draw)
    return story


def _irp(draw: random.Random) -> int:
    return IRP + draw.randrange(5) * 0x200


def _thread(draw: random.Random) -> int:
    return draw.choice([CLIENT, CLIENT, SERVER, UNKNOWN_ID, 0])


def _call(story: Story, draw: random.Random) -> None:
    story.call(
        _thread(draw), _irp(draw), draw.randrange(4), file=FILE + draw.randrange(3) * 0x100,
        routine=draw.randrange(1, 3), major=draw.choice([14, 14, 14, *MajorFunction]), cpu=draw.randrange(3),
    )  # fmt: skip


def _returns(story: Story, draw: random.Random) -> None:
    story.returns(_thread(draw), _irp(draw), draw.randrange(4))


def _complete(story: Story, draw: random.Random) -> None:
    story.complete(_thread(draw), _irp(draw), draw.randrange(4), draw.randrange(3))


def _routine(story: Story, draw: random.Random) -> None:
    if draw.random() < 0.5:
        story.complete_returns(_thread(draw), _irp(draw), draw.randrange(4), draw.randrange(3))
    else:
        story.meets(draw.randrange(1, 3), _irp(draw), _thread(draw), draw.randrange(4), draw.randrange(3))


def _operation(story: Story, draw: random.Random) -> None:
    event = draw.choice([1000, 1001, 1002, 1003, 1003, 1004, 1018, 1024, 1030, 3004, 4006])
    story.afd(
        event, draw.choice([0, 0, 1, 1, 2]), _thread(draw), endpoint=ENDPOINT + draw.randrange(4) * 0x100,
        accept_endpoint=ENDPOINT + draw.randrange(5) * 0x100, address=sockaddr(draw.randrange(7000, 7003)),
        status=draw.choice([0, 0, 0, 0xC0000001]), buffer_length=draw.randrange(100),
    )  # fmt: skip


def _memory(story: Story, draw: random.Random) -> None:
    if draw.random() < 0.2:
        story.allocate(_irp(draw) + 0x100, draw.choice([b"IoSB", b"Io  ", b"Mdl "]), _thread(draw))
    else:
        entry, stack = _irp(draw) - draw.choice([0, 0, 0x10]), draw.randrange(-1, 3)
        draw.choice([lambda: story.free(entry, stack=stack)] * 2 + [lambda: story.allocate(entry)])()


def _queue(story: Story, draw: random.Random) -> None:
    entry = _irp(draw) + draw.choice([0xA8, 0xA8, 0x58, 0])
    if draw.random() < 0.6:
        story.insert(entry, _thread(draw), draw.randrange(3))
    else:
        story.remove(entry, _irp(draw) + 0xA8, by=_thread(draw))


def _other(story: Story, draw: random.Random) -> None:
    kind = draw.randrange(4)
    if kind == 0:
        story.exits(_thread(draw))
    elif kind == 1:
        story.switch(_thread(draw), draw.randrange(3))
    elif kind == 2:
        story.of_file(draw.choice([0, 2, 18]), FILE + draw.randrange(3) * 0x100, _thread(draw), _irp(draw))
    else:
        ends: dict[str, Any] = {
            "local_address": sockaddr(draw.randrange(1000, 1003)),
            "remote_address": sockaddr(draw.randrange(7000, 7003)),
        }
        story.add("tcpip", draw.choice([1017, 1033]), tcb=draw.randrange(5), process=0, **ends)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30), st.lists(st.integers(0, EVENTS), max_size=6))
def test_where_batches_are_cut_and_how_much_room_there_was_makes_no_difference(seed: int, cuts: list[int]) -> None:
    story = drawn(seed)
    whole = story.snapshot(rows=64)
    assert plain(story.snapshot(sorted(cuts))) == plain(whole)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30))
def test_every_request_and_socket_is_over_in_one_way_or_on_the_book(seed: int) -> None:
    found = drawn(seed).snapshot()
    counts, requests, sockets = found.counts, found.requests, found.sockets
    over = (
        counts.retired_by_free + counts.retired_by_reuse + counts.retired_by_caller + counts.retired_by_queue
    )  # fmt: skip
    assert counts.issued == over + len(requests)
    assert len(np.unique(requests.irp)) == len(requests)
    assert len(np.unique(sockets.endpoint)) == len(sockets)
    assert np.count_nonzero(sockets.created_ns != NEVER) <= counts.sockets_created
    assert (np.diff(requests.issued_ns) >= 0).all()
    assert (np.diff(sockets.created_ns) >= 0).all()
    owned = requests.socket >= 0
    assert (sockets.endpoint[requests.socket[owned]] == requests.endpoint[owned]).all()
    assert ((requests.join != 0) == (requests.endpoint != 0)).all()
    assert ((requests.completed_ns == NEVER) == (requests.completion == 0)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30))
def test_what_follows_a_completion_is_told_of_completed_requests_only(seed: int) -> None:
    found = drawn(seed).snapshot()
    requests, sources, kinds = found.requests, found.sources, found.kinds
    open_ones = requests.completed_ns == NEVER
    assert ((requests.finished_ns == NEVER) == (requests.finished_by == 0)).all()
    assert ((requests.queued_ns == NEVER) == (requests.queued == 0)).all()
    assert not requests.finished_by[open_ones].any()
    assert not requests.queued[open_ones].any()
    assert not requests.completion_routine[open_ones].any()
    for times in (requests.cleaned_ns, requests.exited_ns, requests.completed_ns):
        assert ((times == NEVER) | (times >= requests.issued_ns)).all()
    assert (sources.taken <= sources.inserted).all()
    assert (sources.samples <= sources.taken).all()
    assert sources.taken[sources.in_irps].sum() <= found.counts.retired_by_queue
    assert (kinds.retired <= kinds.completed).all()
    assert (kinds.latency.sum(axis=1) == kinds.completed).all()
    assert (requests.kind < len(kinds.completed)).all()
