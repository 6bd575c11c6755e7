"""What a filter is made of, and what can be wrong with one."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from tracer.data_classes import dataclass


class Relation(StrEnum):
    """What stands between a field and its value."""

    HOLDS = ":"
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LEAST = ">="
    MOST = "<="
    MORE = ">"


@dataclass(frozen=True, slots=True)
class Word:
    """Rows in which some text holds ``text``, upper and lower case alike; ``negated``: rows in which none does."""

    text: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{'-' * self.negated}{self.text}"


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """Rows whose ``field`` stands in that relation to ``value``, which is as it was typed."""

    field: str
    relation: Relation
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{'-' * self.negated}{self.field}{self.relation}{self.value}"


@dataclass(frozen=True, slots=True)
class Or:
    """Between terms: a row has to fit all terms on one of its sides."""

    def __str__(self) -> str:
        return "or"


Term: TypeAlias = Word | FieldTerm | Or


class FilterError(Exception):
    """A filter that cannot be understood: what is wrong, in which term, and how it would be right."""

    def __init__(self, what: str, where: str, example: str) -> None:
        super().__init__(f"{what} in '{where}'; for example {example}")
        self.what = what
        self.where = where
        self.example = example
