"""Invariants: rules that every real row keeps although no constraint demands it; how many synthetic rows keep them?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.comparison import Comparison, Side
from fixturesynth.evaluation.intervals import wilson
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.successions import (
    adjacent,
    aggregate,
    ascending,
    balance,
    describe_succession,
    lagged,
    pace,
    progress,
    readable,
    running,
)
from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.calendars import datepart
from fixturesynth.profiling.columnar import ColumnView, TableView, joint_codes, locate_parents, same_values
from fixturesynth.profiling.elapsed import as_written, elapsed
from fixturesynth.profiling.invariants import find_invariants
from fixturesynth.profiling.invariants.crossing import lent
from fixturesynth.profiling.invariants.differing import differing_rows
from fixturesynth.profiling.invariants.polymorphic import places_of
from fixturesynth.profiling.invariants.states import NAMES, states_of
from fixturesynth.profiling.profile import Invariant, InvariantKind
from fixturesynth.profiling.rounding import shared_product

__all__ = [
    "applies",
    "breaking",
    "describe",
    "kept_by",
    "measure_arithmetic",
    "measure_constants",
    "measure_dependencies",
    "measure_null_rules",
    "measure_orders",
    "rules_of",
]

# Rules between the rows of one family.
BETWEEN: tuple[InvariantKind, ...] = ("running", "adjacent", "lagged", "paced", "balance", "aggregate")

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Kept = tuple[Flags, Flags]  # rows that bear witness, rows that keep the rule


@dataclass(frozen=True, eq=False)
class _Case:
    rule: Invariant
    view: TableView
    views: Mapping[str, TableView]

    @property
    def target(self) -> ColumnView:
        return self.view[self.rule.target]

    @property
    def sources(self) -> list[ColumnView]:
        own = [self.view[s] for s in self.rule.sources]
        if "theirs" not in self.rule.parameters:
            return own
        parent, at = self.above()
        return [*own, lent(parent[self.rule.parameters["theirs"]], at)]

    def whole(self) -> Flags:
        """Rows where the target and all sources are set."""
        found = self.target.valid.copy()
        for s in self.sources:
            found &= s.valid
        return found

    def above(self) -> tuple[TableView, Integers]:
        fk = self.view.table.foreign_key(self.rule.foreign_key or "")
        parent = self.views[fk.parent]
        return parent, locate_parents(self.view, fk, parent)[0]


def kept_by(rule: Invariant, view: TableView, views: Mapping[str, TableView]) -> tuple[int, int]:
    """(rows that bear witness, those among them that keep the rule)."""
    witness, kept = _KINDS[rule.kind](_Case(rule, view, views))
    return int(np.count_nonzero(witness)), int(np.count_nonzero(witness & kept))


def breaking(rule: Invariant, view: TableView, views: Mapping[str, TableView]) -> tuple[Flags, Flags]:
    """(rows that bear witness, those of them that break the rule), shapes (rows,)."""
    witness, kept = _KINDS[rule.kind](_Case(rule, view, views))
    return witness, witness & ~kept


def applies(rule: Invariant, views: Mapping[str, TableView]) -> bool:
    """Whether the columns that a rule speaks of are all there."""
    view = views[rule.table]
    theirs = (rule.parameters["theirs"],) if "theirs" in rule.parameters else rule.sources
    columns = (rule.target, *rule.sources) if theirs is not rule.sources or not rule.foreign_key else (rule.target,)
    if any(c not in view.columns for c in columns):
        return False
    if rule.kind in ("aggregate", "paced") and not readable(rule, views):
        return False
    if rule.foreign_key is None:
        return True
    parent = next((fk.parent for fk in view.table.foreign_keys if fk.name == rule.foreign_key), None)
    return parent is not None and parent in views and all(s in views[parent].columns for s in theirs)


def measure_dependencies(comparison: Comparison) -> Iterator[Measure]:
    """Functional dependencies: share of synthetic rows in which what decides a column decides it, or a parent does, or
    whether another one is NULL.

    Rules are those that every real row keeps: the profile's, or found anew. The most frequent value of each group is
    taken for its right one. Range 0 to 1, higher is better. Floor: the held-out rows' share, or that of the real rows.
    Source: ``fixturesynth.profiling.invariants``.
    """
    return _measured(comparison, ("determines", "copy", "agrees", "presence", "states", "polymorphic"))


def measure_orders(comparison: Comparison) -> Iterator[Measure]:
    """Orders: share of synthetic rows that keep an order of two columns, with one of a parent, or with the row before.

    Rules are those that every real row keeps; a row with a NULL bears no witness. Range 0 to 1, higher is better.
    Floor: the held-out rows' share, or that of the real rows. Source: ``fixturesynth.profiling.invariants``.
    """
    return _measured(comparison, ("order", "order_parent", "order_parent_reversed", "ascending", "progress"))


def measure_arithmetic(comparison: Comparison) -> Iterator[Measure]:
    """Arithmetic: share of synthetic rows that keep a sum, a product, a clock, a part of a date, a count, an equality,
    a difference, or what children come to, or go on from the row before: running totals, spans that adjoin, even gaps.

    Rules are those that every real row keeps; a row with a NULL bears no witness. Range 0 to 1, higher is better.
    Floor: the held-out rows' share, or that of the real rows. Source: ``fixturesynth.profiling.invariants``.
    """
    return _measured(
        comparison, ("linear", "product", "clock", "elapsed", "datepart", "equal", "differ", "ordinal", *BETWEEN)
    )


def measure_null_rules(comparison: Comparison) -> Iterator[Measure]:
    """NULL patterns: share of synthetic rows in which columns are NULL together, or one where another is.

    Rules are those that every real row keeps. Range 0 to 1, higher is better. Floor: the held-out rows' share, or that
    of the real rows. Source: ``fixturesynth.profiling.invariants``.
    """
    return _measured(comparison, ("nulls_together", "null_implies"))


def measure_constants(comparison: Comparison) -> Iterator[Measure]:
    """Constants: share of synthetic rows that have the one value that a column has in all real rows.

    Range 0 to 1, higher is better. Floor: the held-out rows' share, or that of the real rows. Source:
    ``fixturesynth.profiling.invariants``.
    """
    return _measured(comparison, ("constant",))


def _rules(comparison: Comparison) -> Mapping[str, tuple[Invariant, ...]]:
    """The profile's rules, or those found in the real rows."""

    def make() -> Mapping[str, tuple[Invariant, ...]]:
        comparison.told("invariants", 0, 1)
        profile = comparison.profile
        if profile is not None:
            return {n: profile[n].invariants for n in comparison.tables if n in profile}
        return dict(find_invariants(comparison.schema, comparison.data["real"].select(list(comparison.tables))))

    return comparison.once("invariants", make)


