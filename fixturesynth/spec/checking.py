"""The spec against the schema: every name must exist, and nothing may contradict what the database enforces."""

import string
from collections.abc import Collection, Mapping
from datetime import datetime

from fixturesynth.errors import SpecError, did_you_mean
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table
from fixturesynth.spec.model import ColumnSpec, ReferenceSpec, Spec

__all__ = ["check_spec", "placeholders"]

WRITTEN = ("rule", "meaning", "constant", "choices", "template", "pattern")
TIMES = ("date", "timestamp", "time", "text", "other")


def check_spec(
    spec: Spec,
    schema: Schema,
    *,
    rules: Mapping[str, Collection[str] | None] | None = None,
    meanings: Collection[str] | None = None,
    generators: Collection[str] | None = None,
) -> None:
    """SpecError for the first setting that names something unknown or contradicts the schema.

    Args:
        rules: the names of rules with the options that each takes (None: any); without it rules are not checked.
        meanings: the known meanings of columns.
        generators: the names of generators.
    """
    for name in spec.rows:
        _known(spec, ("rows", name), "table", name, schema.names)
    _known_generator(spec, ("generator",), spec.generator, generators)
    for name, settings in spec.tables.items():
        at = ("tables", name)
        _known(spec, at, "table", name, schema.names)
        table = schema[name]
        _known_generator(spec, (*at, "generator"), settings.generator, generators)
        added = [
            _reference(spec, (*at, "references", str(i)), r, table, schema) for i, r in enumerate(settings.references)
        ]
        foreign_keys = (*table.foreign_keys, *added)
        _context(spec, (*at, "context"), settings.context, foreign_keys)
        for column_name, column_spec in settings.columns.items():
            where = (*at, "columns", column_name)
            _known(spec, where, "column", column_name, table.column_names)
            _column(spec, where, column_spec, table.column(column_name), table, foreign_keys)
            _rule(spec, where, column_spec, rules, meanings)
        _children(spec, at, table, schema)
    for what, columns in (("targets", spec.evaluation.targets), ("protected", spec.evaluation.protected)):
        for name in columns or ():
            names = [f"{t.name}.{c}" for t in schema for c in t.column_names]
            _known(spec, ("evaluation", what), "column", name, names)
    _templates_without_circles(spec)
    for table in schema:
        _skipped_parents(spec, table)


def placeholders(template: str) -> tuple[str, ...]:
    """The columns that a template reads.

    >>> placeholders("{first}.{last}@example.com")
    ('first', 'last')
    """
    return tuple(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(template) if name is not None))


def _fail(spec: Spec, path: tuple[str, ...], message: str) -> SpecError:
    return SpecError(f"{spec.place(*path)}: {message}")


