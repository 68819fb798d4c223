"""What holds from one sibling to the next, as the plan has it: even gaps, order, and the bounds of running totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import (
    AggregatePlan,
    BalancePlan,
    ColumnPlan,
    Constant,
    Default,
    Derived,
    Modelled,
    PolymorphicPlan,
    ReferencePlan,
    Rule,
    StatePlan,
    Succession,
    TablePlan,
    UniquePlan,
)
from fixturesynth.planning.uniques import unique_sets
from fixturesynth.profiling.profile import ColumnProfile, Invariant, TableProfile
from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import ColumnDomain

__all__ = [
    "BETWEEN",
    "bounded",
    "follows",
    "in_line",
    "may_lag",
    "plan_aggregates",
    "plan_balances",
    "plan_polymorphic",
    "plan_states",
    "plan_successions",
    "said",
    "sibling_order",
]

BETWEEN = ("running", "adjacent", "lagged")  # kinds that give a column's value
_MICROSECONDS = {"days": 86_400_000_000, "seconds": 1_000_000, "microseconds": 1}


def plan_successions(
    table: Table, columns: Sequence[ColumnPlan], references: Sequence[ReferencePlan],
    seen: TableProfile | None,
) -> tuple[Succession, ...]:  # fmt: skip
    """Even gaps and orders of learned dates. Rows that reference rows of their own table keep their places."""
    if seen is None:
        return ()
    learned = {c.name for c in columns if isinstance(c.source, Modelled)}
    keyed = {c.name for c in columns if isinstance(c.source, Default)}
    still = any(r.how == "self" for r in references)
    out = []
    for item in seen.invariants:
        groups, order = (tuple(item.parameters.get(name, ())) for name in ("groups", "order"))
        if (
            item.kind not in ("paced", "ascending", "progress")
            or item.target not in learned
            or {*groups, *order} & keyed
        ):
            continue
        if item.kind == "ascending" and still:
            continue
        rest = {k: v for k, v in item.parameters.items() if k not in ("groups", "order")}
        if item.kind == "paced" and groups:
            rest |= _ends(seen, item)
        out.append(Succession(item.kind, item.target, groups, order, rest))
    ranks = [i for i in seen.invariants if i.kind == "ordinal" and i.parameters.get("ranked") and i.target in learned]
    made = {r.foreign_key for r in references if r.how in ("context", "matched")}
    for item in ranks:
        if item.foreign_key in made:
            groups = table.foreign_key(item.foreign_key).columns
            out.append(Succession("ranked", item.target, groups, (), {"start": item.parameters["start"]}))
    return tuple(out)


def _ends(seen: TableProfile, item: Invariant) -> dict[str, list[int]]:
    """``ends``: the least and the largest value, in the rule's whole units, of a column that hangs on no parent's."""
    column = seen.columns[item.target]
    tied = {i.target for i in seen.invariants if i.foreign_key is not None}
    tied |= {c for i in seen.invariants if i.kind == "order" for c in (i.target, *i.sources)}
    if column.minimum is None or column.maximum is None or item.target in tied:
        return {}
    if column.kind == "datetime":
        each = _MICROSECONDS[column.unit or "days"]
        return {"ends": [int(end) * each // int(item.parameters["unit"]) for end in (column.minimum, column.maximum)]}
    scale = 10 ** int(item.parameters["decimals"])
    return {"ends": [round(end * scale) for end in (column.minimum, column.maximum)]}


def plan_aggregates(
    columns: Sequence[ColumnPlan], uniques: Sequence[UniquePlan], seen: TableProfile | None
) -> tuple[AggregatePlan, ...]:
    """Learned columns that children give, outside of unique sets."""
    if seen is None:
        return ()
    keyed = {c for u in uniques for c in u.columns}
    learned = {c.name for c in columns if isinstance(c.source, Modelled) and c.null_share is None} - keyed
    out = []
    for item in seen.invariants:
        if item.kind == "aggregate" and item.target in learned:
            rest = {k: v for k, v in item.parameters.items() if k not in ("child", "key")}
            if seen.columns[item.target].kind == "datetime" and seen.columns[item.target].format:
                rest["format"] = seen.columns[item.target].format
            out.append(AggregatePlan(item.target, item.parameters["child"], item.parameters["key"], rest))
    return tuple(out)


def plan_states(
    columns: Sequence[ColumnPlan], uniques: Sequence[UniquePlan], seen: TableProfile | None
) -> tuple[StatePlan, ...]:
    """Columns that are learned, made up or mostly equal to another, whose state a category tells; deciders first."""
    if seen is None:
        return ()
    barred = {c for u in uniques for c in u.columns} | {i.target for i in seen.invariants if i.kind == "aggregate"}
    able = {
        c.name for c in columns
        if (isinstance(c.source, Modelled | Rule) or getattr(c.source, "operation", "") in ("equal", "determines"))
        and c.null_share is None
    }  # fmt: skip
    there = {c.name for c in columns}
    rules = [
        StatePlan(i.target, i.sources[0], i.parameters["by"], tuple((c, s) for c, s in i.parameters["states"]))
        for i in seen.invariants
        if i.kind == "states" and i.target in able - barred and i.sources[0] in there
    ]
    targets = {r.column for r in rules}
    return tuple(sorted(rules, key=lambda r: r.source in targets))


def plan_polymorphic(
    table: Table, columns: Sequence[ColumnPlan], seen: TableProfile | None
) -> tuple[PolymorphicPlan, ...]:
    """Pairs of a type and an id; not what the user decided, or what others reference."""
    decided = {c.name for c in columns if c.null_share is not None or isinstance(c.source, Constant)}
    key = set(table.primary_key.columns) if table.primary_key else set()
    return tuple(
        PolymorphicPlan(
            i.target,
            i.sources[0],
            tuple((c, t, k, tuple((a, b) for a, b in s), tuple(m)) for c, t, k, s, m in i.parameters["to"]),
        )
        for i in (seen.invariants if seen is not None else ())
        if i.kind == "polymorphic" and i.target not in decided | key
    )


def plan_balances(
    table: Table, columns: Sequence[ColumnPlan], references: Sequence[ReferencePlan], uniques: Sequence[UniquePlan],
    seen: TableProfile | None,
) -> tuple[BalancePlan, ...]:  # fmt: skip
    """Learned numbers that come to a constant in each family: no keys, no distances, and no steps of bounded totals."""
    if seen is None:
        return ()
    kept = {c for u in uniques for c in u.columns}
    for column in columns:
        source = column.source
        if isinstance(source, Derived) and {"floor", "ceiling"} & set(source.parameters):
            kept |= set(source.sources)
    free = {
        c.name for c in columns
        if isinstance(c.source, Modelled) and c.null_share is None
        and not {"delta_from", "delta_parent"} & set(c.source.options)
    }  # fmt: skip
    there = {r.foreign_key for r in references if r.how not in ("later", "null")}
    out = []
    for item in seen.invariants:
        p = item.parameters
        moving = {item.target, *([p["minus"]] if p.get("minus") else [])}
        if item.kind == "balance" and moving <= free - kept and item.foreign_key in there:
            found, scale = seen.columns[item.target], 10 ** int(p["decimals"])
            least = found.minimum if not p.get("minus") else -(seen.columns[p["minus"]].maximum or 0)
            ends = {"low": least, "high": found.maximum}
            whole = {name: round(float(end) * scale) for name, end in ends.items() if end is not None}
            out.append(BalancePlan(item.target, item.foreign_key, {**p, **whole}))
    return tuple(out)


def follows(table: Table, references: Sequence[ReferencePlan], item: Invariant) -> bool:
    """Whether families are known when the table is made: no reference of theirs waits for its table."""
    late = {c for r in references if r.how == "later" for c in table.foreign_key(r.foreign_key).columns}
    return not late & set(item.parameters["groups"])


def may_lag(needs: ColumnNeeds, item: Invariant) -> bool:
    """Whether a column may have what another one had in the row before: no more is asked of it than of that one."""
    together = {item.target, item.sources[0]}
    if any(together & set(c.columns) and len(c.columns) > 1 for c in needs.table.checks):
        return False
    if any(item.target in unique.columns for unique in unique_sets(needs.table)):
        return False
    mine, theirs = (needs.constraints.domains.get(n, ColumnDomain(n)) for n in (item.target, item.sources[0]))
    return replace(mine, column="", not_null=False) == replace(theirs, column="", not_null=False)


def bounded(parameters: dict[str, Any], domain: ColumnDomain | None, seen: ColumnProfile) -> dict[str, Any]:
    """A running total's parameters with the bounds that a check sets, in whole units; of what begins anywhere and only
    rises, where the rows' own lie, so that a long family begins early enough."""
    scale = 10 ** int(parameters["decimals"])
    if parameters.get("rising") and seen.minimum is not None and seen.maximum is not None:
        lies = [round(seen.minimum * scale), round(seen.maximum * scale)]
        parameters = {**parameters, "opening": {**parameters["opening"], "within": lies}}
    ends = (domain.low, domain.high) if domain is not None else (None, None)
    for name, end, is_open, step, pick in (
        ("floor", ends[0], domain is not None and domain.low_open, 1, max),
        ("ceiling", ends[1], domain is not None and domain.high_open, -1, min),
    ):
        if isinstance(end, int | float | Decimal):
            limit = round(float(end) * scale) + (step if is_open else 0)
            parameters[name] = pick(limit, parameters.get(name, limit))
            parameters["checked"] = True
    return parameters


