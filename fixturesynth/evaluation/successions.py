"""Rules between rows, held against rows: totals that go on, spans that adjoin, even gaps, order, and what children
come to together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.aggregates import chosen_child, folded
from fixturesynth.profiling.balances import balance_of, constants_of, families_of
from fixturesynth.profiling.columnar import TableView, locate_parents, same_values
from fixturesynth.profiling.invariants.pacing import keeps_pace
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.siblings import Siblings, amounts, by_pace, line_up, on_grid

__all__ = [
    "adjacent",
    "aggregate",
    "ascending",
    "balance",
    "describe_succession",
    "lagged",
    "pace",
    "progress",
    "readable",
    "running",
]

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Kept = tuple[Flags, Flags]  # rows that bear witness, rows that keep the rule
Views = Mapping[str, TableView]


def _line(rule: Invariant, view: TableView, views: Views) -> Siblings:
    """The siblings; rows whose parent is missing are nobody's."""
    groups, found = set(rule.parameters["groups"]), np.ones(view.rows, dtype=bool)
    for fk in view.table.foreign_keys:
        if set(fk.columns) <= groups and fk.parent in views and all(c in view.columns for c in fk.columns):
            found &= locate_parents(view, fk, views[fk.parent])[0] >= 0
    return line_up(view, rule.parameters["groups"], rule.parameters["order"], np.flatnonzero(found))


def _spread(view: TableView, line: Siblings, witness: Flags, kept: Flags) -> Kept:
    out = np.zeros(view.rows, dtype=bool), np.zeros(view.rows, dtype=bool)
    out[0][line.order], out[1][line.order] = witness, kept
    return out


