"""What strategies hand over: forms, single rows, changes, violations, mapped classes, frames, isolation and errors."""

import enum
import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from catalogue_audit import put_script
from conftest import REPOSITORY
from hypothesis import Phase, example, find, given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.extra.pandas import data_frames
from hypothesis.stateful import invariant, run_state_machine_as_test
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlmodel import Field, SQLModel

from fixturesynth.errors import InputError, UnsatisfiableError
from fixturesynth.strategies import (
    Change,
    DatabaseMachine,
    Frames,
    Script,
    Tables,
    changes,
    columns,
    frames,
    from_schema,
    index,
    loaded,
    register,
    rows,
    violations,
)

SHOP = REPOSITORY / "schemas" / "shop.sql"
QUICK = settings(max_examples=40, database=None, deadline=None, derandomize=True)
FINDING = settings(max_examples=2000, database=None, deadline=None, derandomize=True)


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20), unique=True)
    colour: Mapped[Colour]
    settings: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("customers.id"))
    total: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2))
    placed_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship(back_populates="orders")
    __table_args__ = (sa.CheckConstraint("total >= 0", name="total_not_negative"),)


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=12, unique=True)
    age: int | None = None


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    path = tmp_path_factory.mktemp("strategies") / "shop.sqlite"
    path.touch()
    put_script(f"sqlite:///{path}", SHOP)
    engine = sa.create_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def mapped() -> sa.Engine:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


# -- forms ------------------------------------------------------------------------------------------------------------
def test_dictionaries_print_as_literals_that_reproduce_them() -> None:
    found = find(rows(SHOP, "orders"), lambda d: True, settings=FINDING)
    assert isinstance(found, Tables)
    assert eval(repr(found), {"datetime": __import__("datetime"), "Decimal": Decimal}) == found
    assert {name: len(some) for name, some in found.items()} == {"customers": 1, "orders": 1}


def test_a_failing_test_prints_a_script_of_inserts() -> None:
    @settings(QUICK, max_examples=100)
    @given(rows(SHOP, "orders", tables_as="sql"))
    def fails(script: Script) -> None:
        assert "'paid'" not in script

    with pytest.raises(AssertionError) as failure:
        fails()
    shown = "\n".join(failure.value.__notes__)
    assert "script=Script('''" in shown
    assert """INSERT INTO "customers" ("id", "email",""" in shown
    assert "(1, 1, NULL, '', 'paid', '2000-01-01 00:00:00', NULL, 0.00);" in shown


@given(from_schema(SHOP, ["orders"], tables_as="sql"))
@QUICK
def test_a_script_is_statements_that_load_and_that_come_back_from_its_text(shop: sa.Engine, script: Script) -> None:
    again = eval(repr(script), {"Script": Script})
    assert again == script
    with loaded(shop, again) as connection:
        counted = [connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar() for t in ("customers", "orders")]
    assert len(script.statements) == sum(count > 0 for count in counted)


@QUICK
@given(from_schema(SHOP, ["products"], tables_as="frames"))
def test_frames_keep_their_types_also_without_rows(data: Frames) -> None:
    assert data["products"]["created_at"].dtype.kind == "M"
    assert list(data["products"].columns)[:3] == ["id", "category_id", "sku"]
    assert set(data["products"]["category_id"]) <= set(data["categories"]["id"])


def test_frames_print_as_literals() -> None:
    found = find(rows(SHOP, "orders", tables_as="frames"), lambda d: True, settings=FINDING)
    space = {"frames": frames, "datetime": __import__("datetime"), "Decimal": Decimal}
    again = eval(repr(found), space)
    assert again["orders"]["status"].tolist() == found["orders"]["status"].tolist() == ["open"]
    assert isinstance(again["customers"], pd.DataFrame)


@QUICK
@given(from_schema(Base, tables_as="orm"))
def test_mapped_objects_know_their_parents_and_load(mapped: sa.Engine, data: dict[str, list[Any]]) -> None:
    for order in data["orders"]:
        assert isinstance(order, Order)
        assert order.customer.id == order.customer_id
        assert isinstance(order.customer.colour, Colour)
        assert isinstance(order.customer.settings, dict | list | str | int | float | None)
    with loaded(mapped, data) as connection, Session(connection) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Order)) == len(data["orders"])
    with mapped.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0


def test_types_of_mapped_classes_are_known_to_hypothesis() -> None:
    order = find(st.from_type(Order), lambda o: o.total > 3, settings=FINDING)
    assert isinstance(order, Order)
    assert order.total == Decimal("4.00") and order.customer.name == "" and order.customer.orders == [order]
    hero = find(st.from_type(Hero), lambda h: h.age is not None, settings=FINDING)
    assert (hero.id, hero.name, hero.age) == (1, "", 0)


