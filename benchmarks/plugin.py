"""What the pytest plugin costs, beside doing the same by hand; all parts of one table in one run.

    python benchmarks/plugin.py [import] [test] [make] [suite]

``import``: loading the plugin, in a fresh process. ``test``: a test's transaction on a filled database, beside a bare
transaction that copies 100 rows in and rolls back. ``make``: a row with a chain of five parents, beside factory_boy and
polyfactory with factories written by hand. ``suite``: 1,000 tests on a database of ten tables, beside the same tests
with hand-written factories. PostgreSQL: FIXTURESYNTH_TEST_POSTGRESQL, else the local one; left out where there is none.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POSTGRESQL = os.environ.get("FIXTURESYNTH_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
MODELS = """
import datetime, decimal, enum
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Country(Base):
    __tablename__ = "countries"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    code: Mapped[str] = mapped_column(sa.String(8), unique=True)


class City(Base):
    __tablename__ = "cities"
    id: Mapped[int] = mapped_column(primary_key=True)
    country_id: Mapped[int] = mapped_column(sa.ForeignKey("countries.id"))
    name: Mapped[str] = mapped_column(sa.String(60))
    country: Mapped[Country] = relationship()


class Company(Base):
    __tablename__ = "companies"
    id: Mapped[int] = mapped_column(primary_key=True)
    city_id: Mapped[int] = mapped_column(sa.ForeignKey("cities.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    phone: Mapped[str] = mapped_column(sa.String(30))
    city: Mapped[City] = relationship()


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(sa.ForeignKey("companies.id"))
    first_name: Mapped[str] = mapped_column(sa.String(60))
    last_name: Mapped[str] = mapped_column(sa.String(60))
    email: Mapped[str] = mapped_column(sa.String(120), unique=True)
    created_at: Mapped[datetime.datetime]
    company: Mapped[Company] = relationship()


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    number: Mapped[str] = mapped_column(sa.String(16), unique=True)
    status: Mapped[str] = mapped_column(sa.String(10))
    placed_at: Mapped[datetime.datetime]
    customer: Mapped[Customer] = relationship()
    __table_args__ = (sa.CheckConstraint("status IN ('open', 'paid', 'shipped')"),)


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    quantity: Mapped[int] = mapped_column(sa.CheckConstraint("quantity BETWEEN 1 AND 100"))
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2))
    order: Mapped[Order] = relationship()


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"))
    body: Mapped[str] = mapped_column(sa.Text)


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"))
    amount: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2))
    paid_at: Mapped[datetime.datetime]


class Visit(Base):
    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    seen_at: Mapped[datetime.datetime]
"""
FACTORIES = """
import datetime
import factory
from factory.alchemy import SQLAlchemyModelFactory
import shopmodels as m