def sibling_order(plan: TablePlan, table: Table) -> tuple[str, ...]:
    """Columns that order the siblings of one parent: what they hang on, else a first date, else the rest of the key."""
    own = table.foreign_key(plan.context).columns if plan.context is not None else ()
    dates = [
        c.name
        for c in plan.columns
        if isinstance(c.source, Modelled) and c.source.encoding == "temporal" and "delta_from" not in c.source.options
    ]
    key = table.primary_key.columns if table.primary_key is not None else ()
    return _family_order(plan, own, dates) or tuple(dates[:1]) or tuple(c for c in key if c not in own)


def _family_order(plan: TablePlan, own: Sequence[str], dates: Sequence[str]) -> tuple[str, ...]:
    """Columns that order the siblings of one parent, ``own`` being the reference's columns; () where none is known.

    ``dates``: learned ones, with the first of which a running number must not be at odds.
    """
    found: list[tuple[str, ...]] = []
    for column in plan.columns:
        source = column.source
        if isinstance(source, Derived) and source.operation in BETWEEN and source.parameters["groups"] == list(own):
            found.append(tuple(source.parameters["order"]))
    for column in plan.columns:
        source = column.source
        if isinstance(source, Derived) and source.operation == "numbered" and source.foreign_key == plan.context:
            found += [(column.name,)] if set(dates[:1]) <= set(source.parameters["dates"]) and own else []
    for kind in ("paced", "ascending"):
        dated = [s for s in plan.successions if s.kind == kind and s.groups in (tuple(own), ())]
        found += [(s.column,) for s in dated if _is_dated(plan, s.column)]
    return found[0] if found else ()