def rules_of(comparison: Comparison, table: str) -> tuple[Invariant, ...]:
    """The rules that all real rows of a table keep."""
    return _rules(comparison).get(table, ())


def _measured(comparison: Comparison, kinds: tuple[InvariantKind, ...]) -> Iterator[Measure]:
    for name, rules in _rules(comparison).items():
        for rule in rules:
            if rule.kind not in kinds:
                continue
            found: dict[Side, tuple[int, int]] = {}
            for side in comparison.views:
                if name in comparison.views[side] and applies(rule, comparison.views[side]):
                    found[side] = kept_by(rule, comparison.views[side][name], comparison.views[side])
            if not {"real", "synthetic"} <= found.keys():
                continue
            detail = {
                "rule": describe(rule), "kind": rule.kind, "real_rows": found["real"][0],
                "rows": found["synthetic"][0],
            }  # fmt: skip
            witnesses, kept = found["synthetic"]
            score = kept / witnesses if witnesses else None
            floor_of, floor_kept = found.get("holdout", found["real"])
            floor = floor_kept / floor_of if floor_of else None
            yield Measure(
                name, score, (*rule.sources, rule.target), rule.foreign_key, floor,
                detail, "" if score is not None else "no synthetic row bears witness", wilson(kept, witnesses),
            )  # fmt: skip


