"""What a database to be created can have: its quoting, names, types and limits, one record for each dialect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import get_args

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.schema.model import ColumnType, Dialect, Kind

__all__ = ["TARGETS", "Target", "quote_name", "shorten_name", "target_of"]

TypeRule = Callable[[ColumnType], ColumnType]


@dataclass(frozen=True)
class Target:
    """What CREATE statements may say in one dialect; ``types`` translates another dialect's types into its own."""

    name: Dialect
    sqlglot: str  # the dialect's name in sqlglot
    types: Mapping[Kind, TypeRule]
    quote: str = '"'
    name_limit: int = 63
    name_bytes: bool = False  # the limit counts UTF-8 bytes, not characters
    schemas: bool = False  # tables live in schemas; elsewhere "schema.table" is a name with a dot in it
    partial_unique: bool = False
    expression_unique: bool = False
    nulls_not_distinct: bool = False
    exclusions: bool = False
    deferrable: bool = False
    alter_foreign_key: bool = False  # ALTER TABLE ... ADD FOREIGN KEY exists
    forward_references: bool = False  # a foreign key may name a table that is created later
    narrow_references: bool = False  # none into another schema, none of a row to itself
    foreign_key_actions: frozenset[str] = frozenset({"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"})
    generated: frozenset[str] = frozenset({"STORED", "VIRTUAL"})
    constrained_generated: bool = True  # unique sets and checks may hold a generated column
    ilike: bool = False
    pure_checks: bool = True  # a check may not call the clock
    zoned_literals: bool = False  # a timestamp's text may end in +00
    booleans: bool = True  # TRUE is not the number 1
    identity: str | None = None  # what follows the type of a column that numbers itself
    key_bytes: int | None = None  # longest key, and ...
    row_bytes: int | None = None  # ... longest row of plain columns, where text must be bounded
    character_bytes: int = 4
    table_options: str = ""
    enum_types: bool = False  # CREATE TYPE ... AS ENUM, domains, extensions
    same_key_types: bool = False  # a foreign key's columns must have the very type of what they reference
    default_in_brackets: frozenset[Kind] = field(default_factory=frozenset)  # kinds whose default is an expression


def _to(kind: Kind, name: str) -> TypeRule:
    """A rule that gives one type, whatever the source's."""

    def rule(source: ColumnType) -> ColumnType:
        return ColumnType(kind, name, timezone=source.timezone if kind == "timestamp" else False, values=source.values)

    return rule


def _sized(kind: Kind, plain: str, sized: str, limit: int, fixed: str | None = None, fixed_limit: int = 0) -> TypeRule:
    """A rule for types with a length: ``sized`` and ``fixed`` are formats, ``plain`` is for the others."""

    def rule(source: ColumnType) -> ColumnType:
        length = source.length
        if length is None or not 0 < length <= limit:
            return ColumnType(kind, plain)
        if fixed and source.fixed and length <= fixed_limit:
            return ColumnType(kind, fixed.format(length), length=length, fixed=True)
        return ColumnType(kind, sized.format(length), length=length)

    return rule


def _decimal(name: str, limit: int, plain: str | None = None) -> TypeRule:
    """Exact numbers; ``plain`` where a precision may be left out, else as wide as the values travel."""

    def rule(source: ColumnType) -> ColumnType:
        if source.precision and source.precision <= limit and 0 <= (source.scale or 0) <= source.precision:
            scale = source.scale or 0
            return ColumnType("decimal", f"{name}({source.precision},{scale})", precision=source.precision, scale=scale)
        if plain:
            return ColumnType("decimal", plain)
        return ColumnType("decimal", f"{name}(38,10)", precision=38, scale=10)

    return rule


def _integer(signed: Mapping[int, str], unsigned: Mapping[int, str]) -> TypeRule:
    """The narrowest type that holds the source's range; ``unsigned`` maps bits to a type that holds that many bits."""

    def rule(source: ColumnType) -> ColumnType:
        bits = source.bits or 64
        names = unsigned if source.unsigned else signed
        width = min((w for w in names if w >= bits), default=max(names))
        name = names[width]
        own = (source.unsigned and "unsigned" in name.lower()) or name.startswith("U")
        kind: Kind = "decimal" if name.startswith(("numeric", "decimal")) else "integer"
        if kind == "decimal":
            return ColumnType(kind, name, precision=20, scale=0)
        return ColumnType(kind, name, bits=width if own or not source.unsigned else width * 2, unsigned=own)

    return rule


def _enum(inline: bool) -> TypeRule:
    def rule(source: ColumnType) -> ColumnType:
        values = ",".join("'" + v.replace("'", "''") + "'" for v in source.values)
        return replace(source, name=f"ENUM({values})" if inline else source.name, length=None)

    return rule


def _text_set(source: ColumnType) -> ColumnType:
    return replace(
        source, kind="set", name="set(" + ",".join("'" + v.replace("'", "''") + "'" for v in source.values) + ")"
    )


