"""What the exit code of ``poolscope`` says; the codes are a contract."""

from __future__ import annotations

from enum import IntEnum

from tracer.errors import InputError, MachineError, OutputError, PoolscopeError, UsageError


class ExitCode(IntEnum):
    """Every exit code of every command."""

    DONE = 0
    FOUND = 1  # done; --fail-on-finding, --fail-on-change, a budget or an --alert found something
    USAGE = 2  # asked for something that the command does not offer, or for what the trace does not have
    INPUT = 3  # the input cannot be read at all
    MACHINE = 4  # this machine cannot do it
    INCOMPLETE = 5  # read, but damaged or with loss, and --strict was given
    UNJUDGED = 6  # the trace lacks the evidence: nothing can be said, and that was asked to fail
    OUTPUT = 7  # what came of it cannot be written
    INTERNAL = 70  # a fault of Poolscope itself (EX_SOFTWARE of BSD's sysexits.h)
    INTERRUPTED = 130  # Ctrl-C (128 + SIGINT, as shells have it), after a correct partial answer


def exit_code_of(error: PoolscopeError) -> ExitCode:
    """The exit code that belongs to an error."""
    match error:
        case UsageError():
            return ExitCode.USAGE
        case InputError():
            return ExitCode.INPUT
        case MachineError():
            return ExitCode.MACHINE
        case OutputError():
            return ExitCode.OUTPUT
        case _:
            return ExitCode.INTERNAL
