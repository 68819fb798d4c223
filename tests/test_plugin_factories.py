"""``make``, ``batch`` and ``build``: parents, children, overrides, traits, classes and learned rows."""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

import fixturesynth as fs
from fixturesynth.errors import CapacityError, ConstraintError, InputError, LoadError, SpecError
from pytest_fixturesynth.handle import Synth
from pytest_fixturesynth.runs import Run
from pytest_fixturesynth.settings import Settings, parse_rows

Open = Callable[..., Synth]


@pytest.fixture
def open_synth(pytester: pytest.Pytester) -> Iterator[Open]:
    """A handle on a filled database, as a test would get it."""
    config = pytester.parseconfig("-p", "no:django", "-p", "no:asyncio")
    run = Run(config)
    handles: list[Synth] = []

    def opened(source: Any, *, rows: Any = 20, database: str = "sqlite", **settings: Any) -> Synth:
        if isinstance(source, str) and "CREATE TABLE" in source:
            path = pytester.path / f"{uuid.uuid4().hex}.sql"
            path.write_text(source, encoding="utf-8")
            source = str(path)
        asked = Settings(source, pytester.path, database=database, rows=parse_rows(rows), **settings)
        handles.append(Synth(run.database(asked), asked))
        return handles[-1]

    yield opened
    for handle in reversed(handles):
        handle.close()
    run.close()


