"""Every law finds what breaks it in a trace of a few events, and nothing in a sound one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.laws.breaking import BREAKS, ENTRY, Play, buffered, hold, in_port, pending
from tests.laws.events import Truth, read
from tests.laws.law import LAWS, broken, report
from tests.laws.made import CLIENT, FILE, OTHER, WORKER, Made
from tests.laws.requests import followed
from tests.laws.running import ALL_LAWS
from tracer.events import afd
from tracer.events.irp import MajorFunction
from tracer.events.thread import ThreadState

pytestmark = pytest.mark.unjitted


def found(made: Made, folder: Path) -> dict[str, list[str]]:
    path = folder / "made.etl"
    made.write(path)
    functions = {address: name for name, address in made.functions.items()}
    return broken(followed(read(path, Truth(made.held, functions))))


@pytest.mark.parametrize(("law", "play"), [pytest.param(*each, id=each[1].__name__) for each in BREAKS])
def test_a_law_tells_of_what_breaks_it_and_no_other_does(law: str, play: Play, tmp_path: Path) -> None:
    made = Made()
    play(made)
    logged = found(made, tmp_path)
    assert set(logged) == {law}, report(logged)
    assert LAWS[law].says in report(logged)


def test_every_law_is_broken_by_some_trace() -> None:
    assert {law for law, _ in BREAKS} == set(LAWS)
    assert all(module.__doc__ for module in ALL_LAWS)


def requests_come_and_go(made: Made) -> None:
    made.handle(MajorFunction.CREATE)
    irp, buffer = buffered(made)
    made.free_buffer(buffer)
    made.free_irp(irp)
    made.wait()
    made.handle(MajorFunction.CLEANUP)
    made.handle(MajorFunction.CLOSE)


def an_exit_runs_user_apcs_down(made: Made) -> None:
    first, second = pending(made), pending(made)
    made.wait()
    made.handle(MajorFunction.CLEANUP)
    made.handle(MajorFunction.CLOSE)
    made.end()
    made.free_irp(first)
    made.free_irp(second)
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


def user_apcs_stay(made: Made) -> None:
    for _ in range(5):
        made.handle(MajorFunction.CREATE)
        irp, buffer = made.irp(), made.buffer()
        at = made.issue(irp)
        made.complete(irp, CLIENT)
        made.free_buffer(buffer)
        hold(made, irp, "user-apc", at)
        made.handle(MajorFunction.CLEANUP)
        made.handle(MajorFunction.CLOSE)
    made.wait()


def a_port_is_drained_and_another_closed(made: Made) -> None:
    agnostic, with_event = in_port(made), in_port(made, CLIENT)
    made.remove(agnostic + ENTRY, OTHER)
    made.free_irp(agnostic, OTHER)
    made.handle(MajorFunction.CLEANUP)
    made.free_irp(with_event)


def a_closed_port_s_packets_go_to_a_list(made: Made) -> None:
    first, second = in_port(made), in_port(made)
    made.handle(MajorFunction.CLEANUP)
    made.handle(MajorFunction.CLOSE)
    for irp in (first, second):
        made.issue(irp, file=FILE + 0x1000)
        number = made.begin_completion(irp)
        made.insert(irp + ENTRY)
        made.end_completion(irp, number)


def the_last_thread_closes_the_port(made: Made) -> None:
    irp = in_port(made)
    for each in (OTHER, CLIENT):
        made.end(each)
    made.free_irp(irp)
    made.handle(MajorFunction.CLEANUP)
    made.handle(MajorFunction.CLOSE)
    made.switch(CLIENT, 0, ThreadState.TERMINATED)


def a_kernel_call_holds_special_apcs(made: Made) -> None:
    irp = made.irp()
    at = made.issue(irp)
    made.complete(irp)
    other, buffer = made.irp(), made.buffer()
    at_other = made.issue(other)
    made.complete(other)
    assert buffer
    hold(made, irp, "special-apc", at)
    hold(made, other, "special-apc", at_other)
    made.switch(CLIENT, 0, ThreadState.WAITING)
    made.ready(CLIENT)
    made.switch(0, CLIENT)


def a_driver_stops_a_completion(made: Made) -> None:
    irp, buffer = made.irp(), made.buffer()
    assert buffer
    hold(made, irp, "completion-stopped", made.issue(irp, file=FILE + 0x1000))
    made.complete(irp)
    made.socket(afd.SEND)
    made.wait()
    requests_come_and_go(made)


def a_worker_goes_on_in_the_kernel(made: Made) -> None:
    irp, buffer = buffered(made, WORKER)
    made.handle(MajorFunction.CREATE, who=WORKER)
    made.free_buffer(buffer, WORKER)
    made.free_irp(irp, WORKER)


@pytest.mark.parametrize(
    "play",
    [
        requests_come_and_go,
        an_exit_runs_user_apcs_down,
        user_apcs_stay,
        a_port_is_drained_and_another_closed,
        a_closed_port_s_packets_go_to_a_list,
        the_last_thread_closes_the_port,
        a_kernel_call_holds_special_apcs,
        a_driver_stops_a_completion,
        a_worker_goes_on_in_the_kernel,
    ],
)
def test_what_windows_does_breaks_no_law(play: Play, tmp_path: Path) -> None:
    made = Made()
    play(made)
    assert report(found(made, tmp_path)) == ""
