"""The command ``poolscope``: finds the command, runs it, and turns what went wrong into words.

Kept free of everything heavy: ``poolscope --help`` must answer at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from tracer.errors import OutputError, PoolscopeError, UsageError
from tui.commands import registry
from tui.commands.options import add_debug
from tui.errors import internal, tell
from tui.exit_codes import ExitCode, exit_code_of
from tui.hints import did_you_mean
from tui.interrupts import Interrupts
from tui.outcome import worst_exit_code
from tui.redaction.options import redaction_of
from tui.safe_text import safe
from tui.streams import guarded_streams, leave_quietly, say, talk_replacing, talk_through

if TYPE_CHECKING:
    from tui.redaction.redaction import Redaction


def complete(build_parser: Callable[[str], tuple[argparse.ArgumentParser, Any]]) -> None:
    """Tell the shell that asked, and leave."""
    import argcomplete
    from argcomplete.completers import FilesCompleter

    words = os.environ.get("COMP_LINE", "").split()[1:]
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser, _ = build_parser(chosen)
    argcomplete.autocomplete(parser, default_completer=FilesCompleter())


_DESCRIPTION: Final = (
    "Which pool memory of a Windows machine leaks, whose it is and why it was never freed, from kernel traces."
)
_HELP: Final = "poolscope --help lists the commands"
_ANY_WIDTH: Final = 80
COMPLETING: Final = "_ARGCOMPLETE"
"""Set by the shell that asks for completions (README.md says how it is told to)."""
_EPILOG: Final = "'poolscope COMMAND --help' tells more. Start with: poolscope demo"


class Parser(argparse.ArgumentParser):
    """A parser that raises what argparse would print, so that wrong use is told like every other error.

    argparse asks for the terminal's width for each argument that is declared, by a module that opens three libraries;
    here only help does.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**{"formatter_class": partial(argparse.HelpFormatter, width=_ANY_WIDTH), **kwargs})

    def format_help(self) -> str:
        """As wide as the terminal, and in the lines that a command's own formatter keeps."""
        if isinstance(self.formatter_class, partial):
            self.formatter_class = argparse.HelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError("usage", message, next=f"{self.prog} --help shows what is understood")

    @property
    def options(self) -> list[str]:
        """Every option of the command that was declared, and of the parser itself."""
        own = list(self._option_string_actions)  # the standard library tells of them nowhere else
        chosen = [action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return [*own, *(option for subs in chosen for sub in subs.values() for option in sub._option_string_actions)]


def version() -> str:
    """The installed version."""
    from importlib import metadata  # brings the reader of mails

    try:
        return metadata.version("poolscope")
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"


class _Version(argparse.Action):
    """Writes the version and leaves; argparse's own action is told it in every run."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Raises SystemExit."""
        print(f"poolscope {version()}")
        parser.exit()


def build_parser(chosen: str = "", *, is_alone: bool = False) -> tuple[Parser, registry.Command | None]:
    """The parser with every command's name, and the chosen command, whose arguments alone are declared.

    ``is_alone``: nothing is asked of the others, so they are left out.
    """
    parser = Parser(prog="poolscope", description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    add_debug(parser)
    names = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    command = None
    for entry in registry.COMMANDS:
        if is_alone and entry.name != chosen:
            continue
        sub = names.add_parser(entry.name, help=entry.help, description=entry.help, allow_abbrev=False)
        if entry.name == chosen:
            command = entry.load()
            command.prepare_parser(sub)
            add_debug(sub)
    return parser, command


def _run(words: Sequence[str]) -> int:
    chosen = _chosen(words)
    if chosen and registry.find(chosen) is None:
        names = [entry.name for entry in registry.COMMANDS]
        hint = did_you_mean(chosen, names)
        raise UsageError("usage", f"there is no command '{chosen}'", why=hint, next=_HELP)
    parser, command = build_parser(chosen, is_alone=words[:1] == [chosen])
    own, rest = _divided(words) if isinstance(command, registry.Followed) else (words, ())
    args, strange = parser.parse_known_args(own)
    if isinstance(command, registry.Gathers):  # argparse takes those before the first option that stands between
        getattr(args, command.gathers).extend(word for word in strange if not word.startswith("-"))
        strange = [word for word in strange if word.startswith("-")]
    if strange:
        _refuse(strange, parser, chosen)
    args.rest = list(rest)
    if command is None:
        raise UsageError("usage", "which command?", next=_HELP)
    if hasattr(args, "redact"):
        traces = map(str, getattr(args, "traces", ()))  # also those that a pattern stands for
        _redact_talk([*words, *traces], redaction_of(args))
    return command.run(args)


def _chosen(words: Sequence[str]) -> str:
    """The command's name as it was typed; empty for none."""
    return next((word for word in words if not word.startswith("-")), "")


def _refuse(strange: Sequence[str], parser: Parser, chosen: str) -> NoReturn:
    """Raise UsageError for words that no option and no argument takes."""
    word = next((word for word in strange if word.startswith("-")), strange[0]).partition("=")[0]
    prog = f"{parser.prog} {chosen}".rstrip()
    what = f"there is no option {word}" if word.startswith("-") else f"'{word}' is one word too many"
    hint = did_you_mean(word, parser.options) if word.startswith("-") else ""
    raise UsageError("usage", what, why=hint, next=f"{prog} --help shows what is understood")


def _divided(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What comes before ``--``, and what after it."""
    at = list(words).index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _reported(error: PoolscopeError, words: Sequence[str]) -> int:
    name = _chosen(words)
    if talk_replacing() is None:  # it was not understood what is to be redacted
        _redact_talk(words, None)
    tell(error, name if registry.find(name) else "")
    if "--json" in _divided(words)[0] and not isinstance(error, OutputError):
        from tui.json_documents.error import error_document  # only a failing --json run needs them
        from tui.json_documents.writing import write_document

        write_document(error_document(_unnamed(error)))
    return exit_code_of(error)


def _redact_talk(words: Sequence[str], redaction: Redaction | None) -> None:
    """Let talk go without names, where that is asked for; ``redaction``: that of the output, where there is one."""
    if any("--redact" in word for word in words):
        from tui.redaction.talk import is_asked, talk_of  # brings numpy: not for others

        if is_asked(words):
            talk_through(talk_of(words, redaction))


def _unnamed(error: PoolscopeError) -> PoolscopeError:
    """The error as it was told."""
    replacing = talk_replacing()
    if replacing is None:
        return error
    from tui.redaction.redaction import error_through

    return error_through(replacing, error)


def _guarded(words: Sequence[str], interrupts: Interrupts) -> int:
    try:
        return _run(words)
    except SystemExit as leaving:  # argparse, after --help or --version
        return int(leaving.code or 0)
    except PoolscopeError as error:
        return _reported(error, words)
    except BrokenPipeError:
        raise
    except Exception as error:  # the last net: nothing may end in a raw traceback
        if interrupts.asked:  # and C code has made something else of it
            raise KeyboardInterrupt from error
        if "--debug" in words or os.environ.get("POOLSCOPE_DEBUG", "") not in ("", "0"):
            import traceback

            sys.stderr.write("".join(f"{safe(line)}\n" for line in traceback.format_exc().splitlines()))
        return _reported(internal(error), words)


def _written(words: Sequence[str], interrupts: Interrupts) -> int:
    """Run the command and see that what it wrote is out."""
    code = int(ExitCode.DONE)
    try:
        code = _guarded(words, interrupts)
        sys.stdout.flush()
    except BrokenPipeError:
        return ExitCode.DONE
    except OutputError as error:
        tell(error, _chosen(words))
        return worst_exit_code((ExitCode(code), ExitCode.OUTPUT))
    except KeyboardInterrupt:
        say("interrupted")
        return ExitCode.INTERRUPTED
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``poolscope`` with these words (those of the process if none); gives the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if COMPLETING in os.environ:
        complete(build_parser)
    try:
        with Interrupts() as interrupts, guarded_streams():
            code = _written(words, interrupts)
    except KeyboardInterrupt:  # another moment later
        code = ExitCode.INTERRUPTED
    leave_quietly()
    return code
