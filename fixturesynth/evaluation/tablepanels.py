"""Panels of the report's page about single tables: shapes, pairs, times, and how many children parents have."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixturesynth.evaluation.markup import LEGEND, chip, figure, fold, grid, listed, plural
from fixturesynth.evaluation.pictures import Picture
from fixturesynth.evaluation.plots import clean, draw_heat_map, draw_picture
from fixturesynth.evaluation.record import MetricRecord, Report

__all__ = ["MOST_PLOTS", "Budget", "write_relations", "write_tables"]

Places = defaultdict[tuple[str, str], list[MetricRecord]]  # measured figures by metric and table

MOST_PLOTS = 480  # of the whole page: it stays below some megabytes whatever the database
_MOST_OF_TABLE = 60
_SHOWN = 18  # of a table; more are folded away
_MOST_HEAT_MAPS = 40
_WIDEST_HEAT_MAP = 26
_OPEN = 6  # tables; with more, all but the first few are folded
_TIMES = {"weekday": "by day of the week", "hour": "by hour", "gaps": "time between rows"}


@dataclass
class Budget:
    """Plots and heat maps that the page still has room for, and how many were left out."""

    plots: int = MOST_PLOTS
    heat_maps: int = _MOST_HEAT_MAPS
    left_out: int = 0

    def take(self, wanted: int, most: int = _MOST_OF_TABLE) -> int:
        taken = min(wanted, most, self.plots)
        self.plots -= taken
        self.left_out += wanted - taken
        return taken


def write_relations(report: Report, budget: Budget) -> str:
    """Children per parent, weakest first, and the weakest pairs of a parent's and a child's column."""
    edges = [p for p in report.pictures if p.kind == "children"]
    if not edges:
        return ""
    records = {(r.table, r.edge): r for r in report.metrics if r.name == "statistical.cardinality"}
    edges.sort(key=lambda p: _rank(records.get((p.table, p.column))))
    html = (
        "<h2>Children per parent</h2><p>How many rows refer to each row of the parent, be there any or none.</p>"
        + LEGEND
    )
    plots = []
    for p in edges[: budget.take(len(edges))]:
        record = records.get((p.table, p.column))
        through = "by " + (", ".join(record.columns) if record else p.column)
        plots.append(_plot(p, record, f"{p.parent} → {p.table}", through))
    html += _folded(plots, len(edges))
    for name, title, between in (
        ("statistical.edge_pair", "Pairs across tables", "a parent's and a child's column"),
        ("statistical.two_join_pair", "Pairs across two references", "a grandparent's and a child's column"),
    ):
        pairs = [r for r in report.metrics if r.name == name and r.score is not None]
        short = sorted((r for r in pairs if r.verdict == "short"), key=lambda r: r.score or 0.0)
        if pairs:
            html += f"<h3>{title}</h3><p>{plural(len(pairs), 'pair')} of {between}, {len(short)} short.</p>"
        if short:
            rows = [
                (
                    clean(f"{r.detail.get('parent', '')}.{r.columns[0]}"), clean(f"{r.table}.{r.columns[1]}"),
                    figure(r.score), figure(r.floor),
                )
                for r in short
            ]  # fmt: skip
            html += listed(("parent", "child", "score", "real floor"), rows, (2, 3), shown=5)
    return html


def write_tables(report: Report, budget: Budget) -> str:
    """An index of all tables, then each of them, those with most shortfalls first."""
    names = list(dict.fromkeys([*report.examples, *(p.table for p in report.pictures)]))
    short = Counter(r.table for r in report.metrics if r.verdict == "short")
    order = sorted(names, key=lambda n: -short[n])
    anchors = {name: f"table-{i}" for i, name in enumerate(order)}
    html = "<h2>Tables</h2><p>Those with most shortfalls first.</p>"
    places: Places = defaultdict(list)
    for record in report.metrics:
        if record.score is not None:
            places[record.name, record.table].append(record)
    rows = [_indexed(report, places, name, anchors[name], short[name]) for name in order]
    head = ("table", "real rows", "synthetic rows", "classifier AUC", "mean shape", "mean pair", "figures short")
    html += grid(head, rows[:300], (1, 2, 3, 4, 5, 6)) if len(names) > 1 else ""
    if len(rows) > 300:
        html += f"<p>{len(rows) - 300:,} more are below.</p>"
    for place, name in enumerate(order):
        body = _table(report, places, name, budget)
        if len(names) <= _OPEN:
            html += f'<h3 class="table" id="{anchors[name]}">{clean(name)}</h3>{body}'
        else:
            said = f"{short[name]} short" if short[name] else "nothing short"
            html += (
                f'<details class="table" id="{anchors[name]}"{" open" * (place < 2)}><summary><b>{clean(name)}</b> '
                f'<span class="dim">{said}</span></summary>{body}</details>'
            )
    return html


def _indexed(report: Report, places: Places, name: str, anchor: str, short: int) -> tuple[str, ...]:
    counts = report.provenance.get("rows", {})
    auc = next((r.detail["auc"] for r in places["detection.c2st", name]), None)
    means = []
    for metric in ("statistical.shape", "statistical.pair"):
        known = [r.score or 0.0 for r in places[metric, name]]
        means.append(figure(sum(known) / len(known)) if known else "–")
    real, synthetic = (f"{counts.get(side, {}).get(name, 0):,}" for side in ("real", "synthetic"))
    return f'<a href="#{anchor}">{clean(name)}</a>', real, synthetic, figure(auc), *means, str(short or "")


def _table(report: Report, places: Places, name: str, budget: Budget) -> str:
    counts = report.provenance.get("rows", {})
    real, synthetic = (counts.get(side, {}).get(name, 0) for side in ("real", "synthetic"))
    html = f'<p class="dim">{plural(real, "real row")}, {plural(synthetic, "synthetic row")}.</p>'
    own = [p for p in report.pictures if p.table == name and p.kind != "children"]
    html += _shapes(places, name, [p for p in own if p.kind not in _TIMES], budget)
    html += _times(places, name, [p for p in own if p.kind in _TIMES], budget)
    html += _pairs(places, name, budget)
    columns, examples = report.examples.get(name, ((), ()))
    if examples:
        rows = [[clean(v) for v in row] for row in examples]
        html += fold("A few synthetic rows", grid([clean(c) for c in columns], rows, kind="rows", name_first=False))
    left = [x for x in report.left_out if x.table == name]
    if left:
        rows = [[clean(x.column), clean(x.why)] for x in left]
        verb = "is" if len(left) == 1 else "are"
        html += fold(f"{plural(len(left), 'column')} {verb} not compared by shape", grid(("column", "why"), rows))
    return html


def _shapes(places: Places, name: str, pictures: Sequence[Picture], budget: Budget) -> str:
    if not pictures:
        return ""
    records = {r.columns[0]: r for r in places["statistical.shape", name]}
    pictures = sorted(pictures, key=lambda p: _rank(records.get(p.column)))
    taken = budget.take(len(pictures))
    plots = [_plot(p, records.get(p.column), p.column) for p in pictures[:taken]]
    return "<h4>Shapes, weakest first</h4>" + LEGEND + _folded(plots, len(pictures))


def _times(places: Places, name: str, pictures: Sequence[Picture], budget: Budget) -> str:
    if not pictures:
        return ""
    gaps = {(r.columns[0], str(r.detail.get("parent"))): r for r in places["statistical.interarrival", name]}
    measured = [gaps.get((p.column, p.parent)) if p.kind == "gaps" else None for p in pictures]
    order = sorted(range(len(pictures)), key=lambda i: (_rank(measured[i]), pictures[i].kind == "gaps"))
    plots = []
    for i in order[: budget.take(len(pictures))]:
        p, record = pictures[i], measured[i]
        extra = f"{_TIMES[p.kind]} of one {p.parent}" if p.kind == "gaps" else _TIMES[p.kind]
        plots.append(_plot(p, record, p.column, extra))
    return "<h4>Times</h4>" + _folded(plots, len(pictures), 6)


def _pairs(places: Places, table: str, budget: Budget) -> str:
    pairs = places["statistical.pair", table]
    if len(pairs) < 3 or not budget.heat_maps:
        return ""
    budget.heat_maps -= 1
    scores: Mapping[tuple[str, str], float] = {(r.columns[0], r.columns[1]): r.score or 0.0 for r in pairs}
    columns = list(dict.fromkeys(c for key in scores for c in key))
    said = ""
    if len(columns) > _WIDEST_HEAT_MAP:
        worst = sorted(pairs, key=lambda r: r.score or 0.0)
        said = f" The {_WIDEST_HEAT_MAP} columns with the weakest pairs out of {len(columns)} are drawn."
        columns = list(dict.fromkeys(c for r in worst for c in r.columns))[:_WIDEST_HEAT_MAP]
    mean = sum(scores.values()) / len(scores)
    return (
        f"<h4>Pairs of columns</h4><p>{plural(len(pairs), 'pair')}, mean {mean:.3f}. A pale square is a pair that goes "
        f"together as in the real rows; numbers are scores up to 90%.{said}</p>"
        f'<div class="scroll" tabindex="0">{draw_heat_map(columns, scores)}</div>'
    )


def _rank(record: MetricRecord | None) -> float:
    return 2.0 if record is None or record.score is None else record.score - (record.verdict == "short")


def _folded(plots: Sequence[str], wanted: int, shown: int = _SHOWN) -> str:
    html = f'<div class="plots">{"".join(plots[:shown])}</div>' if plots else ""
    if len(plots) > shown:
        html += fold(f"{len(plots) - shown} more", f'<div class="plots">{"".join(plots[shown:])}</div>')
    if wanted > len(plots):
        html += f'<p class="dim">{wanted - len(plots):,} more are not drawn, to keep the page small.</p>'
    return html


def _plot(picture: Picture, record: MetricRecord | None, title: str, extra: str = "") -> str:
    score = f"score {figure(record.score)}" if record else ""
    floor = f"floor {figure(record.floor)}" if record and record.floor is not None else ""
    mark = chip(record.verdict) if record else ""
    small = " · ".join(part for part in (clean(extra), score, floor) if part)
    caption = f"<figcaption><b>{clean(title)}</b>{mark}<small>{small}</small></figcaption>"
    return f"<figure>{caption}{draw_picture(picture)}</figure>"
