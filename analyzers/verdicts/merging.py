"""One accusation for each driver and tag, from however many places in its code; unknown drivers join it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.findings import ACCUSATIONS, Verdict
from analyzers.pool_tables import PoolSnapshot
from analyzers.trends.trend import growths
from analyzers.verdicts.groups import parts_of
from analyzers.verdicts.judgement import Judgement
from tracer.columns import UNKNOWN_ID

Key = tuple[int, str, int, int, str, int]


def without_nobodys(judged: Iterable[Judgement]) -> list[Judgement]:
    """The judgements, without accusations of unknown drivers where a known one is accused over the same tag.

    Some blocks come without a stack, because its event was lost or too late. Whose they are is known all the same, as
    far as it can be: the one whose other blocks of that tag are not freed.
    """
    every = list(judged)
    accused = {_whose(each): each.group.driver for each in every if _accuses_somebody(each)}
    return [
        replace(each, verdict=Verdict.UNKNOWN, why=_nobodys(accused[_whose(each)]))
        if each.verdict in ACCUSATIONS and not each.group.driver and _whose(each) in accused
        else each
        for each in every
    ]


def with_their_callers(judged: Iterable[Judgement], pool: PoolSnapshot) -> list[Judgement]:
    """The judgements, where blocks without a stack go with the only caller of their driver whose blocks stay.

    Their driver is known by the tag alone, which does not accuse it beside a caller that the stacks of others tell.
    """
    every = list(judged)
    callers: dict[tuple[int, str], set[int]] = {}
    for each in every:
        if each.verdict in ACCUSATIONS and each.group.apart:
            callers.setdefault((each.group.tag_row, each.group.driver), set()).add(each.group.apart)
    found = []
    for each in every:
        group = each.group
        those = callers.get((group.tag_row, group.driver), set())
        if those and each.verdict in ACCUSATIONS and (pool.sites.stack[group.sites] < 0).all():
            if len(those) == 1:
                found.append(replace(each, group=replace(group, apart=min(those))))
            else:
                found.append(replace(each, verdict=Verdict.UNKNOWN, why=_SEVERAL_CALLERS))
        else:
            found.append(each)
    return found


_SEVERAL_CALLERS: Final = "no stack tells whose they are; others of the tag are not freed by several callers"


def _whose(judgement: Judgement) -> tuple[int, int]:
    return judgement.group.tag_row, judgement.group.process


def _accuses_somebody(judgement: Judgement) -> bool:
    return judgement.verdict in ACCUSATIONS and bool(judgement.group.driver)


def _nobodys(driver: str) -> str:
    return f"no stack tells whose they are; others of the tag are not freed by {driver}"


def merged(judged: Iterable[Judgement], pool: PoolSnapshot) -> list[Judgement]:
    """The judgements with accusations of one verdict, tag and driver put together; the others as they are."""
    families: dict[Key, list[Judgement]] = {}
    result = []
    for each in judged:
        if each.verdict in ACCUSATIONS:
            unload_ns = -1 if each.gone is None else each.gone.unload.at_ns
            families.setdefault((*each.group.family, each.verdict, unload_ns), []).append(each)
        else:
            result.append(each)
    several = [_one(family, pool) for family in families.values() if len(family) > 1]
    grown = growths([each.group.history for each in several])
    put_together = (replace(each, growth=grows) for each, grows in zip(several, grown, strict=True))
    accused = [next(put_together) if len(family) > 1 else family[0] for family in families.values()]
    return [*accused, *result]


def one_of(family: list[Judgement], pool: PoolSnapshot) -> Judgement:
    """Groups of one tag as one, whichever drivers they belong to."""
    found = _one(family, pool)
    [grows] = growths([found.group.history])
    group = replace(found.group, process=UNKNOWN_ID)
    return replace(found, group=group, growth=grows)


def _one(family: list[Judgement], pool: PoolSnapshot) -> Judgement:
    """The largest, standing for all: their sites, their survivors by age, and the history of all.

    Its growth is still that of the largest.
    """
    largest = max(family, key=lambda each: each.survivors.count)
    ordered = [largest.group, *(each.group for each in family if each is not largest)]
    parts = np.concatenate([each.parts for each in ordered])
    rows, lived = np.sort(np.concatenate([each.rows for each in family])), sum(each.survivors.count for each in family)
    [history] = parts_of(pool).history.by_group(parts, np.zeros(1, np.intp), largest.group.history.start_ns)
    group = replace(
        largest.group,
        sites=np.concatenate([each.sites for each in ordered]),
        parts=parts,
        rows=rows,
        allocations=sum(each.group.allocations for each in family),
        frees=sum(each.group.frees for each in family),
        replaced=sum(each.group.replaced for each in family),
        unmatched=sum(each.group.unmatched for each in family),
        history=history,
    )
    survivors = replace(
        largest.survivors,
        count=lived,
        age_ns=min(each.survivors.age_ns for each in family),
        freed=max(each.survivors.freed for each in family),
        usual_ns=max(each.survivors.usual_ns for each in family),
    )
    return replace(
        largest,
        group=group,
        survivors=survivors,
        explained=sum(each.explained for each in family),
        young=len(rows) - lived,
        undecided=sum(each.undecided for each in family),
    )
