"""Pools, requests and sockets made by hand."""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import numpy as np

from analyzers.pool_tables import Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.requests.tables import NEVER, RequestTable, SocketTable

T = TypeVar("T")
Row = Mapping[str, Any]

TAGS = ("Irp ", "IoSB", "Mdl ", "File", "AfdE", "TcpE", "Leak")
"""A site each, of the same number as its tag."""
DRIVERS = ("nt", "nt", "nt", "nt", "afd.sys", "tcpip.sys", "leaky.sys")
IRP, BUFFER, MDL, FILE, ENDPOINT, TCP, LEAK = range(7)


def table(kind: type[T], rows: Sequence[Row]) -> T:
    """A table of columns; what a row does not say is 0, a time never, a row of another table none."""
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))
    columns: dict[str, Any] = {}
    for column in fields(kind):  # type: ignore[arg-type]  # both are dataclasses
        if column.default is not MISSING and not any(column.name in row for row in rows):
            continue
        absent: Any = NEVER if column.name.endswith("_ns") or column.name in {"socket", "kind"} else 0
        if typing.get_origin(hints[column.name]) is tuple:
            columns[column.name] = tuple(str(row.get(column.name, "")) for row in rows)
            continue
        dtype = typing.get_args(typing.get_args(hints[column.name])[1])[0]
        columns[column.name] = np.array([row.get(column.name, absent) for row in rows], dtype)
    return kind(**columns)


def requests_of(*rows: Row) -> RequestTable:
    return table(RequestTable, rows)


def sockets_of(*rows: Row) -> SocketTable:
    return table(SocketTable, rows)


def pool_of(*rows: Row, freed: Mapping[int, int] | None = None) -> PoolSnapshot:
    """Outstanding allocations, oldest first whatever their order here, and their sites; ``freed`` others by site."""
    out = table(Outstanding, sorted(rows, key=lambda row: row["time_ns"]))
    count = np.bincount(out.site, minlength=len(TAGS))
    frees = np.array([(freed or {}).get(site, 0) for site in range(len(TAGS))])
    totals = np.zeros(len(TAGS), np.int64)
    np.add.at(totals, out.site, out.size.astype(np.int64))
    numbers = {"outstanding_count": count, "outstanding_bytes": totals, "frees": frees, "allocations": count + frees}
    per_site = [{"tag_row": site, "driver": DRIVERS[site]} for site in range(len(TAGS))]
    columns = [{name: int(values[site]) for name, values in numbers.items()} for site in range(len(TAGS))]
    sites = table(SiteTable, [one | other for one, other in zip(per_site, columns, strict=True)])
    tags = table(TagTable, [{"tag": int.from_bytes(tag.encode(), "little")} for tag in TAGS])
    counters = PoolTotals(len(out), 0, 0, 0, 0, len(out), int(totals.sum()))
    parts: dict[str, Any] = {"totals": counters, "tags": tags, "sites": sites, "outstanding": out}
    rest: dict[str, Any] = {field.name: () for field in fields(PoolSnapshot) if field.name not in parts}
    return PoolSnapshot(**parts, **rest)


def block(address: int, size: int, time_ns: int, site: int, thread: int = 8, process: int = 4) -> Row:
    return {
        "address": address, "size": size, "time_ns": time_ns, "site": site, "thread": thread, "process": process
    }  # fmt: skip