def _array(types: Callable[[], Mapping[Kind, TypeRule]]) -> TypeRule:
    def rule(source: ColumnType) -> ColumnType:
        element = source.element or ColumnType("text", "text")
        inner = types().get(element.kind, types()["text"])(element)
        return ColumnType("array", f"{inner.name}[]", element=inner)

    return rule


def _fallback(text: TypeRule, rules: Mapping[Kind, TypeRule]) -> Mapping[Kind, TypeRule]:
    """The rules, with text for every kind that a dialect does not have."""
    return {kind: rules.get(kind, lambda source: text(ColumnType("text", "text"))) for kind in get_args(Kind)}


def _timestamp(plain: str, zoned: str) -> TypeRule:
    def rule(source: ColumnType) -> ColumnType:
        return ColumnType("timestamp", zoned if source.timezone else plain, timezone=source.timezone and zoned != plain)

    return rule


def _keep(source: ColumnType) -> ColumnType:
    return source


_SIGNED = {16: "smallint", 32: "integer", 64: "bigint"}

_POSTGRESQL: Mapping[Kind, TypeRule] = _fallback(
    _to("text", "text"),
    {
        "integer": _integer(_SIGNED, {8: "smallint", 16: "integer", 32: "bigint", 64: "numeric(20,0)"}),
        "float": _to("float", "double precision"),
        "decimal": _decimal("numeric", 1000, "numeric"),
        "money": _to("decimal", "numeric(19,4)"),
        "boolean": _to("boolean", "boolean"),
        "text": _sized("text", "text", "varchar({})", 10_485_760, "char({})", 10_485_760),
        "enum": _enum(inline=False),
        "uuid": _to("uuid", "uuid"),
        "json": _to("json", "jsonb"),
        "date": _to("date", "date"),
        "time": _to("time", "time"),
        "timestamp": _timestamp("timestamp", "timestamptz"),
        "interval": _to("interval", "interval"),
        "year": _to("integer", "integer"),
        "bytes": _to("bytes", "bytea"),
        "bit": _sized("bit", "bit varying", "bit varying({})", 83_886_080),
        "array": _array(lambda: _POSTGRESQL),
    },
)

_MYSQL: Mapping[Kind, TypeRule] = _fallback(
    _to("text", "longtext"),
    {
        "integer": _integer(
            {8: "tinyint", 16: "smallint", 24: "mediumint", 32: "int", 64: "bigint"},
            {
                8: "tinyint unsigned",
                16: "smallint unsigned",
                24: "mediumint unsigned",
                32: "int unsigned",
                64: "bigint unsigned",
            },
        ),
        "float": _to("float", "double"),
        "decimal": _decimal("decimal", 65),
        "money": _to("decimal", "decimal(19,4)"),
        "boolean": _to("boolean", "tinyint(1)"),
        "text": _sized("text", "longtext", "varchar({})", 16_000, "char({})", 255),
        "enum": _enum(inline=True),
        "set": _text_set,
        "uuid": lambda source: ColumnType("text", "char(36)", length=36, fixed=True),
        "json": _to("json", "json"),
        "array": _to("json", "json"),
        "inet": lambda source: ColumnType("text", "varchar(49)", length=49),
        "cidr": lambda source: ColumnType("text", "varchar(49)", length=49),
        "macaddr": lambda source: ColumnType("text", "varchar(23)", length=23),
        "interval": lambda source: ColumnType("text", "varchar(64)", length=64),
        "date": _to("date", "date"),
        "time": _to("time", "time(6)"),
        "timestamp": _timestamp("datetime(6)", "datetime(6)"),
        "year": _to("year", "year"),
        "bytes": _sized("bytes", "longblob", "varbinary({})", 16_000, "binary({})", 255),
        "bit": _sized("bit", "bit(64)", "bit({})", 64),
        "geometry": _to("geometry", "geometry"),
    },
)

_SQLITE: Mapping[Kind, TypeRule] = _fallback(
    _to("text", "TEXT"),
    {
        "integer": lambda source: ColumnType("integer", "INTEGER", bits=64),
        "float": _to("float", "REAL"),
        "decimal": _decimal("NUMERIC", 1000, "NUMERIC"),
        "money": _to("decimal", "NUMERIC(19,4)"),
        "boolean": _to("boolean", "BOOLEAN"),
        "text": _sized("text", "TEXT", "VARCHAR({})", 1_000_000_000, "CHAR({})", 1_000_000_000),
        "enum": lambda source: ColumnType("text", "TEXT"),
        "uuid": lambda source: ColumnType("text", "CHAR(36)", length=36, fixed=True),
        "date": _to("date", "DATE"),
        "time": _to("time", "TIME"),
        "timestamp": _timestamp("DATETIME", "DATETIME"),
        "year": _to("integer", "INTEGER"),
        "bytes": _to("bytes", "BLOB"),
    },
)