def test_registering_a_base_does_the_same() -> None:
    register(Base)
    assert isinstance(find(st.from_type(Customer), lambda c: True, settings=FINDING), Customer)


# -- replay -----------------------------------------------------------------------------------------------------------
def test_explicit_examples_and_the_example_database_replay() -> None:
    given_rows = {"customers": [], "orders": []}
    seen: list[Any] = []
    kept = InMemoryExampleDatabase()

    @settings(QUICK, derandomize=False, database=kept, phases=[Phase.explicit])
    @example(data=given_rows)
    @given(data=from_schema(SHOP, ["orders"]))
    def once(data: Any) -> None:
        seen.append(data)

    once()
    assert seen == [given_rows]

    @settings(max_examples=300, database=kept, deadline=None)
    @given(data=from_schema(SHOP, ["orders"]))
    def failing(data: Any) -> None:
        seen.append(data)
        assert len(data["orders"]) < 2

    with pytest.raises(AssertionError):
        failing()
    first = len(seen)
    smallest = seen[-1]
    with pytest.raises(AssertionError):
        failing()
    assert seen[first] == smallest


# -- isolation --------------------------------------------------------------------------------------------------------
def test_what_a_block_does_is_gone_afterwards_even_when_it_commits(mapped: sa.Engine) -> None:
    data = find(from_schema(Base, min_rows=1), lambda d: True, settings=FINDING)
    with loaded(mapped, data) as connection:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.delete(session.scalars(sa.select(Order)).one())
            session.commit()
        assert connection.scalar(sa.select(sa.func.count()).select_from(Order)) == 0
    with mapped.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0


def test_a_savepoint_in_the_transaction_of_the_caller(postgresql_database: str) -> None:
    engine = sa.create_engine(postgresql_database)
    Base.metadata.create_all(engine)
    data = find(from_schema(Base, min_rows=1), lambda d: True, settings=FINDING)
    with engine.connect() as connection:
        connection.execute(sa.insert(Customer).values(id=uuid.uuid4(), name="own", colour=Colour.BLUE, settings={}))
        with loaded(connection, data):
            assert connection.scalar(sa.select(sa.func.count()).select_from(Customer)) == 2
        assert connection.scalars(sa.select(Customer.name)).all() == ["own"]
    engine.dispose()


def test_moments_are_found_by_code_that_asks_for_them(mapped: sa.Engine) -> None:
    data = find(from_schema(Base, min_rows=1), lambda d: True, settings=FINDING)
    with loaded(mapped, data) as connection:
        query = sa.select(sa.func.count()).select_from(Order).where(Order.placed_at == datetime(2000, 1, 1))
        assert connection.scalar(query) == 1


# -- changes and violations -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["bank", "saas", "shop"])
def test_changes_keep_every_constraint(name: str, tmp_path: Path) -> None:
    path = REPOSITORY / "schemas" / f"{name}.sql"
    (tmp_path / "one.sqlite").touch()
    put_script(f"sqlite:///{tmp_path / 'one.sqlite'}", path)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    kinds = set()

    @settings(QUICK, max_examples=25)
    @given(st.data())
    def one(data: Any) -> None:
        dataset = data.draw(from_schema(path, max_rows=2))
        with loaded(engine, dataset) as connection:
            for _ in range(3):
                change: Change = data.draw(changes(dataset))
                kinds.add(change.kind)
                change.run(connection)
                dataset = change.applied(dataset)
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
            for table, some in dataset.items():
                assert connection.exec_driver_sql(f'SELECT count(*) FROM "{table}"').scalar() == len(some)

    one()
    engine.dispose()
    assert kinds == {"insert", "update", "delete"}


@pytest.mark.parametrize("name", ["bank", "clinic", "saas", "shop"])
def test_a_violation_breaks_the_one_constraint_that_it_names(name: str, postgresql_database: str) -> None:
    path = REPOSITORY / "schemas" / f"{name}.sql"
    put_script(postgresql_database, path)
    engine = sa.create_engine(postgresql_database)
    kinds = set()

    @settings(QUICK, max_examples=60)
    @given(violations(engine))
    def one(violation: Any) -> None:
        kinds.add(violation.kind)
        with loaded(engine, violation.dataset) as connection:
            with pytest.raises(sa.exc.IntegrityError) as refusal, connection.begin_nested():
                Change("insert", violation.table, values=violation.row).run(connection)
                connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            told = refusal.value.orig.diag  # type: ignore[union-attr]
            assert violation.constraint in (told.constraint_name, told.column_name)

    one()
    engine.dispose()
    assert kinds == {"not null", "unique", "foreign key", "check"}


