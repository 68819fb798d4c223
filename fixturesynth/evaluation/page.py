"""The report as one self-contained HTML page: the verdict first, then what it rests on, with pictures."""

from collections.abc import Iterator

from fixturesynth.evaluation.markup import QUESTIONS, TITLES, chip, figure, fold, grid, interval, plural
from fixturesynth.evaluation.pagestyle import STYLE
from fixturesynth.evaluation.panels import (
    write_classifier,
    write_fairness,
    write_privacy,
    write_usefulness,
    write_validity,
)
from fixturesynth.evaluation.plots import clean, draw_meter
from fixturesynth.evaluation.record import Promise, Report
from fixturesynth.evaluation.tablepanels import Budget, write_relations, write_tables

__all__ = ["write_page"]

_SECTIONS = {"valid": "validity", "real": "classifier", "useful": "useful", "private": "private", "fair": "fair"}


def write_page(report: Report) -> str:
    """HTML without script; nothing in it points outside."""
    budget = Budget()
    sections = [
        ("validity", "Valid", write_validity(report)),
        ("classifier", "Given away", write_classifier(report)),
        ("relations", "Children", write_relations(report, budget)),
        ("tables", "Tables", write_tables(report, budget)),
        ("useful", "Useful", write_usefulness(report)),
        ("private", "Private", write_privacy(report)),
        ("fair", "Fair", write_fairness(report)),
        ("about", "About", _about(report, budget)),
    ]
    sections = [s for s in sections if s[2]]
    links = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">\n<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{'Passes' if report.passed else 'Falls short'}: FixtureSynth report</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<nav aria-label="Sections"><div><b><a href="#verdict">FixtureSynth</a></b>{links}</div></nav>\n<main>\n'
        + _verdict(report, {anchor for anchor, _, _ in sections})
        + "".join(f'<section id="{anchor}">{body}</section>\n' for anchor, _, body in sections)
        + "</main>\n</body>\n</html>\n"
    )


def _verdict(report: Report, anchors: set[str]) -> str:
    kind = "" if report.passed else " bad"
    rows = report.provenance.get("rows", {})
    real, synthetic = (sum(rows.get(side, {}).values()) for side in ("real", "synthetic"))
    counted = (
        f"{plural(synthetic, 'synthetic row')} in {plural(len(rows.get('synthetic', {})), 'table')} against "
        f"{plural(real, 'real row')}. Every figure stands beside its floor: what real rows score against other real "
        "rows. Nothing better is asked for."
    )
    short = "".join(f"<li>{clean(line)}</li>" for line in report.verdict.shortfalls)
    listed = f"<h2>What falls short</h2><ul>{short}</ul>" if short else ""
    cards = "".join(_promise(p, anchors) for p in report.promises)
    return (
        f'<header id="verdict" class="verdict{kind}"><h1>{clean(_headline(report))}</h1>'
        f'<p>{clean(report.verdict.text)}</p><p class="dim">{counted}</p>{_required(report)}</header>\n'
        f'<div class="cards">{cards}</div>\n<section class="short">{listed}{_measures(report)}</section>\n'
    )


def _headline(report: Report) -> str:
    named = {
        outcome: _and([p.name for p in report.promises if p.verdict == outcome])
        for outcome in ("pass", "short", "not judged")
    }
    if report.requirements:
        failed = sum(not r.passed for r in report.requirements)
        asked = plural(len(report.requirements), "requirement")
        return f"✓ Passes: {asked} held" if report.passed else f"✗ Fails {failed} of {asked}"
    if report.passed:
        return f"✓ Passes: {named['pass']}"
    held = f"; {named['pass']}" if named["pass"] else ""
    return f"✗ Not {named['short']} enough{held}" if named["short"] else "✗ Falls short"


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _required(report: Report) -> str:
    if not report.requirements:
        return ""
    rows = [
        (f"<code>{clean(r.condition)}</code>", clean(r.said), chip("pass" if r.passed else "short"))
        for r in report.requirements
    ]
    return grid(("required", "measured", ""), rows)


