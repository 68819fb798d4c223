"""A whole dataset: columns of every table, then what holds between columns and tables."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.cardinalities import find_cardinalities
from fixturesynth.profiling.columnar import TableView, locate_parents, view_table
from fixturesynth.profiling.columns import Role, profile_column
from fixturesynth.profiling.composing import find_composed, may_be_composed
from fixturesynth.profiling.copying import find_copied
from fixturesynth.profiling.invariants import find_invariants, find_unique_sets
from fixturesynth.profiling.numbering import find_numberings, find_pointers, may_be_numbered
from fixturesynth.profiling.profile import ColumnProfile, Invariant, Profile, TableProfile
from fixturesynth.profiling.protection import Protector, protection_of
from fixturesynth.profiling.references import find_references
from fixturesynth.profiling.semantics import PERSONAL, entity_of, guess_meaning, words_of
from fixturesynth.profiling.twins import find_twins
from fixturesynth.profiling.vocabularies import find_known_numbers, find_known_values
from fixturesynth.profiling.writing import find_spelling
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table

__all__ = ["profile_dataset", "root_entities"]

Integers = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


def profile_dataset(
    dataset: Dataset, schema: Schema, *, seed: int = 0, protection: int = 5, progress: Progress | None = None
) -> Profile:
    """What the rows of ``dataset`` say, table by table of ``schema``; tables that have no rows given are left out.

    ``protection``: the fewest rows of different root entities that a stored value has; up to two more are asked, by
    ``seed``. ``progress(table, done, of)`` is called before each table.
    """
    enough = protection_of(seed, protection)
    present = [table for table in schema if table.name in dataset]
    groups = root_entities(schema, dataset)
    columns: dict[str, dict[str, ColumnProfile]] = {}

    def profiled(table: Table, column: Column, known: frozenset[Any]) -> ColumnProfile:
        return profile_column(
            column,
            dataset.arrow(table.name).column(column.name),
            protection=enough,
            groups=groups.get(table.name),
            table=table.name,
            role=_role(table, column.name),
            closed=known,
        )

    for done, table in enumerate(present):
        if progress is not None:
            progress(table.name, done, len(present))
        arrow = dataset.arrow(table.name)
        closed = closed_values(table)
        columns[table.name] = {
            column.name: profiled(table, column, closed.get(column.name, frozenset()))
            for column in table.columns
            if column.name in arrow.column_names
        }
        columns[table.name] |= _spelled(columns[table.name], arrow, Protector.of(enough, groups.get(table.name)))
    verdicts = find_references(columns, schema, dataset)
    references = {name for name, (verdict, _) in verdicts.items() if verdict}
    for (name, column), known in find_known_values(columns, schema, dataset, groups, enough, references).items():
        table = schema[name]
        again = profiled(table, table.column(column), closed_values(table).get(column, frozenset()) | known)
        columns[name][column] = replace(again, known=tuple(sorted(known)))
    for table in present:
        columns[table.name] = _without_parent_keys(table, columns[table.name], references)
    invariants, unique_sets, cardinalities = _relations(schema, dataset, columns, groups, enough)
    copies = _copied(schema, dataset, columns, invariants)
    for (name, column), copied in copies.items():
        columns[name][column] = replace(columns[name][column], **copied)
    sources = {place: ways["copied"] for place, ways in copies.items() if "copied" in ways}
    for (name, column), numbers in find_known_numbers(sources, columns, schema, dataset, groups, enough).items():
        columns[name][column] = replace(columns[name][column], known=numbers)
    for (name, column), found in _numbered(present, dataset).items():
        columns[name][column] = replace(columns[name][column], **found)
    for table in present:
        rules = tuple(invariants.get(table.name, ()))
        for column, twin in find_twins(table, dataset.arrow(table.name), columns[table.name], rules):
            columns[table.name][column] = replace(columns[table.name][column], twin=twin)
    for (name, column), pieces in _composed(present, dataset, columns, groups, enough, references).items():
        columns[name][column] = replace(columns[name][column], composed=pieces)
    if progress is not None:
        progress("", len(present), len(present))
    return Profile(
        tables={
            table.name: TableProfile(
                name=table.name,
                rows=dataset.arrow(table.name).num_rows,
                columns=columns[table.name],
                cardinalities=tuple(cardinalities.get(table.name, ())),
                invariants=tuple(invariants.get(table.name, ())),
                unique_sets=tuple(unique_sets.get(table.name, ())),
                reference=verdicts[table.name][0],
                reference_why=verdicts[table.name][1],
            )
            for table in present
        },
        protection=enough,
    )


def _relations(
    schema: Schema, dataset: Dataset, columns: Mapping[str, Mapping[str, ColumnProfile]],
    groups: Mapping[str, Integers], protection: int,
) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:  # fmt: skip
    unique_sets = {
        table.name: find_unique_sets(table, dataset.arrow(table.name)) for table in schema if table.name in dataset
    }
    # What families come to is a number of the rows: it is stored where enough entities have such rows.
    few = {name for name, entities in groups.items() if np.unique(entities).size < protection}
    invariants = {
        name: tuple(rule for rule in rules if rule.kind != "balance" or name not in few)
        for name, rules in find_invariants(schema, dataset, columns).items()
    }
    return invariants, unique_sets, find_cardinalities(schema, dataset)


def _with_parents(
    table: Table, known: Mapping[str, Table], dataset: Dataset
) -> tuple[TableView, dict[str, tuple[TableView, Integers]]]:
    """The rows, and by foreign key the parent's and each row's place there, -1 for none, (n,)."""
    keys = [fk for fk in table.foreign_keys if fk.parent in known]
    views = {n: view_table(known[n], dataset.arrow(n)) for n in {table.name, *(fk.parent for fk in keys)}}
    own = views[table.name]
    return own, {fk.name: (views[fk.parent], locate_parents(own, fk, views[fk.parent])[0]) for fk in keys}


def _composed(
    tables: list[Table], dataset: Dataset, columns: Mapping[str, Mapping[str, ColumnProfile]],
    groups: Mapping[str, Integers], protection: int, references: Collection[str],
) -> dict[tuple[str, str], Mapping[str, Any]]:  # fmt: skip
    """By (table, column): what its texts are made of. ``references``: lists of the world, whose values are known."""

    def stored(table: str, column: str) -> frozenset[str] | None:
        seen = columns.get(table, {}).get(column)
        return None if table in references else frozenset(str(v) for v, _ in seen.values) if seen else frozenset()

    known = {t.name: t for t in tables}
    out: dict[tuple[str, str], Mapping[str, Any]] = {}
    for table in tables:
        if not may_be_composed(table, columns[table.name]):
            continue
        view, above = _with_parents(table, known, dataset)
        protector = Protector.of(protection, groups.get(table.name))
        for name, pieces in find_composed(view, columns[table.name], above, protector, stored):
            out[table.name, name] = pieces
    return out


def _numbered(tables: list[Table], dataset: Dataset) -> dict[tuple[str, str], dict[str, Any]]:
    """By (table, column): ``numbering`` of running numbers, or the number to which a column is ``near``."""
    known = {t.name: t for t in tables}
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for table in tables:
        if not may_be_numbered(view_table(table, dataset.arrow(table.name))):
            continue
        view, above = _with_parents(table, known, dataset)
        others = {fk.name for fk in table.foreign_keys if fk.parent != table.name}
        numberings = find_numberings(view, {name: at for name, (_, at) in above.items() if name in others})
        out |= {(table.name, column): {"numbering": found} for column, found in numberings.items()}
        out |= {(table.name, column): {"near": other} for column, other in find_pointers(view, numberings).items()}
    return out


def _copied(
    schema: Schema, dataset: Dataset, columns: Mapping[str, Mapping[str, ColumnProfile]],
    invariants: Mapping[str, tuple[Invariant, ...]],
) -> dict[tuple[str, str], dict[str, Any]]:  # fmt: skip
    """By (table, column), in the ways of ``find_copied``: the foreign key and the parent's column that rows go with.

    Not one that the rows themselves come to: an only row is all that is added up.
    """
    best: dict[tuple[str, str], dict[bool, tuple[float, str, tuple[str, str]]]] = {}
    for table in schema:
        for fk in table.foreign_keys if table.name in columns else ():
            if fk.parent not in columns or fk.parent == table.name:
                continue
            rows = dataset.arrow(table.name), dataset.arrow(fk.parent)
            if not set(fk.columns) <= {*rows[0].column_names} or not set(fk.parent_columns) <= {*rows[1].column_names}:
                continue
            locate = partial(parent_rows, rows[0], fk, rows[1])
            told = {
                i.target for i in invariants.get(fk.parent, ())
                if i.kind == "aggregate" and i.parameters["child"] == table.name
            }  # fmt: skip
            sides = columns[table.name], {n: c for n, c in columns[fk.parent].items() if n not in told}
            for name, theirs, good, way in find_copied(table, fk, locate, rows, sides):
                mine = best.setdefault((table.name, name), {})
                if (same := good > 0) not in mine or good > mine[same][0]:
                    mine[same] = good, way, (fk.name, theirs)
    return {place: {way: source for _, way, source in found.values()} for place, found in best.items()}


def _spelled(columns: Mapping[str, ColumnProfile], arrow: pa.Table, protector: Protector) -> dict[str, ColumnProfile]:
    """Emails and usernames that are put together from the row's own names, with how they are: from first and last
    name, or from the first and the last word of a whole one."""
    named = {m: [n for n, c in columns.items() if c.meaning == m] for m in ("first_name", "last_name", "full_name")}
    apart = bool(named["first_name"] and named["last_name"])
    parts = [named["first_name"][0], named["last_name"][0]] if apart else named["full_name"][:1]
    out: dict[str, ColumnProfile] = {}
    for name, column in columns.items() if parts else ():
        if column.meaning not in ("email", "username") or column.kind not in ("text", "code", "categorical"):
            continue
        whole = arrow.select([name, *parts]).combine_chunks()
        present = np.ones(whole.num_rows, dtype=bool)
        for part in whole.columns:
            present &= part.is_valid().to_numpy()
        rows = [part.filter(pa.array(present)).cast(pa.large_string()) for part in whole.columns]
        texts = [part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in rows]
        if not present.any():
            continue
        if not apart:
            words = pc.utf8_trim_whitespace(texts[1])
            texts[1:] = [pc.replace_substring_regex(words, cut, "") for cut in (r"\s.*$", r"^.*\s")]
        found = find_spelling(texts[0], texts[1], texts[2], protector.of_rows(present))
        if found is not None:
            spelled = {"template": found[0], "share": found[1], "first": parts[0], "last": parts[-1]}
            out[name] = replace(column, writing={**(column.writing or {}), "spelled" if apart else "spells": spelled})
    return out


def _role(table: Table, column: str) -> Role | None:
    if any(fk.columns == (column,) for fk in table.foreign_keys):
        return "reference"
    return "key" if (column,) in table.keys else None


def _without_parent_keys(
    table: Table, columns: Mapping[str, ColumnProfile], references: set[str]
) -> dict[str, ColumnProfile]:
    """References to rows that are not a list of the world: the parents' keys are theirs to protect, none is kept."""
    kept = dict(columns)
    for fk in table.foreign_keys:
        if len(fk.columns) == 1 and fk.parent not in references and fk.columns[0] in kept:
            column = kept[fk.columns[0]]
            if column.kind != "empty":
                kept[column.name] = replace(
                    column,
                    kind="identifier",
                    values=(),
                    spikes=(),
                    words=(),
                    rare=0,
                    json_shape=None,
                    documents=(),
                    writing=None,
                )  # fmt: skip
    return kept


