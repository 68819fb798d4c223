"""How many rows each table gets: what was asked, what the rows had, never more than the keys allow."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fixturesynth.errors import CapacityError, SpecError, UnsatisfiableError, did_you_mean
from fixturesynth.planning.plan import ReferencePlan, TablePlan
from fixturesynth.profiling.profile import Profile
from fixturesynth.schema.model import Schema, Table

__all__ = [
    "DEFAULT_ROWS",
    "RowsAsked",
    "exclusive_limit",
    "left_to_subtype",
    "lower",
    "most_rows",
    "never_itself",
    "refuse_lone_row",
    "rows_asked",
    "rows_of_children",
]

DEFAULT_ROWS = 100


@dataclass(frozen=True)
class RowsAsked:
    """``tables``: asked by name, exact or refused. ``default``: others without real rows. ``scale``: of real ones."""

    tables: Mapping[str, int]
    default: int | None = None
    scale: float = 1.0


def rows_asked(
    name: str,
    asked: RowsAsked,
    schema: Schema,
    profile: Profile | None,
    context_parent: str | None,
    planned: Mapping[str, int],
) -> tuple[int, bool]:
    """(rows, whether the user named them). Children follow their context parent's scale; entities that have no table
    of their own follow the rows that repeat them."""
    if (owner := schema[name].repeated_in) is not None:
        rows, _ = rows_asked(owner, asked, schema, profile, context_parent, planned)
        real = profile[owner].rows if profile is not None and owner in profile else 0
        own = profile[name].rows if profile is not None and name in profile else 0
        return max(1, round(own * rows / real) if real else 1), False
    for known in asked.tables:
        if known not in schema.shown:
            raise SpecError(f"rows asked for unknown table {known!r}: {did_you_mean(known, schema.shown.names)}")
    if name in asked.tables:
        if asked.tables[name] < 0:
            raise SpecError(f"rows of {name} must not be negative, however: {asked.tables[name]}")
        return asked.tables[name], True
    if profile is None or name not in profile:
        if (share := _share_of_kinds(name, asked, schema, planned)) is not None:
            return share, False
        return (asked.default if asked.default is not None else max(1, round(DEFAULT_ROWS * asked.scale))), False
    real = profile[name].rows
    if asked.default is not None and real:
        return asked.default, False
    scale = asked.scale
    if context_parent is not None and context_parent in asked.tables and profile[context_parent].rows:
        scale = planned.get(context_parent, asked.tables[context_parent]) / profile[context_parent].rows
    rows = round(real * scale)
    return (max(rows, 1) if real else 0), False


def _share_of_kinds(name: str, asked: RowsAsked, schema: Schema, planned: Mapping[str, int]) -> int | None:
    """Rows of a subtype that nobody asked for: as many as each other kind of its parent's rows gets, of those left."""
    up = schema[name].inherited
    if up is None or up.parent not in planned:
        return None
    above = schema[up.parent].subtype
    kinds = subtypes_of(schema, up.parent)
    left = planned[up.parent] - sum(planned.get(kind, asked.tables.get(kind, 0)) for kind in kinds)
    others = [kind for kind in kinds if kind not in asked.tables and kind not in planned]
    return max(0, left // (len(others) + bool(above is not None and above.values)))


def subtypes_of(schema: Schema, parent: str) -> list[str]:
    """The tables that are subtypes of ``parent``, one step down."""
    return [table.name for table, fk in schema.children_of(parent) if table.inherited == fk]


def left_to_subtype(
    schema: Schema, table: Table, able: Mapping[str, int], planned: Mapping[str, int]
) -> dict[str, int]:
    """``able`` parents by foreign key, without those that other subtypes have."""
    up = table.inherited
    if up is None or up.name not in able:
        return dict(able)
    taken = sum(planned.get(other, 0) for other in subtypes_of(schema, up.parent) if other != table.name)
    return {**able, up.name: max(0, able[up.name] - taken)}


def rows_of_children(counts: tuple[tuple[int, int], ...], parents: int, null_share: float) -> int:
    """Rows of a child table whose ``parents`` have children as the histogram (children, parents) says.

    >>> rows_of_children(((0, 1), (3, 1)), 10, 0.0)
    15
    """
    values = np.array([c for c, _ in counts], dtype=np.int64)
    ends = np.cumsum(np.array([p for _, p in counts], dtype=np.int64))
    points = ((2 * np.arange(parents, dtype=np.int64) + 1) * int(ends[-1])) // (2 * parents or 1)
    children = int(values[np.searchsorted(ends, points, side="right")].sum())
    return children if null_share <= 0 or null_share >= 1 else round(children / (1 - null_share))


def lower(table: str, rows: int, named: bool, limit: int, why: str, strict: bool, notes: list[str]) -> int:
    """``rows``, or ``limit`` with a note; CapacityError when the user named the number, or under ``strict``."""
    if rows <= limit:
        return rows
    if named or strict:
        raise CapacityError(f"{table}: {rows} rows asked, but {why} allows {limit}; ask for at most {limit}")
    notes.append(f"{table}: {limit} rows instead of {rows}, all that {why} allows")
    return limit


def exclusive_limit(references: tuple[ReferencePlan, ...], parents: Mapping[str, int]) -> tuple[int, str] | None:
    """Most rows that one-to-one references allow, with the reference that says so; ``parents``: by foreign key."""
    limits = [
        (most_rows(parents[r.foreign_key], r.null_share), f"its one-to-one reference to {r.parent}")
        for r in references
        if r.exclusive and r.foreign_key in parents and r.null_share < 1.0
        # Rows that find no parent of their own in a cycle go without, where they may.
        and (r.how in ("context", "matched") or (r.how == "later" and r.null_share == 0.0))
    ]  # fmt: skip
    return min(limits) if limits else None


def most_rows(parents: int, null_share: float) -> int:
    """Rows of which no more than ``parents`` are set when a share of ``null_share`` is NULL."""
    rows = int(parents / (1 - null_share))
    while rows - round(rows * null_share) > parents:
        rows -= 1
    return rows


def never_itself(plan: TablePlan, table: Table, reference: ReferencePlan) -> bool:
    """Whether a check tells the reference from the key that it names: parent_id <> id."""
    fk = table.foreign_key(reference.foreign_key)
    pairs = {frozenset(pair) for pair in plan.distinct}
    return any(frozenset(pair) in pairs for pair in zip(fk.columns, fk.parent_columns, strict=True))


def refuse_lone_row(plan: TablePlan, table: Table, planned: Mapping[str, int]) -> None:
    """UnsatisfiableError where the only row of a table must reference a row that is not itself, or two references must
    name different rows of a table that has one; ``planned``: rows by table.
    """
    for pair in plan.distinct if plan.mode == "generate" else ():
        keys = [fk for c in pair for fk in table.foreign_keys if fk.columns == (c,)]
        required = not any(table.column(c).nullable for c in pair)
        places = {(fk.parent, fk.parent_columns) for fk in keys}
        if required and len(keys) == 2 and len(places) == 1 and planned.get(keys[0].parent) == 1:
            names, parent = " and ".join(pair), keys[0].parent
            raise UnsatisfiableError(
                f"{table.name}: {names} must name different rows of {parent}, which gets one; ask for two rows of "
                f"{parent} or more, or where its unique columns allow but one, make one of {names} nullable or leave "
                f"{table.name} out"
            )
    for reference in plan.references if plan.rows == 1 and plan.mode == "generate" else ():
        fk = table.foreign_key(reference.foreign_key)
        required = not any(table.column(c).nullable for c in fk.columns)
        if required and fk.parent == table.name and never_itself(plan, table, reference):
            names = ", ".join(fk.columns)
            raise UnsatisfiableError(
                f"{table.name}: it gets one row, whose {names} must name another row of {table.name}; ask for two rows "
                f"or more, or where its unique columns allow but one, make {names} nullable or leave the table out"
            )
