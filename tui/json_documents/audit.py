"""The key ``audit`` of the document of ``poolscope analyze --audit``."""

from __future__ import annotations

from analyzers.audit import Audit
from tui.json_documents.writing import Object, string


def audit_part(audit: Audit) -> Object:
    """Where everything went; the terms of an equation add up to its total where it holds."""
    return {
        "holds": audit.holds,
        "equations": [
            {
                "name": each.name,
                "terms": dict(each.terms),
                "total_name": each.total_name,
                "total": each.total,
                "holds": each.holds,
            }
            for each in audit.equations
        ],
        "records": {
            "total": audit.records,
            "decoded": dict(audit.decoded),
            "stacks": audit.stacks,
            "bare_stacks": audit.bare_stacks,
            "cut_short": audit.short,
            "not_decoded": [
                {"why": str(each.why), "what": each.what, "name": string(each.name), "records": each.records}
                for each in audit.left
            ],
            "other_versions": [
                {
                    "what": each.what,
                    "name": each.name,
                    "version": each.version,
                    "read_as": each.read_as,
                    "records": each.records,
                }
                for each in audit.versions
            ],
        },
        "skipped": [{"code": str(each.code), "places": each.places, "bytes": each.bytes} for each in audit.skipped],
    }
