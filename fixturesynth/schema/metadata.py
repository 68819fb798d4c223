"""SQLAlchemy ``MetaData`` (declarative bases, SQLModel) to a ``Schema``, without a database."""

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import Dialect as Compiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from fixturesynth.errors import SourceError
from fixturesynth.schema.connection import one_line
from fixturesynth.schema.decorated import readable
from fixturesynth.schema.draft import Draft, freeze, table_name
from fixturesynth.schema.lexing import names_in, unbracketed
from fixturesynth.schema.model import (
    Check,
    Column,
    ColumnType,
    Dialect,
    Exclusion,
    ForeignKey,
    Generated,
    PrimaryKey,
    Schema,
    Unique,
)
from fixturesynth.schema.types import parse_type

__all__ = ["read_metadata"]

COMPILERS: dict[Dialect, type[DefaultDialect]] = {
    "postgresql": postgresql.dialect,
    "mysql": mysql.dialect,
    "sqlite": sqlite.dialect,
    "generic": DefaultDialect,
}


def read_metadata(metadata: sa.MetaData, dialect: str | None = None) -> Schema:
    """The ``Schema`` of all tables in ``metadata``.

    Args:
        dialect: whose names the types get; by default that of types which belong to one (JSONB: ``postgresql``),
            else ``generic``.
    """
    name = dialect_of(metadata, dialect)
    compiler = COMPILERS[name]()
    drafts = []
    notes = []
    for table in metadata.tables.values():
        if table.info.get("is_view"):
            notes.append(f"view {table.name} is left alone")
            continue
        draft = Draft(table_name(table.schema, table.name, metadata.schema), table.schema, comment=table.comment)
        draft.columns = [read_column(c, draft, compiler) for c in table.columns]
        for column, made in zip(table.columns, draft.columns, strict=True):
            conditions, told = readable(column, made.type, compiler)
            draft.checks += [Check(f"type_of_{made.name}", c, (made.name,), declared=False) for c in conditions]
            draft.not_understood += [told] if told is not None else []
        # A check given to a column stays with the column.
        constraints = table.constraints.union(*(c.constraints for c in table.columns))
        for constraint in sorted(constraints, key=lambda c: c._creation_order):
            read_constraint(constraint, draft, compiler, metadata)
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            if index.unique:
                draft.uniques.append(read_index(index, compiler))
        drafts.append(draft)
    return freeze(drafts, name, metadata.schema, notes)


def dialect_of(metadata: sa.MetaData, wanted: str | None) -> Dialect:
    if wanted is not None:
        found = next((name for name in COMPILERS if name == wanted), None)
        if found is None:
            raise SourceError(f"unknown dialect {wanted!r} for SQLAlchemy models; there are: {', '.join(COMPILERS)}")
        return found
    modules = {type(c.type).__module__ for t in metadata.tables.values() for c in t.columns}
    excluded = any(isinstance(c, postgresql.ExcludeConstraint) for t in metadata.tables.values() for c in t.constraints)
    own: Iterable[Dialect] = ("postgresql", "mysql", "sqlite")
    found = next((d for d in own if any(m.startswith(f"sqlalchemy.dialects.{d}") for m in modules)), None)
    return found or ("postgresql" if excluded else "generic")


def text_of(element: Any, compiler: Compiler) -> str:
    """An expression as the dialect writes it, columns without their table."""
    if isinstance(element, str):
        return element
    # The sql_compiler of DDL is how SQLAlchemy itself renders checks and index expressions.
    sql = compiler.ddl_compiler(compiler, None).sql_compiler  # type: ignore[arg-type]
    return str(sql.process(sa.sql.elements.Grouping(element).element, include_table=False, literal_binds=True))