def running(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows whose total is that of the sibling before and what was added; first ones where it is known what comes
    first."""
    p, target = rule.parameters, view[rule.target]
    line = _line(rule, view, views)
    adding = amounts(view, p, exact=False)
    assert adding is not None
    steps, known = (part[line.order] for part in adding)
    total = on_grid(target, p["decimals"], exact=False)
    exact = on_grid(target, p["decimals"])
    assert total is not None
    own, valid = total[line.order], target.valid[line.order]
    if p["before"]:
        steps, known = np.roll(steps, 1), np.roll(known, 1)
    witness = ~line.first & known & valid & np.roll(valid, 1)
    kept: Flags = np.asarray(own - np.roll(own, 1) == steps)
    begin = _opening(rule, view, views, line)
    if begin is not None:
        witness |= line.first & valid & (known | bool(p["before"]))
        kept = np.where(line.first, own - (0 if p["before"] else steps) == begin[line.family], kept)
    if exact is None:
        scaled = target.numbers[line.order] * 10.0 ** p["decimals"]
        with np.errstate(invalid="ignore"):
            kept &= np.abs(scaled - own) < 1e-3
    return _spread(view, line, np.asarray(witness, dtype=bool), np.asarray(kept, dtype=bool))


def _opening(rule: Invariant, view: TableView, views: Views, line: Siblings) -> Integers | None:
    opening, heads = rule.parameters["opening"], line.order[line.first]
    if "constant" in opening:
        return np.full(heads.size, int(opening["constant"]))
    if "column" not in opening:
        return None
    fk = next((key for key in view.table.foreign_keys if key.name == opening["foreign_key"]), None)
    parent = views.get(fk.parent) if fk is not None else None
    if fk is None or parent is None or opening["column"] not in parent.columns or not parent.rows:
        return None
    theirs = on_grid(parent[opening["column"]], rule.parameters["decimals"], exact=False)
    assert theirs is not None
    return theirs[np.maximum(locate_parents(view, fk, parent)[0][heads], 0)]


def adjacent(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows with a next sibling whose target lies beside that one's source."""
    p, target, source = rule.parameters, view[rule.target], view[rule.sources[0]]
    line = _line(rule, view, views)
    own, theirs = (on_grid(c, p["decimals"], exact=False) for c in (target, source))
    assert own is not None and theirs is not None
    if target.family == "datetime":  # in the rule's own units, whatever these rows have
        own, theirs = (c.moments // int(p["unit"]) for c in (target, source))
    ahead = np.roll(line.order, -1)
    kept = target.valid[line.order] & (own[line.order] == theirs[ahead] + int(p["constant"]))
    if not p["free"]:
        kept = np.where(line.last, ~target.valid[line.order], kept)
    witness = source.valid[ahead] & ~line.last if p["free"] else source.valid[ahead] | line.last
    return _spread(view, line, witness, np.asarray(kept, dtype=bool))


def lagged(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows after a sibling that have what its source was."""
    target, source = view[rule.target], view[rule.sources[0]]
    line = _line(rule, view, views)
    kept = same_values(target, source, np.roll(line.order, 1), line.order)
    return _spread(view, line, ~line.first, kept if kept is not None else np.zeros(line.order.size, dtype=bool))


def pace(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows after the first of a family that stand where an even gap leads to."""
    line, target, p = _line(rule, view, views), view[rule.target], rule.parameters
    unit = int(p.get("unit", 1))
    whole = target.moments // unit if "unit" in p else on_grid(target, p["decimals"], exact=False)
    assert whole is not None
    witness, kept = np.zeros(line.order.size, dtype=bool), np.zeros(line.order.size, dtype=bool)
    for mask, some, step in by_pace(line, p, _categories(rule, view, views)):
        witness[mask], kept[mask] = True, keeps_pace(some, whole, unit, step)
    return _spread(view, line, witness & ~line.first, kept & target.valid[line.order])


def _categories(rule: Invariant, view: TableView, views: Views) -> list[Any]:
    """What decides the gap of each row, (rows,)."""
    p = rule.parameters
    if "paces" not in p:
        return []
    if p["key"] is None:
        column, at = view[p["by"]], np.arange(view.rows)
    else:
        fk = view.table.foreign_key(p["key"])
        column, at = views[fk.parent][p["by"]], locate_parents(view, fk, views[fk.parent])[0]
    values = [] if column.values is None else column.values.to_pylist()
    listed = [*values, None]
    return [listed[code] for code in np.where(at >= 0, column.codes[np.maximum(at, 0)], -1).tolist()]


def ascending(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows that do not come before the sibling before them."""
    line, target = _line(rule, view, views), view[rule.target]
    ordered, valid = target.ordered[line.order], target.valid[line.order]
    witness = ~line.first & valid & np.roll(valid, 1)
    with np.errstate(invalid="ignore"):
        step = ordered - np.roll(ordered, 1)
        return _spread(view, line, witness, step > 0 if rule.parameters.get("strict") else step >= 0)


def progress(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows in a state that is not behind that of the sibling before; first rows where all begin alike."""
    p, target = rule.parameters, view[rule.target]
    places = {name: i for i, name in enumerate(p["states"])}
    values = [] if target.values is None else [str(v) for v in target.values.to_pylist()]
    rank = np.array([*(places.get(v, -1) for v in values), -1], dtype=np.int64)[target.codes]
    line = _line(rule, view, views)
    ranks = rank[line.order]
    before = np.roll(ranks, 1)
    witness = ~line.first & (ranks >= 0) & (before >= 0)
    kept = ranks >= before
    if p["first_only"]:
        witness |= line.first & (ranks >= 0)
        kept = np.where(line.first, ranks == p["starts"][0], kept)
    return _spread(view, line, witness, np.asarray(kept, dtype=bool))


def aggregate(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Parents with children whose column is what these come to."""
    p, target = rule.parameters, view[rule.target]
    child = views[p["child"]]
    at = locate_parents(child, child.table.foreign_key(p["key"]), view)[0]
    if "column" in p:
        chosen = chosen_child(child, at, view.rows, p)
        has = np.zeros(view.rows, dtype=bool)
        has[at[at >= 0]] = True
        rows = np.flatnonzero(chosen >= 0)
        same = same_values(target, child[p["column"]], chosen[rows], rows)
        kept = ~target.valid
        kept[rows] = False if same is None else same
        return has, kept
    value, has = folded(child, at, view.rows, p)
    slack = 1e-6 * 10.0 ** -p["decimals"] + 1e-9 * np.abs(value)
    with np.errstate(invalid="ignore"):
        return has, target.valid & (np.abs(value - target.numbers) <= slack)


def balance(rule: Invariant, view: TableView, views: Views) -> Kept:
    """Rows of families that come to the constant. A rule that not all families keep bears witness where it holds."""
    p = rule.parameters
    fk = view.table.foreign_key(rule.foreign_key or "")
    parent = views[fk.parent]
    at, owner = families_of(view, locate_parents(view, fk, parent)[0], parent.rows, p)
    held = balance_of(view, rule.target, at, owner.size, p, exact=False)
    if held is None or not owner.size:
        return np.zeros(view.rows, dtype=bool), np.zeros(view.rows, dtype=bool)
    constants, spoken = constants_of(parent.rows, parent[p["by"]] if p.get("by") else None, p)
    witness = spoken[owner] & (held.some if p["none"] else held.told)
    kept = held.sums == constants[owner]
    own = np.maximum(at, 0)
    return (at >= 0) & witness[own], kept[own]


def readable(rule: Invariant, views: Views) -> bool:
    """Whether the columns of other tables that a rule reads are there: an aggregate's child, a gap's parent."""
    p = rule.parameters
    if rule.kind != "aggregate":
        keys = {fk.name: fk.parent for fk in views[rule.table].table.foreign_keys}
        parent = views.get(keys.get(p.get("key") or "", ""))
        return p.get("key") is None or (parent is not None and p["by"] in parent.columns)
    child = views.get(p["child"])
    if child is None or all(fk.name != p["key"] for fk in child.table.foreign_keys):
        return False
    names = [*p.get("columns", ()), *p.get("order", ()), *(p[n] for n in ("less", "plus", "by", "column") if p.get(n))]
    return all(n in child.columns for n in names)


def _aggregated(p: Mapping[str, Any]) -> str:
    what = " × ".join(p.get("columns", ())) or p.get("column", "")
    for name, sign in (("less", "-"), ("plus", "+")):
        if p.get(name):
            what += f" × (1 {sign} {p[name]}{' / 100' if p.get('per') == 100 else ''})"
    by = f" by {p['by']}" if p.get("by") else ""
    return f"{p['how']} of {p['child']}' {what}{by}".rstrip() if what else f"{p['how']} of {p['child']}{by}"


def describe_succession(rule: Invariant) -> str:
    """The rule in words.

    >>> describe_succession(Invariant("ascending", "orders", "ordered", ("id",), None, {"groups": [], "order": ["id"]}))
    'ordered never falls with id'
    """
    p, target = rule.parameters, rule.target
    if rule.kind == "aggregate":
        return f"{target} = {_aggregated(p)}"
    if rule.kind == "balance":
        constants = [p["constant"]] if "constant" in p else sorted({int(c) for _, c in p["kinds"]})
        what = target + (f" × {p['times']}" if p.get("times") else "") + (f" - {p['minus']}" if p.get("minus") else "")
        to = " or ".join(f"{c / 10 ** p['decimals']:g}" for c in constants)
        alike = f" with one {p['within']}" if p.get("within") else ""
        return f"{what} of one parent's children{alike} comes to {to}" + (
            f", as {p['by']} has it" if p.get("by") else ""
        )
    within = f" of one {' and '.join(p['groups'])}" if p["groups"] else ""
    if rule.kind == "running":
        terms = "".join(f" {'-' if f < 0 else '+'} {name}" for name, f in p["terms"])
        by = f" (sign by {p['by']})" if p.get("by") else ""
        return f"{target} = {target} of the row before{within}{terms}{by}"
    if rule.kind == "adjacent":
        shift = f" {p['constant']:+d}" if p["constant"] else ""
        return f"{target} = {rule.sources[0]} of the next row{within}{shift}"
    if rule.kind == "lagged":
        return f"{target} = {rule.sources[0]} of the row before{within}"
    if rule.kind == "paced" and "paces" in p:
        return f"{target} goes on evenly in rows{within}, as {'its parent' if p['key'] else 'its own'} {p['by']} has it"
    if rule.kind == "paced":
        unit = p["of"] if p["of"] != "units" else "days" if p.get("unit", 0) > 1 else "microseconds"
        every = f"{p['every']} {unit}" if "unit" in p else f"{p['every'] / 10 ** p['decimals']:g}"
        return f"{target} goes on by {every} in rows{within}"
    if rule.kind == "progress":
        return f"{target} goes from {' to '.join(p['states'])}, never back,{within or ' in the table'}"
    return f"{target} {'rises' if p.get('strict') else 'never falls'} with {' and '.join(p['order'])}{within}"
