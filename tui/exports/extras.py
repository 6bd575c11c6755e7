"""What is large and not everybody's: modules that an extra of the package brings."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import MachineError


@dataclass(frozen=True, slots=True)
class Extra:
    """``name``: of the extra; ``module``: what it brings; ``why``: a sentence on who needs that."""

    name: str
    module: str
    why: str

    @property
    def command(self) -> str:
        """What installs it."""
        return f"python -m pip install 'poolscope[{self.name}]'"

    def load(self) -> ModuleType:
        """The module. Raises MachineError where it is not installed."""
        try:
            return import_module(self.module)
        except ImportError as error:
            raise MachineError(
                f"no-{self.module}",
                f"{self.module} is not installed",
                where="this Python",
                why=self.why,
                next=self.command,
            ) from error


PDF: Final = Extra("pdf", "reportlab", "a report as a PDF needs it, and nothing else does")
ARROW: Final = Extra("sql", "pyarrow", "Parquet and SQL need it, and nothing else does")
FLEET: Final = Extra("fleet", "pyarrow", "the tables that poolscope fleet writes need it")
