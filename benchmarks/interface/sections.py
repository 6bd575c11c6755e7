"""The parts of the table; each gives rows, and is one line in ``SECTIONS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks.interface import beside_textual, held_requests, keys_while_replaying, soak, table_of_a_million
from benchmarks.interface.plan import Plan
from benchmarks.table import Row

SECTIONS: Final[Mapping[str, Callable[[Plan], Iterator[Row]]]] = {
    "million": table_of_a_million.rows,
    "sites": table_of_a_million.rows_of_many_sites,
    "held": held_requests.rows,
    "textual": beside_textual.rows,
    "keys": keys_while_replaying.rows,
    "soak": soak.rows,
}
"""By the name that ``--only`` takes, in the order of the table."""


def section(name: str, plan: Plan) -> list[Row]:
    """The rows of one section."""
    return list(SECTIONS[name](plan))
