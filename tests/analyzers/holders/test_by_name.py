"""What function names decide: user APC or port, and nothing without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from analyzers.findings import Cause, Fits, Why
from analyzers.holders import port, user_apc
from analyzers.holders.by_name import WITH_ROUTINE, functions, stacks_that_decide
from analyzers.holders.exclusions import explanations
from analyzers.holders.held import BY_NAME_ALONE, HeldGroup
from analyzers.holders.held_groups import held_groups
from analyzers.pool_tables import Frame
from tests.analyzers.holders.made import OTHER_PROGRAM, PROGRAM, Freed, MadeRequests, loop, pool_of, with_buffers
from tracer.symbols.symbol import Inlined, Source, Symbol

pytestmark = pytest.mark.unjitted

NT = "ntoskrnl.exe"
USER_APC, PORT, AT_ONCE, ISSUED = 1, 2, 3, 91
FREE = ("ExFreePoolWithTag", "IoFreeIrp")


def frame(function: str, module: str = NT, source: Source = Source.PDB, inlined: tuple[str, ...] = ()) -> Frame:
    inside = tuple(Inlined(each, "", 0) for each in inlined)
    return Frame(0xFFFFF80310001000, module, 0x1000, Symbol(function, 0x10, inlined=inside), source)


def kernel(*names: str, source: Source = Source.PDB) -> tuple[Frame, ...]:
    return tuple(frame(name, source=source) for name in names)


STACKS = {
    USER_APC: kernel(*FREE, "IopUserRundown", "KiDeliverApc", "KiInitiateUserApc"),
    PORT: kernel(*FREE, "IoRemoveIoCompletion", "NtRemoveIoCompletionEx"),
    AT_ONCE: kernel(*FREE, "IopCompleteRequest", "KiDeliverApc", "KiApcInterrupt"),
    ISSUED: (frame("NtReadFile", "ntdll.dll"), frame("ReadFileEx", "KERNELBASE.dll")),
}


def unlogged(
    *releases: Freed, stacks: Mapping[int, tuple[Frame, ...]] | None = STACKS, issued: int = -1, **columns: Any
) -> MadeRequests:
    """A loop whose IRPs stay, in a trace without kernel queue events; ``issued``: the IRPs' user stack."""
    scene = replace(loop(40, **columns), seen_queues=False, releases=releases, stacks=stacks)
    return replace(scene, blocks=[replace(each, user_stack=issued) for each in scene.blocks])


def group_of(scene: MadeRequests) -> HeldGroup:
    return held_groups(scene.holding(), lambda _: "")[0]


def test_others_that_were_released_as_user_apcs_decide_where_no_queue_event_does() -> None:
    scene = unlogged(Freed(USER_APC))
    assert scene.all_are(Why.USER_APC)
    assert user_apc.BY_OTHERS in scene.rules()


def test_others_that_were_taken_out_of_a_port_decide_where_no_queue_event_does() -> None:
    scene = unlogged(Freed(PORT))
    assert scene.whys()[0] is Why.PORT
    assert set(scene.rules()[:39]) == {port.BY_OTHERS}


@pytest.mark.parametrize("stacks", [None, {each: kernel("", "", "") for each in (USER_APC, PORT)}])
@pytest.mark.parametrize("stack", [USER_APC, PORT])
def test_without_names_it_is_as_if_nothing_was_released(stack: int, stacks: Any) -> None:
    scene = unlogged(Freed(stack), stacks=stacks)
    assert scene.whys() == unlogged(stacks=None).whys()
    assert Why.UNKNOWN in scene.whys()


@pytest.mark.parametrize(
    "releases",
    [
        (Freed(USER_APC, 3),),
        (Freed(PORT, 3),),
        (Freed(USER_APC), Freed(PORT)),
        (Freed(USER_APC, process=OTHER_PROGRAM), Freed(PORT, process=OTHER_PROGRAM)),
        (Freed(USER_APC, kind=5),),
        (Freed(AT_ONCE),),
    ],
    ids=["few", "few from a port", "both ways", "another program's", "another kind's", "at once"],
)
def test_few_or_others_or_releases_of_both_ways_decide_nothing(releases: tuple[Freed, ...]) -> None:
    assert unlogged(*releases).whys() == unlogged(stacks=None).whys()


def test_the_nearest_export_decides_nothing() -> None:
    stacks = {USER_APC: kernel(*FREE, "IopUserRundown", "KiDeliverApc", source=Source.EXPORTS)}
    assert unlogged(Freed(USER_APC), stacks=stacks).whys() == unlogged(stacks=None).whys()


@pytest.mark.parametrize("function", sorted(WITH_ROUTINE))
def test_a_function_that_takes_a_completion_routine_decides(function: str) -> None:
    scene = unlogged(issued=ISSUED, stacks={ISSUED: (frame(function, "kernelbase.dll"),)})
    assert scene.all_are(Why.USER_APC)
    assert scene.rules()[0] == user_apc.BY_CALL


@pytest.mark.parametrize(
    ("function", "module"),
    [("ReadFile", "kernelbase.dll"), ("WSASend", "ws2_32.dll"), ("ReadFileEx", "contoso.dll")],
)
def test_other_functions_and_those_of_other_modules_decide_nothing(function: str, module: str) -> None:
    scene = unlogged(issued=ISSUED, stacks={ISSUED: (frame(function, module),)})
    assert scene.whys() == unlogged(stacks=None).whys()