def describe(rule: Invariant) -> str:
    """The rule in words.

    >>> describe(Invariant("order", "orders", "shipped", ("ordered",), parameters={"strict": False}))
    'ordered ≤ shipped'
    """
    p, s, t = rule.parameters, rule.sources, rule.target
    if "theirs" in p:
        s = (*s, f"the parent's {p['theirs']}")
    parent = f"parent's {s[0]}" if rule.foreign_key and s else ""
    less = "<" if p.get("strict") else "≤"
    if rule.kind in (*BETWEEN, "ascending", "progress"):
        return describe_succession(rule)
    words: Mapping[str, Callable[[], str]] = {
        "constant": lambda: f"{t} is always {p['value']}",
        "order": lambda: f"{s[0]} {less} {t}",
        "determines": lambda: f"{', '.join(s)} decide{'s' * (len(s) == 1)} {t}",
        "presence": lambda: f"{t} is {p['null']} where {s[0]} is NULL, else {p['set']}",
        "linear": lambda: f"{t} = " + " + ".join(
            f"{'' if f == 1 else f'{f:g} × '}{n}" for f, n in zip(p["coefficients"], s, strict=True)
        ) + (f" + {p['constant']:g}" if p["constant"] else ""),
        "product": lambda: f"{t} = " + _factors_in_words(s, p),
        "clock": lambda: f"{t} = {s[0]} + {s[1]} minutes on the clock",
        "elapsed": lambda: f"{t} = " + _between_moments(s, p),
        "datepart": lambda: f"{t} is the {p['part']} of {s[0]}" + (f" in {p['zone']}" if p.get("zone") else ""),
        "equal": lambda: f"{t} = {s[0]}",
        "differ": lambda: f"{t} is never {s[0]}",
        "nulls_together": lambda: f"{t} is NULL exactly where {s[0]} is",
        "null_implies": lambda: f"where {s[0]} is NULL, {t} is",
        "ordinal": lambda: f"{t} numbers the children of each parent",
        "copy": lambda: f"{t} = {parent}",
        "agrees": lambda: f"{t} = {parent}",
        "polymorphic": lambda: f"{t} is a key of the table that {s[0]} names",
        "states": lambda: f"{s[0]} tells where {t} is " + " or ".join(
            word for state, word in (("null", "NULL"), ("zero", "0")) if any(state == one for _, one in p["states"])
        ),
        "order_parent": lambda: f"{parent} {less} {t}",
        "order_parent_reversed": lambda: f"{t} {less} {parent}",
    }  # fmt: skip
    return words[rule.kind]()


def _between_moments(sources: Sequence[str], parameters: Mapping[str, Any]) -> str:
    until, since = (*sources, "1970")[:2]
    since, until = (until, since) if parameters.get("sign") == -1 else (since, until)
    more = parameters.get("constant", 0)
    added = f" {'+' if more > 0 else '−'} {abs(more)}" if more else ""
    return f"{parameters['unit']} from {since} to {until}{added}"


# How each kind is tested ---------------------------------------------------------------------------------------------


def _constant(case: _Case) -> Kept:
    wanted = str(case.rule.parameters["value"])
    view = case.target
    if view.values is None:
        return view.valid, view.valid
    same = []
    for value in view.values.to_pylist():
        plain = value.isoformat() if hasattr(value, "isoformat") else value
        same.append(str(plain) == wanted or (isinstance(plain, int | float) and _number(wanted) == plain))
    return view.valid, np.asarray([*same, False], dtype=bool)[view.codes]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _order(case: _Case) -> Kept:
    low, high = case.sources[0].ordered, case.target.ordered
    with np.errstate(invalid="ignore"):
        return case.whole(), (low < high) if case.rule.parameters.get("strict") else (low <= high)


def _determines(case: _Case) -> Kept:
    groups, size = joint_codes([(s.dense, s.distinct + 1) for s in case.sources])
    target = case.target
    cells, cells_size = joint_codes([(groups, size), (target.dense, target.distinct + 1)])
    counts = np.bincount(cells, minlength=cells_size)
    group_of = np.zeros(cells_size, dtype=np.int64)
    group_of[cells] = groups
    # The most frequent value of each group is taken for its right one.
    order = np.lexsort((counts, group_of))
    last = np.ones(order.size, dtype=bool)
    last[:-1] = group_of[order][1:] != group_of[order][:-1]
    right = np.zeros(cells_size, dtype=bool)
    right[order[last]] = True
    everything = np.ones(case.view.rows, dtype=bool)
    return everything, right[cells]


