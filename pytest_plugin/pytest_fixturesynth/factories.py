"""``make``, ``batch`` and ``build``: one row at a time with all that it needs, taken from the stock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fixturesynth.errors import CapacityError, ConstraintError, InputError, SpecError, UnsatisfiableError, did_you_mean
from fixturesynth.planning.plan import Derived, Rule
from fixturesynth.randomness import hashed
from fixturesynth.schema.model import Column, ForeignKey, Table
from pytest_fixturesynth.adapting import dependents, moved_in_time, recomputed
from pytest_fixturesynth.checking import broken, named_checks
from pytest_fixturesynth.overriding import Asked, find_table, understood
from pytest_fixturesynth.records import Record
from pytest_fixturesynth.stock import Lot, Stock, plain_of, signature

if TYPE_CHECKING:
    from pytest_fixturesynth.writing import Writer

__all__ = ["Factory"]

CHOICES = 1_000  # rows of a parent among which reuse chooses
MOST_BLOCKS = 64  # in which a row that is free is looked for
LOOKED_AT = 4  # blocks in which a learned row is looked for that has the given values by itself
Reuse = bool | Collection[str]


class Objects(Protocol):
    """Classes of the user's behind tables: SQLAlchemy's or Django's."""

    def knows(self, table: str) -> bool: ...
    def columns(self, table: str) -> Mapping[str, str]: ...
    def table_of(self, made: type) -> tuple[str, Mapping[str, Any]] | None: ...
    def relations(self, table: str) -> dict[str, str]: ...
    def collections(self, table: str) -> Mapping[str, tuple[str, frozenset[str]]]: ...
    def read(self, value: Any) -> tuple[str, Mapping[str, Any]] | None: ...
    def bound(self, table: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]: ...
    def loaded(self, record: Record) -> Any: ...
    def built(self, record: Record) -> Any: ...


@dataclass(frozen=True)
class Facts:
    """What is known of one table before any row is made."""

    table: Table
    checked: frozenset[str]  # columns that some check names
    left: tuple[str, ...]  # columns that the database fills, given back by INSERT
    keys: tuple[tuple[str, ...], ...]
    moments: frozenset[str]
    after: Mapping[str, str]  # the parent's moment that the row follows, by foreign key
    fathered: frozenset[str]  # foreign keys from whose parents values follow
    inputs: frozenset[str]  # columns from which others of the row are computed


def numbered(column: Column, dialect: str) -> bool:
    """Whether the database gives the column its number. DuckDB numbers by sequences alone."""
    if dialect == "duckdb":
        return "nextval(" in (column.default or "")
    return column.autoincrement or column.identity is not None or "nextval(" in (column.default or "")


def shown(table: str | type) -> str:
    """A table or a class as a call names it."""
    return repr(table) if isinstance(table, str) else table.__name__


