"""``poolscope simulate``: a simulated trace with known truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from tracer.errors import UsageError
from tui.commands.options import add_quiet
from tui.exit_codes import ExitCode
from tui.streams import say

_DEFAULTS = Settings()


class SimulateCommand:
    """The same words give the same bytes, on every machine."""

    def prepare_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare arguments and options."""
        width = max(map(len, SCENARIOS))
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "scenarios:\n" + "\n".join(f"  {s.name:<{width}}  {s.summary}" for s in SCENARIOS.values())
        parser.add_argument("scenario", choices=tuple(SCENARIOS), metavar="SCENARIO", help="one of those below")
        parser.add_argument("output", type=Path, metavar="OUT.etl", help="the trace to write")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="another run of the scenario (default 0)")
        parser.add_argument("--truth", type=Path, metavar="OUT.json", help="also write what is true about the trace")
        _add_settings(parser)
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Play the scenario and write the trace."""
        settings = _settings(args)
        from fixtures.simulate import simulate  # brings numpy: not for --help

        simulation = simulate(args.scenario, args.seed, settings)
        try:
            simulation.write(args.output, args.truth)
        except OSError as error:
            raise UsageError(
                "output",
                "cannot write the simulated trace",
                where=str(error.filename or args.output),
                why=error.strerror or str(error),
                next="give a path in a folder that exists and can be written",
            ) from error
        say(f"wrote {args.output}, a simulated trace of {len(simulation.records):,} records", quiet=args.quiet)
        return ExitCode.DONE


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """The simulated machine and session; what is not offered here keeps the simulator's defaults."""
    machine = parser.add_argument_group("the simulated machine and session")
    machine.add_argument(
        "--cpus", type=int, default=_DEFAULTS.cpus, metavar="N", help="processors (default %(default)s)"
    )
    machine.add_argument("--x86", action="store_true", help="a 32-bit machine")
    machine.add_argument("--compressed", action="store_true", help="compressed buffers")
    machine.add_argument(
        "--iterations", type=int, default=_DEFAULTS.iterations, metavar="N", help="rounds (default %(default)s)"
    )
    machine.add_argument(
        "--stacks",
        choices=[mode.value for mode in StackMode],
        default=_DEFAULTS.stacks.value,
        help="how call stacks are recorded (default %(default)s)",
    )
    machine.add_argument(
        "--lost-events", type=float, default=0.0, metavar="P", help="chance that a pool event is lost (default 0)"
    )
    machine.add_argument("--lost-buffers", type=int, default=0, metavar="N", help="buffers that are lost (default 0)")


def _settings(args: argparse.Namespace) -> Settings:
    try:
        return Settings(
            cpus=args.cpus,
            pointer_size=4 if args.x86 else 8,
            iterations=args.iterations,
            compressed=args.compressed,
            stacks=StackMode(args.stacks),
            lost_events=args.lost_events,
            lost_buffers=args.lost_buffers,
        )
    except ValueError as error:
        raise UsageError("usage", str(error), next="poolscope simulate --help shows what is understood") from error