def read_column(column: sa.Column[Any], draft: Draft, compiler: Compiler) -> Column:
    found = read_type(column.type, compiler)
    if found.kind == "other":
        draft.not_understood.append(f"type {found.name} of column {column.name}")
    identity = column.identity
    computed = column.computed
    domain = column.type if isinstance(column.type, postgresql.DOMAIN) else None
    default = column.server_default
    stated = default.arg if isinstance(default, sa.DefaultClause) else None
    quoted = stated if stated is None or not isinstance(stated, str) else "'" + stated.replace("'", "''") + "'"
    checks = (
        (unbracketed(text_of(domain.check, compiler), compiler.name),) if domain and domain.check is not None else ()
    )
    return Column(
        name=column.name,
        type=found,
        nullable=bool(column.nullable) and not (domain and domain.not_null),
        default=None if quoted is None else text_of(quoted, compiler),
        identity=None if identity is None else "always" if identity.always else "by default",
        autoincrement=identity is None and column.table.autoincrement_column is column,
        generated=None
        if computed is None
        else Generated(text_of(computed.sqltext, compiler), computed.persisted is not False),
        collation=getattr(column.type, "collation", None),
        comment=column.comment,
        domain_checks=checks,
    )


def read_type(column_type: TypeEngine[Any], compiler: Compiler) -> ColumnType:
    """The type, unwrapped from decorators and variants, by what it is first and by its text second."""
    if isinstance(column_type, TypeDecorator):
        return read_type(column_type.load_dialect_impl(compiler), compiler)
    if isinstance(column_type, postgresql.DOMAIN):
        base = read_type(column_type.data_type, compiler)
        return ColumnType(**{**vars(base), "domain": column_type.name})
    if isinstance(column_type, sa.Enum):
        name = column_type.name or f"varchar({column_type.length})"
        return ColumnType("enum", name, values=tuple(column_type.enums))
    if isinstance(column_type, sa.ARRAY):
        element = read_type(column_type.item_type, compiler)
        return ColumnType("array", f"{element.name}[]", element=element)
    fixed = next((FIXED[v] for v in lineage(column_type) if v in FIXED), None)
    if fixed is not None:
        return fixed
    text = compiled(column_type, compiler)
    found = parse_type(text, compiler.name if compiler.name in COMPILERS else "generic")
    return found if found.kind != "other" or compiler.name == "postgresql" else postgresql_kind(column_type, found)


# Types that the generic dialect writes as another one.
FIXED = {
    "uuid": ColumnType("uuid", "uuid"),
    "interval": ColumnType("interval", "interval"),
    "boolean": ColumnType("boolean", "boolean"),
    "large_binary": ColumnType("bytes", "blob"),
}


def lineage(column_type: TypeEngine[Any]) -> list[str]:
    return [getattr(cls, "__visit_name__", "") for cls in type(column_type).__mro__]


def compiled(column_type: TypeEngine[Any], compiler: Compiler) -> str:
    try:
        return column_type.compile(dialect=compiler).lower()
    except sa.exc.CompileError:
        return type(column_type).__name__.lower()


def postgresql_kind(column_type: TypeEngine[Any], otherwise: ColumnType) -> ColumnType:
    found = parse_type(compiled(column_type, postgresql.dialect()), "postgresql")  # type: ignore[no-untyped-call,unused-ignore]
    return found if found.kind != "other" else otherwise


@singledispatch
def read_constraint(constraint: sa.Constraint, draft: Draft, compiler: Compiler, metadata: sa.MetaData) -> None:
    draft.not_understood.append(f"constraint {type(constraint).__name__} {constraint.name or ''}".rstrip())


@read_constraint.register
def _(constraint: sa.PrimaryKeyConstraint, draft: Draft, compiler: Compiler, metadata: sa.MetaData) -> None:
    names = tuple(c.name for c in constraint.columns)
    draft.primary_key = PrimaryKey(names, name_of(constraint, "") or None) if names else None


