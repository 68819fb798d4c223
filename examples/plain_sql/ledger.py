"""What stands on an account."""

from decimal import Decimal

import sqlalchemy as sa

BALANCE = """
SELECT coalesce(sum(CASE WHEN credit_id = :account THEN amount ELSE -amount END), 0)
FROM bookings WHERE :account IN (debit_id, credit_id)
"""


def balance(connection: sa.Connection, account: int) -> Decimal:
    return Decimal(str(connection.execute(sa.text(BALANCE), {"account": account}).scalar())).quantize(Decimal("0.01"))


def book(connection: sa.Connection, debit: int, credit: int, amount: Decimal) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO bookings (debit_id, credit_id, amount, booked_at) VALUES (:debit, :credit, :amount, :now)"
        ),
        {"debit": debit, "credit": credit, "amount": float(amount), "now": "2026-01-01 00:00:00"},
    )
    connection.commit()