class Factory:
    """Makes rows through a writer. What it gives depends on the plan, the seed and the calls since it was made.

    ``objects``: mapped classes, where they are known.
    """

    def __init__(self, stock: Stock, writer: Writer | None, objects: Objects | None, traits: Mapping[str, Any]) -> None:
        self.stock = stock
        self.writer = writer
        self.objects = objects
        self.traits = traits
        self.used: dict[str, set[int]] = {}
        self.places: dict[object, tuple[int, int]] = {}
        self.made: dict[tuple[str, int], Record] = {}
        self.journal: list[Record] = []
        self.choices: dict[object, list[tuple[Any, ...]]] = {}
        self._facts: dict[str, Facts] = stock.__dict__.setdefault("facts", {})

    def beside(self, other: Factory) -> None:
        """Rows that ``other`` has made are still there: theirs are not made again."""
        for name, ranks in other.used.items():
            self.used.setdefault(name, set()).update(ranks)
        self.made.update(other.made)

    # -- what tests call ----------------------------------------------------------------------------------------------
    def make(self, name: str | type, traits: Sequence[str], reuse: Reuse, overrides: Mapping[str, Any]) -> Any:
        table, asked = self._asked(name, traits, overrides)
        record = self._make(table, asked, reuse)
        return self._given(record)

    def batch(
        self, name: str | type, count: int, traits: Sequence[str], reuse: Reuse, overrides: Mapping[str, Any]
    ) -> list[Any]:
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InputError(f"synth.batch({shown(name)}): expected a number of rows, however: {count!r}")
        table, asked = self._asked(name, traits, overrides)
        return [self._given(record) for record in [self._make(table, asked, reuse) for _ in range(count)]]

    def build(self, name: str | type, traits: Sequence[str], reuse: Reuse, overrides: Mapping[str, Any]) -> Any:
        table, asked = self._asked(name, traits, overrides)
        if asked.children:
            raise InputError(f"synth.build({shown(name)}) inserts nothing, so it makes no children; use synth.make")
        record = self._make(table, asked, reuse, insert=False)
        return self.objects.built(record) if self.objects is not None and self.objects.knows(table.name) else record

    def _given(self, record: Record) -> Any:
        objects = self.objects
        return objects.loaded(record) if objects is not None and objects.knows(record.table) else record

    def _asked(self, name: str | type, traits: Sequence[str], overrides: Mapping[str, Any]) -> tuple[Table, Asked]:
        if not isinstance(name, str):
            name, said = self._of_class(name)
            overrides = {**said, **overrides}
        table = find_table(self.stock.schema, name)
        known = self.traits.get(table.name, {})
        for trait in traits:
            if trait not in known:
                raise SpecError(f"{table.name} has no trait {trait!r}: {did_you_mean(trait, known)}")
            overrides = {**known[trait], **overrides}
        return table, self._understood(table, overrides)

    def _of_class(self, made: type) -> tuple[str, Mapping[str, Any]]:
        """The table of a mapped class, and what a row of it says of itself where several classes share the table."""
        found = self.objects.table_of(made) if self.objects is not None else None
        if found is None:
            raise InputError(f"expected the name of a table or a mapped class of the source, however: {made!r}")
        return found

    def _understood(self, table: Table, overrides: Mapping[str, Any]) -> Asked:
        if not overrides:
            return Asked()
        if self.objects is not None and (columns := self.objects.columns(table.name)):
            overrides = {name if name in table else columns.get(name, name): v for name, v in overrides.items()}
        relations = self.objects.relations(table.name) if self.objects is not None else {}
        collections = self.objects.collections(table.name) if self.objects is not None else {}
        return understood(self.stock.schema, table, overrides, self._read, relations, collections)

    def _read(self, value: Any) -> tuple[str, Mapping[str, Any]] | None:
        if isinstance(value, Record):
            return value.table, value
        return self.objects.read(value) if self.objects is not None else None

    # -- one row ------------------------------------------------------------------------------------------------------
    def facts(self, table: Table) -> Facts:
        if table.name not in self._facts:
            self._facts[table.name] = self._fact(table)
        return self._facts[table.name]

    def _fact(self, table: Table) -> Facts:
        plan = self.stock.made.plan[table.name]
        made = {c.name for c in plan.columns}
        after: dict[str, str] = {}
        fathered: set[str] = set()
        inputs: set[str] = set()
        moments = frozenset(c.name for c in table.columns if c.type.kind in ("date", "timestamp"))
        for key, parent_column, *_ in plan.parent_orders:
            after.setdefault(key, parent_column)
        for column in plan.columns:
            source = column.source
            if isinstance(source, Rule):
                inputs.update(source.needs)
                for key, parent_column in source.parents:
                    if column.name in moments:
                        after.setdefault(key, parent_column)
                    else:
                        fathered.add(key)
            elif isinstance(source, Derived) and source.foreign_key is not None:
                fathered.add(source.foreign_key)
                inputs.update(source.sources if "theirs" in source.parameters else ())
            elif isinstance(source, Derived):
                inputs.update(source.sources)
        left = tuple(
            c.name
            for c in table.columns
            if numbered(c, self.stock.dialect) or c.generated is not None or c.name not in made
        )
        checked = frozenset(c for _, _, columns in named_checks(table) for c in columns)
        return Facts(table, checked, left, table.keys, moments, after, frozenset(fathered), frozenset(inputs))

    def _make(
        self, table: Table, asked: Asked, reuse: Reuse, *, insert: bool = True, kind: str | None = None
    ) -> Record:
        """``kind``: what the row says of itself at the top, where it is one of a subtype."""
        facts = self.facts(table)
        fixed = dict(asked.values)
        kind, key_up = self._kind(table, asked, fixed, kind)
        rows: dict[str, Record | Mapping[str, Any]] = {}
        for key, (how, what) in asked.parents.items():
            fk = table.foreign_key(key)
            if how == "none":
                fixed.update({c: None for c in fk.columns if table.column(c).nullable})
            else:
                if how == "new":
                    parent = self.stock.schema[fk.parent]
                    wanted = {t: fixed[c] for c, t in zip(fk.columns, fk.parent_columns, strict=True) if c in fixed}
                    inner = self._understood(parent, {**wanted, **what})
                    what = self._make(parent, inner, reuse, insert=insert, kind=kind if key == key_up else None)
                rows[key] = what
                _agree(table, fk, fixed, what)
        self._shared_parents(table, fixed, rows, reuse, insert, {key_up: kind})
        lot, place = self._picked(table, facts, fixed, rows)
        shelf = lot.shelf
        values = shelf.row(place)
        rank = shelf.first + place
        self.used.setdefault(table.name, set()).add(rank)
        for fk in table.foreign_keys:
            up = shelf.parents[fk.name][place]
            if fk.name not in rows and up >= 0 and not any(c in fixed for c in fk.columns):
                rows[fk.name] = self._parent(lot, table, fk, up, insert)
                for c, t in zip(fk.columns, fk.parent_columns, strict=True):
                    values[c] = rows[fk.name].get(t)
        values.update(fixed)
        foreign = frozenset(asked.parents) | frozenset(
            fk.name for fk in table.foreign_keys if any(c in fixed for c in fk.columns)
        )
        if fixed:
            self._follow(table, facts, lot, place, values, fixed, rows, foreign)
            self._place_among_siblings(table, facts, lot, values, fixed, foreign, asked)
        if not insert:
            for name in facts.left:
                if name not in fixed:
                    values[name] = None
            return Record(table.name, values, {k: r for k, r in rows.items() if isinstance(r, Record)})
        record = self._inserted(table, facts, values, fixed, rows, asked.values)
        self.made[table.name, rank] = record
        for child, key, each in asked.children:
            self._children(record, child, key, each, reuse)
        return record

    def _kind(
        self, table: Table, asked: Asked, fixed: dict[str, Any], kind: str | None
    ) -> tuple[str | None, str | None]:
        """What a row of a subtype says of itself, put into ``fixed`` at the top; the reference to the row above."""
        own, up, schema = table.subtype, table.inherited, self.stock.schema
        if up is not None:
            return kind or next(iter(own.values if own is not None else ()), None), up.name
        below = [schema[child] for child, key, each in asked.children if each]
        said = [v for child in below if child.inherited and child.subtype for v in child.subtype.values]
        if own is not None and (kind or said):
            fixed.setdefault(own.column, kind or said[0])
        return None, None

    def _children(self, record: Record, child: str, key: str, each: Sequence[Mapping[str, Any]], reuse: Reuse) -> None:
        table = self.stock.schema[child]
        for overrides in each:
            asked = self._understood(table, overrides)
            asked.parents[key] = ("row", record)
            self._make(table, asked, reuse)

    def _parent(self, lot: Lot, table: Table, fk: ForeignKey, place: int, insert: bool) -> Record:
        """The row's own parent; where tables require each other in a circle, one that is there."""
        alone = any(set(key) <= set(fk.columns) for key in table.keys)  # a row that is there may be taken already
        if (table.name, fk.name) in self.stock.circular and not alone:
            return Record(fk.parent, self.stock.row_there(fk.parent, place))
        return self._family(lot, fk.parent, place, insert)

    def _family(self, lot: Lot, name: str, place: int, insert: bool) -> Record:
        """The row's own parent, with all that it needs; one that was made already is the same row."""
        shelf = lot.shelves[name]
        rank = shelf.first + place
        if shelf.there:
            return Record(name, shelf.row(place))
        if insert and (name, rank) in self.made:
            return self.made[name, rank]
        table, facts = shelf.table, self.facts(shelf.table)
        values = shelf.row(place)
        parents: dict[str, Record | Mapping[str, Any]] = {}
        for fk in table.foreign_keys:
            up = shelf.parents[fk.name][place]
            if up >= 0 and not (fk.parent == name and up == place):
                parents[fk.name] = self._parent(lot, table, fk, up, insert)
                for c, t in zip(fk.columns, fk.parent_columns, strict=True):
                    values[c] = parents[fk.name].get(t)
        if not insert:
            for column in facts.left:
                values[column] = None
            return Record(name, values, {k: r for k, r in parents.items() if isinstance(r, Record)})
        self.used.setdefault(name, set()).add(rank)
        record = self.made[name, rank] = self._inserted(table, facts, values, {}, parents, {})
        return record

    def _inserted(
        self, table: Table, facts: Facts, values: dict[str, Any], fixed: Mapping[str, Any],
        rows: Mapping[str, Record | Mapping[str, Any]], given: Mapping[str, Any],
    ) -> Record:  # fmt: skip
        assert self.writer is not None
        left = facts.left
        written = {n: v for n, v in values.items() if n not in left or n in fixed} if left else values
        back = tuple(n for n in left if n not in written) if left else ()
        if given and self.objects is not None:
            written = self.objects.bound(table.name, written, given)
        found = self.writer.insert(table, written, back)
        if back:
            values = {**values, **dict(zip(back, found, strict=True))}
        record = Record(table.name, values, {k: r for k, r in rows.items() if isinstance(r, Record)})
        self.journal.append(record)
        return record

    # -- parents ------------------------------------------------------------------------------------------------------
    def _shared_parents(
        self, table: Table, fixed: dict[str, Any], rows: dict[str, Record | Mapping[str, Any]], reuse: Reuse,
        insert: bool, kinds: Mapping[str | None, str | None],
    ) -> None:  # fmt: skip
        """Parents of which some columns are fixed already (by another reference), and those that are to be reused."""
        for fk in table.foreign_keys:
            known = {t: fixed[c] for c, t in zip(fk.columns, fk.parent_columns, strict=True) if c in fixed}
            if fk.name in rows or len(known) == len(fk.columns):
                continue
            optional = any(table.column(c).nullable and c not in fixed for c in fk.columns)
            if optional or (known and None in known.values()):
                if known and optional:
                    for c in fk.columns:
                        if c not in fixed and table.column(c).nullable:
                            fixed[c] = None
                continue
            again = reuse if isinstance(reuse, bool) else fk.parent in reuse
            row = self._chosen(table, fk, known, fixed) if again else None
            if row is None and known:
                parent, kind = self.stock.schema[fk.parent], kinds.get(fk.name)
                row = self._make(parent, Asked(values=dict(known)), reuse, insert=insert, kind=kind)
            if row is not None:
                rows[fk.name] = row
                _agree(table, fk, fixed, row)

    def _chosen(
        self, table: Table, fk: ForeignKey, known: Mapping[str, Any], fixed: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """A row of the parent that is there, by keyed hash; one that unique sets of references allow. None: none is."""
        assert self.writer is not None
        parent = self.stock.schema[fk.parent]
        columns = parent.column_names
        key = (fk.parent, repr(sorted(known.items())), len(self.journal) if fk.parent == table.name else 0)
        if key not in self.choices:
            order = parent.primary_key.columns if parent.primary_key else fk.parent_columns
            self.choices[key] = self.writer.select(parent, columns, known, order=order, most=CHOICES)
        options = self.choices[key]
        number = len(self.journal)
        start = int(
            hashed(np.array([number]), self.stock.made.seed, table.name, fk.name, "reuse")[0] % max(len(options), 1)
        )
        for option in options[start:] + options[:start]:
            row = dict(zip(columns, option, strict=True))
            mine = {c: row[t] for c, t in zip(fk.columns, fk.parent_columns, strict=True)}
            if not self._is_taken(table, fk, {**fixed, **mine}):
                return row
        return None

    def _is_taken(self, table: Table, fk: ForeignKey, fixed: Mapping[str, Any]) -> bool:
        """Whether a unique set that is fixed by now has a row with the same values."""
        assert self.writer is not None
        for key in table.keys:
            known = {c: fixed[c] for c in key if fixed.get(c) is not None}
            concerned = bool(set(key) & set(fk.columns)) and len(known) == len(key)
            if concerned and self.writer.select(table, key[:1], known, most=1):
                return True
        return False

    # -- choosing from the stock --------------------------------------------------------------------------------------
    def _picked(self, table: Table, facts: Facts, fixed: Mapping[str, Any], rows: Mapping[str, Any]) -> tuple[Lot, int]:
        """The next row that nobody has taken, whose family is free, and that passes the checks with what is fixed."""
        touched = facts.checked.intersection(fixed) if fixed else frozenset()
        values = {n: plain_of(fixed[n]) for n in touched}
        # Ways to plan the rows, each with the values that they must have by themselves.
        ways: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [({}, {})]
        if self.stock.made.models.get(table.name) is not None:
            given = {n: plain_of(v) for n, v in fixed.items() if v is not None and not _is_reference(table, n)}
            # Rows that happen to be so have all else as it was learned to go with it.
            ways = [({}, given), (given, {})] if given else ways
        elif touched:
            ways.append((values, {}))
        for number, (way, like) in enumerate(ways):
            if number and self._contradicts(table, values):
                break
            found = self._next(table, way, like, values, frozenset(touched), fixed, frozenset(rows))
            if found is not None:
                return found
        self._refuse(table, values)
        raise AssertionError("unreachable")  # pragma: no cover

    def _contradicts(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Whether a check on given columns alone fails: no other values of the row can help then."""
        columns = {name: set(cs) for name, _, cs in named_checks(table)}
        one = self.stock.lot(table.name, 0, {}).with_values(values).slice(0, 1)
        found = broken(table, one, self.stock.schema.dialect, self.stock.made.plan.now, of=frozenset(values))
        return any(columns[name] <= set(values) for name, _, _ in found)

    def _next(
        self, table: Table, way: Mapping[str, Any], like: Mapping[str, Any], values: Mapping[str, Any],
        touched: frozenset[str], fixed: Mapping[str, Any], apart: frozenset[str],
    ) -> tuple[Lot, int] | None:  # fmt: skip
        now, dialect = self.stock.made.plan.now, self.stock.schema.dialect
        asked = (table.name, signature(way), signature(like))
        first, start = self.places.get(asked, (0, 0))
        number, most = first, first + (LOOKED_AT if like else MOST_BLOCKS)
        used = self.used.setdefault(table.name, set())
        while number < most:
            try:
                lot = self.stock.lot(table.name, number, way)
            except UnsatisfiableError:
                if way or like or number > first:
                    return None
                raise
            good = lot.places(values, touched, dialect, now, like)
            for place in good:
                rank = lot.shelf.first + place
                if place >= start and rank not in used and self._is_free(lot, place, fixed, apart):
                    if not touched:
                        self.places[asked] = (number, place + 1)
                    return lot, place
            if touched and not like and not good:
                return None  # further blocks would not be different
            number, start = number + 1, 0
        return None

    def _is_free(self, lot: Lot, place: int, fixed: Mapping[str, Any], apart: frozenset[str]) -> bool:
        """Whether the rows that would have to be made with this one have not been made for another."""
        shelf = lot.shelf
        for fk in shelf.table.foreign_keys:
            up = shelf.parents[fk.name][place]
            if up < 0 or fk.name in apart or any(c in fixed for c in fk.columns):
                continue
            if (shelf.table.name, fk.name) in self.stock.circular:
                continue
            if not self._is_free_family(lot, fk.parent, up):
                return False
        return True

    def _is_free_family(self, lot: Lot, name: str, place: int) -> bool:
        shelf = lot.shelves[name]
        if shelf.there:
            return True
        if shelf.first + place in self.used.get(name, ()) or not shelf.usable[place]:
            return False
        return all(
            up < 0
            or (fk.parent == name and up == place)
            or (name, fk.name) in self.stock.circular
            or self._is_free_family(lot, fk.parent, up)
            for fk in shelf.table.foreign_keys
            for up in (shelf.parents[fk.name][place],)
        )

    def _refuse(self, table: Table, values: Mapping[str, Any]) -> None:
        """No row can have these values: say which check they break."""
        now, dialect = self.stock.made.plan.now, self.stock.schema.dialect
        lot = self.stock.lot(table.name, 0, {})
        shown = ", ".join(f"{n}={v!r}" for n, v in values.items())
        found = list(broken(table, lot.with_values(values), dialect, now, of=frozenset(values)))
        columns = {name: set(cs) for name, _, cs in named_checks(table)}
        found.sort(key=lambda f: (not columns.get(f[0], set()) <= set(values), -int(f[2].sum())))
        if found:
            name, text, _ = found[0]
            raise ConstraintError(
                f"{table.name}: {shown} breaks the check {name} ({text}); give a value that it allows"
                + ("" if columns[name] <= set(values) else ", or give its other columns too")
            )
        raise CapacityError(
            f"{table.name}: no further rows{f' with {shown}' if shown else ''}: all values of its unique columns are "
            "taken; give them, or ask for fewer rows of it in synth_rows"
        )

    # -- what follows -------------------------------------------------------------------------------------------------
    def _follow(
        self, table: Table, facts: Facts, lot: Lot, place: int, values: dict[str, Any], fixed: Mapping[str, Any],
        rows: Mapping[str, Record | Mapping[str, Any]], foreign: frozenset[str],
    ) -> None:  # fmt: skip
        """Moments and computed columns as the given parents and values have them; then the checks once more."""
        made = self.stock.made
        before = dict(values)
        full = {key: self._whole(table, key, rows[key]) for key in foreign if key in rows and (
            key in facts.after or key in facts.fathered
        )}  # fmt: skip
        for key, parent_column in facts.after.items():
            if key in full and parent_column in full[key]:
                up = lot.shelf.parents[key][place]
                theirs = lot.shelves[table.foreign_key(key).parent]
                if up >= 0:
                    sampled = theirs.columns[parent_column][up]
                    values.update(
                        moved_in_time(
                            values, frozenset(fixed), sampled, full[key][parent_column], made.plan.now, facts.moments
                        )
                    )
        changed = frozenset(n for n in values if values[n] != before[n]) | frozenset(fixed)
        if made.models.get(table.name) is None:
            through = foreign & facts.fathered & frozenset(full)
            if through or changed & facts.inputs:
                self._recompute(table, facts, lot, place, values, fixed, changed, through, full | dict(rows))
        changed = frozenset(n for n in values if values[n] != before[n]) & facts.checked
        if not changed or self._breaks(lot, values, changed) is None:
            return
        if (wrong := self._breaks(lot, {**values, **{n: before[n] for n in changed}}, changed)) is None:
            values.update({n: before[n] for n in changed})  # what was sampled passes, though it fits less well
            return
        raise ConstraintError(
            f"{table.name}: under the given parent no row passes the check {wrong[0]} ({wrong[1]}); give its "
            "columns too"
        )

    def _breaks(self, lot: Lot, values: Mapping[str, Any], of: frozenset[str]) -> tuple[str, str] | None:
        """Name and text of the first check on columns ``of`` that a row breaks."""
        found = broken(lot.shelf.table, lot.row_of(values), self.stock.schema.dialect, self.stock.made.plan.now, of=of)
        return next(((name, text) for name, text, _ in found), None)

    def _recompute(
        self, table: Table, facts: Facts, lot: Lot, place: int, values: dict[str, Any], fixed: Mapping[str, Any],
        changed: frozenset[str], through: frozenset[str], rows: Mapping[str, Any],
    ) -> None:  # fmt: skip
        made = self.stock.made
        wanted = dependents(made.plan[table.name], changed, through) - frozenset(fixed) - frozenset(
            c for fk in table.foreign_keys for c in fk.columns
        )  # fmt: skip
        sources = {c.name: c.source for c in made.plan[table.name].columns}
        wanted = frozenset(n for n in wanted if not (isinstance(s := sources[n], Rule) and s.call.unique))
        wanted -= facts.moments
        if not wanted:
            return
        kinds = dict(zip(lot.shelf.rows.column_names, lot.shelf.rows.schema.types, strict=True))
        parents = {key: self._whole(table, key, row) for key, row in rows.items()}
        values.update(
            recomputed(
                self.stock.schema, made.plan, table, values, lot.shelf.first + place, made.seed, wanted, kinds, parents
            )
        )

    def _whole(self, table: Table, key: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """All columns of a parent of which perhaps only the key was given."""
        fk = table.foreign_key(key)
        parent = self.stock.schema[fk.parent]
        if set(parent.column_names) <= set(row) or self.writer is None:
            return row
        known = {t: row[t] for t in fk.parent_columns if t in row}
        found = self.writer.select(parent, parent.column_names, known, most=1)
        return dict(zip(parent.column_names, found[0], strict=True)) if found else row

    def _place_among_siblings(
        self, table: Table, facts: Facts, lot: Lot, values: dict[str, Any], fixed: Mapping[str, Any],
        foreign: frozenset[str], asked: Asked,
    ) -> None:  # fmt: skip
        """Unique together with a parent that was given: a value that no child of that parent has."""
        if not foreign or self.writer is None:
            return
        theirs = {c for key in foreign for c in table.foreign_key(key).columns}
        for key in facts.keys:
            known = {c: values[c] for c in key if c in theirs or c in asked.values}
            free = [c for c in key if c not in known and not _is_reference(table, c)]
            if not known or not free or any(c not in known and c not in free for c in key) or None in known.values():
                continue
            taken = set(self.writer.select(table, free, known))
            if tuple(values[c] for c in free) in taken:
                self._move(table, lot, values, free, taken)

    def _move(
        self, table: Table, lot: Lot, values: dict[str, Any], free: Sequence[str], taken: set[tuple[Any, ...]]
    ) -> None:
        options = list(dict.fromkeys(zip(*(lot.shelf.columns[c] for c in free), strict=True)))
        if len(free) == 1 and table.column(free[0]).type.kind == "integer":
            last = max((t[0] for t in taken if isinstance(t[0], int)), default=0)
            options = [(last + 1,), *((n,) for n in range(1, last)), *options]
        for option in options:
            trial = {**values, **dict(zip(free, option, strict=True))}
            if option not in taken and self._breaks(lot, trial, frozenset(free)) is None:
                values.update(trial)
                return
        raise CapacityError(
            f"{table.name}: the given parent has a row for every value of ({', '.join(free)}); give another parent"
        )


def _is_reference(table: Table, column: str) -> bool:
    return any(column in fk.columns for fk in table.foreign_keys)


def _agree(table: Table, fk: ForeignKey, fixed: dict[str, Any], row: Mapping[str, Any]) -> None:
    """The reference's columns take the parent's values; InputError where another one fixed them otherwise."""
    for column, theirs in zip(fk.columns, fk.parent_columns, strict=True):
        value = row.get(theirs)
        if column in fixed and fixed[column] != value:
            raise InputError(
                f"{table.name}.{column} is {fixed[column]!r} already, the row of {fk.parent} has {value!r}; give rows "
                "that belong together"
            )
        fixed[column] = value
