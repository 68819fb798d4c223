"""A connection, and rows as mappings."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from ledger import balance, book

from pytest_fixturesynth import Synth


def test_nothing_is_lost(synth_connection: sa.Connection) -> None:
    numbers = synth_connection.execute(sa.text("SELECT id FROM accounts")).scalars().all()
    assert len(numbers) == 20 and sum(balance(synth_connection, n) for n in numbers) == 0


def test_a_booking_moves_money(synth: Synth) -> None:
    ann, bob = synth.make("accounts", owner="Ann"), synth.make("accounts", owner="Bob")
    synth.make("bookings", debit=ann, credit=bob, amount=Decimal("10.50"))
    book(synth.connection, bob["id"], ann["id"], Decimal("3.25"))
    assert balance(synth.connection, ann["id"]) == Decimal("-7.25")
    assert balance(synth.connection, bob["id"]) == Decimal("7.25")


def test_two_accounts_are_two(synth: Synth) -> None:
    booking = synth.make("bookings")
    assert booking["debit_id"] != booking["credit_id"]


def test_the_trigger_is_there(synth_connection: sa.Connection) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="for ever"):
        synth_connection.execute(sa.text("DELETE FROM bookings"))


@pytest.mark.fixturesynth(rows={"bookings": 200}, seed=[1, 2, 3])
def test_under_many_seeds(synth: Synth) -> None:
    assert synth.connection.execute(sa.text("SELECT count(*) FROM bookings")).scalar() == 200
    assert min(synth.data["bookings"]["amount"]) > 0