def test_an_inlined_function_counts() -> None:
    stacks = {ISSUED: (frame("Wrapper", "kernelbase.dll", inlined=("ReadFileEx",)),)}
    assert unlogged(issued=ISSUED, stacks=stacks).all_are(Why.USER_APC)


def test_an_irp_that_was_made_for_an_earlier_request_does_not_tell_who_issued_this_one() -> None:
    scene = unlogged(issued=ISSUED)
    older = replace(scene, blocks=[replace(each, time_ns=each.time_ns - 10_000_000) for each in scene.blocks])
    assert user_apc.BY_CALL not in older.rules()


def test_what_stage_two_has_not_finished_is_no_user_apc_whatever_became_of_others() -> None:
    scene = with_buffers(unlogged(Freed(USER_APC)))
    assert Why.USER_APC not in scene.whys()


def test_what_waits_in_a_port_may_still_have_its_buffer() -> None:
    assert with_buffers(unlogged(Freed(PORT))).whys()[0] is Why.PORT


def test_where_queue_events_tell_they_are_believed() -> None:
    scene = replace(loop(40), releases=[Freed(PORT)], stacks=STACKS)
    assert scene.all_are(Why.USER_APC)


def test_the_evidence_says_that_it_rests_on_names() -> None:
    for scene, holder, rule in (
        (unlogged(Freed(USER_APC)), user_apc, user_apc.BY_OTHERS),
        (unlogged(Freed(PORT)), port, port.BY_OTHERS),
    ):
        [told] = [each for each in holder.evidence(group_of(scene)) if each.rule == rule]
        assert told.says.startswith("20 others of the kind were ")
        assert "functions on their freeing stacks" in told.says
        assert told.inferred
        assert BY_NAME_ALONE in [says for _, says in holder.doubts(group_of(scene))]


def test_who_issued_them_is_told_as_a_reason_of_its_own() -> None:
    group = group_of(unlogged(issued=ISSUED))
    assert "all were issued by ReadFileEx or WriteFileEx, so they have a completion routine (by function names)" in [
        each.says for each in user_apc.evidence(group)
    ]


def test_a_kind_that_stage_two_releases_nearly_always_lowers_the_confidence() -> None:
    factors = {}
    for count in (39, 40_000):
        scene = replace(loop(40), releases=[Freed(AT_ONCE, count)], stacks=STACKS)
        factors[count] = [factor for factor, _ in user_apc.doubts(group_of(scene))]
    assert min(factors[40_000]) < 0.6
    assert factors[39] == [factor for factor, _ in user_apc.doubts(group_of(loop(40)))]


def test_explanations_exclude_what_names_exclude() -> None:
    for scene, fits, excluded in (
        (unlogged(Freed(USER_APC)), Cause.USER_APC, Cause.PORT),
        (unlogged(Freed(PORT)), Cause.PORT, Cause.USER_APC),
    ):
        found = {each.why: each.fits for each in explanations(group_of(scene), "so")}
        assert found[fits] is Fits.YES
        assert found[excluded] is Fits.NO


def test_kept_buffers_exclude_user_apcs_whatever_became_of_others() -> None:
    group = group_of(with_buffers(unlogged(Freed(USER_APC))))
    assert {each.why: each.fits for each in explanations(group)}[Cause.USER_APC] is Fits.NO


def test_a_port_is_one_of_its_process_and_never_observed() -> None:
    group = group_of(unlogged(Freed(PORT)))
    assert group.port is not None
    assert (group.port.number, group.port.process, group.process) == (1, PROGRAM, PROGRAM)
    assert all(each.inferred for each in port.evidence(group))


def test_functions_without_the_argument_list_that_pdbs_may_add() -> None:
    assert functions([frame("CtCount(unsigned int)", "contosodev.sys")]) == [("contosodev.sys", "CtCount")]


def test_stacks_of_frees_and_user_stacks_of_irps_are_asked_for_those_with_most_first() -> None:
    scene = unlogged(Freed(PORT, 5), Freed(USER_APC, 7), issued=ISSUED)
    stacks, users = stacks_that_decide(pool_of(scene.blocks), scene.snapshot())
    assert stacks.tolist() == [USER_APC, PORT]
    assert users == [(ISSUED, PROGRAM)]


def test_what_all_shown_requests_of_a_thread_and_kind_have_the_others_have_too() -> None:
    scene = unlogged(stacks={ISSUED: STACKS[ISSUED], 92: (frame("ReadFile", "kernelbase.dll"),)})
    some = [replace(each, user_stack=ISSUED if row < 4 else -1) for row, each in enumerate(scene.blocks)]
    assert replace(scene, blocks=some).all_are(Why.USER_APC)
    few = [replace(each, user_stack=ISSUED if row < 3 else -1) for row, each in enumerate(scene.blocks)]
    assert replace(scene, blocks=few).rules().count(user_apc.BY_CALL) == 3
    other = [replace(each, user_stack=92 if row == 9 else each.user_stack) for row, each in enumerate(some)]
    assert replace(scene, blocks=other).rules().count(user_apc.BY_CALL) == 4
