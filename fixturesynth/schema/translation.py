"""A schema in another dialect: the same tables, types, keys and checks as far as that dialect can have them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fixturesynth.schema.expressions import Untranslatable, text_limits, translate_default, translate_expression
from fixturesynth.schema.model import (
    Check,
    Column,
    ColumnType,
    Exclusion,
    ForeignKey,
    Generated,
    Kind,
    PrimaryKey,
    Schema,
    Table,
    Unique,
)
from fixturesynth.schema.targets import Target, quote_name, shorten_name, target_of

__all__ = ["Translation", "is_partition", "translate"]

DEFAULT_TEXT = 255  # characters of a key column about which nothing says how long it is
FAMILIES: Mapping[Kind, str] = {
    **dict.fromkeys(("integer", "decimal", "money", "year"), "number"),
    **dict.fromkeys(("text", "enum", "set", "xml"), "text"),
}


@dataclass(frozen=True)
class Translation:
    """``schema`` in the target's dialect, and in words what it could not take over."""

    schema: Schema
    notes: tuple[str, ...] = ()


def translate(
    schema: Schema, dialect: str, *, text_lengths: Mapping[tuple[str, str], int] | None = None
) -> Translation:
    """``schema`` as ``dialect`` would declare it.

    ``text_lengths`` gives the longest text of a (table, column), for dialects whose keys need bounded text.
    Raises InputError for a dialect that is not known.
    """
    target = target_of(dialect)
    notes: list[str] = []
    kept = [table for table in schema if not is_partition(table, schema)]
    notes += [f"table {t.name}: created as one table, without its partitions" for t in kept if t.partition_key]
    types = {t.name: _types(t, schema.dialect, target) for t in kept}
    if schema.dialect != dialect:
        for table in kept:
            if target.key_bytes:
                _bound_text(table, schema, target, types[table.name], text_lengths or {})
        if target.same_key_types:
            _share_key_types(kept, types)
    tables = [_table(table, schema, target, types, notes) for table in kept]
    return Translation(
        Schema(_named(tables, target, schema.dialect == dialect), target.name, schema.name), tuple(notes)
    )


def is_partition(table: Table, schema: Schema) -> bool:
    """Rows of a partition go through its parent; an inheritance child is a table of its own."""
    return bool(table.partition_of and table.partition_of in schema and schema[table.partition_of].partition_key)


def _types(table: Table, source: str, target: Target) -> dict[str, ColumnType]:
    if source == target.name:
        return {c.name: c.type for c in table.columns}
    return {c.name: target.types[c.type.kind](c.type) for c in table.columns}


def _key_columns(table: Table, schema: Schema) -> list[tuple[str, ...]]:
    own = [*table.keys, *(u.columns for u in table.uniques), *(fk.columns for fk in table.foreign_keys if fk.declared)]
    return [*own, *(fk.parent_columns for _, fk in schema.children_of(table.name) if fk.declared)]


def _bound_text(
    table: Table, schema: Schema, target: Target, types: dict[str, ColumnType], lengths: Mapping[tuple[str, str], int]
) -> None:
    """Give text in keys a length that the target can index, and move the rest out of rows that get too wide."""
    limits = text_limits(table, schema.dialect)
    keys = [tuple(c for c in key if c in types) for key in _key_columns(table, schema)]
    for name in dict.fromkeys(c for key in keys for c in key):
        kind, length = types[name].kind, types[name].length
        if kind not in ("text", "bytes") or (
            length is not None and length * target.character_bytes <= (target.key_bytes or 0)
        ):
            continue
        known = limits.get(name)
        types[name] = _bounded(
            kind, known if known is not None else max(DEFAULT_TEXT, lengths.get((table.name, name), 0))
        )
    for key in keys:
        wide = [c for c in key if types[c].kind == "text" and types[c].length]
        spare = (target.key_bytes or 0) - 8 * (len(key) - len(wide))
        if sum((types[c].length or 0) * target.character_bytes for c in wide) > spare:
            share = spare // target.character_bytes // len(wide)
            for name in wide:
                size = min(types[name].length or share, max(share, lengths.get((table.name, name), 0)))
                types[name] = replace(_bounded("text", size), fixed=types[name].fixed)
    keyed = {c for key in keys for c in key}
    loose = [
        c for c in types if c not in keyed and types[c].kind == "text" and types[c].name.startswith(("varchar", "char"))
    ]
    loose.sort(key=lambda c: -(types[c].length or 0))
    size = sum(
        (types[c].length or 0) * target.character_bytes for c in types if types[c].kind == "text" and types[c].length
    )
    while loose and size > (target.row_bytes or size):
        widest = loose.pop(0)
        size -= (types[widest].length or 0) * target.character_bytes
        types[widest] = target.types["text"](ColumnType("text", "text"))


