"""Every command of ``poolscope``: a new one is a module of its own and one line here.

A command's module is imported when that command runs and not before: ``poolscope --help`` must
answer without numba, numpy or textual.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Final, Protocol, cast, runtime_checkable

from tracer.data_classes import dataclass


class Command(Protocol):
    """What a command's class offers."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; gives the exit code, raises PoolscopeError."""


@runtime_checkable
class Followed(Protocol):
    """A command after whose own words ``--`` and others may follow: those it finds in ``args.rest``."""

    follows: str


@runtime_checkable
class Gathers(Protocol):
    """A command whose plain words, named here, may stand before, between and behind its options."""

    gathers: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A command's name, its line in ``--help``, and where its class is."""

    name: str
    help: str
    module: str
    class_name: str

    def load(self) -> Command:
        """The command itself; imports its module."""
        return cast("Command", getattr(importlib.import_module(self.module), self.class_name)())


COMMANDS: Final[tuple[Entry, ...]] = (
    Entry("demo", "look at the bundled simulated trace", "tui.commands.demo", "DemoCommand"),
    Entry("info", "what is in a trace: header, records, loss, damage", "tui.commands.info", "InfoCommand"),
    Entry("analyze", "which pool memory leaks, whose it is, and why", "tui.commands.analyze", "AnalyzeCommand"),
    Entry("symbols", "which PDB files a trace needs, and where they are", "tui.commands.symbols", "SymbolsCommand"),
    Entry("diff", "what changed between traces, told from noise", "tui.commands.diff", "DiffCommand"),
    Entry("check", "what a test run leaves, held against a budget", "tui.commands.check", "CheckCommand"),
    Entry("fleet", "many traces on Dask, one answer", "tui.commands.fleet", "FleetCommand"),
    Entry("export", "an answer as a file for other programs", "tui.commands.export", "ExportCommand"),
    Entry("report", "the report as a file to pass on", "tui.commands.export", "ReportCommand"),
    Entry("sql", "questions in SQL over traces", "tui.commands.sql", "SqlCommand"),
    Entry("tui", "the terminal interface on a trace", "tui.commands.tui", "TuiCommand"),
    Entry("live", "what happens now on this Windows machine, or a replay", "tui.commands.live", "LiveCommand"),
    Entry("record", "record what happens on this Windows machine", "tui.commands.record", "RecordCommand"),
    Entry("doctor", "what this machine needs before a capture will work", "tui.commands.doctor", "DoctorCommand"),
    Entry("profile", "a recording profile for WPR, and the same for xperf", "tui.commands.profile", "ProfileCommand"),
    Entry("serve", "the terminal interface in a browser", "tui.commands.serve", "ServeCommand"),
    Entry("simulate", "write a simulated trace with known truth", "tui.commands.simulate", "SimulateCommand"),
)


def find(name: str) -> Entry | None:
    """The command of that name."""
    return next((entry for entry in COMMANDS if entry.name == name), None)
