"""A state machine over an application with a database: orders are paid and shipped while other rows come and go.

python -m pytest examples/test_state_machine.py
"""

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from fixturesynth.strategies import Change, DatabaseMachine


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(60), unique=True)


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    status: Mapped[str] = mapped_column(sa.String(8))
    __table_args__ = (sa.CheckConstraint("status IN ('open', 'paid', 'shipped')", name="status_known"),)


def pay(session: Session, order: int) -> bool:
    """The application: only an open order can be paid."""
    done = session.execute(sa.update(Order).where(Order.id == order, Order.status == "open").values(status="paid"))
    session.commit()
    return bool(done.rowcount)


engine_of_tests = sa.create_engine("sqlite://")
Base.metadata.create_all(engine_of_tests)


class Shop(DatabaseMachine):
    engine = engine_of_tests
    source = Base

    @rule(data=st.data())
    def pay_an_order(self, data: st.DataObject) -> None:
        if not self.dataset["orders"]:
            return
        order = data.draw(st.sampled_from(self.dataset["orders"]), label="order")
        with Session(self.connection, join_transaction_mode="create_savepoint") as session:
            paid = pay(session, order["id"])
        assert paid == (order["status"] == "open")
        if paid:
            self.made(Change("update", "orders", {"id": order["id"]}, {"status": "paid"}))

    @invariant()
    def the_database_holds_what_was_done_to_it(self) -> None:
        if hasattr(self, "connection"):
            found = self.connection.execute(sa.select(Order.id, Order.status)).all()
            assert {o["id"]: o["status"] for o in self.dataset["orders"]} == {row.id: row.status for row in found}


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=20, stateful_step_count=10, deadline=None)