def _known(spec: Spec, path: tuple[str, ...], what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise _fail(spec, path, f"unknown {what} {name!r}; {did_you_mean(name, known)}")


def _known_generator(spec: Spec, path: tuple[str, ...], name: str | None, known: Collection[str] | None) -> None:
    if name is not None and known is not None:
        _known(spec, path, "generator", name, known)


def _reference(spec: Spec, path: tuple[str, ...], given: ReferenceSpec, table: Table, schema: Schema) -> ForeignKey:
    for column in given.columns:
        _known(spec, path, "column", column, table.column_names)
    _known(spec, path, "table", given.parent, schema.names)
    parent = schema[given.parent]
    columns = given.parent_columns or (parent.primary_key.columns if parent.primary_key else ())
    for column in columns:
        _known(spec, path, "column", column, parent.column_names)
    if len(columns) != len(given.columns):
        raise _fail(
            spec,
            path,
            f"{len(given.columns)} columns cannot reference {len(columns)} of {given.parent!r}; name parent_columns",
        )
    if any(fk.columns == given.columns and fk.parent == given.parent for fk in table.foreign_keys):
        raise _fail(spec, path, "the database declares this reference already; drop it here")
    return ForeignKey(given.name, given.columns, given.parent, columns, declared=False)


def _context(
    spec: Spec, path: tuple[str, ...], given: str | tuple[str, ...] | None, foreign_keys: tuple[ForeignKey, ...]
) -> None:
    if given is None:
        return
    if isinstance(given, str):
        names = {fk.name for fk in foreign_keys} | {fk.columns[0] for fk in foreign_keys if len(fk.columns) == 1}
        _known(spec, path, "foreign key", given, names)
    elif given not in {fk.columns for fk in foreign_keys}:
        shown = did_you_mean(", ".join(given), (", ".join(fk.columns) for fk in foreign_keys))
        raise _fail(spec, path, f"no foreign key on columns {', '.join(given)}; {shown}")


def _column(
    spec: Spec,
    path: tuple[str, ...],
    given: ColumnSpec,
    column: Column,
    table: Table,
    foreign_keys: tuple[ForeignKey, ...],
) -> None:
    key = table.primary_key.columns if table.primary_key else ()
    not_null = not column.nullable or column.name in key
    set_null = given.null_rate or ("constant" in given.model_fields_set and given.constant is None)
    fk = next((fk for fk in foreign_keys if column.name in fk.columns), None)
    if not_null and set_null:
        raise _fail(spec, path, "the column is not null in the database; drop the nulls here")
    if column.generated is not None and given.source not in (None, "default"):
        raise _fail(
            spec, path, f"the database generates the column ({column.generated.expression}); drop {given.source}"
        )
    if given.default and not_null and column.default is None and not (column.identity or column.autoincrement):
        raise _fail(spec, path, "the database has no default for this column, which is not null; choose a rule")
    if fk is not None and given.source in WRITTEN:
        raise _fail(
            spec,
            path,
            f"the column references {fk.parent!r}, its values come from there; drop {given.source}",
        )
    if "constant" in given.sources and given.constant is not None and any(k == (column.name,) for k in table.keys):
        raise _fail(spec, path, "the column is unique in the database; a constant would repeat")
    if given.window is not None:
        if column.type.kind not in TIMES:
            raise _fail(spec, path, f"a window needs a date or time, not {column.type.name}; use min and max")
        start, end = given.window.bounds(datetime.fromisoformat(spec.now))
        if start > end:
            raise _fail(spec, (*path, "window"), f"the window ends ({end}) before it begins ({start})")
    if given.template is not None:
        _template(spec, (*path, "template"), given.template, column, table)
    unfit = [
        v for v in given.choices or () if isinstance(v, str) and column.type.values and v not in column.type.values
    ]
    if unfit:
        raise _fail(
            spec, (*path, "choices"), f"{unfit[0]!r} is not in the enum; {did_you_mean(unfit[0], column.type.values)}"
        )


def _template(spec: Spec, path: tuple[str, ...], template: str, column: Column, table: Table) -> None:
    try:
        names = placeholders(template)
    except ValueError as error:
        raise _fail(spec, path, f"not a template: {error}; write {{{{ and }}}} for brackets themselves") from error
    for name in names:
        if name != "rank":  # the row's own number, from 1
            _known(spec, path, "column", name, table.column_names)
        if name == column.name:
            raise _fail(spec, path, f"the column {name!r} cannot be made from itself")


def _templates_without_circles(spec: Spec) -> None:
    for table, settings in spec.tables.items():
        needs = {name: placeholders(c.template) for name, c in settings.columns.items() if c.template is not None}
        for start in needs:
            seen, ahead = set(), [start]
            while ahead:
                for name in needs.get(ahead.pop(), ()):
                    if name == start:
                        at = ("tables", table, "columns", start, "template")
                        raise _fail(spec, at, f"templates of {table!r} need each other in a circle through {start!r}")
                    if name not in seen:
                        seen.add(name)
                        ahead.append(name)


def _rule(
    spec: Spec,
    path: tuple[str, ...],
    given: ColumnSpec,
    rules: Mapping[str, Collection[str] | None] | None,
    meanings: Collection[str] | None,
) -> None:
    if given.meaning is not None and meanings is not None:
        _known(spec, (*path, "meaning"), "meaning", given.meaning, meanings)
    if given.rule is None or rules is None:
        return
    _known(spec, (*path, "rule"), "rule", given.rule, rules)
    options = rules[given.rule]
    for option in given.options if options is not None else ():
        _known(spec, (*path, "options", option), f"option of rule {given.rule!r}", option, options or ())


def _children(spec: Spec, at: tuple[str, ...], table: Table, schema: Schema) -> None:
    ways = [(child.name, fk) for child, fk in schema.children_of(table.name)]
    ways += [
        (child, ForeignKey(r.name, r.columns, r.parent, r.parent_columns, declared=False))
        for child, settings in spec.tables.items()
        for r in settings.references
        if r.parent == table.name
    ]
    known = {name for child, fk in ways for name in (child, fk.name)}
    for name in spec.tables[table.name].children:
        path = (*at, "children", name)
        _known(spec, path, "child table or foreign key", name, known)
        fitting = [(child, fk) for child, fk in ways if name in (child, fk.name)]
        if len(fitting) > 1:
            names = ", ".join(fk.name for _, fk in fitting)
            raise _fail(spec, path, f"{len(fitting)} foreign keys lead to {table.name!r}; name one of them: {names}")
        child = fitting[0][0]
        if spec.rows_of(child) is not None:
            raise _fail(spec, path, f"rows of {child!r} are given twice: by number and by children; keep one")


def _skipped_parents(spec: Spec, table: Table) -> None:
    if spec.table(table.name).skip or spec.rows_of(table.name) == 0:
        return
    for fk in table.foreign_keys:
        needed = all(not table.column(c).nullable for c in fk.columns)
        if needed and fk.parent != table.name and spec.table(fk.parent).skip:
            raise _fail(
                spec,
                ("tables", fk.parent, "skip"),
                f"{table.name!r} needs rows of {fk.parent!r} ({fk.name} is not null); skip {table.name!r} too",
            )
