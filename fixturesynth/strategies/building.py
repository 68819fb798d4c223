"""Rows one after another: every row fits what is there already, so that nothing is ever drawn in vain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from fixturesynth.errors import UnsatisfiableError
from fixturesynth.strategies.choices import Choices
from fixturesynth.strategies.description import Cell, Component, Link, Source, TableRules, UniqueSet, Way
from fixturesynth.strategies.ordering import bounded
from fixturesynth.strategies.spans import FULL, Grid, Listed, hashable

__all__ = ["Builder", "Row"]

Row = dict[str, Any]
FILLED = 0.75  # share of rows in which a column that may be NULL is not
MOST_COMBINATIONS = 20_000  # of parents that are looked at for one row
NOTHING: frozenset[str] = frozenset()
DEEPEST = 40  # parents of parents that are made for one row


@dataclass
class _Kept:
    """Rows of one table, and what they have taken: values of one column, tuples of several."""

    rows: list[Row] = field(default_factory=list)
    active: list[frozenset[str]] = field(default_factory=list)  # partial sets in which each row counts
    values: dict[str, set[Any]] = field(default_factory=dict)
    tuples: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    counted: int = 0


class Builder:
    """The rows of a dataset while it grows."""

    def __init__(self, source: Source, names: Sequence[str], most: Mapping[str, int] | None = None) -> None:
        """``most``: rows that a table may have at all, for parents that are made on demand."""
        self.source = source
        self.most = most or {}
        self.rules: Mapping[str, TableRules] = {n: source.tables[n] for n in names}
        self.kept: dict[str, _Kept] = {n: _Kept() for n in names}
        self.gaps: dict[str, list[int]] = {n: [] for n in names}  # for each place left empty, how many rows precede it

    @property
    def rows(self) -> dict[str, list[Row]]:
        return {name: kept.rows for name, kept in self.kept.items()}

    # -- one row ------------------------------------------------------------------------------------------------------
    def draw(self, choices: Choices, table: str, given: Mapping[str, Any] | None = None, room: int = 2) -> Row | None:
        """A row that fits, added; None where no row fits any more.

        ``given``: values that it must have. ``room``: rows that the table may still get; where rows must reference
        another row of their table, the first two come together.
        """
        rules, kept = self.rules[table], self.kept[table]
        if rules.most is not None and len(kept.rows) >= rules.most:
            return None
        row: Row = dict(given or {})
        if rules.plain and not given:
            if any(k.is_required and not self.kept[k.parent].rows for k in rules.links):
                return None
            for link in rules.links:
                self._follow(choices, rules, link, row)
            ways: dict[int, Sequence[Way]] = {}
        else:
            selected = self._selected(choices, rules, kept, row)
            if selected is None:
                return None
            row, ways = selected
        active = NOTHING
        for name in rules.counted:
            if name not in row:
                row[name] = kept.counted + 1
        for number, component in enumerate(rules.components):
            options = ways.get(number, component.ways)
            way = options[choices.index(len(options))] if len(options) > 1 else options[0]
            active |= way.active
            if not self._fill(choices, rules, kept, component, way, row, active):
                return None
        done = {name: row[name] for name in rules.columns}
        for link in rules.links:
            if not (link.is_self and link.is_required and any(done[c] is PENDING for c in link.columns)):
                continue
            if link.name in rules.rings:
                return self._ring(choices, table, link, done, active, room)
            for mine, theirs in zip(link.columns, link.parent_columns, strict=True):
                done[mine] = done[theirs] if done[mine] is PENDING else done[mine]
        self.add(table, done, active)
        return done

    def _ring(
        self, choices: Choices, table: str, link: Link, first: Row, active: frozenset[str], room: int
    ) -> Row | None:
        """Two rows that reference each other, because none may reference itself."""
        if room < 2:
            return None
        at = len(self.kept[table].rows)
        self.add(table, first, active)
        back = {mine: first[theirs] for mine, theirs in zip(link.columns, link.parent_columns, strict=True)}
        second = self.draw(choices, table, back, 1)
        if second is None:
            self.remove(table, at)
            return None
        first.update({m: second[t] for m, t in zip(link.columns, link.parent_columns, strict=True)})
        self._count_again(table, at, active)
        return first

    def add(self, table: str, row: Row, active: frozenset[str] = NOTHING) -> None:
        """Take the row in as it is."""
        rules, kept = self.rules[table], self.kept[table]
        kept.rows.append(row)
        kept.active.append(active)
        for name in rules.counted:
            kept.counted = max(kept.counted, int(row[name]))
        for unique in rules.uniques:
            if not unique.partial or unique.name in active:
                values = tuple(hashable(row[c]) for c in unique.columns)
                if len(values) == 1:
                    kept.values.setdefault(unique.name, set()).add(values[0])
                else:
                    kept.tuples.setdefault(unique.name, []).append(values)

    def skip(self, table: str) -> None:
        """Leave a place of the table empty: it still counts where rows are chosen as parents (see ``_places``)."""
        self.gaps[table].append(len(self.kept[table].rows))

    def remove(self, table: str, at: int) -> Row:
        """Take row number ``at`` away again."""
        self.gaps[table] = [gap - (gap > at) for gap in self.gaps[table]]
        kept = self.kept[table]
        rows, active = list(kept.rows), list(kept.active)
        gone = rows.pop(at)
        active.pop(at)
        self.kept[table] = _Kept()
        for row, sets in zip(rows, active, strict=True):
            self.add(table, row, sets)
        return gone

    def activity(self, table: str, row: Row) -> frozenset[str]:
        """The partial unique sets in which a row counts."""
        found = NOTHING
        for component in self.rules[table].components:
            way = next((w for w in component.ways if _passes(w, row)), None)
            found |= way.active if way is not None else NOTHING
        return found

    def demand(
        self, choices: Choices, table: str, given: Mapping[str, Any] | None = None, depth: int = 0
    ) -> Row | None:
        """A row that fits, with new parents where those that are there do not do; None where that does not help."""
        made = self.draw(choices, table, given)
        if made is not None or depth > DEEPEST:
            return made
        rules = self.rules[table]
        for link in rules.links:
            if not link.is_required or link.is_self or link.later:
                continue
            if link.parent in self.most and len(self.kept[link.parent].rows) >= self.most[link.parent]:
                continue
            forced = {
                p: given[c] for c, p in zip(link.columns, link.parent_columns, strict=True) if given and c in given
            }
            forced |= {p: v for c, p in zip(link.columns, link.parent_columns, strict=True)
                       if (v := _only_value(rules, c)) is not None}  # fmt: skip
            if self.demand(choices, link.parent, forced or None, depth + 1) is None:
                return None
            made = self.draw(choices, table, given)
            if made is not None:
                return made
        return None

    # -- selection ----------------------------------------------------------------------------------------------------
    def _places(self, table: str) -> Sequence[int]:
        """The row for which each place of the table stands as a parent; -1: for none, as there are no rows.

        Places left empty are counted too, so that shrinking can take a row away and no reference to another one moves.
        They stand for the row before them, or for the first one.
        """
        number = len(self.kept[table].rows)
        gaps = self.gaps[table]
        if not gaps:
            return range(number)
        return sorted([*range(number), *(max(gap - 1, 0) if number else -1 for gap in gaps)])

    def _follow(self, choices: Choices, rules: TableRules, link: Link, row: Row) -> None:
        """A reference that depends on nothing else: NULL, or a parent's row."""
        known = not link.later and link.parent in self.kept
        parents = self.kept[link.parent].rows if known else []
        places = self._places(link.parent) if known else ()
        at = choices.parent(len(places) + (not link.is_required)) - (not link.is_required)
        if at >= 0:
            at = places[len(places) - 1 - at if link.is_self else at]
        for column, theirs in zip(link.columns, link.parent_columns, strict=True):
            row[column] = parents[at][theirs] if at >= 0 else None

    def _selected(
        self, choices: Choices, rules: TableRules, kept: _Kept, given: Row
    ) -> tuple[Row, dict[int, Sequence[Way]]] | None:
        """Values of the selected columns, and for each component the ways that are left; None: there are none."""
        options = [self._parents(link, given) for link in rules.links]
        options += [[dict(zip(columns, values, strict=True)) for values in rows] for columns, rows in rules.together]
        options += [[{name: v} for v in values] for name, values in rules.listed if name not in given]
        sizes = [len(o) for o in options]
        if not all(sizes):
            return None
        drawn = [choices.parent(size) for size in sizes]
        for at in _numbered_from(drawn, sizes):
            row = dict(given)
            for option, number in zip(options, at, strict=True):
                if not _agree(row, option[number]):
                    break
            else:
                ways = self._ways(rules, kept, row)
                if ways is not None:
                    return row, ways
        return None

    def _parents(self, link: Link, given: Row) -> list[Row]:
        """What a reference may be: NULL first, then the parent's row for each of its places.

        Of rows of its own table the last one comes first: a chain then stays one when a row is taken out before it.
        """
        out: list[Row] = []
        if not link.is_required:
            out.append(dict.fromkeys(link.emptied))
        if not link.later and link.parent in self.kept:
            places = self._places(link.parent)
            for at in reversed(places) if link.is_self else places:
                out += self._option(link, at)
        if link.is_self and link.is_required:
            # Of no earlier row: of itself.
            pairs = zip(link.columns, link.parent_columns, strict=True)
            out.append({mine: PENDING for mine, theirs in pairs if mine != theirs})
        if link.later and link.is_required:
            out.append(dict.fromkeys(link.columns, PENDING))
        return out

    def _option(self, link: Link, at: int) -> list[Row]:
        """The reference to the parent's row number ``at``, -1 for none; [] where it may not be."""
        if at < 0:
            return [] if link.is_required else [dict.fromkeys(link.emptied)]
        parent = self.kept[link.parent].rows[at]
        values = [parent[c] for c in link.parent_columns]
        return [] if None in values else [dict(zip(link.columns, values, strict=True))]

    def _ways(self, rules: TableRules, kept: _Kept, row: Row) -> dict[int, Sequence[Way]] | None:
        """For each component that has selected columns the ways that they leave; None where they leave none."""
        for unique in rules.uniques:
            if not unique.partial and not self._has_room(rules, kept, unique, row):
                return None
        found: dict[int, Sequence[Way]] = {}
        for number, component in enumerate(rules.components):
            if not component.names.isdisjoint(row) or any(w.active for w in component.ways):
                left = [w for w in component.ways if self._is_left(rules, kept, w, row)]
                if not left:
                    return None
                found[number] = left
        return found

    def _is_left(self, rules: TableRules, kept: _Kept, way: Way, row: Row) -> bool:
        if not _passes(way, row):
            return False
        for a, b in way.apart:
            if row.get(a) is not None and row.get(a) == row.get(b):
                return False
        if any(strict and _is_same(rules, row, low, high) for low, high, strict in way.orders):
            return False
        if way.orders and _limits(way, row, required=True) is None:
            return False
        return all(
            self._has_room(rules, kept, u, row, way) for u in rules.uniques if u.partial and u.name in way.active
        )

    def _has_room(self, rules: TableRules, kept: _Kept, unique: UniqueSet, row: Row, way: Way | None = None) -> bool:
        """Whether the row can be distinct: it is already, or its one open column has a value left."""
        open_columns = [c for c in unique.columns if c not in row]
        if len(open_columns) > 1:
            return True
        if not open_columns:
            values = tuple(hashable(row[c]) for c in unique.columns)
            if unique.nulls_distinct and None in values:
                return True
            taken = kept.values.get(unique.name) if len(values) == 1 else kept.tuples.get(unique.name)
            return not taken or (values[0] if len(values) == 1 else values) not in taken
        if open_columns[0] in rules.counted:
            return True
        taken_values = _taken(kept, unique, open_columns[0], row)
        if not taken_values:
            return True
        ways = (way,) if way is not None else _ways_of(rules, open_columns[0])
        cells = [c for w in ways for c in w.cells if c.name == open_columns[0]]
        return not cells or any(
            (c.null and unique.nulls_distinct) or (c.span is not None and c.span.size > len(taken_values))
            for c in cells
        )

    # -- cells --------------------------------------------------------------------------------------------------------
    def _fill(
        self, choices: Choices, rules: TableRules, kept: _Kept, component: Component, way: Way, row: Row,
        active: frozenset[str],
    ) -> bool:  # fmt: skip
        """Draw what is open of a component; False where a unique set has no value left."""
        if len(way.cells) == 1:
            cell = way.cells[0]
            return cell.name in row or self._draw_cell(choices, rules, kept, way, cell, row, active, None)
        open_cells = [c for c in way.cells if c.name not in row]
        live = []
        for cell in open_cells:
            empty = cell.null and not choices.flag(FILLED)
            if cell.span is None or (empty and self._may_be_null(rules, kept, cell.name, row, active)):
                row[cell.name] = None
            else:
                live.append(cell)
        spans: dict[str, Grid] | None = None
        if way.orders:
            spans = _limits(way, row, live)
            while spans is None:
                spare = next((c for c in reversed(live) if c.null), None)
                if spare is None:
                    return False
                live.remove(spare)
                row[spare.name] = None
                spans = _limits(way, row, live)
        return all(self._draw_cell(choices, rules, kept, way, c, row, active, spans, filled=True) for c in live)

    def _draw_cell(
        self, choices: Choices, rules: TableRules, kept: _Kept, way: Way, cell: Cell, row: Row,
        active: frozenset[str], spans: Mapping[str, Grid] | None, *, filled: bool = False,
    ) -> bool:  # fmt: skip
        name, span = cell.name, cell.span
        uniques = rules.uniques_of[name]
        empty = not filled and cell.null and (span is None or not choices.flag(FILLED))
        if empty and (not uniques or span is None or self._may_be_null(rules, kept, name, row, active)):
            row[name] = None
            return True
        if span is None:
            return False
        if way.orders or rules.periods:
            cut = self._cut(rules, kept, way, name, row, spans.get(name, span) if spans else span)
            if cut is None:
                return self._none(cell, row)
            span = cut
        taken: set[Any] | frozenset[Any] = NOTHING
        for unique in uniques:
            if not unique.partial or unique.name in active:
                more = _taken(kept, unique, name, row)
                taken = more if not taken else taken | more
        for a, b in way.apart:
            other = b if a == name else a if b == name else None
            if other is not None and row.get(other) is not None:
                taken = {*taken, row[other]}
        value = span.draw(choices, taken)
        if value is FULL:
            return self._none(cell, row)
        row[name] = value
        return True

    def _none(self, cell: Cell, row: Row) -> bool:
        row[cell.name] = None
        return cell.null

    def _may_be_null(self, rules: TableRules, kept: _Kept, name: str, row: Row, active: frozenset[str]) -> bool:
        return not any(
            None in _taken(kept, u, name, row)
            for u in rules.uniques_of[name]
            if not u.nulls_distinct and (not u.partial or u.name in active)
        )

    def _cut(self, rules: TableRules, kept: _Kept, way: Way, name: str, row: Row, span: Any) -> Any:
        """The span between what is drawn already; None where nothing lies there."""
        if not isinstance(span, Grid):
            return span
        least: int | None = None
        most: int | None = None
        grids = {c.name: c.span for c in way.cells}
        for low, high, strict in way.orders:
            other = low if high == name else high if low == name else None
            if other is None or row.get(other) is None or not isinstance(grids[other], Grid):
                continue
            place = _place(grids[other], row[other])
            if place is None:
                continue
            if other == low:
                least = place + strict if least is None else max(least, place + strict)
            else:
                most = place - strict if most is None else min(most, place - strict)
        for period in rules.periods:
            if period.low == name and all(g in row for g in period.groups):
                ends = [
                    place for r in kept.rows
                    if all(r[g] == row[g] for g in period.groups) and r[period.high] is not None
                    and (place := _place(span, r[period.high])) is not None
                ]  # fmt: skip
                if ends:
                    after = max(ends) + period.closed
                    least = after if least is None else max(least, after)
        return span if least is None and most is None else span.within(least, most)

    # -- cycles -------------------------------------------------------------------------------------------------------
    def close(self, choices: Choices) -> None:
        """Set the references that close a cycle, now that all rows are there."""
        for table, rules in self.rules.items():
            for link in rules.links:
                if link.later and link.parent in self.kept:
                    for at in range(len(self.kept[table].rows)):
                        self._close_row(choices, table, link, at)

    def _close_row(self, choices: Choices, table: str, link: Link, at: int) -> None:
        kept = self.kept[table]
        row, active = kept.rows[at], kept.active[at]
        options: list[Row] = [] if link.is_required else [{}]
        for place in self._places(link.parent):
            options += self._option(link, place) if place >= 0 else options[:1]
        if not options:
            return
        drawn = choices.parent(len(options))
        for step in range(len(options)):
            chosen = options[(drawn + step) % len(options)]
            whole = {**row, **chosen}
            if not chosen:
                return
            if all(whole[c] == row[c] or row[c] in (None, PENDING) for c in chosen) and self._fits(table, whole, at):
                row.update(chosen)
                self._count_again(table, at, active)
                return

    def _fits(self, table: str, row: Row, at: int) -> bool:
        """Whether a whole row satisfies its checks and is distinct from the others."""
        rules, kept = self.rules[table], self.kept[table]
        for component in rules.components:
            if not any(_passes(w, row) and _in_order(w, row) for w in component.ways):
                return False
        active = self.activity(table, row)
        for unique in rules.uniques:
            if unique.partial and unique.name not in active:
                continue
            values = tuple(row[c] for c in unique.columns)
            if None in values and unique.nulls_distinct:
                continue
            for number, other in enumerate(kept.rows):
                counts = not unique.partial or unique.name in kept.active[number]
                if number != at and counts and values == tuple(other[c] for c in unique.columns):
                    return False
        return True

    def _count_again(self, table: str, at: int, active: frozenset[str]) -> None:
        kept = self.kept[table]
        rows, sets = kept.rows, kept.active
        self.kept[table] = _Kept()
        for number, row in enumerate(rows):
            self.add(table, row, self.activity(table, row) if number == at else sets[number])