_LIST = re.compile(r"\bIN\s*\(|=\s*ANY\s*\(", re.IGNORECASE)
_TEXT_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_NUMBER_LITERAL = re.compile(r"(?<![\w.'])-?\d+(?![\w.'])")


def closed_values(table: Table) -> dict[str, frozenset[Any]]:
    """Values that CHECK ... IN lists name, by column: no secret, since the schema itself tells them."""
    found: dict[str, frozenset[Any]] = {}
    for check in table.checks:
        mentioned = check.columns or tuple(
            c.name for c in table.columns if re.search(rf"\b{re.escape(c.name)}\b", check.text)
        )
        start = _LIST.search(check.text)
        if len(mentioned) != 1 or not start:
            continue
        listed = check.text[start.end() :]
        texts = frozenset(t.replace("''", "'") for t in _TEXT_LITERAL.findall(listed))
        numbers = frozenset(int(n) for n in _NUMBER_LITERAL.findall(_TEXT_LITERAL.sub("", listed)))
        found[mentioned[0]] = found.get(mentioned[0], frozenset()) | (texts or numbers)
    return found


def root_entities(schema: Schema, dataset: Dataset) -> dict[str, Integers]:
    """For each table below a table about persons: the person's row number of every row, shape (rows,).

    A row without a person (null or dangling on the way) stands for itself. Of several persons' tables the one with
    the most rows is taken: customers rather than the few employees who serve them. Where there is none, rows that
    repeat an entity are that entity's.
    """
    repeating = {table.name: ((table.name, fk),) for table in schema for fk in table.foreign_keys if fk.repeating}
    persons = {t.name for t in schema if t.name in dataset and t.name not in repeating and _about_persons(t)}
    groups: dict[str, Integers] = {}
    for table in schema:
        if table.name not in dataset or table.name in persons:
            continue
        path = _path_to_person(table.name, schema, persons, dataset) or repeating.get(table.name, ())
        if path:
            groups[table.name] = _follow(path, schema, dataset)
    return groups