def _is_dated(plan: TablePlan, column: str) -> bool:
    source = plan.column(column).source
    return isinstance(source, Modelled) and source.encoding == "temporal"


def said(item: Invariant) -> str:
    """Why a column is what it is, for the plan."""
    p = item.parameters
    within = _within(p)
    if item.kind == "running":
        return f"the total before it and {_terms(p)}, in {within} by {' and '.join(p['order'])}"
    if item.kind == "lagged":
        return f"the {item.sources[0]} of the row before, in {within} by {' and '.join(p['order'])}"
    return f"the next row's {item.sources[0]}{_shift(p)}, in {within} by {' and '.join(p['order'])}"


def in_line(seen: TableProfile | None, column: str) -> str:
    """What else holds of a learned date, for the plan."""
    found = {i.kind: i.parameters for i in seen.invariants if i.target == column} if seen is not None else {}
    parts = []
    if (p := found.get("paced")) is not None:
        parts.append(f"goes on {_gap(p)} in {_within(p)}")
    if (p := found.get("ascending")) is not None:
        parts.append(f"never falls in {_within(p)}")
    if (p := found.get("ordinal")) is not None:
        parts.append("a rank among the children of each parent")
    if (p := found.get("progress")) is not None:
        parts.append(f"only goes forward in {_within(p)}")
    if (p := found.get("balance")) is not None:
        within = f" by {p['within']}" if p.get("within") else ""
        parts.append(f"comes to {_constant(p)} in each family{within}")
    if (p := found.get("aggregate")) is not None:
        what = " × ".join(p.get("columns", ())) or p.get("column", "rows")
        parts.append(f"in the end the {p['how']} of {p['child']}' {what}")
    return "".join(f"; {part}" for part in parts)


def _constant(p: Mapping[str, Any]) -> str:
    constants = [p["constant"]] if "constant" in p else sorted({int(c) for _, c in p["kinds"]})
    return " or ".join(f"{c / 10 ** p['decimals']:g}" for c in constants)


def _gap(p: Mapping[str, Any]) -> str:
    if "paces" in p:
        return f"evenly, as {p['by']} has it,"
    if "unit" not in p:
        return f"by {p['every'] / 10 ** p['decimals']:g}"
    return f"by {p['every']} {p['of'] if p['of'] != 'units' else 'days' if p['unit'] > 1 else 'microseconds'}"


def _within(p: Mapping[str, Any]) -> str:
    return f"each {' and '.join(p['groups'])}" if p["groups"] else "the table"


def _terms(p: Mapping[str, Any]) -> str:
    text = "".join(f" {'-' if f < 0 else '+'} {name}" for name, f in p["terms"]).removeprefix(" + ").strip()
    return f"{text}, its sign by {p['by']}" if p.get("by") else text


def _shift(p: Mapping[str, Any]) -> str:
    return f" {p['constant']:+d}" if p["constant"] else ""
