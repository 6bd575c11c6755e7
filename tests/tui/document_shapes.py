"""The contract of the JSON documents: what each part holds, as checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def one_of(*words: str) -> Check:
    return lambda value: value in words


def share(value: Any) -> bool:
    return number(value) and 0 < value < 1


def pattern(expression: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(expression, value) is not None


def maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def all_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def counts_by(key: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(key(name) and whole(n) for name, n in value.items())


def shape(keys: Mapping[str, Check]) -> Check:
    """Every key is there and holds what it must; more keys may be there."""

    def check(value: Any) -> bool:
        assert isinstance(value, dict)
        missing = keys.keys() - value.keys()
        wrong = {key: value[key] for key in keys.keys() & value.keys() if not keys[key](value[key])}
        assert not missing, missing
        assert not wrong, wrong
        return True

    return check


TIME = pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
FRAME = shape(
    {"address": pattern(r"0x[0-9a-f]+"), "module": maybe(text), "offset": maybe(whole), "symbol": maybe(text)}
)
TRACE = shape(
    {
        "path": text,
        "bytes": whole,
        "session": text,
        "start": TIME,
        "end": maybe(TIME),
        "duration_ns": whole,
        "os_build": whole,
        "pointer_size": lambda value: value in {4, 8},
        "processors": whole,
        "machine_pointer_size": lambda value: value in {4, 8},
        "processors_seen": whole,
        "continues": flag,
        "clock_shifts": all_of(shape({"cpu": whole, "behind_ns": whole, "pairs": whole})),
        "standstills": all_of(shape({"from_ns": whole, "to_ns": whole})),
        "buffers": whole,
        "compressed_buffers": whole,
        "clock": lambda value: value in {"qpc", "system-time", "cpu-cycles"},
        "clock_frequency": whole,
        "mode": all_of(text),
    }
)
GAP = shape({"from_ns": whole, "to_ns": whole, "cpu": maybe(whole), "reason": text})
LOSS = shape({"events_lost": whole, "buffers_lost": whole, "gaps": all_of(GAP)})
DAMAGE = all_of(shape({"offset": whole, "code": text, "what": text, "bytes_skipped": whole}))
HEAD: Mapping[str, Check] = {
    "schema": lambda value: value == 2,
    "simulated": flag,
    "partial": flag,
    "finalised": flag,
    "trace": TRACE,
    "loss": LOSS,
    "damage": DAMAGE,
}
INFO = shape(
    {
        **HEAD,
        "records": shape(
            {
                "total": whole,
                "by_header": counts_by(text),
                "kernel_events": counts_by(pattern(r"[0-9A-F]{4}")),
                "providers": counts_by(pattern(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
            }
        ),
        "bytes": shape({"headers": whole, "records": whole, "padding": whole, "skipped": whole}),
    }
)
AUDIT = shape(
    {
        "holds": flag,
        "equations": all_of(
            shape({"name": text, "terms": counts_by(text), "total_name": text, "total": whole, "holds": flag})
        ),
        "records": shape(
            {
                "total": whole,
                "decoded": counts_by(text),
                "stacks": whole,
                "bare_stacks": whole,
                "cut_short": whole,
                "not_decoded": all_of(shape({"why": text, "what": text, "name": text, "records": whole})),
                "other_versions": all_of(
                    shape({"what": text, "name": text, "version": whole, "read_as": whole, "records": whole})
                ),
            }
        ),
        "skipped": all_of(shape({"code": text, "places": whole, "bytes": whole})),
    }
)
TAG: Mapping[str, Check] = {
    "tag": pattern(r"[ -~]{4}"),
    "tag_hex": pattern(r"[0-9a-f]{8}"),
    "paged": flag,
    "driver": text,
    "allocations": whole,
    "frees": whole,
    "outstanding_count": whole,
    "outstanding_bytes": whole,
}
GROUP: Mapping[str, Check] = {"name": text, "outstanding_count": whole, "outstanding_bytes": whole}
ADDRESS = pattern(r"0x[0-9a-f]+")
EVENT = shape({"time_ns": whole, "kind": text, "cpu": maybe(whole), "offset": maybe(whole)})
NAMED: Mapping[str, Check] = {
    "tag": TAG["tag"],
    "tag_hex": TAG["tag_hex"],
    "paged": flag,
    "count": whole,
    "bytes": whole,
}
REQUEST: Mapping[str, Check] = {
    "irp": ADDRESS,
    "thread_id": maybe(whole),
    "process_id": maybe(whole),
    "process": text,
    "issued_ns": whole,
    "completed_ns": maybe(whole),
    "age_ns": whole,
    "thread_since": one_of("ran", "waited", "never-ran", "exited", "unknown"),
    "says": text,
    "endpoint": maybe(ADDRESS),
    "retained_bytes": whole,
    "rule": text,
    "inferred": flag,
    "issued": EVENT,
    "completed": maybe(EVENT),
}
PENDING_APC = shape(
    {**REQUEST, "match_id": whole, "why": one_of("user-apc", "special-apc"), "apc": one_of("user", "special-kernel")}
)
HELD_REQUEST = shape(
    {
        **REQUEST,
        "why": one_of("user-apc", "special-apc", "port", "driver-kept", "completion-stopped", "unknown"),
        "port": maybe(whole),
        "driver": maybe(text),
    }
)
CAUSES = ("user-apc", "special-apc", "port", "driver-kept", "completion-stopped", "list", "missing-free", "reference")
EXPLANATION = shape(
    {"why": one_of(*CAUSES), "fits": one_of("yes", "no", "unknown"), "says": text, "told_apart_by": text}
)
PORT = shape(
    {"process": text, "process_id": maybe(whole), "number": whole, "waiting": whole}
    | dict.fromkeys(("enqueued_by", "dequeued_by"), all_of(whole))
)
NODE = shape({"kind": text, "id": text, "label": text, "rule": text, "retained_bytes": whole})
KINDS = ("pool", "context_switches", "ready_threads", "irp", "afd", "kernel_queues", "images", "judged")
EVIDENCE = shape(
    {
        **dict.fromkeys(KINDS, flag),
        "stacks": one_of("all", "allocations", "some", "none"),
        "symbols": one_of("all", "some", "none"),
        "record": text,
        "drain": maybe(shape({"from_ns": whole, "to_ns": whole, "frees": whole, "by": one_of("recorded", "seen")})),
    }
)
FINDING = shape(
    {
        **NAMED,
        "rank": whole,
        "verdict": one_of("pending-apc", "undrained-port", "driver-kept", "missing-free", "growth"),
        "says": text,
        "confidence": share,
        "retained_bytes": whole,
        "bytes_per_hour": maybe(number),
        "bytes_per_hour_interval": lambda value: len(value) == 2 and all(map(maybe(number), value)),
        "process": shape({"id": maybe(whole), "name": text}),
        "thread_id": maybe(whole),
        "driver": maybe(text),
        "accused": one_of("process", "driver", "port"),
        "apc": maybe(one_of("user", "special-kernel")),
        "port": maybe(PORT),
        "kept": maybe(one_of("never-completed", "completion-stopped")),
        "explanations": all_of(EXPLANATION),
        "groups": all_of(shape({**NAMED, "driver": maybe(text)})),
        "separates": lambda value: value is None,
        "stack": all_of(FRAME),
        "user_stack": all_of(FRAME),
        "path": all_of(NODE),
        "evidence": all_of(shape({"rule": text, "says": text, "inferred": flag, "events": all_of(EVENT)})),
        "doubts": all_of(text),
        "advice": text,
    }
)
CLEARED = shape({**NAMED, "verdict": one_of("cache", "transient", "pre-trace", "unknown"), "driver": text, "why": text})
ANALYSIS = shape(
    {
        **HEAD,
        "at_ns": whole,
        "evidence": maybe(EVIDENCE),
        "pool": shape(
            {
                "allocations": whole,
                "frees": whole,
                "matched": whole,
                "frees_without_allocation": whole,
                "replaced_without_free": whole,
                "outstanding_count": whole,
                "outstanding_bytes": whole,
                "by_tag": all_of(shape({**TAG, "description": text, "peak_bytes": whole})),
                "by_stack": all_of(shape({**TAG, "first_ns": whole, "last_ns": whole, "stack": all_of(FRAME)})),
                "by_process": all_of(shape({**GROUP, "id": maybe(whole)})),
                "by_driver": all_of(shape(GROUP)),
            }
        ),
        "pending_apcs": all_of(PENDING_APC),
        "held_requests": all_of(HELD_REQUEST),
        "findings": all_of(FINDING),
        "cleared": all_of(CLEARED),
    }
)