_TELLING = frozenset(("first_name", "last_name", "birth_date", "ssn", "national_id", "passport_number"))


def _about_persons(table: Table) -> bool:
    """A row is a person: it has a person's name or birth, or the table is called so and has anything personal."""
    meanings = {guess_meaning(table.name, column, None) for column in table.columns}
    called = entity_of(words_of(table.bare_name)) == "person"
    return bool(meanings & (PERSONAL if called else _TELLING))


def _path_to_person(
    start: str, schema: Schema, persons: set[str], dataset: Dataset
) -> tuple[tuple[str, ForeignKey], ...]:
    """Shortest way of foreign keys to a persons' table, the largest of those equally near."""
    reached: set[str] = {start}
    level: list[tuple[str, tuple[tuple[str, ForeignKey], ...]]] = [(start, ())]
    while level:
        following: list[tuple[str, tuple[tuple[str, ForeignKey], ...]]] = []
        for name, path in level:
            for fk in schema[name].foreign_keys:
                if fk.parent in reached or fk.parent not in schema or fk.parent not in dataset:
                    continue
                following.append((fk.parent, (*path, (name, fk))))
        hits = [(name, path) for name, path in following if name in persons]
        if hits:
            return max(hits, key=lambda hit: dataset.arrow(hit[0]).num_rows)[1]
        reached |= {name for name, _ in following}
        level = following
    return ()