@read_constraint.register
def _(constraint: sa.UniqueConstraint, draft: Draft, compiler: Compiler, metadata: sa.MetaData) -> None:
    columns = tuple(c.name for c in constraint.columns)
    distinct = not constraint.dialect_kwargs.get("postgresql_nulls_not_distinct")
    draft.uniques.append(Unique(name_of(constraint, f"uq_{'_'.join(columns)}"), columns, nulls_distinct=distinct))


@read_constraint.register
def _(constraint: sa.CheckConstraint, draft: Draft, compiler: Compiler, metadata: sa.MetaData) -> None:
    if getattr(constraint, "_type_bound", False) and draft.columns and isinstance_enum(constraint):
        return  # the values of an Enum, which its type lists
    text = unbracketed(text_of(constraint.sqltext, compiler), compiler.name)
    made = f"ck_{draft.name}_{len(draft.checks) + 1}"
    dialect = "postgresql" if compiler.name == "postgresql" else "generic"
    draft.checks.append(Check(name_of(constraint, made), text, names_in(text, draft.column_names, dialect)))


@read_constraint.register
def _(constraint: sa.ForeignKeyConstraint, draft: Draft, compiler: Compiler, metadata: sa.MetaData) -> None:
    columns = tuple(c.name for c in constraint.columns)
    try:
        parent = constraint.referred_table
        parent_columns = tuple(e.column.name for e in constraint.elements)
    except (sa.exc.NoReferenceError, sa.exc.InvalidRequestError) as error:
        draft.not_understood.append(f"foreign key on ({', '.join(columns)}): {one_line(error)}")
        return
    deferred = (constraint.initially or "").upper() == "DEFERRED"
    match = {"FULL": "FULL", "PARTIAL": "PARTIAL"}.get((constraint.match or "").upper(), "SIMPLE")
    draft.foreign_keys.append(
        ForeignKey(
            name_of(constraint, ""),
            columns,
            table_name(parent.schema, parent.name, metadata.schema),
            parent_columns,
            on_delete=action(constraint.ondelete),
            on_update=action(constraint.onupdate),
            deferrable=bool(constraint.deferrable) or deferred,
            initially_deferred=deferred,
            match=match,  # type: ignore[arg-type]
        )
    )


@read_constraint.register
def _(constraint: postgresql.ExcludeConstraint, draft: Draft, compiler: Compiler, metadata: sa.MetaData) -> None:
    elements = tuple((text_of(element, compiler), str(operator)) for element, _, operator in constraint._render_exprs)
    where = None if constraint.where is None else unbracketed(text_of(constraint.where, compiler), "postgresql")
    members = ", ".join(f"{element} WITH {operator}" for element, operator in elements)
    text = f"EXCLUDE USING {constraint.using} ({members})" + (f" WHERE ({where})" if where else "")
    made = f"ex_{draft.name}_{len(draft.exclusions) + 1}"
    draft.exclusions.append(Exclusion(name_of(constraint, made), text, elements, constraint.using, where))


def isinstance_enum(constraint: sa.CheckConstraint) -> bool:
    """Whether the check was made by an Enum type, not by hand."""
    return any(isinstance(c.type, sa.Enum) for c in constraint.columns)


def name_of(constraint: sa.Constraint | sa.Index, made: str) -> str:
    return str(constraint.name) if isinstance(constraint.name, str) else made


def action(text: str | None) -> str | None:
    return None if text is None or text.upper() == "NO ACTION" else text.upper()


def read_index(index: sa.Index, compiler: Compiler) -> Unique:
    columns = tuple(e.name for e in index.expressions if isinstance(e, sa.Column))
    others = tuple(text_of(e, compiler) for e in index.expressions if not isinstance(e, sa.Column))
    where = next((v for k, v in index.dialect_kwargs.items() if k.endswith("_where") and v is not None), None)
    return Unique(
        name_of(index, f"uq_{'_'.join(columns)}"),
        columns,
        others,
        None if where is None else unbracketed(text_of(where, compiler), compiler.name),
        nulls_distinct=not index.dialect_kwargs.get("postgresql_nulls_not_distinct"),
        is_index=True,
    )
