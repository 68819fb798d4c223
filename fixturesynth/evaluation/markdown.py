"""The report as a page of text."""

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.record import MetricRecord, Report

__all__ = ["write_markdown"]

_WORST = 5


def write_markdown(report: Report) -> str:
    """Verdict, summary, violations and the weakest places as Markdown."""
    titles = {m.name: m.title for m in METRICS}
    lines = [f"# {'Passes' if report.verdict.passed else 'Falls short'}", "", report.verdict.text, ""]
    lines += [f"- {line}" for line in report.verdict.shortfalls]
    lines += ["", "| measure | mean | worst | real against real | asked | verdict |", "|---|---|---|---|---|---|"]
    for name, s in report.summary.items():
        if s.count:
            worst = s.figures["worst"]
            asked = f"{s.judged} {'≥' if s.direction == 'higher' else '≤'} {s.threshold:g}"
            lines.append(
                f"| {titles.get(name, name)} (`{name}`) | {_number(s.mean)} | {_number(worst)} | {_number(s.floor)} "
                f"| {asked} | {s.verdict} |"
            )
    broken = [v for v in report.validity if v.broken]
    if broken:
        lines += [
            "",
            "## Violations",
            "",
            "| table | rule | rows | broken | in the real rows |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {_cell(v.table)} | {v.rule} {_cell(v.name)} | {v.rows:,} | {v.broken:,} | {v.real_broken or 0:,} |"
            for v in broken
        ]
    for name in report.summary:
        short = [r for r in report.weakest(name, _WORST) if r.verdict == "short"]
        if short:
            lines += ["", f"## Weakest: {titles.get(name, name).lower()}", ""]
            lines += [f"- {_place(r)}: {_number(r.score)} (real against real {_number(r.floor)})" for r in short]
    if report.notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _place(record: MetricRecord) -> str:
    told = record.detail.get("telling")
    rule = record.detail.get("rule")
    extra = f", by {'; '.join(_telling(*t) for t in told[:3])}" if told else f", {rule}" if rule else ""
    return f"{_cell(record.place)}{_cell(extra)}"


def _telling(name: str, share: float, how: str) -> str:
    return f"{name} ({how})"
