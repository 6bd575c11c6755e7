"""The document of ``poolscope fleet``."""

from __future__ import annotations

from analyzers.fleet.answer import FleetAnswer, Occurrence
from analyzers.fleet.rows import TraceRow
from analyzers.fleet.separating import Separation
from tui.json_documents.writing import SCHEMA, Object, Value, string


def fleet_document(found: FleetAnswer, *, partial: bool) -> Object:
    """All signatures, those on most machines first; ``partial``: traces are left, as it was stopped."""
    return {
        "schema": SCHEMA,
        "partial": partial,
        "traces": found.traces,
        "read": found.read,
        "judged": found.judged,
        "incomplete": found.incomplete,
        "simulated": found.simulated,
        "machines": found.machines,
        "machines_with_leaks": found.leaking_machines,
        "machines_by_folder": found.unnamed,
        "builds": list(found.builds),
        "failed": [_failed(each) for each in found.failed],
        "signatures": [_signature(each) for each in found.occurrences],
        "worst": [_worst(each) for each in found.worst],
    }


def _failed(row: TraceRow) -> Object:
    return {
        "path": string(row.path),
        "hash": row.hash or None,
        "error": {
            "code": row.error_code,
            "what": string(row.error_what),
            "where": string(row.error_where),
            "why": string(row.error_why),
            "next": string(row.error_next),
        },
    }


def _signature(each: Occurrence) -> Object:
    signature = each.signature
    versions: list[Value] = [{"version": string(version), "machines": machines} for version, machines in each.versions]
    return {
        "verdict": signature.verdict,
        "driver": string(signature.driver) or None,
        "process": string(signature.process) or None,
        "site": string(signature.site) or None,
        "tag": signature.tag,
        "machines": each.machines,
        "traces": each.traces,
        "builds": list(each.builds),
        "versions": versions,
        "first_seen": each.first_seen or None,
        "last_seen": each.last_seen or None,
        "bytes": each.bytes,
        "confidence": each.confidence,
        "separates": None if each.separates is None else _separates(each.separates),
    }


def _separates(found: Separation) -> Object:
    return {
        "driver": string(found.driver),
        "version": string(found.version),
        "with": {"leaking": found.with_leak, "machines": found.machines_with},
        "without": {"leaking": found.without_leak, "machines": found.machines_without},
        "difference": found.difference,
        "interval": list(found.interval),
        "chance": found.chance,
        "also": [{"driver": string(each.name), "version": string(each.version)} for each in found.also],
    }


def _worst(row: TraceRow) -> Object:
    return {
        "path": string(row.path),
        "hash": row.hash,
        "machine": string(row.machine),
        "machine_from": row.machine_from,
        "findings": row.findings,
        "leaked_bytes": row.leaked_bytes,
    }
