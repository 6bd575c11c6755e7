"""The pool at one moment, in columns: totals, tags, sites and outstanding allocations, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from analyzers.modules import KERNEL_FILE, KERNEL_NAME
from analyzers.processes import KnowsLives
from analyzers.trends.history import SiteHistory
from tracer.arrays import I32, I64, U8, U16, U32, U64, Mask, Structured
from tracer.data_classes import dataclass
from tracer.symbols.symbol import Source, Symbol


@dataclass(frozen=True, slots=True)
class PoolTotals:
    """The ledger's counters; its two equations hold.

    ``allocations == matched + replaced_without_free + outstanding_count`` and
    ``frees == matched + frees_without_allocation``. ``failed_allocations`` gave no memory (address 0) and are in
    neither.
    """

    allocations: int
    frees: int
    matched: int
    frees_without_allocation: int
    replaced_without_free: int
    outstanding_count: int
    outstanding_bytes: int
    failed_allocations: int = 0

    @property
    def events(self) -> int:
        """Pool events of any kind."""
        return self.allocations + self.frees + self.failed_allocations


@dataclass(frozen=True, slots=True, eq=False)
class TagTable:
    """One row per (tag, paged): ``tag`` uint32 with the protected bit cleared.

    ``driver`` and ``description`` are known tags' (ours or the user's pooltag.txt), else the
    module that allocates most of it, else empty. ``failed``: allocations that gave no memory, in no other column;
    ``None`` where nothing tells of them.
    """

    tag: U32
    paged: Mask
    allocations: I64
    frees: I64
    outstanding_count: I64
    outstanding_bytes: I64
    peak_bytes: I64
    driver: tuple[str, ...]
    description: tuple[str, ...]
    failed: I64 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SiteTable:
    """One row per allocation site: (tag row, kernel stack).

    ``tag_row``: int32 index into :class:`TagTable`. ``stack``: int32 stack id, -1 for none.
    ``allocated_bytes``: of all allocations, freed ones too. ``driver``: module of the allocating frame, empty where
    there is no stack. ``frame``: that frame's address, 0 where there is no stack
    (:meth:`analyzers.modules.Modules.allocating`).
    """

    tag_row: I32
    stack: I32
    allocations: I64
    allocated_bytes: I64
    frees: I64
    outstanding_count: I64
    outstanding_bytes: I64
    first_ns: I64
    last_ns: I64
    driver: tuple[str, ...]
    frame: U64


@dataclass(frozen=True, slots=True, eq=False)
class SiteParts:
    """Sites, and where each process' allocations are counted by themselves its part of each, by site.

    ``site``: int32 row of the :class:`SiteTable`. ``process``: uint32, UNKNOWN_ID where it is all processes' or nothing
    tells. ``history`` has a row for each part. ``of``: int32, the part that each outstanding allocation is of.
    """

    site: I32
    process: U32
    allocations: I64
    frees: I64
    outstanding_count: I64
    history: SiteHistory
    of: I32


@dataclass(frozen=True, slots=True, eq=False)
class Outstanding:
    """Every allocation that is still there, oldest first.

    ``type`` is the pool type as logged, with the big-pool bit; ``who`` holds :class:`~tracer.columns.Who` values;
    ``site`` is an index into :class:`SiteTable`; ``cpu`` is uint16; times are nanoseconds since
    the trace's start, sizes bytes.
    """

    address: U64
    size: U64
    time_ns: I64
    type: U32
    thread: U32
    process: U32
    cpu: U16
    who: U8
    site: I32
    user_stack: I32
    offset: I64

    def __len__(self) -> int:
        return len(self.address)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Outstanding allocations of one process or driver."""

    name: str
    id: int
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One stack frame; ``module`` is empty where unknown; ``offset`` is into the module.

    ``symbol``: the function that the address is in, ``None`` where no name is known; ``source``: where it is from.
    """

    address: int
    module: str
    offset: int
    symbol: Symbol | None = None
    source: Source = Source.NONE

    @property
    def function(self) -> str:
        """The name of the function, without its module; empty where it is not known."""
        return "" if self.symbol is None else self.symbol.function

    @property
    def functions(self) -> tuple[str, ...]:
        """Those whose code is there, innermost first: the inlined ones, then the function itself."""
        if self.symbol is None:
            return ()
        return (*(each.function for each in self.symbol.inlined), self.symbol.function)

    @property
    def qualified(self) -> tuple[str, ...]:
        """The same with their module, as debuggers write them: ``contosodev!CtDispatch``."""
        module = debugger_name(self.module)
        return tuple(f"{module}!{function}" for function in self.functions)

    @property
    def name(self) -> str:
        """The function with its module, one for all places in it; where no name is known, the text of the frame."""
        return str(self) if self.symbol is None else self.qualified[-1]

    def __str__(self) -> str:
        """As debuggers write it: ``contosodev!CtDispatch+0x4f``, and without a name ``contosodev.sys+0x10bf``."""
        if not self.module:
            return f"0x{self.address:x}"
        if self.symbol is None:
            return f"{self.module}+0x{self.offset:x}"
        beyond = f"+0x{self.symbol.displacement:x}" if self.symbol.displacement else ""
        return f"{self.name}{beyond}"


def debugger_name(module: str) -> str:
    """What debuggers call a module: its file without the ending, and the kernel ``nt``."""
    return KERNEL_NAME if KERNEL_FILE.match(module) else module.rpartition(".")[0] or module


@dataclass(frozen=True, slots=True, eq=False)
class LossSigns:
    """What the ledger's books show of frees that are missing.

    ``addresses``: about how many different ones were handed out, with the standard ``error``; both infinite where that
    is not known. ``in_session``: of the replaced allocations those of session pool, which show nothing.
    ``lost_frees``: when frees are missing (:data:`~analyzers.ledger.rows.LOST_FREE`).
    """

    addresses: float
    error: float
    in_session: int
    lost_frees: Structured


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """The pool at one moment; ``history`` has a row for each of ``sites``.

    ``parts``: the same by process, for the tags of :mod:`analyzers.tags.callers`; ``None`` where there are none of
    these. ``frees_with_stack``: how many of the frees came with their call stack. ``signs``: of loss, ``None`` where no
    single events were seen.
    """

    totals: PoolTotals
    tags: TagTable
    sites: SiteTable
    history: SiteHistory
    outstanding: Outstanding
    by_process: tuple[GroupRow, ...]
    by_driver: tuple[GroupRow, ...]
    parts: SiteParts | None = None
    frees_with_stack: int = 0
    signs: LossSigns | None = None


class Names(KnowsLives, Protocol):
    """What ids and addresses are called. Filled by the analysis from process, thread and image events."""

    def process(self, pid: int, at_ns: int | None = None) -> str:
        """Image name of the process that had this id at a time, or last; empty where the trace does not say."""

    def process_names(self) -> frozenset[tuple[int, str]]:
        """Id and image name of every process that the trace tells of, those that hold nothing too."""

    def images(self) -> frozenset[tuple[str, str]]:
        """File name and path of every image that the trace tells of."""

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        """By name of a kernel image, in small letters: size and time stamp (0: not told) of each that was loaded."""

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """The frames of a stack id, innermost first, user frames by the images of ``process``; empty for -1."""

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        """The distinct frames of many kernel stacks as they come; which of them each has, one stack after another.

        And where each begins, with the end as one more; both int64.
        """

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        """The frames of many stacks, one stack after another, and where each begins, with the end as one more."""
