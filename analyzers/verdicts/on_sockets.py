"""Outstanding memory that hangs on sockets which were closed and never cleaned up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import Verdict
from analyzers.policy import COURSE, TOGETHER
from analyzers.retention.attribution import Rule
from analyzers.retention.retained import closed
from analyzers.verdicts.accusation import DiagnosisInputs
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.owners import Owners
from tracer.arrays import I32, U64, Mask, Rows, unique
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class OnSockets:
    """By outstanding allocation: ``socket``, its row of the sockets, -1 for none; ``shut``: whether that was closed.

    ``endpoint``: whether it holds a socket's endpoint.
    """

    socket: I32
    shut: Mask
    endpoint: Mask

    @classmethod
    def of(cls, held: DiagnosisContext) -> OnSockets:
        """As the attribution says."""
        socket = held.attribution.socket
        shut = np.append(closed(held.requests.sockets), np.False_)
        return cls(socket, shut[socket], held.attribution.rule == Rule.HOLDS_ENDPOINT)

    def count(self, rows: Rows) -> int:
        """How many of the rows belong to a socket that was closed."""
        return int(np.count_nonzero(self.shut[rows]))

    def make_up(self, rows: Rows, belonging: int) -> bool:
        """Whether the rows are part of the sockets' leak, as ``belonging`` of them belong to closed ones."""
        return belonging >= max(TOGETHER.on_sockets * len(rows), COURSE.fewest)

    def are_endpoints(self, rows: Rows) -> bool:
        """Whether most of the rows hold sockets' endpoints."""
        return int(np.count_nonzero(self.endpoint[rows])) >= TOGETHER.on_sockets * len(rows)

    def with_them(self, rows: Rows, sizes: U64) -> int:
        """Bytes of the rows and of all that belongs to their sockets."""
        sockets = unique(self.socket[rows])
        mine = np.isin(self.socket, sockets[sockets >= 0])
        mine[rows] = True
        return int(sizes[mine].sum(dtype=np.uint64))

    def joined(
        self, families: Iterable[list[int]], accused: Sequence[Judgement], whose: Sequence[Owners]
    ) -> list[list[int]]:
        """Families of accused groups, by number, where all that hangs on a process' closed sockets is one of them.

        It is that of their endpoints, where these are accused.
        """
        if not self.shut.any():
            return list(families)
        endpoints = {
            who.process: number
            for number, (each, who) in reversed(list(enumerate(zip(accused, whose, strict=True))))
            if self.are_endpoints(each.rows)
        }
        with_endpoints: dict[int, list[int]] = {}
        others = []
        for family in families:
            parts = [
                number for number in family if self.make_up(accused[number].rows, self.count(accused[number].rows))
            ]
            to = endpoints.get(whose[parts[0]].process) if parts else None
            if to is None:
                others.append(family)
            else:
                with_endpoints.setdefault(to, []).extend(family)
        return [*with_endpoints.values(), *others]


def judged(found: Sequence[Judgement], _scene: DiagnosisInputs, held: DiagnosisContext) -> list[Judgement]:
    """Endpoints of closed sockets should be gone, whether or not a sibling was ever freed."""
    sockets = OnSockets.of(held)

    def one(judgement: Judgement) -> Judgement:
        rows = judgement.rows
        if judgement.verdict is not Verdict.GROWTH or not len(rows):
            return judgement
        share = sockets.count(rows) / len(rows)
        return replace(judgement, verdict=Verdict.MISSING_FREE) if share >= TOGETHER.on_sockets else judgement

    return [one(each) for each in found]
