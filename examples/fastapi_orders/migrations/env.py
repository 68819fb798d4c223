"""Alembic's environment: the connection that a test hands over, else the one of alembic.ini."""

import sqlalchemy as sa
from alembic import context

config = context.config


def migrate(connection: sa.Connection) -> None:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = sa.create_engine(config.get_main_option("sqlalchemy.url") or "")
    with engine.begin() as own:
        migrate(own)
