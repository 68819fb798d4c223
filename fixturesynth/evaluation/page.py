"""The report as one self-contained HTML page: the verdict first, then what it rests on, with pictures."""

from collections.abc import Iterable, Sequence

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.pagestyle import STYLE
from fixturesynth.evaluation.pictures import Picture
from fixturesynth.evaluation.plots import clean, draw_heat_map, draw_picture, draw_scale
from fixturesynth.evaluation.record import MetricRecord, Report, Summary

__all__ = ["write_page"]

_MOST_PLOTS = 36  # of a table; the rest are folded away
_WIDEST_HEAT_MAP = 45
_LEGEND = (
    '<div class="legend"><span><i class="r"></i>real rows</span><span><i class="s"></i>synthetic rows</span></div>'
)
_TITLES = {m.name: m.title for m in METRICS}
_QUESTIONS = {m.name: m.question for m in METRICS}


def write_page(report: Report) -> str:
    """HTML without script; nothing in it points outside."""
    tables = list(dict.fromkeys([*report.examples, *(p.table for p in report.pictures)]))
    anchors = {name: f"table-{i}" for i, name in enumerate(tables)}
    edges = [p for p in report.pictures if p.kind == "children"]
    sections = [
        ("validity", "Validity", _validity(report)),
        ("classifier", "Classifier", _classifier(report)),
        ("relations", "Relations", _relations(report, edges)),
        ("tables", "Tables", "".join(_table(report, name, anchors[name]) for name in tables)),
        ("about", "About", _about(report)),
    ]
    sections = [s for s in sections if s[2]]
    links = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">\n<link rel="icon" href="data:,">\n'
        f"<title>Synthetic rows {'pass' if report.verdict.passed else 'fall short'}: FixtureSynth report</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<nav aria-label="Sections"><div><b><a href="#verdict">FixtureSynth</a></b>{links}</div></nav>\n<main>\n'
        + _verdict(report)
        + "".join(f'<section id="{anchor}">{body}</section>\n' for anchor, _, body in sections)
        + "</main>\n</body>\n</html>\n"
    )


def _verdict(report: Report) -> str:
    mark, kind = ("✓", "") if report.verdict.passed else ("✗", " bad")
    short = "".join(f"<li>{clean(line)}</li>" for line in report.verdict.shortfalls)
    rows = report.provenance.get("rows", {})
    real, synthetic = (sum(rows.get(side, {}).values()) for side in ("real", "synthetic"))
    tables = len(rows.get("synthetic", {}))
    counted = (
        f"{synthetic:,} synthetic rows in {tables} table{'s' * (tables != 1)} against {real:,} real ones. Every figure "
        "stands beside its floor: what real rows score against other real rows."
    )
    return (
        f'<header id="verdict" class="verdict{kind}"><h1>{mark} {clean(report.verdict.text)}</h1>'
        f'<div class="dim">{counted}</div>{f"<ul>{short}</ul>" if short else ""}</header>\n'
        f'<div class="cards">{"".join(_card(report, s) for s in report.summary.values() if s.count)}</div>\n'
    )


_TARGETS = {
    "validity": "validity", "invariant": "validity", "detection": "classifier", "statistical.cardinality": "relations",
    "statistical.edge_pair": "relations", "privacy": "about", "utility": "about", "fairness": "about",
}  # fmt: skip


def _card(report: Report, s: Summary) -> str:
    value = s.figures[s.judged]
    sign = "≥" if s.direction == "higher" else "≤"
    floor = f"real against real {s.floor:.3f}" if s.floor is not None else "no floor"
    short = f"{s.short} of {s.count} short" if s.short else f"{s.count} measured"
    target = _TARGETS.get(s.name, _TARGETS.get(s.name.partition(".")[0], "tables"))
    if target == "classifier" and not any(r.group == "detection" for r in report.metrics):
        target = "about"
    return (
        f'<div class="card" title="{clean(_QUESTIONS.get(s.name, ""))}"><a href="#{target}">'
        f'{clean(_TITLES.get(s.name, s.name))}</a><b>{_figure(value)} {_chip(s.verdict)}</b>'
        f"<p>{'worst' if s.judged == 'worst' else 'mean'} {sign} {s.threshold:g} asked<br>{short}<br>{floor}</p></div>"
    )  # fmt: skip