def _bounded(kind: Kind, length: int) -> ColumnType:
    length = max(1, length)
    return ColumnType(kind, f"{'varchar' if kind == 'text' else 'varbinary'}({length})", length=length)


def _share_key_types(tables: Iterable[Table], types: Mapping[str, dict[str, ColumnType]]) -> None:
    """Referencing columns take the type of what they reference, down every chain of references."""
    links = [
        (t.name, child, fk.parent, parent)
        for t in tables for fk in t.foreign_keys if fk.declared and fk.parent in types
        for child, parent in zip(fk.columns, fk.parent_columns, strict=True)
        if child in types[t.name] and parent in types[fk.parent]
    ]  # fmt: skip
    for _ in range(len(links)):  # a chain is at most that long; a cycle would never come to rest
        changed = False
        for table, child, parent_table, parent in links:
            wanted = types[parent_table][parent]
            if types[table][child].name != wanted.name and _family(types[table][child]) == _family(wanted):
                types[table][child] = wanted
                changed = True
        if not changed:
            return


def _family(column_type: ColumnType) -> str:
    return FAMILIES.get(column_type.kind, column_type.kind)


def _table(
    table: Table, schema: Schema, target: Target, types: Mapping[str, dict[str, ColumnType]], notes: list[str]
) -> Table:
    same = schema.dialect == target.name
    kinds = {name: t.kind for name, t in types[table.name].items()}
    say = _Notes(table.name, target.name, notes)
    checks = list(table.checks) if same else [
        replace(check, text=text)
        for check in table.checks
        if (text := say.tried(f"check {check.name} ({check.text})", check.text, schema.dialect, target, table, kinds))
    ]  # fmt: skip
    computed = {c.name for c in table.columns if c.generated is not None}
    if not target.constrained_generated and not same:
        for check in [c for c in checks if computed & set(c.columns)]:
            checks.remove(check)
            say.add(f"check {check.name} ({check.text})", "it has no checks on generated columns")
    columns = []
    for column in table.columns:
        columns.append(_column(column, table, schema, target, types[table.name][column.name], kinds, say))
        if not same:
            checks += _column_checks(column, table, schema.dialect, target, kinds, say)
    if target.identity == "AUTO_INCREMENT":
        columns = _one_counter(columns, table, {c for check in checks for c in check.columns})
    return replace(
        table,
        columns=tuple(columns),
        schema=table.schema if target.schemas else None,
        checks=tuple(checks),
        uniques=tuple(u for unique in table.uniques if (u := _unique(unique, table, schema, target, kinds, say))),
        exclusions=_exclusions(table.exclusions, target, say),
        foreign_keys=tuple(
            kept
            for fk in table.foreign_keys
            if fk.declared and (kept := _foreign_key(fk, table, schema, target, types, say))
        ),
        primary_key=PrimaryKey(table.primary_key.columns, table.primary_key.name if same else None)
        if table.primary_key
        else None,
        partition_key=None,
        partition_of=None,
        triggers=(),
    )


@dataclass(frozen=True)
class _Notes:
    """Collects in words what the target cannot have, for one table."""

    table: str
    dialect: str
    notes: list[str]

    def add(self, what: str, why: str) -> None:
        self.notes.append(f"table {self.table}: {what} left out in {self.dialect}: {why}")

    def tried(
        self, what: str, text: str, source: str, target: Target, table: Table, kinds: Mapping[str, Kind]
    ) -> str | None:
        """The translated text, or None after a note."""
        try:
            return translate_expression(text, source, target, table, kinds)
        except Untranslatable as reason:
            self.add(what, str(reason))
            return None


