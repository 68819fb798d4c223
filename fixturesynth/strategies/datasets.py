"""``from_schema`` and ``rows``: datasets over all valid values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from hypothesis.strategies import SearchStrategy

from fixturesynth.errors import InputError, UnsatisfiableError, did_you_mean
from fixturesynth.strategies.building import Builder, Row, refuse_short
from fixturesynth.strategies.choices import Choices, Drawn, alphabet
from fixturesynth.strategies.description import Settings, Source
from fixturesynth.strategies.forms import Form, form_named
from fixturesynth.strategies.sources import compiled

__all__ = ["from_schema", "rows"]

MAX_ROWS = 5
PRESENT = 0.96  # share of places that have a row
ROW = 1 << 20  # between the labels of a table and of its rows

_ABSENT: Row = {}

Counts = int | Mapping[str, int]


def from_schema(
    source: Any,
    tables: Sequence[str] | None = None,
    *,
    min_rows: Counts = 0,
    max_rows: Counts = MAX_ROWS,
    tables_as: str = "dicts",
    alphabet: str | None = None,
) -> SearchStrategy[Any]:
    """Datasets that hold every constraint of ``source``, over all valid values.

    Args:
        source: whatever ``fixturesynth.reflect`` reads, a Schema, or a pandera schema.
        tables: those wanted, with all that they must reference; by default all.
        min_rows: of every table, or by table.
        max_rows: of every table, or by table.
        tables_as: ``"dicts"``, ``"frames"``, ``"sql"`` or ``"orm"``.
        alphabet: the characters of texts; by default all of Unicode that the column holds.

    Raises:
        InputError: unknown tables or forms, or counts that contradict each other.
        ConstraintError, UnsatisfiableError: a constraint that cannot be held, by name.
    """
    found = compiled(source, _settings(alphabet))
    names = found.closure(_known(found, tables))
    counts = _counts(found, names, min_rows, max_rows)
    form = form_named(tables_as, source, found, names)
    shown = f"from_schema({', '.join(names[:6])}{', ...' if len(names) > 6 else ''})"
    return Drawn(_Datasets(found, names, counts, form), shown)


def rows(source: Any, table: str, *, tables_as: str = "dicts", alphabet: str | None = None) -> SearchStrategy[Any]:
    """One row of ``table``, with the rows that it needs as parents and no others."""
    found = compiled(source, _settings(alphabet))
    names = found.closure(_known(found, [table]))
    form = form_named(tables_as, source, found, names)
    return Drawn(_OneRow(found, names, table, form), f"rows({table})")


def _settings(letters: str | None) -> Settings:
    if letters is not None and not letters:
        raise InputError("alphabet must have at least one character, however: ''; leave it out for all of Unicode")
    return Settings() if letters is None else _with_letters(letters)


@lru_cache(maxsize=16)
def _with_letters(letters: str) -> Settings:
    return Settings(letters=alphabet(letters))


def _known(source: Source, tables: Sequence[str] | None) -> tuple[str, ...]:
    if tables is None:
        return tuple(source.tables)
    for name in tables:
        if name not in source.tables:
            empty = f"table {name!r} takes no rows" if name in source.schema else f"no table {name!r}"
            raise InputError(f"tables: {empty}: {did_you_mean(name, source.tables)}")
    return tuple(tables)


def _counts(source: Source, names: Sequence[str], least: Counts, most: Counts) -> dict[str, tuple[int, int]]:
    """Fewest and most rows of every table; parents get what their children must have."""
    for what, counts in (("min_rows", least), ("max_rows", most)):
        for name, count in counts.items() if isinstance(counts, Mapping) else (("every table", counts),):
            if isinstance(counts, Mapping) and name not in names:
                raise InputError(f"{what}: no table {name!r} here: {did_you_mean(name, names)}")
            if count < 0:
                raise InputError(f"{what} of {name} must not be negative, however: {count}")
    low = {n: least.get(n, 0) if isinstance(least, Mapping) else least for n in names}
    high = {n: most.get(n, MAX_ROWS) if isinstance(most, Mapping) else most for n in names}
    for name in names:
        if low[name] > high[name]:
            if (isinstance(most, Mapping) and name in most) or (not isinstance(most, Mapping) and most != MAX_ROWS):
                raise InputError(f"{name}: min_rows={low[name]} is more than max_rows={high[name]}")
            high[name] = low[name]
    for name in reversed(names):
        if low[name]:
            for link in source.tables[name].links:
                if link.is_required and link.parent != name and low[link.parent] < 1:
                    if high[link.parent] < 1:
                        raise InputError(f"{name} needs rows of {link.parent}, but max_rows gives that table none")
                    low[link.parent] = 1
    return {n: (low[n], high[n]) for n in names}


class _Datasets:
    """Draws every table in turn."""

    def __init__(self, source: Source, names: Sequence[str], counts: Mapping[str, tuple[int, int]], form: Form) -> None:
        self.source, self.names, self.counts, self.form = source, tuple(names), dict(counts), form
        # Required references that close a cycle: their parents must have a row as soon as they have one.
        self.after = {
            link.parent: name for name in names for link in source.tables[name].links if link.later and link.is_required
        }

    def __call__(self, choices: Choices) -> Any:
        builder = Builder(self.source, self.names, {n: high for n, (_, high) in self.counts.items()})
        for name in self.names:
            rules, kept = self.source.tables[name], builder.kept
            low, high = self.counts[name]
            if name in self.after and kept[self.after[name]].rows:
                low, high = max(low, 1), max(high, 1)
            links = [k for k in rules.links if k.is_required and not k.later and not k.is_self]
            possible = bool(low) or all(kept[k.parent].rows for k in links)
            choices.begin(rules.label)
            wanted = choices.count(low, high, possible=possible and not choices.is_spent)
            for place in range(wanted):
                number = len(kept[name].rows)
                if number >= high:
                    break
                choices.begin(rules.label + ROW)
                # A row that is not there after all costs one choice: so shrinking takes a row out of the middle.
                needed = number + wanted - place <= low
                made: Row | None = _ABSENT
                if needed or choices.flag(PRESENT):
                    made = builder.draw(choices, name, room=high - number)
                    if made is None and needed:
                        made = builder.demand(choices, name)
                else:
                    builder.skip(name)
                choices.end()
                if made is None:
                    if number < low:
                        raise refuse_short(name, low, number)
                    break
            choices.end()
        builder.close(choices)
        return self.form(builder.rows)


class _OneRow:
    """Draws one row, its parents on demand."""

    def __init__(self, source: Source, names: Sequence[str], table: str, form: Form) -> None:
        self.source, self.names, self.table, self.form = source, tuple(names), table, form

    def __call__(self, choices: Choices) -> Any:
        builder = Builder(self.source, self.names)
        if builder.demand(choices, self.table) is None:
            raise UnsatisfiableError(
                f"{self.table}: no row satisfies its constraints together with those of the tables it references; "
                "see `fixturesynth plan` for what its columns must hold"
            )
        builder.close(choices)
        return self.form(builder.rows)
