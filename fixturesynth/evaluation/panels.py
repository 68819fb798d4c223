"""Panels of the report's page about all tables: rules, the classifier, usefulness, privacy, fairness."""

from collections.abc import Callable

from fixturesynth.evaluation.markup import (
    QUESTIONS,
    TITLES,
    chip,
    figure,
    fold,
    grid,
    interval,
    listed,
    plural,
    share,
    weakest_first,
)
from fixturesynth.evaluation.plots import clean, draw_scale
from fixturesynth.evaluation.record import MetricRecord, Report

__all__ = ["write_classifier", "write_fairness", "write_privacy", "write_usefulness", "write_validity"]


_TELLING = 0.55  # an AUC below it is noise, and so are the columns behind it


def write_validity(report: Report) -> str:
    """Rules of the schema that are broken or could not be checked, and the invariants."""
    broken = sorted((v for v in report.validity if v.broken), key=lambda v: -(v.broken or 0))
    unknown = [v for v in report.validity if v.broken is None]
    checked = len(report.validity) - len(unknown)
    html = f"<h2>Valid</h2><p>{plural(checked, 'rule')} of the schema were checked on every row"
    html += ": none is broken.</p>" if not broken else f"; {len(broken)} are broken.</p>"
    if broken:
        html += listed(
            ("table", "rule", "rows", "broken", "in real rows"),
            [
                (clean(v.table), clean(f"{v.rule} {v.name}"), f"{v.rows:,}", f"{v.broken:,}", _count(v.real_broken))
                for v in broken
            ],
            (2, 3, 4),
        )
    if unknown:
        whys = [(clean(v.table), clean(f"{v.rule} {v.name}"), clean(v.note)) for v in unknown[:200]]
        html += fold(f"{len(unknown)} could not be checked here", grid(("table", "rule", "why"), whys))
    rules = weakest_first(r for r in report.metrics if r.group == "invariant")
    if rules:
        kept = sum(r.verdict == "pass" for r in rules)
        html += (
            f"<h3>Invariants</h3><p>{plural(len(rules), 'rule')} that the real rows keep although no constraint "
            f"demands them; the synthetic rows keep {'all' if kept == len(rules) else kept} of them as well.</p>"
        )
        rows = [
            (clean(r.table), clean(r.detail["rule"]), share(r.floor), share(r.score), chip(r.verdict)) for r in rules
        ]
        html += listed(("table", "rule", "real rows that keep it", "synthetic rows", ""), rows, (2, 3))
    return html


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def write_classifier(report: Report) -> str:
    """AUC of each table and reference beside that of two sets of real rows, and what gives synthetic rows away."""
    found = [r for r in report.metrics if r.group == "detection"]
    if not any(r.score is not None for r in found):
        return ""
    html = (
        "<h2>What gives it away</h2><p>LightGBM learns to tell synthetic rows from real ones and is judged on rows "
        "it has not seen. An AUC of 0.5 is a coin, 1 is certainty; the upright mark is how well it tells real "
        "rows from other real rows. Beside it, the columns that helped it most, how much, and how they differ.</p>"
    )
    for name in ("detection.c2st", "detection.c2st_joined", "detection.c2st_agg"):
        own = weakest_first(r for r in found if r.name == name and r.score is not None)
        if not own:
            continue
        rows = [
            (
                clean(_spoken(r)), draw_scale(r.detail["auc"], r.detail["floor_auc"], 1 - r.threshold / 2),
                figure(r.detail["auc"]), figure(r.detail["floor_auc"]), _telling(r),
            )
            for r in own
        ]  # fmt: skip
        html += f"<h3>{TITLES[name]}</h3>" + listed(
            ("rows", "AUC from 0.5 to 1", "AUC", "real floor", "given away by (importance)"), rows, (2, 3), shown=6
        )
    left = [r for r in found if r.score is None]
    if left:
        said = "".join(f"<li>{clean(_spoken(r))}: {clean(r.note)}</li>" for r in left[:200])
        html += fold(f"{len(left)} not measured", f"<ul>{said}</ul>")
    return html


def _telling(r: MetricRecord) -> str:
    if r.detail["auc"] < _TELLING:
        return '<span class="dim">nothing to speak of</span>'
    items = [
        f'<li><b>{clean(name)}</b> <span class="dim">{gain:.0%}</span><br>{clean(how)}</li>'
        for name, gain, how in r.detail["telling"][:3]
        if gain >= 0.03
    ]
    return f'<ul class="telling">{"".join(items)}</ul>' if items else ""