def _column(
    column: Column,
    table: Table,
    schema: Schema,
    target: Target,
    column_type: ColumnType,
    kinds: Mapping[str, Kind],
    say: _Notes,
) -> Column:
    same = schema.dialect == target.name
    generated, default = column.generated, column.default
    identity, counts = column.identity, column.autoincrement
    if default is not None and "nextval" in default.lower():
        default, counts = None, counts or column_type.kind == "integer"
    if not same:
        if generated:
            text = say.tried(
                f"generated column {column.name}", generated.expression, schema.dialect, target, table, kinds
            )
            stored = generated.stored if len(target.generated) > 1 else "STORED" in target.generated
            generated = Generated(text, stored) if text else None
        if default is not None:
            try:
                default = translate_default(default, schema.dialect, target, column_type.kind)
            except Untranslatable as reason:
                say.add(f"default of column {column.name} ({default})", str(reason))
                default = None
        counts = counts and column_type.kind == "integer"
        identity = None if not counts and column_type.kind != "integer" else identity
        if column_type.kind == "enum" and target.enum_types:
            column_type = replace(column_type, name=f"{table.bare_name}_{column.name}")
    nullable = column.nullable if column.generated is None or (generated and target.constrained_generated) else True
    return replace(
        column,
        type=column_type,
        nullable=nullable,
        default=default,
        identity=identity,
        autoincrement=counts,
        generated=generated,
        collation=column.collation if same else None,
        domain_checks=column.domain_checks if same else (),
    )


def _one_counter(columns: list[Column], table: Table, checked: set[str]) -> list[Column]:
    """MySQL has one numbered column in a table; it must lead a key, and no check may look at it."""
    leads = {key[0] for key in table.keys} - checked
    counters = [c.name for c in columns if (c.autoincrement or c.identity) and c.name in leads and c.generated is None]
    chosen = counters[0] if counters else None
    return [
        c if not (c.autoincrement or c.identity) or c.name == chosen else replace(c, identity=None, autoincrement=False)
        for c in columns
    ]


def _column_checks(
    column: Column, table: Table, source: str, target: Target, kinds: Mapping[str, Kind], say: _Notes
) -> list[Check]:
    """What the source's type enforces and the target's type does not: domains, enums, no negative numbers."""
    found = []
    quoted = quote_name(column.name, target.name)
    inside = '"' + column.name.replace('"', '""') + '"' if source != "mysql" else quote_name(column.name, "mysql")
    for number, text in enumerate(column.domain_checks):
        own = _with_value(text, inside)
        what = f"check of domain {column.type.domain} on {column.name} ({text})"
        if written := say.tried(what, own, source, target, table, kinds):
            found.append(Check(f"{table.bare_name}_{column.name}_domain{number or ''}", written, (column.name,)))
    if column.type.kind == "enum" and kinds[column.name] != "enum":
        values = ", ".join("'" + v.replace("'", "''") + "'" for v in column.type.values)
        found.append(Check(f"{table.bare_name}_{column.name}_values", f"{quoted} IN ({values})", (column.name,)))
    if column.type.unsigned and not target.types["integer"](column.type).unsigned and column.generated is None:
        found.append(Check(f"{table.bare_name}_{column.name}_unsigned", f"{quoted} >= 0", (column.name,)))
    return found


def _with_value(text: str, column: str) -> str:
    """VALUE in a domain's check stands for the column; a word inside of quotes does not."""
    pieces = text.split("'")
    for i in range(0, len(pieces), 2):
        words = "".join(ch if ch.isalnum() or ch == "_" else f"\0{ch}\0" for ch in pieces[i]).split("\0")
        pieces[i] = "".join(column if word.upper() == "VALUE" else word for word in words)
    return "'".join(pieces)


def _unique(
    unique: Unique, table: Table, schema: Schema, target: Target, kinds: Mapping[str, Kind], say: _Notes
) -> Unique | None:
    if schema.dialect == target.name:
        return unique
    what = f"unique {unique.name}"
    computed = tuple(c for c in unique.columns if table.column(c).generated)
    if computed and not target.constrained_generated:  # no constraint takes them, an index does, as expressions
        plain = tuple(c for c in unique.columns if c not in computed)
        named = (quote_name(c, schema.dialect) for c in computed)
        unique = replace(unique, columns=plain, expressions=(*unique.expressions, *named), is_index=True)
    if unique.expressions and not target.expression_unique:
        say.add(what, "it has no unique expressions")
        return None
    if unique.predicate is not None and not target.partial_unique:
        say.add(what, f"it has no partial unique indexes (where {unique.predicate})")
        return None
    if not unique.nulls_distinct and not target.nulls_not_distinct:
        say.add(f"NULLS NOT DISTINCT of {unique.name}", "there, nulls are always distinct")
    tried = [say.tried(what, text, schema.dialect, target, table, kinds) for text in unique.expressions]
    predicate = unique.predicate and say.tried(what, unique.predicate, schema.dialect, target, table, kinds)
    if None in tried or (unique.predicate is not None and predicate is None):
        return None
    return replace(
        unique,
        expressions=tuple(t for t in tried if t),
        predicate=predicate,
        nulls_distinct=unique.nulls_distinct or not target.nulls_not_distinct,
    )


