"""What a diagnosis rests on, for those who look closer: requests, sockets, pending APCs and what holds what."""

from __future__ import annotations

from dataclasses import dataclass

from analyzers.apcs.line import Line
from analyzers.apcs.pending import PendingRows
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.attribution import Attribution
from analyzers.retention.graph import Retention


@dataclass(frozen=True, slots=True, eq=False)
class Grounds:
    """``pending``: requests whose APCs have not run beyond doubt; ``line``: all that wait with them.

    ``attribution``: which outstanding allocation belongs to which request or socket; ``retention``: the graph of them.
    """

    requests: RequestSnapshot
    pending: PendingRows
    line: Line
    attribution: Attribution
    retention: Retention