def _chip(verdict: str) -> str:
    kind = {"pass": " ok", "short": " bad"}.get(verdict, "")
    return f'<span class="chip{kind}">{ {"pass": "pass", "short": "short"}.get(verdict, verdict) }</span>'


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value < 1 or value > 1 else "1"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = (), kind: str = "") -> str:
    """``rows`` are HTML already."""
    cells = "".join(f"<th{' class=n' * (i in numeric)}>{h}</th>" for i, h in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' * (i in numeric)}>{c}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table{f" class={kind}" if kind else ""}><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _validity(report: Report) -> str:
    broken = [v for v in report.validity if v.broken]
    unknown = [v for v in report.validity if v.broken is None]
    checked = len(report.validity) - len(unknown)
    html = f"<h2>Validity</h2><p>{checked} rules of the schema were checked on every row"
    html += ": none is broken.</p>" if not broken else f"; {len(broken)} are broken.</p>"
    if broken:
        html += _grid(
            ("table", "rule", "rows", "broken", "in real rows"),
            [
                (clean(v.table), clean(f"{v.rule} {v.name}"), f"{v.rows:,}", f"{v.broken:,}", _count(v.real_broken))
                for v in broken
            ],
            (2, 3, 4),
        )
    if unknown:
        rows = [(clean(v.table), clean(f"{v.rule} {v.name}"), clean(v.note)) for v in unknown]
        html += _details(f"{len(unknown)} could not be checked here", _grid(("table", "rule", "why"), rows))
    rules = [r for r in report.metrics if r.group == "invariant"]
    if rules:
        rules.sort(key=lambda r: (r.verdict != "short", r.score if r.score is not None else 2.0))
        kept_rows = [
            (clean(r.table), clean(r.detail["rule"]), _share(r.floor), _share(r.score), _chip(r.verdict)) for r in rules
        ]
        grid = _grid(("table", "rule", "real rows that keep it", "synthetic rows", ""), kept_rows, (2, 3))
        kept = sum(r.verdict == "pass" for r in rules)
        html += (
            f"<h3>Invariants</h3><p>{len(rules)} rules that the real rows keep although no constraint demands them; "
            f"{kept} are kept as well by the synthetic rows.</p>"
        )
        html += grid if len(rules) <= 12 else f"<details open><summary>All {len(rules)} rules</summary>{grid}</details>"
    return html


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    if value is None:
        return "–"
    return "100%" if value == 1 else f"{min(99.99, value * 100):.2f}%"


def _classifier(report: Report) -> str:
    found = [r for r in report.metrics if r.group == "detection"]
    if not any(r.score is not None for r in found):
        return ""
    html = (
        "<h2>What a classifier sees</h2><p>LightGBM learns to tell synthetic rows from real ones and is judged on rows "
        "it has not seen. An AUC of 0.5 is a coin, 1 is certainty; the upright mark is how well it tells real "
        "rows from other real rows.</p>"
    )
    for name in ("detection.c2st", "detection.c2st_joined", "detection.c2st_agg"):
        own = sorted((r for r in found if r.name == name and r.score is not None), key=lambda r: r.score or 0)
        if not own:
            continue
        rows = [
            (
                clean(_spoken(r)), draw_scale(r.detail["auc"], r.detail["floor_auc"], 1 - r.threshold / 2),
                _figure(r.detail["auc"]), _figure(r.detail["floor_auc"]),
                "<br>".join(clean(f"{n} {g:.0%}: {how}") for n, g, how in r.detail["telling"][:3] if g >= 0.03),
            )
            for r in own
        ]  # fmt: skip
        html += f"<h3>{_TITLES[name]}</h3>" + _grid(
            ("rows", "0.5 → 1", "AUC", "real floor", "told apart by (share of gain)"), rows, (2, 3)
        )
    left = [r for r in found if r.score is None]
    if left:
        said = "; ".join(clean(f"{_spoken(r)}: {r.note}") for r in left)
        html += f"<details><summary>{len(left)} not measured</summary><p>{said}</p></details>"
    return html


def _spoken(r: MetricRecord) -> str:
    parent = r.detail.get("parent")
    if not parent:
        return r.table
    return (
        f"{r.table} with {parent}"
        if r.name == "detection.c2st_joined"
        else f"{parent} with its {r.table}" + f" ({', '.join(r.columns)})"
    )


def _relations(report: Report, edges: Sequence[Picture]) -> str:
    if not edges:
        return ""
    records = {(r.table, r.edge): r for r in report.metrics if r.name == "statistical.cardinality"}
    html = (
        "<h2>Children per parent</h2><p>How many rows refer to each row of the parent, those without any included.</p>"
    )
    html += _LEGEND
    edges = sorted(edges, key=lambda p: _rank(records.get((p.table, p.column))))
    figures = [
        _plot(
            p,
            records.get((p.table, p.column)),
            f"{p.parent} → {p.table}",
            _through(records.get((p.table, p.column)), p),
        )
        for p in edges
    ]
    html += _folded(figures)
    pairs = [r for r in report.metrics if r.name == "statistical.edge_pair" and r.score is not None]
    short = sorted((r for r in pairs if r.verdict == "short"), key=lambda r: r.score or 0.0)
    if pairs:
        html += "<h3>Pairs across tables</h3>"
        html += f"<p>{len(pairs)} pairs of a parent's and a child's column, {len(short)} short.</p>"
    if short:
        rows = [
            (
                clean(f"{r.detail['parent']}.{r.columns[0]}"),
                clean(f"{r.table}.{r.columns[1]}"),
                _figure(r.score),
                _figure(r.floor),
            )
            for r in short[:60]
        ]
        html += _details("The weakest", _grid(("parent", "child", "score", "real floor"), rows, (2, 3)))
    return html


def _through(record: MetricRecord | None, picture: Picture) -> str:
    return "by " + (", ".join(record.columns) if record else picture.column)


def _rank(record: MetricRecord | None) -> float:
    return 2.0 if record is None or record.score is None else record.score - (record.verdict == "short")


def _folded(figures: Sequence[str]) -> str:
    html = f'<div class="plots">{"".join(figures[:_MOST_PLOTS])}</div>'
    if len(figures) > _MOST_PLOTS:
        rest = "".join(figures[_MOST_PLOTS:])
        html += (
            f'<details><summary>{len(figures) - _MOST_PLOTS} more</summary><div class="plots">{rest}</div></details>'
        )
    return html


def _plot(picture: Picture, record: MetricRecord | None, title: str, extra: str = "") -> str:
    score = _figure(record.score) if record else "–"
    floor = f"floor {_figure(record.floor)}" if record and record.floor is not None else ""
    chip = _chip(record.verdict) if record else ""
    small = " · ".join(part for part in (clean(extra), score, floor) if part)
    caption = f"<figcaption><b>{clean(title)}</b>{chip}<small>{small}</small></figcaption>"
    return f"<figure>{caption}{draw_picture(picture)}</figure>"


def _table(report: Report, name: str, anchor: str) -> str:
    rows = report.provenance.get("rows", {})
    counts = (rows.get(side, {}).get(name, 0) for side in ("real", "synthetic"))
    real, synthetic = counts
    html = f'<h2 id="{anchor}">{clean(name)}</h2>'
    html += f'<p class="dim">{real:,} real rows, {synthetic:,} synthetic rows.</p>'
    shapes = {r.columns[0]: r for r in report.metrics if r.name == "statistical.shape" and r.table == name}
    pictures = [p for p in report.pictures if p.table == name and p.kind != "children"]
    pictures.sort(key=lambda p: _rank(shapes.get(p.column)))
    if pictures:
        html += _LEGEND + _folded([_plot(p, shapes.get(p.column), p.column) for p in pictures])
    html += _pairs(report, name)
    columns, examples = report.examples.get(name, ((), ()))
    if examples:
        grid = _grid([clean(c) for c in columns], [[clean(v) for v in row] for row in examples], kind="rows")
        html += f"<h3>A few synthetic rows</h3>{grid}"
    left = [x for x in report.left_out if x.table == name]
    if left:
        listed = _grid(("column", "why"), [(clean(x.column), clean(x.why)) for x in left])
        html += f"<details><summary>{_columns(len(left))} not compared by shape</summary>{listed}</details>"
    return html


def _details(title: str, body: str) -> str:
    return f"<details><summary>{clean(title)}</summary>{body}</details>"


def _columns(count: int) -> str:
    return "1 column is" if count == 1 else f"{count} columns are"


def _pairs(report: Report, table: str) -> str:
    pairs = [r for r in report.metrics if r.name == "statistical.pair" and r.table == table and r.score is not None]
    if len(pairs) < 3:
        return ""
    scores = {(r.columns[0], r.columns[1]): r.score or 0.0 for r in pairs}
    columns = list(dict.fromkeys(c for key in scores for c in key))
    if len(columns) > _WIDEST_HEAT_MAP:
        worst = sorted(pairs, key=lambda r: r.score or 0.0)
        columns = list(dict.fromkeys(c for r in worst for c in r.columns))[:_WIDEST_HEAT_MAP]
    mean = sum(scores.values()) / len(scores)
    return (
        f"<h3>Pairs of columns</h3><p>{len(pairs)} pairs, mean {mean:.3f}. A pale square is a pair that goes together "
        f"as in the real rows; numbers are scores up to 90%.</p>{draw_heat_map(columns, scores)}"
    )


def _about(report: Report) -> str:
    p = report.provenance
    rows = [
        (
            clean(_TITLES.get(n, n)),
            f"<code>{clean(n)}</code>",
            clean(_QUESTIONS.get(n, "")),
            f"0 to 1, {s.direction} is better",
        )
        for n, s in report.summary.items()
    ]
    html = "<h2>About</h2>" + _grid(("measure", "name", "question", "range"), rows)
    copies = [r for r in report.metrics if r.name == "privacy.copies" and r.score is not None]
    if copies:
        total = sum(int(r.detail["copies"]) for r in copies)
        html += f"<h3>Exact copies</h3><p>{total:,} synthetic rows are a real row in all but keys and references.</p>"
        html += _grid(
            ("table", "copies", "share", "real against real"),
            [
                (
                    clean(r.table),
                    f"{r.detail['copies']:,}",
                    f"{r.score:.4%}",
                    "–" if r.floor is None else f"{r.floor:.4%}",
                )
                for r in copies
            ],
            (1, 2, 3),
        )
    if report.notes:
        html += "<h3>Notes</h3><ul>" + "".join(f"<li>{clean(n)}</li>" for n in report.notes) + "</ul>"
    versions = ", ".join(f"{k} {v}" for k, v in p.get("versions", {}).items())
    html += (
        f"<footer>Seed {clean(p.get('seed'))}; classifiers see at most {p.get('rows_limit', 0):,} rows of a side; "
        "floors are from "
        f"{'held-out rows' if p.get('holdout') else 'two halves of the real rows, kept together by parent'}; "
        f"{p.get('seconds', 0)} s. {clean(versions)}. Plots show shares of rows; example rows are synthetic.</footer>"
    )
    return html