class _Pending:
    """Stands in a required reference that closes a cycle until all rows are there."""

    def __repr__(self) -> str:
        return "PENDING"


PENDING = _Pending()


def refuse_short(table: str, asked: int, made: int) -> UnsatisfiableError:
    return UnsatisfiableError(
        f"{table}: min_rows asks for {asked} rows, but the rows of the tables it references leave room for {made}; "
        f"ask for fewer, or for more rows of those tables (min_rows={{...}})"
    )


def _numbered_from(start: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """All combinations of numbers below ``sizes``, from ``start`` on and around; the last one counts fastest."""
    total = prod(sizes)
    first = 0
    for digit, size in zip(start, sizes, strict=True):
        first = first * size + digit
    for step in range(min(total, MOST_COMBINATIONS)):
        number, out = (first + step) % total, [0] * len(sizes)
        for place in range(len(sizes) - 1, -1, -1):
            number, out[place] = divmod(number, sizes[place])
        yield out


def _agree(row: Row, option: Row) -> bool:
    """Add the option's values to the row; False where it has others already."""
    for name, value in option.items():
        if name in row and row[name] != value:
            return False
        row[name] = value
    return True


def _passes(way: Way, row: Row) -> bool:
    for name, test in way.tests:
        if name in row and row[name] is not PENDING and not test(_written(row[name])):
            return False
    return True


def _in_order(way: Way, row: Row) -> bool:
    for low, high, strict in way.orders:
        a, b = row[low], row[high]
        if a is not None and b is not None and (a > b or (strict and a == b)):
            return False
    return all(row[a] is None or row[a] != row[b] for a, b in way.apart)


def _written(value: Any) -> Any:
    """As a domain writes it."""
    if hasattr(value, "isoformat"):
        return (value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value).isoformat()
    return value


def _taken(kept: _Kept, unique: UniqueSet, name: str, row: Row) -> set[Any]:
    """Values of column ``name`` that rows alike in the set's other columns have."""
    if len(unique.columns) == 1:
        return kept.values.get(unique.name, set())
    others = [(i, c) for i, c in enumerate(unique.columns) if c != name]
    if any(c not in row for _, c in others):
        return set()
    if unique.nulls_distinct and any(row[c] is None for _, c in others):
        return set()
    at = unique.columns.index(name)
    wanted = [(i, hashable(row[c])) for i, c in others]
    return {t[at] for t in kept.tuples.get(unique.name, ()) if all(t[i] == v for i, v in wanted)}


def _is_same(rules: TableRules, row: Row, low: str, high: str) -> bool:
    """Whether one column waits for the other's value: the row references itself."""
    return any(
        row.get(mine) is PENDING and {mine, theirs} == {low, high}
        for k in rules.links if k.is_self
        for mine, theirs in zip(k.columns, k.parent_columns, strict=True)
    )  # fmt: skip


def _ways_of(rules: TableRules, name: str) -> Sequence[Way]:
    return next((c.ways for c in rules.components if name in c.names), ())


def _only_value(rules: TableRules, name: str) -> Any:
    """The one value that checks leave a column; None where there are more."""
    spans = [c.span for w in _ways_of(rules, name) for c in w.cells if c.name == name]
    known = {v for s in spans if isinstance(s, Listed) for v in s.values}
    return next(iter(known)) if len(known) == 1 and all(isinstance(s, Listed) for s in spans) else None


def _place(span: Any, value: Any) -> int | None:
    found = span.place(value) if isinstance(span, Grid) and value is not PENDING else None
    return None if found is None else found * span.unit


def _limits(
    way: Way, row: Row, live: Sequence[Cell] | None = None, *, required: bool = False
) -> dict[str, Grid] | None:
    """How far the columns of a way may go, given those that have a value. ``required``: of those that must have one."""
    cells = [c for c in way.cells if c.name not in row] if live is None else live
    spans = {c.name: c.span for c in cells if isinstance(c.span, Grid) and not (required and c.null)}
    fixed = {
        c.name: place for c in way.cells
        if row.get(c.name) is not None and (place := _place(c.span, row[c.name])) is not None
    }  # fmt: skip
    orders = [o for o in way.orders if all(n in spans or n in fixed for n in o[:2])]
    return bounded(spans, orders, fixed)
