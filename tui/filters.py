"""What ``--tag``, ``--process`` and ``--driver`` ask for, and what fits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analyzers.pooltag import tag_text


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; several words of one kind mean any of them, several kinds mean all.

    ``tags``: four characters, ``?`` and ``*`` stand for others, case counts. ``processes``: a
    process id, or a part of the image name. ``drivers``: a module, with or without ``.sys``.
    """

    tags: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tags or self.processes or self.drivers)

    def __str__(self) -> str:
        kinds = (("tag", self.tags), ("process", self.processes), ("driver", self.drivers))
        return ", ".join(f"{kind} {' or '.join(words)}" for kind, words in kinds if words)

    def fit_tags(self, tags: Iterable[int]) -> list[bool]:
        """For each tag whether it fits; all do where no tag was asked for."""
        expressions = [_tag_expression(pattern) for pattern in self.tags]
        texts = [tag_text(tag).rstrip() for tag in tags]
        return [not expressions or any(e.fullmatch(text) for e in expressions) for text in texts]

    def fit_drivers(self, drivers: Iterable[str]) -> list[bool]:
        """For each module name whether it fits; all do where no driver was asked for."""
        wanted = {_bare(driver) for driver in self.drivers}
        return [not wanted or _bare(driver) in wanted for driver in drivers]

    def fits_process(self, pid: int, name: str) -> bool:
        """Whether a process fits; each does where none was asked for."""
        return not self.processes or any(_is_process(word, pid, name) for word in self.processes)


def _tag_expression(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern.rstrip())
    return re.compile(escaped.replace(r"\?", ".").replace(r"\*", ".*"))


def _bare(driver: str) -> str:
    name = driver.casefold()
    return name.removesuffix(".sys").removesuffix(".exe")


def _is_process(word: str, pid: int, name: str) -> bool:
    return word == str(pid) or (not word.isdecimal() and word.casefold() in name.casefold())
