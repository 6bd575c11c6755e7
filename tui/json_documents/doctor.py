"""The document of ``poolscope doctor``."""

from __future__ import annotations

from tracer.live.machine import Facts
from tui.doctor.examining import Examination
from tui.json_documents.writing import SCHEMA, Object, Value, string


def doctor_document(found: Examination) -> Object:
    """The whole document; what only Windows tells is null elsewhere."""
    return {
        "schema": SCHEMA,
        "can_capture": found.can_capture,
        "machine": machine_part(found.facts),
        "checks": [
            {
                "check": check.name,
                "state": str(check.state),
                "says": string(check.says),
                "fix": string(check.fix) or None,
            }
            for check in found.checks
        ],
    }


def machine_part(facts: Facts) -> Object:
    """The machine: neither its name nor its user's."""
    sessions: list[Value] | None = None if facts.sessions is None else [
        {"name": string(each.name), "system_logger": each.is_system_logger, "left_behind": each.left_behind}
        for each in facts.sessions
    ]  # fmt: skip
    return {
        "system": string(facts.system),
        "release": string(facts.release),
        "os_build": facts.build or None,
        "way": None if facts.way is None else str(facts.way),
        "processors": facts.processors,
        "python": facts.python,
        "python_bits": facts.python_bits,
        "machine_bits": facts.machine_bits,
        "pywintrace": facts.consumer or None,
        "symbol_path_set": facts.symbol_path,
        "elevated": facts.elevated,
        "paging_executive_disabled": facts.paging_executive_disabled,
        "in_container": facts.in_container,
        "sessions": sessions,
        "sessions_status": facts.sessions_status,
    }
