from __future__ import annotations

import math
import random
from itertools import product

import numpy as np
import pytest

from analyzers.fleet.answer import answer
from analyzers.fleet.rows import FindingRow, TraceRow
from analyzers.fleet.separating import Separation, difference_of_shares, fisher
from tests.analyzers.fleet.made import finding, trace


def _separation(traces: list[TraceRow], findings: list[FindingRow]) -> Separation | None:
    return answer(traces, findings).occurrences[0].separates


def _fleet(numbers: dict[str, tuple[int, int]], **facts: object) -> tuple[list[TraceRow], list[FindingRow]]:
    """By version of the driver: machines with it, and how many of them leak."""
    traces: list[TraceRow] = []
    findings: list[FindingRow] = []
    for version, (machines, leaking) in numbers.items():
        for at in range(machines):
            traces.append(
                trace(len(traces), f"PC-{len(traces)}", [("leaky.sys", version), ("other.sys", "1")], **facts)
            )
            if at < leaking:
                findings.append(finding(traces[-1], site=f"leaky.sys+0x{version}"))
    return traces, findings


def test_fishers_chance_is_that_of_counting_every_way() -> None:
    """The tea-tasting table of Fisher's Design of Experiments: 3 of 4 right has the chance 34/70."""
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)
    for part, other in product(range(6), range(5)):
        marked = part + other
        ways = [math.comb(5, k) * math.comb(4, marked - k) for k in range(6) if 0 <= marked - k <= 4]
        here = math.comb(5, part) * math.comb(4, other)
        assert fisher(part, 5, other, 4) == pytest.approx(
            sum(way for way in ways if way <= here) / math.comb(9, marked)
        )


def test_newcombes_interval_is_that_of_his_paper() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 is 0.0524 to 0.3339, and 9/10 - 3/10 is 0.1705 to 0.8090."""
    columns = [np.array(each) for each in ((56, 9), (70, 10), (48, 3), (80, 10))]
    difference, low, high = difference_of_shares(*columns)
    assert difference == pytest.approx([0.2, 0.6])
    assert low == pytest.approx([0.0524, 0.1705], abs=5e-5)
    assert high == pytest.approx([0.3339, 0.8090], abs=5e-5)


def test_the_version_whose_machines_leak_is_named_with_its_numbers() -> None:
    found = _separation(*_fleet({"1": (20, 0), "2": (20, 18)}))
    assert found is not None
    assert (found.driver, found.version) == ("leaky.sys", "2")
    assert (found.with_leak, found.machines_with, found.without_leak, found.machines_without) == (18, 20, 0, 20)
    assert found.interval[0] > 0.6
    assert found.chance < 1e-6


def test_nothing_is_named_where_all_versions_leak_alike() -> None:
    """Even though the place in the code is another one in each version."""
    assert _separation(*_fleet({"1": (20, 15), "2": (20, 16)})) is None


def test_nothing_is_named_where_few_machines_tell() -> None:
    assert _separation(*_fleet({"1": (4, 0), "2": (3, 3)})) is None


def test_nothing_is_named_where_all_machines_have_one_version() -> None:
    assert _separation(*_fleet({"1": (40, 20)})) is None


def test_traces_that_cannot_be_judged_do_not_count_as_free_of_the_leak() -> None:
    traces, findings = _fleet({"2": (20, 20)})
    blind = [trace(100 + at, f"blind-{at}", [("leaky.sys", "1")], judged=False) for at in range(20)]
    assert _separation([*traces, *blind], findings) is None


def test_machines_without_the_driver_do_not_count_as_free_of_the_leak() -> None:
    traces, findings = _fleet({"2": (20, 20)})
    others = [trace(100 + at, f"other-{at}", [("other.sys", "1")]) for at in range(20)]
    assert _separation([*traces, *others], findings) is None


def test_many_traces_of_one_machine_are_one_machine() -> None:
    with_leak = [trace(at, "PC-0", [("leaky.sys", "2")]) for at in range(20)]
    without = [trace(100 + at, "PC-1", [("leaky.sys", "1")]) for at in range(20)]
    assert _separation([*with_leak, *without], [finding(each) for each in with_leak]) is None


def test_another_drivers_version_is_named_where_the_accused_ones_is_the_same_everywhere() -> None:
    traces = [
        trace(at, f"PC-{at}", [("leaky.sys", "1"), ("filter.sys", str(at % 2)), ("other.sys", str(at % 3))])
        for at in range(40)
    ]
    found = _separation(traces, [finding(each) for each in traces[1::2]])
    assert found is not None
    assert (found.driver, found.version) == ("filter.sys", "1")


def test_versions_that_nothing_tells_apart_are_said_to_be_so() -> None:
    traces = [trace(at, f"PC-{at}", [("leaky.sys", str(at % 2)), ("filter.sys", str(at % 2))]) for at in range(40)]
    found = _separation(traces, [finding(each) for each in traces[1::2]])
    assert found is not None
    assert found.driver == "leaky.sys"
    assert [tuple(each) for each in found.also] == [("filter.sys", "1")]


def test_the_kernels_own_version_is_found_under_its_files_name() -> None:
    traces = [trace(at, f"PC-{at}", [("ntoskrnl.exe", str(at % 2)), ("a.sys", "1")]) for at in range(40)]
    found = _separation(traces, [finding(each, driver="nt") for each in traces[1::2]])
    assert found is not None
    assert (found.driver, found.version) == ("ntoskrnl.exe", "1")


def _drawn(rng: random.Random, *, matters: bool) -> tuple[list[TraceRow], list[FindingRow]]:
    """A fleet of 60 machines and 40 drivers; of the leaking version's machines most leak, of the others hardly any."""
    rollout = {f"d{number}.sys": rng.choice((1, 1, 2, 3, 5)) for number in range(39)}
    traces: list[TraceRow] = []
    findings: list[FindingRow] = []
    for at in range(60):
        version = rng.choice("123")
        drivers = [("leaky.sys", version), *((name, str(rng.randrange(many))) for name, many in rollout.items())]
        traces.append(trace(at, f"PC-{at}", drivers, judged=rng.random() > 0.05))
        leaks = 0.85 if version == "2" and matters else 0.02 if matters else 0.3
        if traces[-1].judged and rng.random() < leaks:
            findings.append(finding(traces[-1]))
    return traces, findings


def test_the_leaking_version_is_named_in_98_of_100_drawn_fleets() -> None:
    named = [_separation(*_drawn(random.Random(seed), matters=True)) for seed in range(100)]
    right = sum(each is not None and (each.driver, each.version) == ("leaky.sys", "2") for each in named)
    assert right >= 98


def test_no_version_is_named_in_98_of_100_fleets_in_which_none_matters() -> None:
    named = [_separation(*_drawn(random.Random(seed), matters=False)) for seed in range(100)]
    assert sum(each is not None for each in named) <= 2


@pytest.mark.parametrize(
    ("with_it", "without", "is_named"),
    [
        ((4, 4), (6, 0), True),  # a chance of 0.0095
        ((4, 3), (13, 0), False),  # of 0.0118
        ((25, 7), (37, 0), True),  # 11.4 points more at least
        ((40, 9), (100, 2), False),  # 9.2
    ],
)
def test_a_version_is_named_from_a_chance_and_a_difference_on(
    with_it: tuple[int, int], without: tuple[int, int], is_named: bool
) -> None:
    assert (_separation(*_fleet({"1": without, "2": with_it})) is not None) == is_named
