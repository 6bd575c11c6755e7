"""Options that several commands share; each is declared once."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from tui.commands.traces import Traces
from tui.hints import one_of
from tui.theme_names import BY_WORD

_WHOLE: Final = re.compile("-?[0-9]{1,20}")
_SPANS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST: Final = 30 * 86_400.0
"""Nobody watches longer than that without looking."""


def add_json(parser: argparse._ActionsContainer) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """``--quiet``."""
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no notes on stderr")


def add_strict(parser: argparse.ArgumentParser, also: str = "") -> None:
    """``--strict``."""
    words = f"exit with 5 when events were lost or bytes are damaged{also}"
    parser.add_argument("--strict", action="store_true", help=words)


def add_fail_on_finding(parser: argparse.ArgumentParser, when: str = "") -> None:
    """``--fail-on-finding``."""
    words = f"{when}exit with 1 when a leak is found, with 6 when the trace lacks what it takes to tell"
    parser.add_argument("--fail-on-finding", action="store_true", help=words)


def add_pooltag(parser: argparse.ArgumentParser) -> None:
    """``--pooltag``."""
    parser.add_argument(
        "--pooltag",
        type=Path,
        metavar="FILE",
        help="a pooltag.txt for drivers and descriptions (found by itself where Microsoft's debuggers put it)",
    )


def add_symbols(parser: argparse.ArgumentParser) -> None:
    """``--symbols``, ``--symbol-server``, ``--map``."""
    group = parser.add_argument_group(
        "names of functions",
        "Read from PDB files: those that _NT_SYMBOL_PATH leads to, those fetched before, and on Windows those beside"
        " the images; there also from what images export.",
    )
    group.add_argument(
        "--symbols",
        metavar="PATH",
        help="where PDB files are: folders, stores (srv*, cache*) with ; between them, instead of _NT_SYMBOL_PATH",
    )
    group.add_argument(
        "--symbol-server",
        action="store_true",
        help="also ask the servers of the symbol path, or Microsoft's where it has none; else no network is used",
    )
    group.add_argument(
        "--map", type=Path, metavar="FILE", help="names for what no PDB names: lines of MODULE OFFSET NAME"
    )


def symbol_words(args: argparse.Namespace) -> list[str]:
    """The same options as words, for another process in the same folder."""
    words = [] if args.symbols is None else [f"--symbols={args.symbols}"]
    words += ["--symbol-server"] if args.symbol_server else []
    return words + ([] if args.map is None else ["--map", str(args.map.absolute())])


def add_explain(parser: argparse.ArgumentParser) -> None:
    """``--explain``."""
    parser.add_argument(
        "--explain",
        type=at_least_one,
        metavar="N",
        help="only finding N: the way to its memory, and the events behind it",
    )


def add_length(parser: argparse.ArgumentParser) -> None:
    """``--short`` and ``--full``."""
    parser.add_argument("--short", action="store_true", help="one line a finding")
    parser.add_argument("--full", action="store_true", help="also held requests, cleared groups, tables and stacks")
    parser.add_argument(
        "--all-frames", action="store_true", help="stacks also with the frames of the allocator and the I/O manager"
    )


def name_word(word: str) -> str:
    """A word that asks for names, as argparse reads it."""
    if not word.strip("= "):
        raise argparse.ArgumentTypeError("a name, or a part of one")
    return word


def at_least_one(word: str) -> int:
    """A count or a place as argparse reads it."""
    count = whole_number(word)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def whole_number(word: str) -> int:
    """A number in digits, as argparse reads it."""
    if not _WHOLE.fullmatch(word):
        raise argparse.ArgumentTypeError(f"'{word}' is no whole number")
    return int(word)


def number(word: str) -> float:
    """A number, as argparse reads it."""
    try:
        return float(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{word}' is no number") from error


def add_debug(parser: argparse.ArgumentParser) -> None:
    """``--debug``, understood before and after the command's name."""
    parser.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the Python traceback of an internal error (also POOLSCOPE_DEBUG=1)",
    )


def trace_path(word: str) -> Path:
    """The path of a trace as argparse reads it."""
    return Path(word)


