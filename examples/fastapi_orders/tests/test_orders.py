"""A test names what matters to it; all else is there."""

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from orders.models import Customer, Order, Status

from fixturesynth.errors import ConstraintError
from pytest_fixturesynth import AsyncSynth, Synth


def test_orders_of_a_customer(client: TestClient, synth: Synth) -> None:
    ann = synth.make("customers", name="Ann", orders=[{"status": Status.paid, "total": 10}, {"total": 20}])
    listed = client.get(f"/customers/{ann.id}/orders").json()
    assert sorted(o["total"] for o in listed) == ["10.00", "20.00"]


def test_nobody_has_no_orders(client: TestClient) -> None:
    assert client.get("/customers/0/orders").status_code == 404


def test_a_paid_order_is_refunded(client: TestClient, synth: Synth) -> None:
    order = synth.make("orders", status=Status.paid)
    assert client.post(f"/orders/{order.id}/refund").json() == {"id": order.id, "status": "refunded"}
    assert order.refunded_at >= order.placed_at


def test_only_once(client: TestClient, synth: Synth) -> None:
    order = synth.make("orders", "refunded")
    assert client.post(f"/orders/{order.id}/refund").status_code == 409


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_finds_the_same_rows(client: TestClient, synth: Synth, turn: int) -> None:
    count = sa.select(sa.func.count()).select_from(Order)
    assert synth.session.scalar(count) == 30
    synth.make("orders", customer=synth.session.get(Customer, 1))
    synth.session.commit()
    assert synth.session.scalar(count) == 31


def test_what_cannot_be_is_refused_by_name(synth: Synth) -> None:
    with pytest.raises(ConstraintError, match="refunded_when"):
        synth.make("orders", status=Status.open, refunded_at="2025-05-01 10:00:00")


@pytest.mark.fixturesynth(edge_cases=True)
def test_names_that_break_code(client: TestClient, synth: Synth) -> None:
    numbers = synth.session.scalars(sa.select(Customer.id)).all()
    assert {client.get(f"/customers/{n}/orders").status_code for n in numbers} == {200}


@pytest.mark.asyncio
async def test_asynchronously(synth_async: AsyncSynth) -> None:
    order = await synth_async.make("orders", "large")
    found = await synth_async.session.scalar(sa.select(sa.func.max(Order.total)))
    assert found >= 4999 and order.customer.email
