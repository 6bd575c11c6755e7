"""What all campaigns of a log come to."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any


def tally(log: Path) -> str:
    """A table by target and engine, and of all together. ``OSError`` and ``ValueError`` where it is no such log."""
    rows: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in log.read_text("utf-8").splitlines():
        result = json.loads(line)
        rows[result["target"], result["engine"]].append(result)
    table = ["| target | engine | executions | seconds | slowest, ms | kinds of defects |", "|---|---|--:|--:|--:|--:|"]
    table += [_row(*key, results) for key, results in sorted(rows.items())]
    return "\n".join([*table, _row("all", "", [result for results in rows.values() for result in results])])


def _row(target: str, engine: str, results: list[dict[str, Any]]) -> str:
    executions = sum(each["executions"] for each in results)
    seconds = sum(each["seconds"] for each in results)
    found = {line for each in results for line in each["found"]}
    slowest = max(each["slowest"] for each in results) * 1_000
    return f"| {target} | {engine} | {executions:,} | {seconds:,.0f} | {slowest:,.0f} | {len(found)} |"
