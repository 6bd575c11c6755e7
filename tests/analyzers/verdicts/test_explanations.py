"""Which reasons the evidence bears out, and which it excludes."""

from __future__ import annotations

import pytest

from analyzers.findings import Cause, Fits
from analyzers.verdicts.explanations import Memory, Signs, Stays, explanations

IRPS = Signs(Memory.IRPS, count=1_000, listed=64, calls_on=True)


def _fits(signs: Signs, **more: object) -> dict[Fits, set[str]]:
    found: dict[Fits, set[str]] = {fits: set() for fits in Fits}
    for each in explanations(_with(signs, **more)):
        found[each.fits].add(each.why)
    return found


def _with(signs: Signs, **more: object) -> Signs:
    values = {name: getattr(signs, name) for name in Signs.__slots__}
    return Signs(**{**values, **more})


def test_where_only_irps_stay_a_user_apc_and_a_port_fit() -> None:
    found = _fits(IRPS)
    assert found[Fits.YES] == {Cause.USER_APC, Cause.PORT}
    assert found[Fits.UNKNOWN] == {Cause.DRIVER_KEPT, Cause.COMPLETION_STOPPED}
    assert found[Fits.NO] == {Cause.SPECIAL_APC, Cause.LIST}


@pytest.mark.parametrize("what", ["files", "buffers"])
def test_where_the_files_or_buffers_are_gone_no_driver_keeps_the_irps(what: str) -> None:
    found = _fits(IRPS, **{what: Stays.GONE})
    assert found[Fits.YES] == {Cause.USER_APC, Cause.PORT}
    assert not found[Fits.UNKNOWN]


@pytest.mark.parametrize("what", ["files", "buffers"])
def test_where_they_stay_no_user_apc_was_queued(what: str) -> None:
    found = _fits(IRPS, **{what: Stays.KEPT})
    assert found[Fits.YES] == {Cause.PORT, Cause.DRIVER_KEPT, Cause.COMPLETION_STOPPED}
    assert Cause.USER_APC in found[Fits.NO]


def test_what_was_never_completed_its_driver_keeps() -> None:
    assert _fits(IRPS, completed=False)[Fits.YES] == {Cause.DRIVER_KEPT}


def test_what_went_into_a_port_and_not_out_waits_there() -> None:
    found = _fits(IRPS, queued=True, completed=True, files=Stays.GONE)
    assert found[Fits.YES] == {Cause.PORT}
    assert not found[Fits.UNKNOWN]


def test_what_is_in_no_port_and_finished_waits_as_a_user_apc() -> None:
    assert _fits(IRPS, queued=False, files=Stays.GONE)[Fits.YES] == {Cause.USER_APC}


def test_the_end_of_a_thread_frees_its_user_apcs() -> None:
    assert _fits(IRPS, exited=True)[Fits.YES] == {Cause.PORT}


def test_special_apcs_are_excluded_only_where_the_thread_is_seen_to_go_on() -> None:
    assert Cause.SPECIAL_APC in _fits(IRPS, calls_on=None)[Fits.UNKNOWN]


def test_no_more_irps_than_lists_hold_may_rest_there() -> None:
    assert Cause.LIST in _fits(IRPS, count=64)[Fits.UNKNOWN]
    assert Cause.LIST in _fits(IRPS, count=65)[Fits.NO]


def test_without_stacks_irps_may_be_a_drivers_own() -> None:
    assert Cause.MISSING_FREE in _fits(IRPS, stacks=False)[Fits.UNKNOWN]


def test_irps_of_ports_alone_wait_in_a_port() -> None:
    found = _fits(Signs(Memory.PORT_PACKETS, 1_000))
    assert found[Fits.YES] == {Cause.PORT}


def test_files_without_irps_are_still_referred_to() -> None:
    found = _fits(Signs(Memory.OBJECTS, 100))
    assert found[Fits.YES] == {Cause.REFERENCE}
    assert found[Fits.NO] == {Cause.DRIVER_KEPT, Cause.PORT, Cause.USER_APC}
    assert _fits(Signs(Memory.OBJECTS, 100, irps=True))[Fits.UNKNOWN] == {Cause.DRIVER_KEPT, Cause.PORT}


def test_a_drivers_own_irps_are_for_it_to_free() -> None:
    first, *_ = explanations(Signs(Memory.OF_DRIVER, 100, driver="flt.sys"))
    assert (first.why, first.fits) == (Cause.MISSING_FREE, Fits.YES)
    assert "flt.sys" in first.says


@pytest.mark.parametrize("memory", Memory)
def test_what_fits_comes_first_and_each_reason_once(memory: Memory) -> None:
    found = explanations(Signs(memory, 100))
    order = [(Fits.YES, Fits.UNKNOWN, Fits.NO).index(each.fits) for each in found]
    assert order == sorted(order)
    assert len({each.why for each in found}) == len(found)
    assert all(each.says and not (each.told_apart_by and each.fits is Fits.NO) for each in found)


def test_what_would_tell_reasons_apart_is_said_while_more_than_one_is_left() -> None:
    left = [each for each in explanations(IRPS) if each.fits is not Fits.NO]
    assert all(each.told_apart_by for each in left)
    [told] = [each for each in explanations(_with(IRPS, completed=False)) if each.fits is not Fits.NO]
    assert not told.told_apart_by


def test_irps_freed_as_user_apcs_or_out_of_a_port_tell_which_the_others_wait_for() -> None:
    delivered, taken = (_with(IRPS, **{which: True}) for which in ("delivered", "taken"))
    for signs, fits, other in ((delivered, Cause.USER_APC, Cause.PORT), (taken, Cause.PORT, Cause.USER_APC)):
        found = {each.why: each for each in explanations(signs)}
        assert (found[fits].fits, found[other].fits) == (Fits.YES, Fits.UNKNOWN)
        assert found[fits].says.startswith("function names show ")


def test_user_apcs_of_others_do_not_exclude_a_port_that_keeps_files_and_buffers() -> None:
    assert Cause.PORT in _fits(IRPS, delivered=True, files=Stays.KEPT)[Fits.YES]


def test_irps_that_the_io_manager_frees_are_not_for_the_driver_that_made_them_to_free() -> None:
    made = Signs(Memory.OF_DRIVER, 100, driver="flt.sys", threaded="IoBuildDeviceIoControlRequest")
    found = {each.why: each for each in explanations(made)}
    assert (found[Cause.MISSING_FREE].fits, found[Cause.DRIVER_KEPT].fits) == (Fits.NO, Fits.YES)
    assert "IoBuildDeviceIoControlRequest (by function names)" in found[Cause.MISSING_FREE].says
