"""References that share columns must agree in them: which do, and how many parents are sure to."""

from __future__ import annotations

from collections.abc import Mapping

from fixturesynth.planning.parts import columns_in_part, distinct_parents
from fixturesynth.planning.plan import Plan, Reference, ReferencePlan, Rule, TablePlan
from fixturesynth.schema.model import Schema, Table

__all__ = ["columns_to_differ", "lends", "promised_parents", "required_together", "shared_columns"]


def required_together(plan: TablePlan, table: Table) -> list[str]:
    """Foreign keys that every row sets by a choice of its own, so that they must agree where they share columns."""
    return [r.foreign_key for r in plan.references if _required(table, r)] if plan.rows else []


def _required(table: Table, reference: ReferencePlan) -> bool:
    columns = table.foreign_key(reference.foreign_key).columns
    return reference.how in ("context", "matched") and not any(table.column(c).nullable for c in columns)


def shared_columns(table: Table, one: str, two: str) -> list[tuple[str, str]]:
    """(column of the first's parent, column of the second's parent) for each column that both keys fill."""
    a, b = table.foreign_key(one), table.foreign_key(two)
    there = dict(zip(b.columns, b.parent_columns, strict=True))
    return [(p, there[c]) for c, p in zip(a.columns, a.parent_columns, strict=True) if c in there]


def lends(lender: TablePlan, theirs: str, borrower: TablePlan, mine: str) -> bool:
    """Whether two columns are filled by one and the same rule, so that one may take the other's values."""
    here, there = borrower.column(mine).source, lender.column(theirs).source
    return (
        isinstance(here, Rule)
        and isinstance(there, Rule)
        and not (here.needs or here.parents or here.call.unique)
        and here.call == there.call
        and not any(c.name == mine for choice in borrower.branches for branch in choice.branches for c in branch)
    )


def promised_parents(
    schema: Schema,
    done: Mapping[str, TablePlan],
    table: Table,
    references: tuple[ReferencePlan, ...],
    reference: ReferencePlan,
    locale: str,
    now: str,
) -> int:
    """So many parents of ``reference`` at least agree with one of every other required reference that shares columns.

    ``done``: the plans so far, in order: what is later has a partner for each value of the earlier, as far as its rows
    go (sampling.sharing sees to it).
    """
    parent = done[reference.parent]
    most = parent.rows
    order = list(done)
    for other in references:
        if other.foreign_key == reference.foreign_key or other.parent == parent.name or other.parent not in done:
            continue
        shared = shared_columns(table, reference.foreign_key, other.foreign_key)
        if not shared or not (_required(table, other) and _required(table, reference)):
            continue
        partner = done[other.parent]
        if len(shared) > 1:
            most = min(most, 1)
        elif order.index(parent.name) < order.index(partner.name):
            own, theirs = shared[0]
            values = _most_values(schema, parent, own, done)
            if not _follows(partner, theirs, parent, own):
                most = min(most, 1)
            elif partner.rows < values:
                most = min(most, partner.rows)
        else:
            own, theirs = shared[0]
            there = distinct_parents(schema, done, partner.name, (theirs,), locale, now)
            most = min(most, there if _follows(parent, own, partner, theirs) else 1)
    return most


def columns_to_differ(schema: Schema, plan: Plan) -> dict[str, frozenset[str]]:
    """By table: columns whose values should differ as far as they can, for unique sets and references of children.

    Where each parent has one child at most, and partners of the parents were made before them, the rows of the child
    are bounded by the values that the partners have.
    """
    order = {t.name: number for number, t in enumerate(plan.tables)}
    wanted = []
    for child in plan.tables:
        table = schema[child.name]
        names = required_together(child, table)
        for one in (n for n in names if child.reference(n).exclusive):
            for two in (n for n in names if n != one):
                parent, partner = table.foreign_key(one).parent, table.foreign_key(two).parent
                shared = shared_columns(table, one, two)
                if len(shared) == 1 and order[partner] < order[parent]:
                    wanted.append((partner, shared[0][1]))
    return columns_in_part(schema, plan, wanted)


def _most_values(schema: Schema, plan: TablePlan, column: str, done: Mapping[str, TablePlan]) -> int:
    source = plan.column(column).source
    if isinstance(source, Reference):
        return min(plan.rows, done[schema[plan.name].foreign_key(source.foreign_key).parent].rows)
    return plan.rows


def _follows(later: TablePlan, mine: str, earlier: TablePlan, theirs: str) -> bool:
    """Whether the later table has a row for each of the earlier one's values, as far as its rows go."""
    source = later.column(mine).source
    if isinstance(source, Reference):
        reference = later.reference(source.foreign_key)
        return reference.how in ("context", "matched") and reference.null_share == 0
    return lends(earlier, theirs, later, mine)
