"""What a diagnosis rests on: requests, sockets, what holds each request, and the retention graph."""

from __future__ import annotations

from analyzers.holders.holding import Holding
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.attribution import Attribution
from analyzers.retention.graph import Retention
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class DiagnosisContext:
    """``held``: what holds each request that is not retired.

    ``attribution``: which outstanding allocation belongs to which request or socket; ``retention``: the graph of them.
    """

    held: Holding
    attribution: Attribution
    retention: Retention

    @property
    def requests(self) -> RequestSnapshot:
        """Requests and sockets at that moment."""
        return self.held.evidence.snapshot
