"""What holds requests, in words: holder by holder, and all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analyzers.factorize import coded_pairs, sums, unpaired
from analyzers.findings import WHYS, Accused, HeldRequest, HeldRequests, Why
from analyzers.formatting import agreeing, counted, size
from analyzers.holders.registry import HOLDERS
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, Numbers
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass
from tui.safe_text import safe
from tui.tables.words import named_process, thread_label

_KNOWN: Final = {why: holder for why, holder in HOLDERS.items() if why is not Why.UNKNOWN}
_BY_THREAD: Final = tuple(WHYS.index(why) for why, each in _KNOWN.items() if each.accuses is Accused.PROCESS)
_BY_DRIVER: Final = tuple(WHYS.index(why) for why, each in _KNOWN.items() if each.accuses is Accused.DRIVER)
_PORT: Final = WHYS.index(Why.PORT)

Owners = Mapping[int, str]
"""Processes by the number of their completion port."""


def port_owners(snapshot: Snapshot) -> Owners:
    """Whose each port is, as findings and what they rest on tell."""
    ports = [finding.port for finding in snapshot.diagnosis.findings if finding.port is not None]
    owners = {port.number: (port.process_id, port.process) for port in ports}
    for port in () if snapshot.context is None else snapshot.context.held.ports:
        owners.setdefault(port.number, (port.process, snapshot.names.process(port.process)))
    return {
        number: named_process(name, process)
        for number, (process, name) in owners.items()
        if process is not None and process != UNKNOWN_ID
    }


def holder_words(request: HeldRequest, owners: Owners) -> str:
    """What holds one request."""
    return _holder(request.why, request.thread_id, request.port, request.driver, owners)


def _holder(why: Why, thread: int, port: int, driver: str, owners: Owners) -> str:
    match why:
        case Why.USER_APC:
            return f"user APC on thread {thread_label(thread)}"
        case Why.SPECIAL_APC:
            return f"special APC on thread {thread_label(thread)}"
        case Why.PORT:
            return _port(port, owners)
        case Why.DRIVER_KEPT:
            return f"never completed by {_driver(driver)}"
        case Why.COMPLETION_STOPPED:
            return f"completion stopped by {_driver(driver)}"
        case Why.UNKNOWN:
            return HOLDERS[why].name
        case _:
            by_driver = HOLDERS[why].accuses is Accused.DRIVER
            return f"{HOLDERS[why].name}, {_driver(driver) if by_driver else f'thread {thread_label(thread)}'}"


def _port(port: int, owners: Owners) -> str:
    owner = owners.get(port)
    return (f"port {port}" if port else "a port") + (f" of {owner}" if owner else "")


def _driver(driver: str) -> str:
    return safe(driver) or "an unknown driver"


@dataclass(frozen=True, slots=True, eq=False)
class Holders:
    """What holds the rows of some held requests: those with most bytes first.

    ``of``: by request, the place of its holder. ``why``, ``words``, ``count``, ``bytes``, ``first`` (row of its oldest
    request): by holder.
    """

    of: I64
    why: tuple[Why, ...]
    words: tuple[str, ...]
    count: tuple[int, ...]
    bytes: tuple[int, ...]
    first: tuple[int, ...]

    @classmethod
    def among(cls, held: HeldRequests, owners: Owners) -> Holders:
        """The threads, ports and drivers that hold requests."""
        pairs, of = coded_pairs(held.why, _keys(held))
        total = sums(of, held.retained_bytes, len(pairs))
        order = np.argsort(-total, kind="stable")
        place = np.empty(len(pairs), np.int64)
        place[order] = np.arange(len(pairs))
        kinds = [unpaired(pairs)[at] for at in order.tolist()]
        whys = tuple(WHYS[why] for why, _ in kinds)
        found: I64 = place[of]
        first = np.zeros(len(pairs), np.int64)
        first[found[::-1]] = np.arange(len(held))[::-1]
        return cls(
            of=found,
            why=whys,
            words=tuple(_of_key(why, key, held.drivers, owners) for why, (_, key) in zip(whys, kinds, strict=True)),
            count=tuple(np.bincount(found, minlength=len(pairs)).tolist()),
            bytes=tuple(total[order].tolist()),
            first=tuple(first.tolist()),
        )


def _keys(held: HeldRequests) -> Numbers:
    """By request, what tells its holder from others of the same kind: thread, port or place of the driver."""
    kinds = [np.isin(held.why, _BY_THREAD), held.why == _PORT, np.isin(held.why, _BY_DRIVER)]
    return np.select(kinds, [held.thread_id, held.port, held.driver], 0).astype(np.int64)


def _of_key(why: Why, key: int, drivers: Sequence[str], owners: Owners) -> str:
    driver = drivers[key] if WHYS.index(why) in _BY_DRIVER else ""
    return _holder(why, key, key, driver, owners)


def summary(held: HeldRequests, owners: Owners) -> str:
    """How many requests are held by what, in one sentence."""
    holders = Holders.among(held, owners)
    kinds: Counter[Why] = Counter()
    for why, kept in zip(holders.why, holders.bytes, strict=True):
        kinds[why] += kept
    parts = [_part(why, holders, held) for why, _ in kinds.most_common()]
    retained = size(int(held.retained_bytes.sum()))
    return f"{counted(len(held), 'request is', 'requests are')} held, {retained}: {'; '.join(parts)}."


def _part(why: Why, holders: Holders, held: HeldRequests) -> str:
    own = [at for at, each in enumerate(holders.why) if each is why]
    count, one = sum(holders.count[at] for at in own), holders.words[own[0]] if len(own) == 1 else ""
    match why:
        case Why.USER_APC | Why.SPECIAL_APC:
            kind = "user APC" if why is Why.USER_APC else "special APC"
            where = one.removeprefix(f"{kind} on ") or f"{len(own):,} threads"
            where += f" of {issuer(held, holders.first[own[0]])}" if one else ""
            return f"{count:,} by {agreeing(count, f'a {kind}', f'{kind}s')} on {where}"
        case Why.PORT:
            return f"{count:,} in {one or f'{len(own):,} ports'}"
        case Why.DRIVER_KEPT:
            return f"{count:,} {one or f'never completed by {len(own):,} drivers'}"
        case Why.COMPLETION_STOPPED:
            stopped = one or f"completion stopped by {len(own):,} drivers"
            return f"{count:,} with {agreeing(count, 'its', 'their')} {stopped}"
        case Why.UNKNOWN:
            return f"{count:,} by nothing that the trace shows"
        case _:
            return f"{count:,} by {one or HOLDERS[why].name}"


def issuer(held: HeldRequests, row: int) -> str:
    """The process that issued a request."""
    return named_process(held.processes[held.process[row]], int(held.process_id[row]))