SHOP = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email VARCHAR(80) NOT NULL UNIQUE, country CHAR(2) NOT NULL,
    referred_by INTEGER REFERENCES customers (id), created_at TIMESTAMP NOT NULL
);
CREATE TABLE products (code VARCHAR(8) PRIMARY KEY, name VARCHAR(60) NOT NULL, price DECIMAL(8, 2) NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers (id),
    ship_to INTEGER REFERENCES customers (id),
    status VARCHAR(10) NOT NULL CONSTRAINT known CHECK (status IN ('open', 'paid', 'refunded')),
    placed_at TIMESTAMP NOT NULL, refunded_at TIMESTAMP,
    CONSTRAINT refunded CHECK ((status = 'refunded') = (refunded_at IS NOT NULL)),
    CONSTRAINT later CHECK (refunded_at >= placed_at)
);
CREATE TABLE items (
    order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL CHECK (line BETWEEN 1 AND 5),
    product_code VARCHAR(8) NOT NULL REFERENCES products (code), quantity INTEGER NOT NULL CHECK (quantity > 0),
    price DECIMAL(8, 2) NOT NULL, total DECIMAL(10, 2) NOT NULL CONSTRAINT adds_up CHECK (total = quantity * price),
    PRIMARY KEY (order_id, line)
);
"""


def count(synth: Synth, table: str) -> int:
    return int(synth.connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() or 0)


def test_a_row_brings_all_that_it_needs_and_no_more(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    item = synth.make("items")
    assert {t: count(synth, t) for t in ("customers", "products", "orders", "items")} == dict.fromkeys(
        ("customers", "products", "orders", "items"), 21
    )
    order = item.parents["fk_order_id"]
    assert order["ship_to"] is None and order.parents["fk_customer_id"]["referred_by"] is None
    assert order["placed_at"] >= order.parents["fk_customer_id"]["created_at"]
    assert item["total"] == item["quantity"] * item["price"]


def test_parents_that_are_there(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    synth.make("items", reuse=True)
    assert {t: count(synth, t) for t in ("customers", "products", "orders", "items")} == {
        "customers": 20, "products": 20, "orders": 20, "items": 21,
    }  # fmt: skip
    made = synth.batch("items", 3, reuse={"products"})
    assert count(synth, "products") == 20 and count(synth, "orders") == 23 and len(made) == 3


@pytest.mark.parametrize("name", ["customer", "customer_id", "fk_customer_id"])
def test_a_parent_by_every_name(open_synth: Open, name: str) -> None:
    synth = open_synth(SHOP)
    ann = synth.make("customers")
    assert synth.make("orders", **{name: ann})["customer_id"] == ann["id"]
    assert synth.make("orders", **{name: ann["id"]})["customer_id"] == ann["id"]
    if name != "customer_id":
        assert synth.make("orders", **{name: True})["customer_id"] == ann["id"] + 1
        assert synth.make("orders", **{name: {"country": "DE"}}).parents["fk_customer_id"]["country"] == "DE"
        assert synth.make("orders", **{f"{name}__country": "FR"}).parents["fk_customer_id"]["country"] == "FR"


def test_an_optional_parent(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    ann = synth.make("customers")
    assert synth.make("orders", ship_to=ann)["ship_to"] == ann["id"]
    made = synth.make("orders", fk_ship_to=True)
    assert made["ship_to"] == made.parents["fk_ship_to"]["id"]
    assert synth.make("orders", fk_ship_to=None)["ship_to"] is None


def test_children(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    ann = synth.make("customers", **{"orders.fk_customer_id": [{"status": "open", "items": 2}, {"status": "paid"}]})
    rows = synth.connection.execute(
        sa.text(
            "SELECT status, (SELECT count(*) FROM items WHERE order_id = o.id) FROM orders o WHERE customer_id = :id"
        ),
        {"id": ann["id"]},
    ).all()
    assert sorted(map(tuple, rows)) == [("open", 2), ("paid", 0)]


def test_siblings_of_a_given_parent(open_synth: Open) -> None:
    """A key within the parent takes what is free there, also between rows that others made; then it says so."""
    synth = open_synth(SHOP)
    order = synth.make("orders")
    assert sorted(i["line"] for i in synth.batch("items", 5, order=order)) == [1, 2, 3, 4, 5]
    with pytest.raises(CapacityError, match="has a row for every value of"):
        synth.make("items", order=order)
    assert count(synth, "items") == 25


def test_overrides_under_checks(open_synth: Open) -> None:
    """What is given is kept, and the rest of the row follows it."""
    synth = open_synth(SHOP)
    for status in ("open", "paid", "refunded"):
        for order in synth.batch("orders", 20, status=status):
            assert order["status"] == status and (order["refunded_at"] is not None) == (status == "refunded")
    for item in synth.batch("items", 5, quantity=7):
        assert item["quantity"] == 7 and item["total"] == 7 * item["price"]
    assert synth.make("items", total=Decimal("12.34"))["total"] == Decimal("12.34")
    late = synth.make("customers", created_at=datetime.datetime(2025, 12, 31, 12))
    assert synth.make("orders", customer=late)["placed_at"] >= late["created_at"]


def test_more_rows_than_a_block(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    made = synth.batch("orders", 600)
    assert len({o["id"] for o in made}) == len({o["customer_id"] for o in made}) == 600


def test_what_is_wrong_is_said_by_name(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    for call, error, said in (
        (lambda: synth.make("order_"), InputError, "did you mean 'orders'"),
        (lambda: synth.make("orders", statuss="open"), InputError, "did you mean 'status'"),
        (lambda: synth.make("orders", status="gone"), ConstraintError, "breaks the check known"),
        (lambda: synth.make("orders", status="open", refunded_at="2025-01-01"), ConstraintError, "the check refunded"),
        (lambda: synth.make("items", quantity=1, price=2, total=3), ConstraintError, "the check adds_up"),
        (lambda: synth.make("orders", status=None), ConstraintError, "NOT NULL"),
        (lambda: synth.make("customers", country="DEU"), ConstraintError, "3 characters do not fit"),
        (lambda: synth.make("items", quantity="many"), InputError, "'many' is no number"),
        (lambda: synth.make("orders", placed_at="soon"), InputError, "'soon' is no timestamp"),
        (lambda: synth.make("orders", customer=synth.make("products")), InputError, "a row of products was given"),
        (lambda: synth.make("orders", "rush"), SpecError, "no trait 'rush'"),
        (lambda: synth.make("orders", customer_id=-1), LoadError, "the database refused the row"),
        (lambda: synth.make("customers", orders=2), InputError, "references it in several ways"),
        (lambda: synth.batch("orders", -1), InputError, "expected a number of rows"),
        (lambda: synth.build("orders", items=2), InputError, "makes no children"),
    ):
        with pytest.raises(error, match=said):
            call()
    assert synth.make("orders")["id"]  # and all goes on


def test_refusals_leave_the_transaction_usable(open_synth: Open, postgresql_url: str) -> None:
    synth = open_synth(SHOP.replace(" AUTOINCREMENT", ""), database=postgresql_url)
    with pytest.raises(LoadError):
        synth.make("orders", customer_id=-1)
    assert synth.make("orders")["customer_id"] == 21 and count(synth, "orders") == 21


def test_building_inserts_nothing(open_synth: Open) -> None:
    synth = open_synth(SHOP)
    order = synth.build("orders", status="refunded")
    assert order["id"] is None and order["refunded_at"] and order.parents["fk_customer_id"]["email"]
    assert count(synth, "orders") == count(synth, "customers") == 20


def test_traits_of_the_spec(open_synth: Open, pytester: pytest.Pytester) -> None:
    (pytester.path / "fixturesynth.yaml").write_text(
        "version: 1\ntables:\n  orders:\n    traits:\n      german: {customer: {country: DE}, status: paid}\n",
        encoding="utf-8",
    )
    synth = open_synth(SHOP, spec="fixturesynth.yaml")
    order = synth.make("orders", "german")
    assert order["status"] == "paid" and order.parents["fk_customer_id"]["country"] == "DE"
    assert synth.make("orders", "german", status="open")["status"] == "open"


TENANTS = """
CREATE TABLE tenants (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL);
CREATE TABLE users (tenant_id INTEGER NOT NULL REFERENCES tenants (id), nr INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, nr));
CREATE TABLE teams (tenant_id INTEGER NOT NULL REFERENCES tenants (id), nr INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, nr));
CREATE TABLE members (
    tenant_id INTEGER NOT NULL, user_nr INTEGER NOT NULL, team_nr INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_nr, team_nr),
    FOREIGN KEY (tenant_id, user_nr) REFERENCES users (tenant_id, nr),
    FOREIGN KEY (tenant_id, team_nr) REFERENCES teams (tenant_id, nr)
);
"""


def test_references_that_share_a_column(open_synth: Open) -> None:
    """A given user fixes the tenant, and the team is one of that tenant."""
    synth = open_synth(TENANTS, rows={"tenants": 1, "users": 5, "teams": 5, "members": 5})
    assert synth.make("members")["tenant_id"] == 2
    user = synth.make("users")
    member = synth.make("members", user=user)
    assert (member["tenant_id"], member["user_nr"]) == (user["tenant_id"], user["nr"])
    assert synth.make("members", user=user)["team_nr"] != member["team_nr"]
    with pytest.raises(InputError, match="give rows that belong together"):
        synth.make("members", user=user, team=synth.make("teams"))


CIRCLE = """
CREATE TABLE stores (id INTEGER PRIMARY KEY, boss INTEGER NOT NULL UNIQUE REFERENCES staff (id));
CREATE TABLE staff (id INTEGER PRIMARY KEY, store_id INTEGER NOT NULL REFERENCES stores (id), name TEXT NOT NULL);
"""


def test_tables_that_require_each_other(open_synth: Open) -> None:
    synth = open_synth(CIRCLE)
    synth.batch("stores", 3)
    synth.batch("staff", 3)
    assert synth.connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


@pytest.mark.parametrize("name", ["f1db.sqlite", "sakila.sqlite", "temporal.sqlite"])
def test_every_table_of_real_schemas(open_synth: Open, shared: Path, name: str) -> None:
    synth = open_synth(str(shared / "ddl" / f"{name}.sql"))
    refused = []
    for table in synth.factory.stock.schema:
        if synth.database.made.plan[table.name].rows > 1:
            for call in (lambda t: synth.batch(t, 2), lambda t: synth.make(t, reuse=True), synth.build):
                try:
                    call(table.name)  # type: ignore[no-untyped-call]
                except fs.FixtureSynthError as error:
                    refused.append((table.name, str(error)))
    assert refused == []
    assert synth.connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


# -- classes ----------------------------------------------------------------------------------------------------------
class Base(DeclarativeBase):
    pass


class Color(enum.Enum):
    red = "R"
    blue = "B"


class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("full_name", sa.String(60))
    pets: Mapped[list[Pet]] = relationship(back_populates="owner")


class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("owners.id"))
    color: Mapped[Color]
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    born: Mapped[datetime.date]
    price: Mapped[Decimal] = mapped_column(sa.Numeric(8, 2))
    owner: Mapped[Owner] = relationship(back_populates="pets")


def test_objects_of_the_users_classes(open_synth: Open) -> None:
    synth = open_synth(Base)
    pet = synth.make("pets", color=Color.blue, facts={"tail": 1})
    assert isinstance(pet, Pet) and pet.color is Color.blue and isinstance(pet.owner, Owner)
    synth.session.expire_all()
    assert pet.color is Color.blue and pet.facts == {"tail": 1} and pet.owner.pets == [pet]
    assert (
        isinstance(pet.owner_id, uuid.UUID) and isinstance(pet.price, Decimal) and isinstance(pet.born, datetime.date)
    )
    other = synth.make("pets", owner=pet.owner, owner__=None) if False else synth.make("pets", owner=pet.owner)
    assert other.owner is pet.owner
    ann = Owner(id=uuid.uuid4(), name="Ann")
    synth.session.add(ann)
    assert synth.make("pets", owner=ann).owner_id == ann.id
    assert {o.id for o in synth.session.scalars(sa.select(Owner))} >= {ann.id, pet.owner_id}
    assert synth.session.get(Owner, pet.owner_id) is pet.owner
    built = synth.build("pets")
    assert isinstance(built.owner, Owner) and built.owner.id == built.owner_id and sa.inspect(built).transient
    assert isinstance(synth.make("owners", full_name="Bob", pets=[{"color": "red"}]).pets[0], Pet)


class Apart(DeclarativeBase):
    pass


class Login(Apart):
    __tablename__ = "logins"
    __table_args__ = ({"schema": "auth"},)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))


class Visit(Apart):
    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    login_id: Mapped[int] = mapped_column(sa.ForeignKey("auth.logins.id"))
    login: Mapped[Login] = relationship()


@pytest.mark.parametrize("server", ["sqlite", "postgresql_url", "mysql_url"])
def test_models_in_schemas(open_synth: Open, server: str, request: pytest.FixtureRequest) -> None:
    """Where the database knows no schemas, tables are in its only one; other databases of the server are let be."""
    place = request.getfixturevalue(server) if server.endswith("_url") else server
    synth = open_synth(Apart, rows=5, database=place)
    visit = synth.make("visits", login={"name": "Ann"})
    assert visit.login.name == "Ann" and synth.make("auth.logins").id and synth.make(Login).id
    assert len(synth.session.scalars(sa.select(Login)).all()) == 8
    assert ("auth" in sa.inspect(synth.connection).get_schema_names()) == (server == "postgresql_url")


# -- learned ----------------------------------------------------------------------------------------------------------
def test_rows_follow_the_learned_distribution_given_the_overrides(open_synth: Open, tmp_path: Path) -> None:
    """Dogs weigh 30 kg and cats 4: so do those that the factory makes, though neither is asked."""
    path = tmp_path / "real.sqlite"
    ddl = (
        "CREATE TABLE owners (id INTEGER PRIMARY KEY, city TEXT NOT NULL);"
        "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES owners (id), "
        "kind TEXT NOT NULL, weight INTEGER NOT NULL);"
    )
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.executescript(ddl)
        connection.executemany("INSERT INTO owners VALUES (?, ?)", [(i, ("Bonn", "Ulm")[i % 2]) for i in range(300)])
        rows = [(i, i % 300, ("dog", "cat")[i % 2], (30, 4)[i % 2] + i % 3) for i in range(900)]
        connection.executemany("INSERT INTO pets VALUES (?, ?, ?, ?)", rows)
    connection.close()
    model = fs.fit(f"sqlite:///{path}", seed=1).save(tmp_path / "pets.fsynth")
    synth = open_synth(str(model), model=str(model), rows=30)
    dogs, cats = synth.batch("pets", 20, kind="dog"), synth.batch("pets", 20, kind="cat")
    assert {p["kind"] for p in dogs} == {"dog"} and {p["kind"] for p in cats} == {"cat"}
    assert min(p["weight"] for p in dogs) >= 30 and max(p["weight"] for p in cats) <= 6
    assert count(synth, "pets") == 70 and len({p["id"] for p in (*dogs, *cats)}) == 40
