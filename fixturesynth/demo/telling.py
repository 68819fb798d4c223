"""What the demo prints: tables of rich, made from what was read, learned, generated and scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fixturesynth.dataset import Dataset
from fixturesynth.planning.plan import Derived, Modelled, Plan, Reference, TablePlan
from fixturesynth.profiling.profile import Invariant, Profile
from fixturesynth.schema.model import ForeignKey, Schema

if TYPE_CHECKING:
    from fixturesynth.evaluation.record import Report

__all__ = ["say_invariants", "tell_learned", "tell_scores", "tell_source"]

NAMES = "bold cyan"
QUIET = "bright_black"
GOOD = "green"
WEAK = "yellow"


def tell_source(schema: Schema, data: Dataset, notes: Iterable[str]) -> RenderableType:
    """Tables, rows, keys and references of the real database, and what was done to its rows."""
    table = _grid("table", ">rows", ">columns", "primary key", "references", "checks")
    for one in schema:
        key = ", ".join(one.primary_key.columns) if one.primary_key else "none"
        references = "\n".join(_arrow(fk) for fk in one.foreign_keys)
        checks = str(len(one.checks)) if one.checks else ""
        table.add_row(
            Text(one.name, NAMES), f"{data.rows[one.name]:,}", str(len(one.columns)), key, references, checks
        )  # fmt: skip
    return Group(table, *(_note(n) for n in notes))


def _arrow(fk: ForeignKey) -> str:
    return f"{', '.join(fk.columns)} → {fk.parent}"


def tell_learned(plan: Plan, schema: Schema, profile: Profile) -> RenderableType:
    """Where each table's values come from, and the rules between columns that hold in every real row."""
    table = _grid("table", "rows are", "as children of", ">learned", ">computed", ">keys", ">rules found")
    for one in plan.shown:
        counts = Counter(_way(c.source) for c in one.columns)
        found = len(profile[one.name].invariants) if one.name in profile else 0
        shown = [str(counts[w] or "") for w in ("learned", "computed", "keys")]
        shown = ["", "", ""] if one.mode == "verbatim" else shown
        table.add_row(
            Text(one.name, NAMES), _MODES[one.mode], _context(one, schema), *shown, str(found or "")
        )  # fmt: skip
    lines = [
        Text.assemble(("  " + name, NAMES), ("  " + line, ""))
        for name in plan_order(plan)
        if plan[name].mode == "generate" and name in profile
        for line in say_invariants(profile[name].invariants)
    ]
    head = Text("  Rules that hold in every real row; they are computed, not learned:", QUIET)
    return Group(table, *([head, *lines] if lines else []))


def plan_order(plan: Plan) -> tuple[str, ...]:
    return tuple(t.name for t in plan.shown)


def _way(source: object) -> str:
    return next((way for kind, way in _WAYS if isinstance(source, kind)), "keys")


_WAYS = ((Modelled, "learned"), (Derived, "computed"), (Reference, "keys"))
_MODES = {"generate": "generated", "verbatim": "a list of the world: kept", "empty": "none", "existing": "there"}


def _context(table: TablePlan, schema: Schema) -> str:
    if table.context is None:
        return ""
    return schema[table.name].foreign_key(table.context).parent


def say_invariants(invariants: Sequence[Invariant]) -> list[str]:
    """One line for each group of rules that only differ in their target.

    >>> say_invariants([Invariant("datepart", "t", p, ("at",), None, {"part": p}) for p in ("year", "month")])
    ['year, month follow from at']
    >>> say_invariants([Invariant("linear", "t", "c", ("a", "b"), None, {"coefficients": [100.0, 1.0]})])
    ['c = 100 × a + b']
    """
    groups: dict[tuple[object, ...], list[Invariant]] = {}
    for one in invariants:
        if one.kind in _SENTENCES:
            groups.setdefault((one.kind, _sources(one), one.foreign_key, one.parameters.get("zone")), []).append(one)
    return [_sentence(group) for group in groups.values()]


def _sentence(group: Sequence[Invariant]) -> str:
    first = group[0]
    targets = ", ".join(i.target for i in group)
    plural = "" if len(group) > 1 else "s"
    sources = _sources(first)
    return _SENTENCES[first.kind].format(
        targets=targets, sources=", ".join(sources), s=plural, es="e" * len(plural) + plural,
        first=sources[0] if sources else "", last=sources[-1] if sources else "",
        sum=_sum(first), parent=first.foreign_key or "",
        zone=f" ({first.parameters['zone']} clocks)" if "zone" in first.parameters else "",
    )  # fmt: skip


