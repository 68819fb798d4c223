"""Invariants: rules between columns that every row keeps, found from the rows and told apart from accidents.

Candidates are screened on a sample, verified on all rows, and weighed against what a shuffle would give
(``evidence``). A column is the target of at most one rule that gives its value, and those rules form no circle
(``selection``).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.columnar import TableView, locate_parents, view_table
from fixturesynth.profiling.invariants.aggregates import find_aggregates
from fixturesynth.profiling.invariants.agreeing import find_agreeing, find_own_children
from fixturesynth.profiling.invariants.arithmetic import find_products, find_shared, find_sums
from fixturesynth.profiling.invariants.balances import find_balances
from fixturesynth.profiling.invariants.clocks import find_clocks, find_dateparts
from fixturesynth.profiling.invariants.crossing import find_crossing
from fixturesynth.profiling.invariants.dependencies import find_dependencies, unique_sets
from fixturesynth.profiling.invariants.differing import find_differing
from fixturesynth.profiling.invariants.durations import find_durations, find_durations_since_parent
from fixturesynth.profiling.invariants.lagging import find_lagged
from fixturesynth.profiling.invariants.naming import without_rare
from fixturesynth.profiling.invariants.nulls import find_null_rules, find_presences
from fixturesynth.profiling.invariants.orders import find_orders, find_parent_orders, reduce_orders
from fixturesynth.profiling.invariants.pacing import find_paced
from fixturesynth.profiling.invariants.polymorphic import find_polymorphic
from fixturesynth.profiling.invariants.progress import find_progress
from fixturesynth.profiling.invariants.references import find_copies, find_ordinals
from fixturesynth.profiling.invariants.rounded import find_rounded_sums
from fixturesynth.profiling.invariants.selection import select
from fixturesynth.profiling.invariants.states import find_states
from fixturesynth.profiling.invariants.succession import (
    find_adjacent,
    find_ascending,
    find_lines,
    find_running,
    without_echoes,
)
from fixturesynth.profiling.invariants.values import find_constants, find_equals
from fixturesynth.profiling.profile import ColumnProfile, Invariant
from fixturesynth.schema.model import Schema, Table

__all__ = ["find_invariants", "find_unique_sets"]

Located = Mapping[str, npt.NDArray[np.int64]]

_OPAQUE = ("json", "binary", "array")

_OWN_VALUES = (
    find_constants, find_equals, find_dateparts, find_clocks, find_durations, find_sums, find_rounded_sums,
    find_products, find_shared, find_presences, find_dependencies,
)  # fmt: skip


def find_invariants(
    schema: Schema, dataset: Dataset, columns: Mapping[str, Mapping[str, ColumnProfile]] | None = None
) -> Mapping[str, tuple[Invariant, ...]]:
    """The invariants of every table with rows: value-giving ones first, then nulls, then orders.

    Orders between a parent and its child are reduced: what follows from an order inside either table is left out.
    ``columns`` are the column profiles where they are at hand: columns of documents (json, binary) take part only in
    rules of nulls and copies.
    """
    profiles = columns or {}
    views = {
        t.name: view_table(
            t,
            dataset.arrow(t.name),
            [name for name, p in profiles.get(t.name, {}).items() if p.kind in _OPAQUE],
        )
        for t in schema
        if t.name in dataset
    }
    within = {name: reduce_orders(list(find_orders(view)), view) for name, view in views.items()}
    above = find_aggregates(views)
    found = {name: _of_table(view, views, within, above) for name, view in views.items()}
    for rule in find_polymorphic(schema, views):
        found[rule.table] = (*found[rule.table], rule)
    if columns is None:
        return found
    return {
        name: tuple(
            kept for rule in rules if (kept := without_rare(rule, profiles, schema[name].foreign_keys)) is not None
        )
        for name, rules in found.items()
    }


def _of_table(
    view: TableView,
    views: Mapping[str, TableView],
    within: Mapping[str, list[Invariant]],
    above: Mapping[str, list[Invariant]],
) -> tuple[Invariant, ...]:
    if not view.rows:
        return ()
    fks = [fk for fk in view.table.foreign_keys if fk.parent in views]
    located: Located = {fk.name: locate_parents(view, fk, views[fk.parent])[0] for fk in fks}
    used = {name: int(np.unique(at[at >= 0]).size) for name, at in located.items()}
    candidates = [rule for find in _OWN_VALUES for rule in find(view)]
    for fk in fks:
        candidates += find_copies(view, views[fk.parent], fk, located[fk.name])
        candidates += find_ordinals(view, fk)
        if fk.parent != view.table.name:
            candidates += find_crossing(view, views[fk.parent], fk, located[fk.name])
            candidates += find_durations_since_parent(view, views[fk.parent], fk, located[fk.name])
    agreeing = [*find_agreeing(view, views, candidates), *find_own_children(view, views, located)]
    lines, told = (
        find_lines(view),
        {name: set[str]() for name in ("running", "adjacent", "lagged", "paced", "ascending", "progress")},
    )
    for line in lines:
        candidates += find_running(line, views, located, told["running"])
    for line in lines:
        candidates += find_adjacent(line, told["adjacent"])
    for line in lines:
        candidates += find_lagged(line, told["lagged"])
    candidates = without_echoes(candidates)
    candidates += above.get(view.table.name, [])
    chosen = select(view, candidates, used)
    tied = {
        (rule.target, source)
        for rule in chosen
        for source in rule.sources
        if rule.foreign_key is None and rule.kind not in ("adjacent", "lagged")
    }
    given = {rule.target for rule in chosen}
    in_line = [
        rule for line in lines for rule in find_paced(line, views, located, told["paced"]) if rule.target not in given
    ]
    # Dates that some rows lack would move alone, away from the dates beside them that they follow.
    beside = {c for o in within[view.table.name] for c in (o.target, *o.sources)}
    alone = {c.name for c in view.columns.values() if not c.nulls or c.name not in beside}
    in_line += [rule for rule in find_ascending(lines, told["ascending"]) if rule.target in alone - given]
    in_line += [rule for line in lines for rule in find_progress(line, told["progress"]) if rule.target not in given]
    in_line += [rule for rule in find_balances(view, views, located) if rule.target not in given]
    orders = [o for o in within[view.table.name] if not {(o.target, o.sources[0]), (o.sources[0], o.target)} & tied]
    across = [
        rule
        for fk in fks
        for rule in _reduce_across(
            list(find_parent_orders(view, views[fk.parent], fk, located[fk.name])),
            within[fk.parent],
            within[view.table.name],
            {c.target: (c.foreign_key, c.sources[0]) for c in chosen if c.kind == "copy"},
        )
    ]
    told_late = {rule.target for rule in chosen if rule.kind == "aggregate"} or given
    free = {rule.target for rule in chosen if rule.kind in ("equal", "determines")} | (view.columns.keys() - given)
    states = [rule for rule in find_states(view, told_late) if rule.target in free]
    apart = [rule for rule in find_differing(view) if not {rule.target, *rule.sources} & given]
    return (*chosen, *agreeing, *find_null_rules(view), *states, *apart, *orders, *across, *in_line)


def _reduce_across(
    rules: list[Invariant],
    parent: list[Invariant],
    child: list[Invariant],
    copied: Mapping[str, tuple[str | None, str]],
) -> list[Invariant]:
    """Without what an order inside the parent, one inside the child or a copied column implies."""
    rules = [r for r in rules if r.target not in copied]
    copies = {(fk, source): target for target, (fk, source) in copied.items()}
    held = {(r.kind, r.sources[0], r.target) for r in rules}
    above = {(o.sources[0], o.target) for o in parent}
    below = {(o.sources[0], o.target) for o in child}
    kept = []
    for r in rules:
        forward = r.kind == "order_parent"
        inner = above if forward else {(b, a) for a, b in above}
        outer = below if forward else {(b, a) for a, b in below}
        by_parent = any((r.kind, m, r.target) in held for a, m in inner if a == r.sources[0])
        by_child = any((r.kind, r.sources[0], m) in held for m, c in outer if c == r.target)
        # The child's own copy of the parent's column keeps the same order inside the row.
        by_copy = (copies.get((r.foreign_key, r.sources[0])), r.target) in outer
        if not by_parent and not by_child and not by_copy:
            kept.append(r)
    return kept


def find_unique_sets(table: Table, rows: pa.Table) -> tuple[tuple[str, ...], ...]:
    """Undeclared minimal sets of one to three columns without duplicates, at most five, smallest first.

    Only of tables with at least 100 rows, and only where independent columns would have made many duplicates.
    """
    return unique_sets(view_table(table, rows))