def _presence(case: _Case) -> Kept:
    target, p = case.target, case.rule.parameters
    values = [] if target.values is None else target.values.to_pylist()
    null, present = (np.array([*(v == p[name] for v in values), False], dtype=bool) for name in ("null", "set"))
    everything = np.ones(case.view.rows, dtype=bool)
    return everything, np.where(case.sources[0].valid, present[target.codes], null[target.codes])


def _near(predicted: npt.NDArray[np.float64], case: _Case, exact: bool) -> Flags:
    wanted = case.target.numbers
    decimals = case.rule.parameters.get("decimals") or 0
    half = 0.5 * 10.0**-decimals
    slack = 1e-9 * np.abs(wanted) + max(1e-6 * half, float(case.rule.parameters.get("slack", 0)))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(predicted - wanted) <= (slack if exact else half + slack), dtype=bool)


def _linear(case: _Case) -> Kept:
    predicted = np.full(case.view.rows, float(case.rule.parameters["constant"]))
    for factor, source in zip(case.rule.parameters["coefficients"], case.sources, strict=True):
        predicted = predicted + factor * source.numbers
    return case.whole(), _near(predicted, case, exact=len(case.sources) > 1)


def _product(case: _Case) -> Kept:
    p, values = case.rule.parameters, [s.numbers for s in case.sources]
    return case.whole(), _near(shared_product(values, p["factor"], p.get("shares", ())), case, exact=False)