def _follow(path: tuple[tuple[str, ForeignKey], ...], schema: Schema, dataset: Dataset) -> Integers:
    rows = np.arange(dataset.arrow(path[0][0]).num_rows)
    for name, fk in path:
        parents = parent_rows(dataset.arrow(name), fk, dataset.arrow(fk.parent))
        known = rows >= 0
        rows = np.where(known, parents[np.where(known, rows, 0)] if parents.size else -1, -1)
    lone = rows < 0
    # Rows without a person come after all persons, each its own group.
    rows[lone] = dataset.arrow(path[-1][1].parent).num_rows + np.flatnonzero(lone)
    return rows.astype(np.int64)


def parent_rows(child: pa.Table, fk: ForeignKey, parent: pa.Table) -> Integers:
    """The parent's row number for each child row, -1 where null or dangling, shape (child rows,)."""
    codes, parent_codes = np.zeros(child.num_rows, np.int64), np.zeros(parent.num_rows, np.int64)
    missing = np.zeros(child.num_rows, dtype=bool)
    for name, parent_name in zip(fk.columns, fk.parent_columns, strict=True):
        ours, theirs = _aligned(child.column(name), parent.column(parent_name))
        both = pa.concat_arrays([theirs, ours]).dictionary_encode()
        missing |= ~ours.is_valid().to_numpy(zero_copy_only=False)
        indices = both.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        width = len(both.dictionary) + 1
        joined = np.concatenate((parent_codes, codes)) * width + indices
        dense = np.unique(joined, return_inverse=True)[1].astype(np.int64)
        parent_codes, codes = dense[: parent.num_rows], dense[parent.num_rows :]
    where = np.full(int(max(parent_codes.max(initial=-1), codes.max(initial=-1))) + 1, -1, dtype=np.int64)
    where[parent_codes] = np.arange(parent.num_rows)
    found = where[codes]
    found[missing] = -1
    return found


def _aligned(child: pa.ChunkedArray, parent: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Both as one array of one type; text where the types differ."""
    ours, theirs = child, parent
    if ours.type != theirs.type:
        ours, theirs = ours.cast(pa.string()), theirs.cast(pa.string())
    return tuple(pa.concat_arrays(v.chunks) if v.num_chunks else pa.array([], v.type) for v in (ours, theirs))
