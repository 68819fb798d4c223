"""The application: a customer's orders, and refunds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import Session

from orders.models import Customer, Order, Status

app = FastAPI()


def get_session() -> Iterator[Session]:
    with Session(sa.create_engine("sqlite:///orders.sqlite")) as session:
        yield session


Database = Annotated[Session, Depends(get_session)]


@app.get("/customers/{number}/orders")
def list_orders(number: int, session: Database) -> list[dict[str, Any]]:
    if session.get(Customer, number) is None:
        raise HTTPException(404)
    found = session.scalars(sa.select(Order).where(Order.customer_id == number).order_by(Order.placed_at))
    return [{"id": o.id, "status": o.status.value, "total": str(o.total)} for o in found]


@app.post("/orders/{number}/refund")
def refund(number: int, session: Database) -> dict[str, Any]:
    order = session.get(Order, number)
    if order is None:
        raise HTTPException(404)
    if order.status is not Status.paid:
        raise HTTPException(409, f"the order is {order.status.value}")
    order.status, order.refunded_at = Status.refunded, datetime.now()
    session.commit()
    return {"id": order.id, "status": order.status.value}