def _clock(case: _Case) -> Kept:
    source, delay = case.sources
    whole = case.whole()
    at, start, minutes = (np.where(whole, v.numbers, 0).astype(np.int64) for v in (case.target, source, delay))
    off = (start // 100 * 60 + start % 100 + minutes - at // 100 * 60 - at % 100) % 1_440
    valid = (at >= 0) & (at <= 2_400) & (at % 100 < 60)
    midnight = case.rule.parameters.get("midnight")
    return whole, (off == 0) & valid & (at != (0 if midnight == 2_400 else 2_400))


def _elapsed(case: _Case) -> Kept:
    until, *rest = case.sources
    since = rest[0].moments if rest else np.zeros(case.view.rows, dtype=np.int64)
    made = elapsed(since, until.moments, case.rule.parameters)
    return case.whole(), as_written(made, case.target.numbers, case.rule.parameters["decimals"])


def _datepart(case: _Case) -> Kept:
    source, p = case.sources[0], case.rule.parameters
    expected = datepart(source.moments, p["part"], p.get("zone"))
    if case.target.family == "datetime":
        return case.whole(), case.target.moments == expected
    return case.whole(), case.target.numbers == expected


def _equal(case: _Case) -> Kept:
    whole = case.whole()
    everything = np.arange(case.view.rows)
    same = same_values(case.target, case.sources[0], everything, everything)
    return whole, np.zeros(case.view.rows, dtype=bool) if same is None else same


def _nulls_together(case: _Case) -> Kept:
    return np.ones(case.view.rows, dtype=bool), case.target.valid == case.sources[0].valid


def _null_implies(case: _Case) -> Kept:
    return ~case.sources[0].valid, ~case.target.valid


def _differ(case: _Case) -> Kept:
    return differing_rows(case.sources[0], case.target)


def _ordinal(case: _Case) -> Kept:
    fk = case.view.table.foreign_key(case.rule.foreign_key or "")
    whole = case.target.valid.copy()
    for name in fk.columns:
        whole &= case.view[name].valid
    rows = np.flatnonzero(whole)
    kept = np.zeros(case.view.rows, dtype=bool)
    if not rows.size:
        return whole, kept
    groups, size = joint_codes([(case.view[n].codes[rows], case.view[n].distinct) for n in fk.columns])
    numbers = _counting(case.target)[rows] - int(case.rule.parameters["start"])
    inside = (numbers >= 0) & (numbers < np.bincount(groups, minlength=size)[groups])
    first = np.zeros(rows.size, dtype=bool)
    span = int(numbers.max(initial=0)) - int(numbers.min(initial=0)) + 1
    first[np.unique(groups * span + numbers - int(numbers.min(initial=0)), return_index=True)[1]] = True
    kept[rows] = inside & first
    return whole, kept


def _counting(column: ColumnView) -> Integers:
    if column.family == "number":
        return np.where(column.valid & (np.abs(column.numbers) < 2**53), column.numbers, -1).astype(np.int64)
    texts = [] if column.values is None else [str(v) for v in column.values.to_pylist()]
    numbers = [int(v) if v.isdecimal() and len(v) < 10 else -1 for v in texts]
    return np.asarray([*numbers, -1], dtype=np.int64)[column.codes]


def _copy(case: _Case) -> Kept:
    parent, at = case.above()
    rows = np.flatnonzero(at >= 0)
    witness, kept = at >= 0, np.zeros(case.view.rows, dtype=bool)
    same = same_values(case.target, parent[case.rule.sources[0]], at[rows], rows)
    if same is not None:
        kept[rows] = same
    return witness, kept


def _polymorphic(case: _Case) -> Kept:
    kind, named = case.sources[0], case.target
    witness, kept = np.zeros(case.view.rows, dtype=bool), np.zeros(case.view.rows, dtype=bool)
    names = [plain_category(v) for v in (kind.values.to_pylist() if kind.values is not None else ())]
    for category, table, key, *_ in case.rule.parameters["to"]:
        if category in names and table in case.views and key in case.views[table].columns:
            rows = (kind.codes == names.index(category)) & named.valid
            witness |= rows
            kept |= rows & (places_of(named, case.views[table][key]) >= 0)
    return witness, kept


def _states(case: _Case) -> Kept:
    p, source = case.rule.parameters, case.sources[0]
    wanted = {category: NAMES.index(state) for category, state in p["states"]}
    if p["by"] == "state":
        codes, classes = states_of(source), list[Any](NAMES)
    else:
        codes = source.dense
        classes = [*(plain_category(v) for v in (source.values.to_pylist() if source.values is not None else ())), None]
    told = np.array([wanted.get(c, -1) for c in classes], dtype=np.int64)[codes]
    return told >= 0, states_of(case.target) == told


def _factors_in_words(sources: Sequence[str], parameters: Mapping[str, Any]) -> str:
    shares = parameters.get("shares", ())
    plain = len(sources) - len(shares)
    said = [*sources[:plain], *([f"{parameters['factor']:g}"] if parameters["factor"] != 1 else [])]
    for name, weight in zip(sources[plain:], shares, strict=True):
        said.append(f"(1 {'-' if weight < 0 else '+'} {name}{'' if abs(weight) == 1 else ' / 100'})")
    return " × ".join(said)


def _order_parent(case: _Case) -> Kept:
    parent, at = case.above()
    theirs = parent[case.rule.sources[0]]
    place = np.maximum(at, 0)
    if not parent.rows:
        return np.zeros(case.view.rows, dtype=bool), np.zeros(case.view.rows, dtype=bool)
    witness = (at >= 0) & case.target.valid & theirs.valid[place]
    low, high = theirs.ordered[place], case.target.ordered
    if case.rule.kind == "order_parent_reversed":
        low, high = high, low
    return witness, (low < high) if case.rule.parameters.get("strict") else (low <= high)


def _between(test: Callable[[Invariant, TableView, Mapping[str, TableView]], Kept]) -> Callable[[_Case], Kept]:
    return lambda case: test(case.rule, case.view, case.views)


_KINDS: Mapping[InvariantKind, Callable[[_Case], Kept]] = MappingProxyType(
    {
        "constant": _constant, "order": _order, "determines": _determines, "linear": _linear, "product": _product,
        "clock": _clock, "elapsed": _elapsed, "datepart": _datepart, "equal": _equal, "differ": _differ,
        "nulls_together": _nulls_together, "states": _states, "polymorphic": _polymorphic,
        "null_implies": _null_implies, "ordinal": _ordinal, "copy": _copy, "agrees": _copy,
        "order_parent": _order_parent,
        "order_parent_reversed": _order_parent, "running": _between(running), "adjacent": _between(adjacent),
        "lagged": _between(lagged),
        "presence": _presence, "paced": _between(pace), "aggregate": _between(aggregate),
        "balance": _between(balance),
        "ascending": _between(ascending), "progress": _between(progress),
    }
)  # fmt: skip