_DUCKDB: Mapping[Kind, TypeRule] = _fallback(
    _to("text", "VARCHAR"),
    {
        "integer": _integer(
            {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"},
            {8: "UTINYINT", 16: "USMALLINT", 32: "UINTEGER", 64: "UBIGINT"},
        ),
        "float": _to("float", "DOUBLE"),
        "decimal": _decimal("DECIMAL", 38),
        "money": _to("decimal", "DECIMAL(19,4)"),
        "boolean": _to("boolean", "BOOLEAN"),
        "enum": _enum(inline=True),
        "uuid": _to("uuid", "UUID"),
        "json": _to("json", "JSON"),
        "date": _to("date", "DATE"),
        "time": _to("time", "TIME"),
        "timestamp": _timestamp("TIMESTAMP", "TIMESTAMPTZ"),
        "interval": _to("interval", "INTERVAL"),
        "year": _to("integer", "INTEGER"),
        "bytes": _to("bytes", "BLOB"),
        "bit": _to("bit", "BIT"),
        "array": _array(lambda: _DUCKDB),
    },
)

_GENERIC: Mapping[Kind, TypeRule] = _fallback(
    _sized("text", "varchar(4000)", "varchar({})", 4000),
    {
        "integer": _integer(_SIGNED, {16: "integer", 32: "bigint", 64: "numeric(20,0)"}),
        "float": _to("float", "double precision"),
        "decimal": _decimal("numeric", 38),
        "money": _to("decimal", "numeric(19,4)"),
        "boolean": _to("boolean", "boolean"),
        "text": _sized("text", "varchar(4000)", "varchar({})", 4000, "char({})", 255),
        "date": _to("date", "date"),
        "time": _to("time", "time"),
        "timestamp": _timestamp("timestamp", "timestamp"),
        "year": _to("integer", "integer"),
        "bytes": _to("bytes", "blob"),
    },
)

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(
            "postgresql",
            "postgres",
            _POSTGRESQL,
            name_bytes=True,
            schemas=True,
            partial_unique=True,
            expression_unique=True,
            nulls_not_distinct=True,
            exclusions=True,
            deferrable=True,
            alter_foreign_key=True,
            generated=frozenset({"STORED"}),
            ilike=True,
            pure_checks=False,
            zoned_literals=True,
            identity="GENERATED BY DEFAULT AS IDENTITY",
            enum_types=True,
        ),
        Target(
            "mysql",
            "mysql",
            _MYSQL,
            quote="`",
            name_limit=64,
            alter_foreign_key=True,
            booleans=False,
            foreign_key_actions=frozenset({"CASCADE", "SET NULL", "RESTRICT", "NO ACTION"}),
            identity="AUTO_INCREMENT",
            key_bytes=3072,
            row_bytes=60_000,
            same_key_types=True,
            table_options=" ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            default_in_brackets=frozenset({"text", "json", "bytes", "geometry"}),
        ),
        Target(
            "sqlite",
            "sqlite",
            _SQLITE,
            name_limit=10_000,
            partial_unique=True,
            expression_unique=True,
            deferrable=True,
            forward_references=True,
            booleans=False,
        ),
        Target(
            "duckdb",
            "duckdb",
            _DUCKDB,
            name_limit=10_000,
            schemas=True,
            expression_unique=True,
            same_key_types=True,
            ilike=True,
            foreign_key_actions=frozenset(),
            narrow_references=True,
            generated=frozenset({"VIRTUAL"}),
            constrained_generated=False,
            pure_checks=False,
        ),
        Target("generic", "", _GENERIC, name_limit=30, alter_foreign_key=True),
    )
}


def target_of(dialect: str) -> Target:
    """The record of this dialect; InputError with a suggestion when there is none.

    >>> target_of("mysql").quote
    '`'
    """
    try:
        return TARGETS[dialect]
    except KeyError:
        raise InputError(f"no dialect {dialect!r} to create tables for: {did_you_mean(dialect, TARGETS)}") from None


def quote_name(name: str, dialect: str) -> str:
    """An identifier, quoted whatever it contains.

    >>> quote_name('a"b', "postgresql")
    '"a""b"'
    >>> quote_name("order", "mysql")
    '`order`'
    """
    mark = TARGETS[dialect].quote if dialect in TARGETS else '"'
    return mark + name.replace(mark, mark * 2) + mark


def shorten_name(name: str, dialect: str) -> str:
    """The name itself where the dialect allows its length, else its start and a hash of it: the same on every run.

    >>> len(shorten_name("constraint_" * 9, "postgresql"))
    63
    """
    target = target_of(dialect)
    size = len(name.encode()) if target.name_bytes else len(name)
    if size <= target.name_limit:
        return name
    tail = "_" + blake2b(name.encode(), digest_size=4).hexdigest()
    room = target.name_limit - len(tail)
    head = name.encode()[:room].decode(errors="ignore") if target.name_bytes else name[:room]
    return head + tail
