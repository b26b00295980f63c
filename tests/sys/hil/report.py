#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A page for people from the JUnit file of a test run: one table, failures first, with what each of them said.

    report.py RUN.xml RUN.html
"""
import html
import sys
import xml.etree.ElementTree as xml

OUTCOMES = ("failed", "error", "skipped", "passed")  # in this order
ELEMENTS = {"failure": "failed", "error": "error", "skipped": "skipped"}
STYLE = """body { font: 14px sans-serif; margin: 2em } table { border-collapse: collapse } td, th { border: 1px solid #bbb; padding: 2px 8px;
text-align: left; vertical-align: top } td.failed, td.error { background: #fbb } td.passed { background: #bfb } pre { font-size: 12px }"""


def case_read(case):
    """(outcome, name, seconds, reason, text) of a test; one that failed twice (its end too) is the worse of both, with both texts."""
    found = [(ELEMENTS[child.tag], child) for child in case if child.tag in ELEMENTS]
    outcome = min((what for what, _ in found), key=OUTCOMES.index, default="passed")
    reason = next((child.get("message", "") for what, child in found if what == outcome), "")
    texts = [child.text or "" for what, child in found if what != "skipped"]
    if texts:
        texts += [child.text or "" for child in case if child.tag in ("system-out", "system-err")]
    name = ".".join(filter(None, (case.get("classname", ""), case.get("name", ""))))
    return outcome, name, float(case.get("time") or 0), reason, "\n".join(filter(None, texts))


def row(case):
    outcome, name, seconds, reason, text = case
    first = reason.split("\n")[0]
    details = f"<details><summary>what it said</summary><pre>{html.escape(text)}</pre></details>" if text else ""
    return (f'<tr><td>{html.escape(name)}</td><td class="{outcome}">{outcome}</td><td>{seconds:.1f}</td>'
            f"<td>{html.escape(first)}{details}</td></tr>")


def page(tree):
    suites = list(tree.iter("testsuite"))
    cases = sorted((case_read(case) for suite in suites for case in suite.iter("testcase")), key=lambda case: (OUTCOMES.index(case[0]), case[1]))
    title = f"Armature: {', '.join(suite.get('name', '') for suite in suites)} on {', '.join(suite.get('hostname', '') for suite in suites)}"
    count = ", ".join(f"{sum(case[0] == outcome for case in cases)} {outcome}" for outcome in OUTCOMES)
    facts = [(prop.get("name"), prop.get("value")) for suite in suites for prop in suite.findall("properties/property")]
    facts += [("started", suite.get("timestamp", "")) for suite in suites] + [("seconds", suite.get("time", "")) for suite in suites]
    told = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in facts)
    return (f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n'
            f"<h1>{html.escape(title)}</h1>\n<p>{count}</p>\n<table>{told}</table>\n<p></p>\n"
            "<table><tr><th>test</th><th>outcome</th><th>seconds</th><th>reason</th></tr>\n" + "\n".join(map(row, cases)) + "\n</table></body></html>\n")


def main(argv):
    if len(argv) != 2:
        sys.exit(__doc__)
    try:
        text = page(xml.parse(argv[0]))
        with open(argv[1], "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, xml.ParseError) as error:
        sys.exit(f"report.py: {argv[0]}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