def _spoken(r: MetricRecord) -> str:
    parent = r.detail.get("parent")
    if not parent:
        return r.table
    through = ", ".join(r.columns)
    return (
        f"{r.table} with {parent} ({through})"
        if r.name == "detection.c2st_joined"
        else f"{parent} with its {r.table} ({through})"
    )


def write_usefulness(report: Report) -> str:
    """What models learn from synthetic rows, tested on real ones."""
    said = (
        "Models learn from synthetic rows and from real ones, and are tested on the same real rows. A score of 1 is "
        "as good as learning from real rows; the floor is learning from another half of the real rows."
    )
    return _measured(report, "utility", "Useful", said, _trained)


def _trained(r: MetricRecord) -> str:
    named = {"real": "real", "synthetic": "synthetic", "hybrid": "both together"}
    shown = [f"{word} {r.detail[key]:.3f}" for key, word in named.items() if isinstance(r.detail.get(key), float)]
    return "trained on: " + ", ".join(shown) if shown else ""


def write_privacy(report: Report) -> str:
    """Copies, nearness and attacks; what was not tried is said."""
    held = report.provenance.get("holdout")
    said = "How near synthetic rows come to single real rows, and what an attacker would gain. "
    said += (
        "Held-out rows are the control: what an attack finds out about them, it did not learn from the training rows."
        if held
        else "Attacks (membership, attribute inference, singling out, linkability) were not tried: they need real rows "
        "that nothing was learned from. Give them with --holdout."
    )
    return _measured(report, "privacy", "Private", said, _near)


def _near(r: MetricRecord) -> str:
    if "copies" in r.detail:
        return f"{r.detail['copies']:,} rows, {r.detail['columns']} columns compared"
    if "attacks" in r.detail:
        return f"{r.detail['attacks']:,} attacks"
    if isinstance(r.detail.get("synthetic_median"), float):
        return f"median distance {r.detail['synthetic_median']:.3g}, among real rows {r.detail['real_median']:.3g}"
    return ""


def write_fairness(report: Report) -> str:
    """Shares and outcomes of protected groups."""
    said = (
        "Groups are those of protected columns, named in the spec or guessed by their names. The floor is what real "
        "rows give: synthetic rows are not asked to be fairer than these."
    )
    return _measured(report, "fairness", "Fair", said, _grouped)


def _grouped(r: MetricRecord) -> str:
    if "group" in r.detail:
        return f"group {r.detail['group']}: {r.detail['synthetic']:.1%} of rows, really {r.detail['real']:.1%}"
    if isinstance(r.detail.get("real"), float):
        return f"in the real rows {r.detail['real']:.3f}"
    return ""


def _measured(report: Report, group: str, title: str, said: str, told: Callable[[MetricRecord], str]) -> str:
    """A panel of a group: for each metric a table of its figures, weakest first."""
    found = [r for r in report.metrics if r.group == group]
    html = f"<h2>{title}</h2><p>{said}</p>"
    measured = [s for s in report.summary.values() if s.name.partition(".")[0] == group and s.count]
    for s in measured:
        rows = [
            (
                clean(r.place), figure(r.score), interval(r.interval), figure(r.floor),
                f"{'≥' if r.direction == 'higher' else '≤'} {r.threshold:.3g}", chip(r.verdict), clean(told(r)),
            )
            for r in weakest_first(r for r in found if r.name == s.name and r.score is not None)
        ]  # fmt: skip
        head = ("where", "score", "95% interval", "real floor", "asked", "", "")
        html += f"<h3>{clean(TITLES.get(s.name, s.name))}</h3><p>{clean(QUESTIONS.get(s.name, '').lstrip('. '))}</p>"
        html += listed(head, rows, (1, 2, 3, 4), shown=6)
    left = [r for r in found if r.score is None and r.note]
    if left:
        items = "".join(f"<li>{clean(TITLES.get(r.name))}, {clean(r.place)}: {clean(r.note)}</li>" for r in left[:200])
        html += fold(f"{len(left)} not measured", f"<ul>{items}</ul>")
    if not measured:
        html += f"<p>{clean(next(p.sentence for p in report.promises if p.name == title.lower()))}</p>"
    return html
