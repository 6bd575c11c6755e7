"""Rows of tables by the functions in their kernel stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from analyzers.factorize import coded
from analyzers.pool_tables import Frame, Names
from analyzers.selection.wording import Fits
from analyzers.snapshot import Snapshot
from tracer.arrays import I32, I64, Mask
from tui.tables.call_paths import AllFrames

ByFunction: TypeAlias = Callable[[Fits], Mask]
"""The rows in whose stack a function's name fits."""


def has_function(frame: Frame, fits: Fits) -> bool:
    """Whether a function at a frame, inlined ones as well, has a name that fits, with or without its module."""
    return any(map(fits, frame.functions + frame.qualified))


def of_stacks(names: Names, stacks: I32) -> ByFunction:
    """One row for each of the stack ids."""

    def find(fits: Fits) -> Mask:
        distinct, row = coded(stacks)
        own = distinct.astype(np.int32)
        frames = AllFrames(names, own, *names.addresses(own))
        return np.asarray(frames.holding(lambda frame: has_function(frame, fits))[row], np.bool_)

    return find


def of_allocations(snapshot: Snapshot) -> ByFunction:
    """One row for each outstanding allocation."""
    sites = of_stacks(snapshot.names, snapshot.pool.sites.stack)
    return lambda fits: sites(fits)[snapshot.pool.outstanding.site]


def of_tags(snapshot: Snapshot) -> ByFunction:
    """One row for each tag: some of it is allocated there."""
    sites, rows = of_stacks(snapshot.names, snapshot.pool.sites.stack), snapshot.pool.sites.tag_row

    def find(fits: Fits) -> Mask:
        return np.asarray(np.bincount(rows[sites(fits)], minlength=len(snapshot.pool.tags.tag)) > 0)

    return find


def of_nodes(of_paths: ByFunction, below: I64, starts: I64) -> ByFunction:
    """One row for each node of a tree: ``below`` them lie paths, those of each from ``starts``."""

    def find(fits: Fits) -> Mask:
        found = of_paths(fits)[below]
        return np.logical_or.reduceat(found, starts) if len(starts) else np.zeros(0, np.bool_)

    return find
