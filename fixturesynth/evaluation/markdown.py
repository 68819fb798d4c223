"""The report as a page of text: short enough for a comment on a pull request."""

from collections.abc import Iterator

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.record import MetricRecord, Promise, Report

__all__ = ["write_markdown"]

_WORST = 5
_MOST_LISTED = 40  # lines of a list; comments on pull requests end at 65,536 characters
_MARKS = {"pass": "✓", "short": "✗", "not judged": "–"}
_TITLES = {m.name: m.title for m in METRICS}


def write_markdown(report: Report) -> str:
    """Verdict, what was required, the five promises, what fell short."""
    lines = [f"# {'Passes' if report.passed else 'Falls short'}", "", report.verdict.text, ""]
    if report.requirements:
        lines += ["| required | measured | |", "|---|---|---|"]
        lines += [f"| `{_cell(r.condition)}` | {_cell(r.said)} | {_mark(r.passed)} |" for r in report.requirements]
        lines.append("")
    lines += ["| | | figure | real against real | |", "|---|---|---|---|---|"]
    lines += [_promise(p) for p in report.promises]
    if report.verdict.shortfalls:
        lines += ["", *_listed([f"- {_cell(line)}" for line in report.verdict.shortfalls])]
    broken = [v for v in report.validity if v.broken]
    if broken:
        lines += [
            "",
            "## Violations",
            "",
            "| table | rule | rows | broken | in the real rows |",
            "|---|---|---|---|---|",
        ]
        lines += _listed([
            f"| {_cell(v.table)} | {v.rule} {_cell(v.name)} | {v.rows:,} | {v.broken:,} | {v.real_broken or 0:,} |"
            for v in broken
        ])  # fmt: skip
    weakest = [line for name in report.summary for line in _weakest(report, name)]
    if weakest:
        lines += ["", "## Weakest", *weakest]
    lines += ["", "## All measures", "", "| measure | mean | worst | real against real | asked | verdict |"]
    lines += ["|---|---|---|---|---|---|", *_measures(report)]
    if report.notes:
        lines += ["", "## Notes", "", *_listed([f"- {_cell(note)}" for note in report.notes])]
    return "\n".join(lines) + "\n"


def _mark(passed: bool) -> str:
    return _MARKS["pass" if passed else "short"]


def _promise(p: Promise) -> str:
    sign = "≥" if p.direction == "higher" else "≤"
    figure = f"{p.title.lower()}: {p.judged} {_number(p.value)} ({sign} {p.threshold:.3g})" if p.metric else "–"
    return f"| **{p.name}** | {_cell(p.sentence)} | {_cell(figure)} | {_number(p.floor)} | {_MARKS[p.verdict]} |"


def _listed(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_LISTED:
        return lines
    more = f"{len(lines) - _MOST_LISTED} more"
    last = f"| ... and {more} |" if lines[0].startswith("|") else f"- ... and {more}"
    return [*lines[:_MOST_LISTED], last]


def _measures(report: Report) -> Iterator[str]:
    for name, s in report.summary.items():
        if s.count:
            asked = f"{s.judged} {'≥' if s.direction == 'higher' else '≤'} {s.threshold:g}"
            yield (
                f"| {_TITLES.get(name, name)} (`{name}`) | {_number(s.mean)} | {_number(s.figures['worst'])} "
                f"| {_number(s.floor)} | {asked} | {s.verdict} |"
            )


def _weakest(report: Report, name: str) -> Iterator[str]:
    short = [r for r in report.weakest(name, _WORST) if r.verdict == "short"]
    if short:
        yield ""
        yield f"**{_TITLES.get(name, name)}**"
        yield ""
        yield from (f"- {_place(r)}: {_number(r.score)} (real against real {_number(r.floor)})" for r in short)


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