class Made(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session = None
        sqlalchemy_session_persistence = "flush"


class CountryFactory(Made):
    class Meta:
        model = m.Country
    name = factory.Faker("country")
    code = factory.Sequence(lambda n: f"C{n}")


class CityFactory(Made):
    class Meta:
        model = m.City
    name = factory.Faker("city")
    country = factory.SubFactory(CountryFactory)


class CompanyFactory(Made):
    class Meta:
        model = m.Company
    name = factory.Faker("company")
    phone = factory.Faker("phone_number")
    city = factory.SubFactory(CityFactory)


class CustomerFactory(Made):
    class Meta:
        model = m.Customer
    first_name = factory.Faker("first_name")
    last_name = factory.Faker("last_name")
    email = factory.Sequence(lambda n: f"user{n}@example.org")
    created_at = factory.Faker("date_time_between", start_date="-2y")
    company = factory.SubFactory(CompanyFactory)


class OrderFactory(Made):
    class Meta:
        model = m.Order
    number = factory.Sequence(lambda n: f"N{n}")
    status = factory.Iterator(["open", "paid", "shipped"])
    placed_at = factory.Faker("date_time_between", start_date="-1y")
    customer = factory.SubFactory(CustomerFactory)


class ItemFactory(Made):
    class Meta:
        model = m.Item
    name = factory.Faker("word")
    quantity = factory.Faker("random_int", min=1, max=100)
    price = factory.Faker("pydecimal", left_digits=3, right_digits=2, positive=True)
    order = factory.SubFactory(OrderFactory)


ALL = (CountryFactory, CityFactory, CompanyFactory, CustomerFactory, OrderFactory, ItemFactory)


def use(session):
    for one in ALL:
        one._meta.sqlalchemy_session = session
"""
POLY = """
from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory
from polyfactory import Use
import itertools
import shopmodels as m

numbers = itertools.count()


class CountryPoly(SQLAlchemyFactory[m.Country]):
    id = None
    code = Use(lambda: f"C{next(numbers)}")


class CityPoly(SQLAlchemyFactory[m.City]):
    id = None
    country_id = None
    country = CountryPoly


class CompanyPoly(SQLAlchemyFactory[m.Company]):
    id = None
    city_id = None
    city = CityPoly


class CustomerPoly(SQLAlchemyFactory[m.Customer]):
    id = None
    company_id = None
    email = Use(lambda: f"user{next(numbers)}@example.org")
    company = CompanyPoly


class OrderPoly(SQLAlchemyFactory[m.Order]):
    id = None
    customer_id = None
    number = Use(lambda: f"N{next(numbers)}")
    status = Use(lambda: ("open", "paid", "shipped")[next(numbers) % 3])
    customer = CustomerPoly


class ItemPoly(SQLAlchemyFactory[m.Item]):
    id = None
    order_id = None
    quantity = Use(lambda: 1 + next(numbers) % 100)
    order = OrderPoly
"""
ROUNDS = 5


def fresh(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def best(call: Callable[[], float], rounds: int = ROUNDS) -> float:
    return min(call() for _ in range(rounds))


def clock(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


# -- import -----------------------------------------------------------------------------------------------------------
def measure_import() -> None:
    """pytest is there already when it loads a plugin."""
    code = (
        "import pytest, time, sys; start = time.perf_counter(); import pytest_fixturesynth.plugin; "
        "print(1000 * (time.perf_counter() - start)); "
        "assert not {'torch', 'pandas', 'sqlalchemy', 'faker', 'hypothesis', 'fixturesynth'} & set(sys.modules)"
    )
    took = best(lambda: float(fresh(code)))
    print(f"| loading the plugin | {took:.1f} ms | asked: under 20 ms |")


# -- a test's transaction ---------------------------------------------------------------------------------------------
@contextmanager
def filled(database: str, rows: int = 50) -> Iterator[Any]:
    """A database of the ten tables, as a run of pytest would hold it."""
    import pytest

    from pytest_fixturesynth.plugin import run_of
    from pytest_fixturesynth.settings import Settings

    with tempfile.TemporaryDirectory(prefix="fixturesynth-bench-") as folder:
        Path(folder, "shopmodels.py").write_text(MODELS, encoding="utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        if folder not in sys.path:
            sys.path.insert(0, folder)
        sys.modules.pop("shopmodels", None)
        config = pytest.Config.fromdictargs({}, [folder, "-c", f"{folder}/pytest.ini", "-p", "no:cacheprovider"])
        settings = Settings("shopmodels:Base", Path(folder), database=database, rows=(("", rows),))
        run = run_of(config)
        try:
            yield run.database(settings)
        finally:
            run.close()
            sys.path.remove(folder)


def measure_test() -> None:
    import sqlalchemy as sa

    from pytest_fixturesynth.handle import Synth

    for name, database in databases():
        with filled(database) as found:

            def one_test(found: Any = found) -> None:
                handle = Synth(found, found.settings)
                handle.session.execute(sa.text("SELECT count(*) FROM orders")).scalar()
                handle.close()

            def bare(found: Any = found, name: str = name) -> None:
                raw = found.own.raw
                if name == "PostgreSQL":
                    raw.send("BEGIN")
                    lines = "".join(f"{i}\tnote {i}\n" for i in range(100_000, 100_100))
                    with raw.cursor() as cursor, cursor.copy("COPY tags (id, name) FROM STDIN") as copy:
                        copy.write(lines)
                    raw.send("ROLLBACK")
                else:
                    raw.send("BEGIN")
                    rows = [(i, f"note {i}") for i in range(100_000, 100_100)]
                    raw.executemany("INSERT INTO tags (id, name) VALUES (?, ?)", rows)
                    raw.send("ROLLBACK")

            ours = statistics.median(clock(one_test) for _ in range(300)) * 1000
            theirs = statistics.median(clock(bare) for _ in range(300)) * 1000
            print(f"| synth_session for one test, one question asked, {name} | {ours:.2f} ms | bare transaction, "
                  f"100 rows in, rollback: {theirs:.2f} ms; ratio {ours / theirs:.2f} (asked: 2) |")  # fmt: skip


def databases() -> list[tuple[str, str]]:
    from fixturesynth.errors import FixtureSynthError
    from fixturesynth.schema.connection import make_engine

    found = [("SQLite", "sqlite")]
    try:
        make_engine(POSTGRESQL).dispose()
        found.append(("PostgreSQL", POSTGRESQL))
    except FixtureSynthError as error:
        print(f"PostgreSQL left out: {error}")
    return found


@contextmanager
def administering(database: str) -> Iterator[Any]:
    from fixturesynth.schema.connection import make_engine

    engine = make_engine(database)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    engine.dispose()


# -- factories --------------------------------------------------------------------------------------------------------
def measure_make(count: int = 200) -> None:
    from pytest_fixturesynth.handle import Synth

    for name, database in databases():
        with filled(database) as found:
            import importlib.util

            folder = str(found.settings.root)
            Path(folder, "shopfactories.py").write_text(FACTORIES, encoding="utf-8")
            Path(folder, "shoppoly.py").write_text(POLY, encoding="utf-8")
            for module in ("shopfactories", "shoppoly"):
                sys.modules.pop(module, None)
            importlib.invalidate_caches()
            import shopfactories
            import shoppoly

            def ours() -> float:
                handle = Synth(found, found.settings)
                handle.make("items")
                took = clock(lambda: [handle.make("items") for _ in range(count)])
                handle.close()
                return took

            def mappings() -> float:
                handle = Synth(found, found.settings)
                found.__dict__["models"] = {}
                handle.make("items")
                took = clock(lambda: [handle.make("items") for _ in range(count)])
                handle.close()
                del found.__dict__["models"]
                return took

            def boys() -> float:
                handle = Synth(found, found.settings)
                shopfactories.use(handle.session)
                took = clock(lambda: [shopfactories.ItemFactory() for _ in range(count)])
                handle.close()
                return took

            def polys() -> float:
                handle = Synth(found, found.settings)

                def one() -> None:
                    handle.session.add(shoppoly.ItemPoly.build())
                    handle.session.flush()

                took = clock(lambda: [one() for _ in range(count)])
                handle.close()
                return took

            us = best(ours) / count / 6 * 1e6
            plain = best(mappings) / count / 6 * 1e6
            boy = best(boys) / count / 6 * 1e6
            poly = best(polys) / count / 6 * 1e6
            print(f"| synth.make of a row with a chain of five parents, {name}, per object | {us:.0f} µs "
                  f"(mappings {plain:.0f} µs) | factory_boy {boy:.0f} µs ({boy / us:.1f} x), polyfactory {poly:.0f} µs "
                  f"({poly / us:.1f} x) |")  # fmt: skip


# -- a suite ----------------------------------------------------------------------------------------------------------
OURS = """
import pytest, sqlalchemy as sa

@pytest.mark.parametrize("number", range({count}))
def test_one(synth, number):
    item = synth.make("items", quantity=3)
    assert item.order.customer.company.city.country.id
    assert synth.session.execute(sa.text("SELECT count(*) FROM items")).scalar() == 51
"""
THEIRS = """
import pytest, sqlalchemy as sa
from sqlalchemy.orm import Session
import shopfactories, shopmodels

@pytest.fixture(scope="session")
def engine():
    made = sa.create_engine("{url}")
    shopmodels.Base.metadata.drop_all(made)
    shopmodels.Base.metadata.create_all(made)
    with Session(made) as session:
        shopfactories.use(session)
        for _ in range(50):  # the rows that the other suite has, by hand
            order = shopfactories.ItemFactory().order
            session.add_all([
                shopmodels.Tag(name=order.number), shopmodels.Note(order_id=order.id, body="x"),
                shopmodels.Payment(order_id=order.id, amount=1, paid_at=order.placed_at),
                shopmodels.Visit(customer_id=order.customer_id, seen_at=order.placed_at),
            ])
        session.commit()
    yield made
    shopmodels.Base.metadata.drop_all(made)
    made.dispose()

@pytest.fixture
def session(engine):
    with engine.connect() as connection:
        outer = connection.begin()
        made = Session(bind=connection, join_transaction_mode="create_savepoint")
        shopfactories.use(made)
        yield made
        made.close()
        outer.rollback()

@pytest.mark.parametrize("number", range({count}))
def test_one(session, number):
    item = shopfactories.ItemFactory(quantity=3)
    assert item.order.customer.company.city.country.id
    assert session.execute(sa.text("SELECT count(*) FROM items")).scalar() == 51
"""


def measure_suite(count: int = 1000) -> None:
    from fixturesynth.schema.connection import as_url

    for name, database in databases():
        with tempfile.TemporaryDirectory(prefix="fixturesynth-bench-") as folder:
            home = Path(folder)
            (home / "shopmodels.py").write_text(MODELS, encoding="utf-8")
            (home / "shopfactories.py").write_text(FACTORIES, encoding="utf-8")
            (home / "pytest.ini").write_text(
                f"[pytest]\nfixturesynth_source = shopmodels:Base\nfixturesynth_database = {database}\n"
                "pythonpath = .\n", encoding="utf-8",
            )  # fmt: skip
            url, scratch = f"sqlite:///{home}/hand.sqlite", None
            if name == "PostgreSQL":
                scratch = f"fixturesynth_test_bench_{os.getpid()}"
                with administering(database) as connection:
                    connection.exec_driver_sql(f"CREATE DATABASE {scratch}")
                url = as_url(database).set(database=scratch).render_as_string(hide_password=False)
            (home / "test_ours.py").write_text(OURS.format(count=count), encoding="utf-8")
            (home / "test_theirs.py").write_text(THEIRS.format(count=count, url=url), encoding="utf-8")
            try:
                took = {}
                for label, file, extra in (
                    ("first", "test_ours.py", ["--fixturesynth-rows=50"]),
                    ("filling", "test_ours.py", ["-o", "fixturesynth_reuse_db=true"]),
                    ("kept", "test_ours.py", ["-o", "fixturesynth_reuse_db=true"]),
                    ("hand", "test_theirs.py", []),
                ):
                    started = time.perf_counter()
                    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", file, *extra]
                    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
                    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
                    took[label] = time.perf_counter() - started
                print(f"| {count:,} tests on ten tables, {name}, whole run | {took['first']:.1f} s, kept database "
                      f"{took['kept']:.1f} s | hand-written factories: {took['hand']:.1f} s; ratios "
                      f"{took['first'] / took['hand']:.2f} and {took['kept'] / took['hand']:.2f} |")  # fmt: skip
            finally:
                if scratch is not None:
                    with administering(database) as connection:
                        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {scratch} WITH (FORCE)")
                        kept = connection.exec_driver_sql(
                            "SELECT datname FROM pg_database WHERE datname LIKE 'fixturesynth_test_kept_%%'"
                        )
                        for (left,) in kept.all() if (home / ".pytest_cache").exists() else ():
                            if list(home.rglob(f"{left}.fsynth")):
                                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{left}" WITH (FORCE)')


PARTS = {"import": measure_import, "test": measure_test, "make": measure_make, "suite": measure_suite}

if __name__ == "__main__":
    print("| what | measured | beside |\n|---|---|---|")
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
