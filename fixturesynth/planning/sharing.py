"""References that share columns must agree in them: which do, and how many parents are sure to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from fixturesynth.planning.parts import columns_in_part, distinct_parents
from fixturesynth.planning.plan import Key, Plan, Reference, ReferencePlan, Rule, TablePlan
from fixturesynth.schema.model import Schema, Table

__all__ = ["columns_to_differ", "lenders", "promised_parents", "required_together", "shared_columns"]


def required_together(plan: TablePlan, table: Table) -> list[str]:
    """Foreign keys that every row sets by a choice of its own, so that they must agree where they share columns."""
    return [r.foreign_key for r in plan.references if _required(table, r)] if plan.rows else []


def _required(table: Table, reference: ReferencePlan) -> bool:
    if reference.how == "context" and reference.null_share == 0:
        return True  # children are dealt to all of its rows, also where a row might do without a parent
    columns = table.foreign_key(reference.foreign_key).columns
    if reference.null_share == 0 and any(not u.nulls_distinct and set(u.columns) & set(columns) for u in table.uniques):
        return reference.how == "matched"  # two rows without a parent would be alike
    return reference.how in ("context", "matched") and not any(table.column(c).nullable for c in columns)


def shared_columns(table: Table, one: str, two: str) -> list[tuple[str, str]]:
    """(column of the first's parent, column of the second's parent) for each column that both keys fill."""
    a, b = table.foreign_key(one), table.foreign_key(two)
    there = dict(zip(b.columns, b.parent_columns, strict=True))
    return [(p, there[c]) for c, p in zip(a.columns, a.parent_columns, strict=True) if c in there]


def lenders(schema: Schema, plan: Plan) -> dict[tuple[str, str], tuple[str, str]]:
    """By (table, column): the (table, column) whose values it takes, so that references that share it find partners.

    Nothing is declared between the two, and chance alone would make their rules agree: all tables of a tenant share
    ``tenant_id``, but not all of them reference the tenants.
    """
    order = {t.name: number for number, t in enumerate(plan.tables)}
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def top(place: tuple[str, str]) -> tuple[str, str]:
        while place in leader:
            place = leader[place]
        return place

    for child in plan.tables:
        table = schema[child.name]
        chosen = [r.foreign_key for r in child.references if r.how in ("context", "matched")] if child.rows else []
        for one, two in combinations(chosen, 2):
            shared = shared_columns(table, one, two)
            parents = table.foreign_key(one).parent, table.foreign_key(two).parent
            for places in ([(p, c) for p, c in zip(parents, pair, strict=True)] for pair in shared):
                roots = {top(_root(schema, plan, *place)) for place in places}
                if len(roots) != 2:
                    continue
                # What is made by arithmetic comes first, as it cannot take other values; then what is made first.
                first, second = sorted(
                    roots, key=lambda p: (not isinstance(plan[p[0]].column(p[1]).source, Key), order[p[0]])
                )
                early = order[first[0]] < order[second[0]]
                arithmetic = isinstance(plan[first[0]].column(first[1]).source, Key)
                if (early or arithmetic) and _takes(schema, plan, first, second):
                    leader[second] = first
    return {place: top(place) for place in leader}


def _root(schema: Schema, plan: Plan, table: str, column: str) -> tuple[str, str]:
    """The column whose values another one takes by references."""
    seen: set[tuple[str, str]] = set()
    while (table, column) not in seen and plan[table].mode == "generate":
        seen.add((table, column))
        source = plan[table].column(column).source
        if not isinstance(source, Reference) or plan[table].reference(source.foreign_key).how == "later":
            break
        table, column = schema[table].foreign_key(source.foreign_key).parent, source.parent_column
    return table, column


def _takes(schema: Schema, plan: Plan, lender: tuple[str, str], borrower: tuple[str, str]) -> bool:
    """Whether the borrower's column may hold any value of the lender's."""
    own, there = plan[borrower[0]], plan[lender[0]]
    here, theirs = own.column(borrower[1]).source, there.column(lender[1]).source
    if own.generator != "rules" or own.mode != "generate" or there.mode != "generate":
        return False
    if not isinstance(here, Rule) or here.needs or here.parents:
        return False
    apart = isinstance(theirs, Key) or (isinstance(theirs, Rule) and theirs.call.unique)
    if here.call.unique and not (apart and there.rows >= own.rows):
        return False
    if any(c.name == borrower[1] for choice in own.branches for branch in choice.branches for c in branch):
        return False
    if isinstance(theirs, Rule) and theirs.call == here.call:
        return True
    declared = schema[borrower[0]]
    column, other = declared.column(borrower[1]), schema[lender[0]].column(lender[1])
    free = not column.domain_checks and not any(borrower[1] in c.columns for c in declared.checks)
    wide = column.type.length is None or (other.type.length or 0) <= column.type.length
    return free and column.type.kind == other.type.kind and wide and column.type.bits == other.type.bits


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
            if not _follows(schema, partner, theirs):
                most = min(most, 1)
            elif partner.rows < values:
                most = min(most, partner.rows)
        else:
            own, theirs = shared[0]
            there = distinct_parents(schema, done, partner.name, (theirs,), locale, now)
            most = min(most, there if _follows(schema, parent, own) else 1)
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


def _follows(schema: Schema, later: TablePlan, mine: str) -> bool:
    """Whether the later table has a row for each of the earlier one's values, as far as its rows go."""
    source = later.column(mine).source
    if isinstance(source, Reference):
        reference = later.reference(source.foreign_key)
        return reference.how in ("context", "matched") and reference.null_share == 0
    return isinstance(source, Rule) and not any(mine in c.columns for c in schema[later.name].checks)
