"""Tables in which migration tools keep what they have done. Their rows are kept as they are, never made up."""

from __future__ import annotations

from typing import Final

from fixturesynth.schema.model import Table

__all__ = ["OWN", "is_ledger"]

# What FixtureSynth itself keeps in a database it has filled: no table of anybody's schema.
OWN: Final = frozenset(("_fixturesynth_manifest", "_fixturesynth_blocks"))

# Name and some columns, in lower case, with the tool that makes them; a name alone may mean something else.
LEDGERS: Final = {
    ("alembic_version", "version_num"): "Alembic",
    ("django_migrations", "app name applied"): "Django",
    ("south_migrationhistory", "app_name migration"): "South",
    ("schema_migrations", "version"): "Rails, golang-migrate, dbmate, Ecto",
    ("ar_internal_metadata", "key value"): "Rails",
    ("flyway_schema_history", "installed_rank script"): "Flyway",
    ("databasechangelog", "id author filename"): "Liquibase",
    ("databasechangeloglock", "id locked"): "Liquibase",
    ("migrations", "migration batch"): "Laravel",
    ("migrations", "timestamp name"): "TypeORM",
    ("knex_migrations", "name batch"): "Knex",
    ("knex_migrations_lock", "is_locked"): "Knex",
    ("_prisma_migrations", "checksum migration_name"): "Prisma",
    ("sequelizemeta", "name"): "Sequelize",
    ("mikro_orm_migrations", "name"): "MikroORM",
    ("doctrine_migration_versions", "version"): "Doctrine",
    ("phinxlog", "version migration_name"): "Phinx",
    ("__efmigrationshistory", "migrationid productversion"): "Entity Framework",
    ("_sqlx_migrations", "version checksum"): "SQLx",
    ("__diesel_schema_migrations", "version"): "Diesel",
    ("goose_db_version", "version_id"): "goose",
    ("gorp_migrations", "id applied_at"): "sql-migrate",
    ("atlas_schema_revisions", "version"): "Atlas",
    ("_yoyo_migration", "migration_hash migration_id"): "yoyo",
    ("aerich", "version app"): "Aerich",
    ("spatial_ref_sys", "srid srtext"): "PostGIS",
}


def is_ledger(table: Table) -> bool:
    """Whether a migration tool (or PostGIS) keeps its own records in ``table``, by its name and columns.

    >>> from fixturesynth.schema.model import Column, ColumnType, Table
    >>> version = Column("version_num", ColumnType("text", "varchar(32)"), nullable=False)
    >>> is_ledger(Table("alembic_version", columns=(version,))), is_ledger(Table("versions", columns=(version,)))
    (True, False)
    """
    name, columns = table.name.rpartition(".")[2].lower(), {c.name.lower() for c in table.columns}
    return any(name == known and columns >= set(needed.split()) for known, needed in LEDGERS)
