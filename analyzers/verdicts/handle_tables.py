"""Handle tables that grow with the objects that a program keeps: one cause, and the sign of a handle leak."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzers.formatting import counted
from analyzers.tags.callers import FILE
from analyzers.tags.objects import HANDLE_TABLE, OBJECTS
from analyzers.verdicts.judgement import Judgement


def with_handle_tables(families: Iterable[list[int]], accused: Sequence[Judgement]) -> list[list[int]]:
    """Families of accused groups, by number, a program's handle table with the objects or files that it keeps."""
    every = list(families)
    keeping: dict[int, list[int]] = {}
    for family in every:
        for number in family:
            group = accused[number].group
            if group.callers and (group.tag in OBJECTS or group.tag == FILE):
                keeping.setdefault(group.process, family)
    result = []
    for family in every:
        to = keeping.get(accused[family[0]].group.process)
        if to is not None and all(accused[number].group.tag == HANDLE_TABLE for number in family):
            to.extend(family)
        else:
            result.append(family)
    return result


def table_words(blocks: int) -> str:
    """What blocks of a handle table that stay with objects show."""
    return f"the program's handle table grew by {counted(blocks, 'block')} with them, so it keeps handles open"
