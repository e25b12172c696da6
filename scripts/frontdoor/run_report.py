# SPDX-License-Identifier: BSD-2-Clause
"""What is known of a run of the kernel once its console has ended, and its two forms for other programs: JSON
and JUnit's XML.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence

from frontdoor import ktap
from frontdoor.console_line import kernel_text
from frontdoor.verdict import Decision, Verdict

# How lines begin in which the kernel says what it found and chose.
FOUND = (
    *(
        "Percival ",
        "percpu: ",
        "machine: ",
        "console: ",
        "timer: ",
        "watchdog: ",
        "cpu: ",
        "features: ",
        "tlb: ",
    ),
    *("layout: ", "memory: ", "roots: ", "root: ", "boot: ", "instrument: "),
)
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd]")


@dataclass(frozen=True)
class RunReport:
    """A run that has ended. `found` are the lines in which the kernel says what it found."""

    decision: Decision
    stated: Optional[Verdict]
    ktap: ktap.Report
    found: List[str] = field(default_factory=list)

    @property
    def tests(self) -> List[Dict[str, str]]:
        """The tests in their order: suite, name, result (pass, fail or skip), why, and the remarks on those
        that failed."""
        return [_test(suite, result) for suite, result in self.ktap.by_suite]


def _test(suite: str, result: ktap.Result) -> Dict[str, str]:
    kind = "fail" if not result.ok else "pass" if result.skipped is None else "skip"
    test = {"suite": suite, "name": result.name, "result": kind, "why": result.skipped or result.why}
    if kind == "fail":
        test["remarks"] = "\n".join(result.remarks)
    return {key: value for key, value in test.items() if value or key != "why"}


def found_lines(lines: Sequence[str]) -> List[str]:
    """Returns the lines before the report in which the kernel says what it found."""
    texts = [kernel_text(line) for line in lines]
    end = texts.index(ktap.VERSION) if ktap.VERSION in texts else len(texts)
    return [text for text in texts[:end] if text.startswith(FOUND)]


def as_json(report: RunReport) -> str:
    """Returns the report as a JSON object."""
    results = [test["result"] for test in report.tests]
    content = {
        "verdict": report.stated.name.lower() if report.stated is not None else None,
        "exit_code": report.decision.exit_code,
        "reason": report.decision.reason,
        "totals": {kind: results.count(kind) for kind in ("pass", "fail", "skip")},
        "problems": report.ktap.errors,
        "found": report.found,
        "tests": report.tests,
    }
    return json.dumps(content, indent=2) + "\n"


def _xml_text(text: str) -> str:
    return _NOT_XML.sub("?", text)


def _suite(parent: ElementTree.Element, name: str, cases: Sequence[ElementTree.Element]) -> None:
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite = ElementTree.SubElement(parent, "testsuite", name=name, tests=str(len(cases)))
    for key, tag in counts.items():
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)


def _case(test: Dict[str, str]) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_xml_text(test["suite"]), name=_xml_text(test["name"]))
    why = _xml_text(test.get("why", ""))
    if test["result"] == "skip":
        ElementTree.SubElement(case, "skipped", message=why)
    elif test["result"] == "fail":
        # JUnit calls it an error if the test did not come to its own end.
        kind = "error" if why else "failure"
        ElementTree.SubElement(case, kind, message=why or "failed").text = _xml_text(test["remarks"])
    return case


def _verdict_case(report: RunReport) -> ElementTree.Element:
    """Returns a test that passes exactly if the exit code is 0."""
    case = ElementTree.Element("testcase", classname="percival", name="verdict")
    if report.decision.exit_code != Verdict.PASSED:
        message = report.decision.reason or Verdict(report.decision.exit_code).name.lower()
        kind = "failure" if report.decision.exit_code == Verdict.FAILED else "error"
        ElementTree.SubElement(case, kind, message=_xml_text(message))
    if report.ktap.errors:
        ElementTree.SubElement(case, "system-out").text = _xml_text("\n".join(report.ktap.errors))
    return case


def as_junit(report: RunReport) -> str:
    """Returns the report as JUnit's XML: a testsuite for each suite, and one, percival, for the verdict."""
    root = ElementTree.Element("testsuites", name="percival")
    suites: Dict[str, List[ElementTree.Element]] = {}
    for test in report.tests:
        suites.setdefault(test["suite"], []).append(_case(test))
    for name, cases in suites.items():
        _suite(root, _xml_text(name), cases)
    _suite(root, "percival", [_verdict_case(report)])
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"
