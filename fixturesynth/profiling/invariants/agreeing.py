"""Ways from a row to one table that meet: a comment's author belongs to the workspace of what is commented on."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import TableView, same_values
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE
from fixturesynth.profiling.profile import Invariant

__all__ = ["find_agreeing", "find_own_children"]

Located = Mapping[str, npt.NDArray[np.int64]]

FEWEST_HOMES = 5  # rows that name a row of their own


def find_agreeing(
    view: TableView, views: Mapping[str, TableView], candidates: Sequence[Invariant]
) -> Iterator[Invariant]:
    """References that take such parents alone as have in a column what the row has, one rule for each.

    ``candidates``: the copies that all rows keep, several of one column among them. Where two references to different
    rows lead to one table, by a column that the row has as well, one of them can be a copy; the others agree with it.
    A declared key of both columns does that by itself.
    """
    found: dict[str, list[Invariant]] = {}
    for rule in candidates:
        if rule.kind == "copy" and rule.target in view.references and not view[rule.target].nulls:
            key = view.table.foreign_key(str(rule.foreign_key))
            parent = views[key.parent]
            if rule.sources[0] in {*key.parent_columns, *parent.identities}:
                continue  # two columns with one value are two names of one row
            same = parent.table.name == view.table.name or parent[rule.sources[0]].nulls
            if not same and _referred(view, rule.target) & _referred(parent, rule.sources[0]):
                found.setdefault(rule.target, []).append(rule)
    for target, rules in found.items():
        declared = [fk for fk in view.table.foreign_keys if target in fk.columns and len(fk.columns) > 1]
        ways = {fk.name for fk in declared} | {str(r.foreign_key) for r in rules}
        if len(ways) < 2:
            continue
        for rule in rules:
            fk = view.table.foreign_key(str(rule.foreign_key))
            settled = {r.target for r in candidates if r.kind == "determines" and {*r.sources} <= view.references}
            if settled & set(fk.columns):
                continue  # it follows from another reference
            if target not in fk.columns and rule.support >= FEWEST and _free(view, fk.columns):
                yield Invariant("agrees", view.table.name, target, rule.sources, fk.name, support=rule.support)


def find_own_children(view: TableView, views: Mapping[str, TableView], located: Located) -> Iterator[Invariant]:
    """References to a row that has this one as its parent: a team's captain plays in the team, one rule for each.

    ``located``: each row's parent row by foreign key, -1 for none. Every row that names one bears witness; a table
    of few rows finds its own by chance.
    """
    key = view.table.primary_key
    if key is None or len(key.columns) != 1:
        return
    for fk in view.table.foreign_keys:
        parent = views.get(fk.parent)
        if parent is None or fk.parent == view.table.name or not _free(view, fk.columns):
            continue
        rows = np.flatnonzero(located[fk.name] >= 0)
        if rows.size * math.log(max(view.rows, 1)) < SURPRISE or rows.size < FEWEST_HOMES:
            continue
        for back in parent.table.foreign_keys:
            if back.parent != view.table.name or back.parent_columns != key.columns:
                continue
            same = same_values(view[key.columns[0]], parent[back.columns[0]], located[fk.name][rows], rows)
            if same is not None and same.all():
                yield Invariant("agrees", view.table.name, key.columns[0], back.columns, fk.name, support=rows.size)
                break


def _free(view: TableView, columns: Sequence[str]) -> bool:
    """Whether the columns of a reference are in no other one, and name more than one parent."""
    others = [fk for fk in view.table.foreign_keys if fk.columns != tuple(columns)]
    codes = [view[c].dense for c in columns]
    several = any(np.unique(c).size > 1 for c in codes)
    return several and not any(set(columns) & set(fk.columns) for fk in others)


def _referred(view: TableView, column: str) -> set[str]:
    """The tables to which a column leads, by itself or as a part of a key; its own where it is that table's key."""
    found = {fk.parent for fk in view.table.foreign_keys if column in fk.columns and fk.parent != view.table.name}
    key = view.table.primary_key
    return found | ({view.table.name} if key is not None and key.columns == (column,) else set())