def add_traces(parser: argparse.ArgumentParser, what: str, *, nargs: str = "+") -> None:
    """The traces: files that belong together are one."""
    parser.add_argument("traces", type=trace_path, nargs=nargs, action=Traces, metavar="TRACE", help=what)


def add_separate(parser: argparse.ArgumentParser) -> None:
    """``--separate``."""
    parser.add_argument(
        "--separate", action="store_true", help="each file for itself, also where several are parts of one recording"
    )


def add_session(parser: argparse.ArgumentParser) -> None:
    """``--session``."""
    parser.add_argument(
        "--session", type=at_least_one, metavar="N", help="of a file that sessions were appended to: only session N"
    )


def add_look(parser: argparse.ArgumentParser) -> None:
    """``--theme`` and ``--ascii``."""
    names = tuple(BY_WORD)
    parser.add_argument(
        "--theme", type=one_of(names, "theme"), choices=names, default="", metavar="NAME",
        help=f"colours: {', '.join(names)} (the terminal's own); seen by itself where not given",
    )  # fmt: skip
    parser.add_argument("--ascii", action="store_true", help="for a terminal without Unicode (seen by itself mostly)")


def add_capture(parser: argparse.ArgumentParser) -> None:
    """What is captured: ``--for``, ``--tag``, ``--process``, ``--no-stacks``, ``--counters``."""
    add_for(parser, "capture")
    parser.add_argument(
        "--tag", action="append", type=name_word, default=[],
        help="only these tags: a part of a name, ? and *, or =NAME (docs/live.md: when Windows itself filters)",
    )  # fmt: skip
    parser.add_argument(
        "--process", action="append", type=name_word, default=[], help="report only these processes, or ids"
    )
    parser.add_argument("--no-stacks", action="store_true", help="without call stacks: less to record, less to know")
    parser.add_argument(
        "--counters", action="store_true", help="the pool's counters by tag, with growth: no events, no stacks"
    )


def capture_words(args: argparse.Namespace) -> list[str]:
    """The words that :func:`add_capture` read, for another command line."""
    words = [] if args.seconds is None else ["--for", f"{args.seconds!r}s"]
    for option, values in (("--tag", args.tag), ("--process", args.process)):
        words += [f"{option}={value}" for value in values]
    flags = (("--no-stacks", args.no_stacks), ("--counters", args.counters))
    return words + [option for option, is_given in flags if is_given]


def add_alert(parser: argparse.ArgumentParser, does: str) -> None:
    """``--alert``; ``does``: what happens then."""
    from tui.alerts.grammar import EXAMPLES, alert_of

    parser.add_argument(
        "--alert", action="append", type=alert_of, default=[], metavar="LIMIT",
        help=f"{does} when the pool has or grows by too much: {EXAMPLES}",
    )  # fmt: skip


def add_for(parser: argparse.ArgumentParser, what: str) -> None:
    """``--for``."""
    parser.add_argument("--for", dest="seconds", type=span, metavar="TIME", help=f"{what} so long: 60s, 10m, 1h")


def span(word: str) -> float:
    """Seconds, from ``60s``, ``500ms``, ``10m``, ``1h`` or a plain number of seconds."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|min|h|d)?", word)
    seconds = float(match[1]) * _SPANS[match[2] or "s"] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError("a time such as 60s, 10m or 1h, at most 30 days")
    return seconds


def add_replay(parser: argparse.ArgumentParser) -> None:
    """``--replay`` and ``--speed``."""
    parser.add_argument(
        "--replay", type=trace_path, action=Traces, metavar="TRACE", help="play an .etl file as if it happened now"
    )
    parser.add_argument(
        "--speed", type=speed, default=1.0, metavar="N", help="of the replay: so many times as fast (1), or 'max'"
    )


def speed_word(factor: float | None) -> str:
    """A speed as :func:`speed` reads it."""
    return "max" if factor is None else repr(factor)


def speed(word: str) -> float | None:
    """How many times as fast as it happened; ``None`` for as fast as it goes."""
    if word == "max":
        return None
    factor = number(word)
    if not 0 < factor < float("inf"):
        raise argparse.ArgumentTypeError("a number above 0, or 'max'")
    return factor