def test_one_named_constraint_is_broken_in_the_smallest_way() -> None:
    found = find(violations(SHOP, ["order_items"], constraints=["ck_order_items_1"]), lambda v: True, settings=FINDING)
    assert (found.kind, found.table, found.row["quantity"]) == ("check", "order_items", 0)
    assert len(found.whole()["order_items"]) == 2


# -- a state machine --------------------------------------------------------------------------------------------------
def test_a_state_machine_finds_a_cache_that_forgets_deletes(shop: sa.Engine) -> None:
    class Cached(DatabaseMachine):
        engine = shop
        source = SHOP
        tables = ("customers",)

        def made(self, change: Change) -> None:
            self.counted = getattr(self, "counted", len(self.dataset["customers"])) + (change.kind == "insert")
            super().made(change)

        @invariant()
        def counts_agree(self) -> None:
            if hasattr(self, "counted"):
                assert self.connection.exec_driver_sql("SELECT count(*) FROM customers").scalar() == self.counted

    with pytest.raises(AssertionError) as failure:
        run_state_machine_as_test(Cached, settings=settings(QUICK, max_examples=60, stateful_step_count=4))
    shown = "\n".join(failure.value.__notes__)
    assert "kind='delete'" in shown and shown.count("change_a_row(") == 1


def test_a_machine_must_name_its_engine() -> None:
    with pytest.raises(InputError, match=r"Nameless must name its engine"):
        type("Nameless", (DatabaseMachine,), {})()


# -- frames put together by hand --------------------------------------------------------------------------------------
@QUICK
@given(data_frames(columns(SHOP, "order_items")), data_frames(columns(SHOP, "products"), index=index(SHOP, "products")))
def test_columns_for_pandas(items: pd.DataFrame, products: pd.DataFrame) -> None:
    assert items["quantity"].between(1, 100).all()
    assert products["sku"].is_unique and products.index.is_unique
    assert set(products["status"]) <= {"draft", "active", "retired"}


# -- counts and errors ------------------------------------------------------------------------------------------------
@QUICK
@given(from_schema(SHOP, min_rows={"order_items": 2, "customers": 1}, max_rows={"customers": 1}))
def test_counts_are_kept_and_parents_follow(data: dict[str, list[Any]]) -> None:
    assert len(data["customers"]) == 1
    assert 2 <= len(data["order_items"]) <= 5
    assert data["products"] and data["orders"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tables": ["order"]}, r"no table 'order': did you mean 'orders'\?"),
        ({"tables_as": "pandas"}, r"unknown tables_as='pandas'"),
        ({"tables_as": "orm"}, r'tables_as="orm" needs mapped classes'),
        ({"min_rows": -1}, r"min_rows of every table must not be negative, however: -1"),
        ({"min_rows": {"order": 1}}, r"min_rows: no table 'order' here: did you mean 'orders'\?"),
        ({"min_rows": 3, "max_rows": 2}, r"min_rows=3 is more than max_rows=2"),
        ({"min_rows": {"orders": 1}, "max_rows": {"customers": 0}}, r"orders needs rows of customers"),
        ({"alphabet": ""}, r"alphabet must have at least one character"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_schema(SHOP, **arguments)


def test_more_rows_than_there_can_be_are_refused_by_name() -> None:
    one_each = from_schema(SHOP, ["addresses"], min_rows={"addresses": 12}, max_rows={"customers": 1, "addresses": 12})

    @QUICK
    @given(one_each)
    def never(data: Any) -> None:
        pass

    with pytest.raises(UnsatisfiableError, match=r"addresses: min_rows asks for 12 rows, but .* leave room for 9"):
        never()


def test_changes_need_a_source_they_know() -> None:
    with pytest.raises(InputError, match=r"changes\(dataset, source\)"):
        changes({"customers": []})
    with pytest.raises(InputError, match=r"unknown kind of change 'upsert'"):
        changes({"customers": []}, SHOP, kinds=["upsert"])


@QUICK
@given(from_schema(SHOP, ["customers"], alphabet="ab", min_rows=1))
def test_an_alphabet_of_ones_own(data: dict[str, list[Any]]) -> None:
    assert set("".join(c["first_name"] + c["email"] for c in data["customers"])) <= {"a", "b"}
