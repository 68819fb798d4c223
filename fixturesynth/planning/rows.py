"""How many rows each table gets: what was asked, what the rows had, never more than the keys allow."""

from collections.abc import Mapping
from dataclasses import dataclass

from fixturesynth.errors import CapacityError, SpecError, did_you_mean
from fixturesynth.planning.plan import ReferencePlan
from fixturesynth.profiling.profile import Profile
from fixturesynth.schema.model import Schema

__all__ = ["DEFAULT_ROWS", "RowsAsked", "lower", "rows_asked"]

DEFAULT_ROWS = 100


@dataclass(frozen=True)
class RowsAsked:
    """``tables``: asked by name, exact or refused. ``default``: for the others without real rows. ``scale``: of real rows."""

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
    """(rows, whether the user named them). Children follow their context parent's scale."""
    for known in asked.tables:
        if known not in schema:
            raise SpecError(f"rows asked for unknown table {known!r}: {did_you_mean(known, schema.names)}")
    if name in asked.tables:
        if asked.tables[name] < 0:
            raise SpecError(f"rows of {name} must not be negative, however: {asked.tables[name]}")
        return asked.tables[name], True
    if profile is None or name not in profile:
        return (asked.default if asked.default is not None else max(1, round(DEFAULT_ROWS * asked.scale))), False
    real = profile[name].rows
    if asked.default is not None and real:
        return asked.default, False
    scale = asked.scale
    if context_parent is not None and context_parent in asked.tables and profile[context_parent].rows:
        scale = planned[context_parent] / profile[context_parent].rows
    rows = round(real * scale)
    return (max(rows, 1) if real else 0), False


def lower(table: str, rows: int, named: bool, limit: int, why: str, strict: bool, notes: list[str]) -> int:
    """``rows``, or ``limit`` with a note; CapacityError when the user named the number, or under ``strict``."""
    if rows <= limit:
        return rows
    if named or strict:
        raise CapacityError(f"{table}: {rows} rows asked, but {why} allows {limit}; ask for at most {limit}")
    notes.append(f"{table}: {limit} rows instead of {rows}, all that {why} allows")
    return limit


def exclusive_limit(references: tuple[ReferencePlan, ...], planned: Mapping[str, int]) -> tuple[int, str] | None:
    """Most rows that one-to-one references allow, with the reference that says so."""
    limits = [
        (planned[r.parent], f"its one-to-one reference to {r.parent}")
        for r in references
        if r.exclusive and r.how in ("context", "matched") and r.null_share == 0.0
    ]
    return min(limits) if limits else None