def _sources(invariant: Invariant) -> tuple[str, ...]:
    theirs = invariant.parameters.get("theirs")
    return invariant.sources if theirs is None else (*invariant.sources, f"the parent's {theirs}")


def _sum(invariant: Invariant) -> str:
    coefficients = invariant.parameters.get("coefficients", ())
    terms = [
        source if c == 1 else f"{c:g} × {source}"
        for c, source in zip(coefficients, _sources(invariant), strict=False)
    ]  # fmt: skip
    constant = invariant.parameters.get("constant", 0)
    return " + ".join(terms + ([f"{constant:g}"] if constant else []))


_SENTENCES = {
    "order": "{first} ≤ {targets}",
    "determines": "{targets} follow{s} from {sources}",
    "linear": "{targets} = {sum}",
    "presence": "{targets} say{s} whether {first} is null",
    "running": "{targets} go{es} on from the row before",
    "adjacent": "{targets}: where the next row's {first} begins",
    "lagged": "{targets}: what {first} was in the row before",
    "paced": "{targets} in even gaps",
    "ascending": "{targets} never fall{s} from row to row",
    "progress": "{targets} only go{es} forward from row to row",
    "balance": "{targets} come{s} to the same in each family",
    "polymorphic": "{targets} of the table that {first} names",
    "states": "{targets} missing or zero by {first}",
    "aggregate": "{targets} from the rows of children",
    "product": "{targets} = {first} × {last}",
    "clock": "{targets} = {first} + {last}, on the clock and past midnight",
    "elapsed": "{targets} = time from {last} to {first}",
    "datepart": "{targets} follow{s} from {first}{zone}",
    "equal": "{targets} = {first}",
    "differ": "{targets} never {first}",
    "nulls_together": "{targets} null exactly where {first} is",
    "null_implies": "{targets} null where {first} is",
    "ordinal": "{targets} number{s} the children of one parent",
    "copy": "{targets} copied from the parent's {first}",
    "agrees": "{targets} the same as the parent's {first}",
    "order_parent": "parent's {first} ≤ {targets}",
    "order_parent_reversed": "{targets} ≤ parent's {first}",
}


def tell_scores(report: Report, *, room: int) -> RenderableType:
    """The chief metrics and what falls short beside what real rows reach; ``room``: characters of a line."""
    from fixturesynth.evaluation.metrics import METRICS

    left = room - 76  # for the place where it is weakest, once the other columns have theirs
    heads = ("question", ">synthetic", ">floor", ">wanted", "weakest")
    table = _grid(*heads[: 5 if left >= 10 else 4], fold=False)
    for metric in METRICS:
        one = report.summary.get(metric.name)
        if one is None or not one.count or not (metric.headline or one.verdict == "short"):
            continue
        value = one.figures[one.judged]
        sign = "≥" if one.direction == "higher" else "≤"
        place = Text("" if value == metric.range[one.direction == "higher"] else one.worst, QUIET)
        place.truncate(max(left, 1), overflow="ellipsis")
        row = (
            Text(metric.title), Text(_figure(value), {"pass": GOOD, "short": WEAK}.get(one.verdict, "")),
            _figure(one.floor), Text(f"{sign} {one.threshold:g}", QUIET), place,
        )  # fmt: skip
        table.add_row(*row[: len(table.columns)])
    style = GOOD if report.verdict.passed else WEAK
    floor = Text("floor: what real rows score against other real rows; nothing better can be asked for", QUIET)
    return Group(table, Text(""), floor, Text(report.verdict.text, style))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _grid(*heads: str, fold: bool = True) -> Table:
    """A quiet table; ``>`` before a head aligns right. Without ``fold`` every row stays on one line."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style=QUIET, padding=(0, 1), show_edge=False)
    for head in heads:
        table.add_column(
            head.lstrip(">"), justify="right" if head.startswith(">") else "left", no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
        )  # fmt: skip
    return table


def _note(text: str) -> RenderableType:
    return Padding(Text(f"· {text}", QUIET), (0, 0, 0, 2))
