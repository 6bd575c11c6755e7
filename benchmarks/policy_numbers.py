"""The numbers of :mod:`analyzers.policy`, to be looked at and, within a block, to be others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass

from analyzers import policy


@dataclass(frozen=True, slots=True)
class Number:
    """One field of one of the policy's records."""

    group: str
    field: str

    def __str__(self) -> str:
        return f"{self.group}.{self.field}"

    @property
    def value(self) -> float:
        """What it is now."""
        value: float = getattr(getattr(policy, self.group), self.field)
        return value

    @contextmanager
    def set_to(self, value: float) -> Iterator[None]:
        """Within the block it is ``value``."""
        record, before = getattr(policy, self.group), self.value
        object.__setattr__(record, self.field, value)
        try:
            yield
        finally:
            object.__setattr__(record, self.field, before)


def numbers() -> list[Number]:
    """All of them, as they stand in the file."""
    records = {name: record for name, record in vars(policy).items() if is_dataclass(record) and name.isupper()}
    return [Number(name, each.name) for name, record in records.items() for each in fields(record)]
