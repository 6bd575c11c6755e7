"""``poolscope simulate``: a simulated trace with known truth."""

from __future__ import annotations

import argparse
import dataclasses
from enum import Enum
from pathlib import Path
from typing import Final

from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings
from tracer.errors import UsageError
from tui.commands.options import add_quiet, number, whole_number
from tui.exit_codes import ExitCode
from tui.hints import one_of
from tui.new_files import add_force, refuse_to_overwrite, writing
from tui.streams import say

_DEFAULTS: Final = Settings()
_WORDS: Final = {
    "cpus": "processors",
    "pointer_size": "a 32-bit machine",
    "iterations": "rounds of the scenario's own work",
    "think_ns": "nanoseconds between two rounds",
    "compressed": "compressed buffers",
    "stacks": "how call stacks are recorded",
    "free_stacks": "call stacks of allocations only",
    "user_stacks": "share of pool events with a user-mode stack",
    "session_share": "share of the background's allocations that are a session's",
    "big_share": "share of the background's allocations that are larger than a page",
    "stray_frees": "frees of memory from before the trace",
    "lost_events": "chance that an event is lost",
    "loss": "kinds of events that may be lost",
    "tells_loss": "a session that does not count the events that it lost",
    "lost_buffers": "buffers that are lost",
    "circular": "buffers that a circular file keeps, 0 for a sequential one",
    "context_switches": "a session without context switches",
    "ready_threads": "a session without ready-thread events",
    "irp_events": "a session without I/O request events",
    "afd_events": "a session without Winsock (AFD) events",
    "kernel_queues": "a session without kernel queue events",
    "drain_ns": "nanoseconds that the machine goes on after the last round, for late frees",
    "drain": "what is recorded of that time",
    "varied": "the seed draws drivers, tags, programs, sizes and rates",
    "buffer_size": "bytes of a buffer",
    "frequency": "ticks of the clock in a second",
}
"""What each setting is, for --help."""
_READ: Final = {int: whole_number, float: number}
_CONSTANTS: Final = {"pointer_size": ("--x86", 4)}
"""Settings of which only one other value makes sense: the option that gives it."""


class SimulateCommand:
    """The same words give the same bytes, on every machine."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        width = max(map(len, SCENARIOS))
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "scenarios:\n" + "\n".join(f"  {s.name:<{width}}  {s.summary}" for s in SCENARIOS.values())
        parser.add_argument(
            "scenario",
            type=one_of(tuple(SCENARIOS), "scenario"),
            choices=tuple(SCENARIOS),
            metavar="SCENARIO",
            help="one of those below",
        )
        parser.add_argument("output", type=Path, metavar="OUT.etl", help="the trace to write")
        parser.add_argument(
            "--seed", type=_seed, default=0, metavar="N", help="another run of the scenario (default 0)"
        )
        parser.add_argument("--truth", type=Path, metavar="OUT.json", help="also write what is true about the trace")
        parser.add_argument(
            "--map", type=Path, metavar="OUT.map", help="also write the names of its functions, as a map file"
        )
        _add_settings(parser)
        add_force(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Play the scenario and write the trace."""
        settings = _settings(args)
        files = {"the trace": args.output, "--truth": args.truth, "--map": args.map}
        written = {what: path.resolve() for what, path in files.items() if path is not None}
        for path in files.values():
            refuse_to_overwrite(path, force=args.force)
        if len(set(written.values())) < len(written):
            raise UsageError(
                "usage",
                f"two of {', '.join(written)} would be one file",
                where=str(args.output),
                why="the second would be written over the first",
                next="give each another name",
            )
        from analyzers.formatting import counted
        from fixtures.simulate import simulate  # brings numpy: not for --help

        simulation = simulate(args.scenario, args.seed, settings)
        with writing("the simulated trace", args.output):
            simulation.write(args.output, args.truth, args.map)
        records = counted(len(simulation.records), "record")
        say(f"wrote {args.output}, a simulated trace of {records}", quiet=args.quiet)
        return ExitCode.DONE


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """The simulated machine and session: an option for every setting, of the kind that its default asks for."""
    machine = parser.add_argument_group("the simulated machine and session")
    for setting in dataclasses.fields(Settings):
        words, default = _WORDS.get(setting.name, ""), getattr(_DEFAULTS, setting.name)
        name = setting.name.replace("_", "-")
        if setting.name in _CONSTANTS:
            flag, value = _CONSTANTS[setting.name]
            machine.add_argument(
                flag, dest=setting.name, action="store_const", const=value, default=default, help=words
            )
        elif isinstance(default, bool):
            flag = f"--no-{name}" if default else f"--{name}"
            machine.add_argument(
                flag, dest=setting.name, action="store_const", const=not default, default=default, help=words
            )
        else:
            help_text = f"{words} (default %(default)s)"
            if isinstance(default, Enum):
                choices = [choice.value for choice in type(default)]
                machine.add_argument(f"--{name}", choices=choices, default=default.value, help=help_text)
            else:
                machine.add_argument(
                    f"--{name}", type=_READ[type(default)], default=default, metavar="N", help=help_text
                )


def _seed(word: str) -> int:
    seed = whole_number(word)
    if seed < 0:  # it would give the run of the same number without its sign
        raise argparse.ArgumentTypeError("a whole number from 0 on")
    return seed


def _settings(args: argparse.Namespace) -> Settings:
    try:
        return Settings(**{setting.name: getattr(args, setting.name) for setting in dataclasses.fields(Settings)})
    except ValueError as error:
        raise UsageError("usage", str(error), next="poolscope simulate --help shows what is understood") from error
