"""A refunded order says when it was, and only such an order."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("refunded_at", sa.DateTime))
        orders.create_check_constraint("refunded_when", "(status = 'refunded') = (refunded_at IS NOT NULL)")
        orders.create_check_constraint("refunded_after", "refunded_at >= placed_at")


def downgrade() -> None:
    with op.batch_alter_table("orders") as orders:
        orders.drop_column("refunded_at")
