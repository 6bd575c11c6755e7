"""Rows of traces and findings, as a few words tell them."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.fleet.rows import FROM_TRACE, DriverVersion, FindingRow, TraceRow


def trace(number: int, machine: str, drivers: Sequence[tuple[str, str]] = (), **facts: object) -> TraceRow:
    return TraceRow(
        **{  # type: ignore[arg-type]
            "hash": f"{number:064x}", "path": f"/traces/{number}.etl", "bytes": 1000, "machine": machine,
            "machine_from": FROM_TRACE, "os_build": 19045,
            "started": f"2026-01-{number % 28 + 1:02d}T00:00:00.0000000Z", "judged": True, "complete": True,
            "drivers": tuple(DriverVersion(*each) for each in drivers),
        } | facts
    )  # fmt: skip


def finding(of: TraceRow, driver: str = "leaky.sys", site: str = "leaky!Keep", **facts: object) -> FindingRow:
    version = next((each.version for each in of.drivers if each.name == driver), "")
    return FindingRow(
        **{  # type: ignore[arg-type]
            "hash": of.hash, "rank": 1, "verdict": "missing-free", "accused": "driver", "driver": driver,
            "driver_version": version, "driver_path": "", "process": "", "site": site, "tag": "Leak",
            "tag_hex": "4c65616b", "paged": False, "count": 10, "bytes": 1000, "retained_bytes": 1000,
            "bytes_per_hour": 0.0, "bytes_per_hour_low": 0.0, "bytes_per_hour_high": 0.0, "confidence": 0.9,
        } | facts
    )  # fmt: skip