def _exclusions(exclusions: tuple[Exclusion, ...], target: Target, say: _Notes) -> tuple[Exclusion, ...]:
    if not target.exclusions:
        for exclusion in exclusions:
            say.add(f"exclusion {exclusion.name}", "it has no exclusion constraints")
        return ()
    return exclusions


def _foreign_key(
    fk: ForeignKey,
    table: Table,
    schema: Schema,
    target: Target,
    types: Mapping[str, dict[str, ColumnType]],
    say: _Notes,
) -> ForeignKey | None:
    what = f"foreign key {fk.name} ({', '.join(fk.columns)})"
    if fk.parent not in types or any(c not in types[fk.parent] for c in fk.parent_columns):
        say.add(what, f"{fk.parent} ({', '.join(fk.parent_columns)}) is not there")
        return None
    if schema.dialect == target.name:
        return fk
    if set(fk.parent_columns) not in [set(key) for key in schema[fk.parent].keys]:
        say.add(what, f"{fk.parent} ({', '.join(fk.parent_columns)}) is not unique")
        return None
    if target.narrow_references:
        if table.schema != schema[fk.parent].schema:
            say.add(what, "it has no references into another schema")
            return None
        if fk.parent == table.name and not all(table.column(c).nullable for c in fk.columns):
            say.add(what, "a row cannot reference itself there, and the first one would have to")
            return None
    for child, parent in zip(fk.columns, fk.parent_columns, strict=True):
        if _family(types[table.name][child]) != _family(types[fk.parent][parent]):
            say.add(what, f"{types[table.name][child].name} cannot reference {types[fk.parent][parent].name}")
            return None
    actions = target.foreign_key_actions
    return replace(
        fk,
        on_delete=fk.on_delete if (fk.on_delete or "").upper() in actions else None,
        on_update=fk.on_update if (fk.on_update or "").upper() in actions else None,
        deferrable=fk.deferrable and target.deferrable,
        initially_deferred=fk.initially_deferred and target.deferrable,
        match="SIMPLE" if fk.match != "FULL" or target.name != "postgresql" else "FULL",
    )


def _named(tables: list[Table], target: Target, same: bool) -> tuple[Table, ...]:
    """Constraint names that fit the target and meet only once in it; the same ones on every run."""
    taken = Counter(t.name.casefold() for t in tables)
    if same:
        taken.update(u.name.casefold() for t in tables for u in t.uniques)

    def name(table: Table, wanted: str) -> str:
        for candidate in (
            wanted,
            f"{table.bare_name}_{wanted}",
            *(f"{table.bare_name}_{wanted}_{i}" for i in range(2, 1000)),
        ):
            short = shorten_name(candidate, target.name)
            if not taken[short.casefold()]:
                break
        taken[short.casefold()] += 1
        return short

    named = []
    for table in tables:
        enums = {
            c.name: replace(c, type=replace(c.type, name=name(table, c.type.name)))
            for c in table.columns
            if not same and target.enum_types and c.type.kind == "enum"
        }
        named.append(
            replace(
                table,
                columns=tuple(enums.get(c.name, c) for c in table.columns),
                uniques=table.uniques
                if same
                else tuple(replace(u, name=name(table, _plain(u.name, "uq", table, u.columns))) for u in table.uniques),
                checks=table.checks
                if same
                else tuple(replace(c, name=name(table, _plain(c.name, "ck", table, c.columns))) for c in table.checks),
                foreign_keys=table.foreign_keys
                if same
                else tuple(
                    replace(fk, name=name(table, _plain(fk.name, "fk", table, fk.columns))) for fk in table.foreign_keys
                ),
            )
        )
    return tuple(named)


def _plain(name: str, prefix: str, table: Table, columns: tuple[str, ...]) -> str:
    """Names that the source made up on its own say nothing elsewhere, and SQLite's are reserved."""
    if name and not name.lower().startswith("sqlite_"):
        return name
    return "_".join([prefix, table.bare_name, *columns])