def _promise(p: Promise, anchors: set[str]) -> str:
    anchor = _SECTIONS[p.name] if _SECTIONS[p.name] in anchors else "tables"
    head = f'<a href="#{anchor}">{p.name.capitalize()}</a> {chip(p.verdict)}'
    if not p.metric:
        return f'<div class="card"><h2>{head}</h2><b class="none">–</b><p>{clean(p.sentence)}</p></div>'
    sign = "≥" if p.direction == "higher" else "≤"
    spread = f", 95% {interval(p.interval)}" if interval(p.interval) else ""
    floor = f"real rows {figure(p.floor)}" if p.floor is not None else "must be whole"
    return (
        f'<div class="card"><h2>{head}</h2><b>{figure(p.value)}</b>'
        f"{draw_meter(p.value, p.floor, p.threshold, p.direction, good=p.verdict == 'pass')}"
        f"<small>{clean(p.title)}, {p.judged}; asked {sign} {p.threshold:.3g}; {floor}{spread}</small>"
        f"<p>{clean(p.sentence)}</p></div>"
    )


def _measures(report: Report) -> str:
    rows = [
        (
            f'{clean(TITLES.get(s.name, s.name))}<br><code class="dim">{clean(s.name)}</code>',
            draw_meter(s.figures[s.judged], s.floor, s.threshold, s.direction, good=s.verdict == "pass"),
            figure(s.figures[s.judged]), interval(s.interval), figure(s.floor),
            f"{s.judged} {'≥' if s.direction == 'higher' else '≤'} {s.threshold:g}",
            f"{s.short} of {s.count}", chip(s.verdict),
        )
        for s in report.summary.values()
        if s.count
    ]  # fmt: skip
    head = ("measure", "", "score", "95% interval", "real floor", "asked", "places short", "")
    return fold(f"All {len(rows)} measures", grid(head, rows, (2, 3, 4, 5, 6)))


def _about(report: Report, budget: Budget) -> str:
    p = report.provenance
    html = "<h2>About this report</h2>" + grid(("", ""), _facts(report, budget), kind="facts")
    if report.notes:
        notes = "".join(f"<li>{clean(n)}</li>" for n in report.notes[:200])
        html += f"<h3>Samples, stated errors, doubts</h3><ul>{notes}</ul>"
    hashes = p.get("hashes", {})
    rows = [
        (clean(name), *(f"<code>{clean(hashes.get(side, {}).get(name, ''))[:16]}</code>" for side in hashes))
        for name in list(hashes.get("real", {}))[:300]
    ]
    if rows:
        html += fold("Hashes of the rows compared", grid(("table", *hashes), rows))
    rows = [
        (clean(TITLES.get(n, n)), f"<code>{clean(n)}</code>", clean(QUESTIONS.get(n, "")), f"{s.direction} is better")
        for n, s in report.summary.items()
    ]
    html += fold("What is measured", grid(("measure", "name", "question", "0 to 1"), rows))
    return (
        html + "<footer>Plots show shares of rows; example rows are synthetic. Keep this page like the data: its plots "
        "count real rows.</footer>"
    )


def _facts(report: Report, budget: Budget) -> Iterator[tuple[str, str]]:
    p = report.provenance
    yield "made", f"{clean(p.get('made', ''))}, in {p.get('seconds', 0)} s"
    yield "seed", clean(p.get("seed"))
    yield "versions", clean(", ".join(f"{k} {v}" for k, v in p.get("versions", {}).items()))
    floors = "held-out rows" if p.get("holdout") else "two halves of the real rows, kept together by parent"
    yield "floors", f"from {floors}"
    yield "samples", f"classifiers see at most {p.get('rows_limit', 0):,} rows of a side; validity looks at every row"
    if budget.left_out:
        yield "plots", f"{budget.left_out:,} are left out to keep the page small; their scores are in the JSON"
