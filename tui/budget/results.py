"""What a check says: text, the document of ``--json``, and JUnit's XML for the pages of a CI."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from rich.text import Text

from analyzers.formatting import counted, size
from tui.budget.checking import Line
from tui.json_documents.writing import SCHEMA, Object, Value, string
from tui.report.styles import HEADING, QUIET, heading
from tui.safe_text import safe


def check_lines(lines: list[Line], doubts: list[str]) -> list[Text]:
    """What is over, the most first, how much is within, and what cannot be told."""
    over = sorted((line for line in lines if line.is_over), key=lambda line: line.limit.bytes - line.bytes)
    within = len(lines) - len(over)
    kept = "CANNOT TELL" if doubts else "WITHIN BUDGET"
    told = [heading(f"OVER BUDGET: {counted(len(over), 'limit')}" if over else kept)]
    told += [Text(f"  {doubt}") for doubt in doubts]
    for line in over:
        told += [
            Text(),
            Text.assemble("  ", (safe(line.what), HEADING)),
            Text(f"    - at most {size(line.limit.bytes)} ({line.limit.bytes:,} bytes)"),
            Text(f"    + left    {size(line.bytes)} ({line.bytes:,} bytes)"),
        ]
        if line.finding is not None:
            told.append(Text(f"    finding {line.finding} tells why: poolscope analyze TRACE --explain {line.finding}"))
        if len(line.names) > 1:
            told.append(Text(f"    {counted(len(line.names), 'name')}: {safe(', '.join(line.names[:5]))}", QUIET))
    return [*told, Text(), Text(f"  {counted(within, 'limit is', 'limits are')} kept.", QUIET)]


def check_document(budget: str, lines: list[Line], doubts: list[str]) -> Object:
    """The document of the contract."""
    over: list[Value] = [
        {
            "what": string(line.what),
            "limit_bytes": line.limit.bytes,
            "bytes": line.bytes,
            "finding": line.finding,
        }
        for line in lines
        if line.is_over
    ]
    within = len(lines) - len(over)
    return {"schema": SCHEMA, "budget": string(budget), "over": over, "within": within, "cannot_tell": [*doubts]}


def junit(trace: str, lines: list[Line], doubts: list[str]) -> bytes:
    """One test case a limit, and one in error for each doubt, as the pages of Jenkins, GitLab and others read it."""
    over = sum(line.is_over for line in lines)
    counts = {
        "tests": str(len(lines) + len(doubts)),
        "failures": str(over),
        "errors": str(len(doubts)),
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": safe(f"poolscope check {trace}"), **counts})
    for line in lines:
        case = ET.SubElement(suite, "testcase", {"classname": "poolscope.budget", "name": safe(line.what)})
        if line.is_over:
            message = f"{line.bytes:,} bytes are left, {line.limit.bytes:,} may be"
            failure = ET.SubElement(case, "failure", {"message": message, "type": "over-budget"})
            failure.text = message if line.finding is None else f"{message}; see finding {line.finding}"
    for doubt in doubts:
        case = ET.SubElement(suite, "testcase", {"classname": "poolscope.budget", "name": "can be told"})
        ET.SubElement(case, "error", {"message": doubt, "type": "cannot-tell"})
    ET.indent(suites)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites) + b"\n"
