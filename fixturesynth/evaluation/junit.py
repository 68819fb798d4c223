"""The report as JUnit XML, which CI systems show beside the tests: a test case for each requirement, promise, figure.

One suite for the conditions that were asked for, one for the rules of the schema, one for each metric group with a
case for each metric in each table.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree as Xml

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.plots import legible
from fixturesynth.evaluation.record import MetricRecord, Report, Summary

__all__ = ["write_junit"]

Case = tuple[str, str, str, str]  # class, name, outcome ("pass", "short", "not judged"), what is said
MOST_LINES = 20


def write_junit(report: Report) -> str:
    """Test suites; a shortfall is a failure, a figure that is not defined is skipped with the reason."""
    suites = Xml.Element("testsuites", name="fixturesynth check")
    total = [0, 0, 0]
    for name, cases in _suites(report):
        counts = _suite(suites, name, cases)
        total = [a + b for a, b in zip(total, counts, strict=True)]
    for key, count in zip(("tests", "failures", "skipped"), total, strict=True):
        suites.set(key, str(count))
    suites.set("errors", "0")
    suites.set("time", str(report.provenance.get("seconds", 0)))
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _suites(report: Report) -> Iterable[tuple[str, list[Case]]]:
    if report.requirements:
        yield (
            "required",
            [
                (f"required.{r.metric}", r.condition, "pass" if r.passed else "short", r.said)
                for r in report.requirements
            ],
        )
    rules = [
        (
            f"rules.{v.table}", f"{v.rule} {v.name}",
            "not judged" if v.broken is None else "short" if v.broken else "pass",
            v.note if v.broken is None else f"{v.broken:,} of {v.rows:,} rows break it",
        )
        for v in report.validity
    ]  # fmt: skip
    if rules:
        yield "rules of the schema", rules
    for group in dict.fromkeys(m.group for m in METRICS):
        names = [n for n in report.summary if n.partition(".")[0] == group]
        cases = [case for n in names for case in _cases(report, n, report.summary[n])]
        if cases:
            yield group, cases


def _cases(report: Report, name: str, summary: Summary) -> Iterable[Case]:
    """The metric as a whole, which decides, and one case for each table, which tells where.

    A table's case fails only where the verdict looks at single figures: where it looks at the mean, single figures
    below the threshold are told and do not fail.
    """
    if summary.count:
        value, sign = summary.figures[summary.judged], "≥" if summary.direction == "higher" else "≤"
        said = f"{summary.judged} {value:.4f}, asked {sign} {summary.threshold:g}; worst: {summary.worst}"
        yield name, "all tables", summary.verdict, said
    records = sorted(report.of(name), key=lambda r: r.table)
    for table, own in groupby(records, key=lambda r: r.table):
        yield (name, table, *_table_case(list(own), summary))


def _table_case(own: Sequence[MetricRecord], summary: Summary) -> tuple[str, str]:
    short = [r for r in own if r.verdict == "short"]
    known = [r for r in own if r.score is not None]
    if not known:
        return "not judged", "; ".join(dict.fromkeys(r.note for r in own if r.note)) or "nothing to measure"
    lines = [f"{r.place}: {r.score:.4f}, threshold {r.threshold:g}" for r in (short or known)[:MOST_LINES]]
    if len(short) > MOST_LINES:
        lines.append(f"... and {len(short) - MOST_LINES} more")
    return "short" if short and summary.judged == "worst" else "pass", "\n".join(lines)


def _suite(parent: Xml.Element, name: str, cases: Sequence[Case]) -> tuple[int, int, int]:
    failed, skipped = (sum(c[2] == outcome for c in cases) for outcome in ("short", "not judged"))
    suite = Xml.SubElement(
        parent, "testsuite", name=legible(name), tests=str(len(cases)), failures=str(failed), skipped=str(skipped),
        errors="0",
    )  # fmt: skip
    for classname, title, outcome, said in cases:
        case = Xml.SubElement(suite, "testcase", classname=legible(classname), name=legible(title), time="0")
        if outcome == "short":
            head = legible(said.splitlines()[0] if said else "falls short")
            Xml.SubElement(case, "failure", message=head, type="threshold").text = legible(said)
        elif outcome == "not judged":
            Xml.SubElement(case, "skipped", message=legible(said or "not measured"))
        else:
            Xml.SubElement(case, "system-out").text = legible(said)
    return len(cases), failed, skipped
