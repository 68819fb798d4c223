"""Classes that inherit from each other, and types of the user's own: every row can be loaded as what it says it is."""

import enum
import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import fixturesynth as fs
from fixturesynth.errors import CapacityError, ConstraintError, InputError
from fixturesynth.schema.ddl import create_statements
from fixturesynth.strategies import from_schema, violations
from pytest_fixturesynth.handle import Synth
from pytest_fixturesynth.runs import Run
from pytest_fixturesynth.settings import Settings, parse_rows


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Tags(sa.TypeDecorator[list[str]]):
    """A list in a column of texts."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


class Letter(sa.TypeDecorator[enum.Enum]):
    """Members of an Enum by their values."""

    impl = sa.String(10)
    cache_ok = True

    def __init__(self, members: type[enum.Enum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else self.members(value)


class Sealed(sa.TypeDecorator[str]):
    """A text that nobody else can write."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return f"seal:{value}"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        if not value.startswith("seal:"):
            raise ValueError("no seal")
        return value.removeprefix("seal:")


class Firm(Base):
    __tablename__ = "firm"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str]
    firm_id: Mapped[int] = mapped_column(ForeignKey("firm.id"))
    firm: Mapped[Firm] = relationship()
    papers: Mapped[list["Paper"]] = relationship(back_populates="owner")
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "type", "polymorphic_identity": "person"}


class Employee(Person):
    __tablename__ = "employee"
    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    hired_on: Mapped[date]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "employee"}


class Manager(Employee):
    __tablename__ = "manager"
    employee_id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
    bonus: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2))
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "manager"}


class Trainee(Employee):
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "trainee"}


class Customer(Person):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    colour: Mapped[Colour] = mapped_column(Letter(Colour))
    tags: Mapped[list[str]] = mapped_column(Tags)
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "customer"}


class Kind(enum.Enum):
    PLAIN = "plain"
    BILL = "bill"
    DEED = "deed"


class Paper(Base):
    __tablename__ = "paper"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind | None]
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    owner: Mapped[Person] = relationship(back_populates="papers")
    took: Mapped[timedelta]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": Kind.PLAIN}


class Bill(Paper):
    amount: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": Kind.BILL}


class Deed(Paper):
    signed_on: Mapped[date | None]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": Kind.DEED}


class Vehicle(Base):
    """Nothing is only a vehicle."""

    __tablename__ = "vehicle"
    id: Mapped[int] = mapped_column(primary_key=True)
    sort: Mapped[int]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "sort", "polymorphic_abstract": True}


class Lorry(Vehicle):
    __tablename__ = "lorry"
    id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    axles: Mapped[int]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": 1}


class Boat(Vehicle):
    __tablename__ = "boat"
    id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    masts: Mapped[int]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": 2}


def loads_as_what_it_is(engine: sa.Engine) -> dict[str, int]:
    """Objects by class, every column of each looked at."""
    found: dict[str, int] = {}
    with Session(engine) as session:
        for top in (Person, Paper, Vehicle):
            for one in session.scalars(sa.select(top)):
                for attribute in sa.inspect(type(one)).column_attrs:
                    getattr(one, attribute.key)
                found[type(one).__name__] = found.get(type(one).__name__, 0) + 1
                if isinstance(one, Paper):
                    assert timedelta(0) <= one.took <= timedelta(days=1)
                    assert (getattr(one, "amount", None) is None) or isinstance(one, Bill)
        amounts = session.scalar(sa.select(sa.func.count()).where(Paper.__table__.c.amount.is_not(None)))
        assert amounts == session.scalar(sa.select(sa.func.count(Bill.amount)))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_row_loads_as_its_class(seed: int) -> None:
    schema = fs.reflect(Base)
    data = fs.plan_rules(schema, seed=seed).sample(rows=60)
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    fs.load(data, engine, schema=schema)
    found = loads_as_what_it_is(engine)
    assert found.keys() == {
        "Person", "Employee", "Manager", "Trainee", "Customer", "Paper", "Bill", "Deed", "Lorry", "Boat"
    }  # fmt: skip
    assert found["Lorry"] + found["Boat"] == 60 == found["Paper"] + found["Bill"] + found["Deed"]
    assert data.rows["employee"] == found["Employee"] + found["Trainee"] + found["Manager"]


def test_rows_of_each_kind_as_asked() -> None:
    plan = fs.plan_rules(fs.reflect(Base), seed=1)
    data = plan.sample(rows={"person": 30, "employee": 20, "manager": 5, "customer": 4})
    assert data["person"]["type"].value_counts().to_dict() == {
        "person": 6, "customer": 4, "manager": 5,
        **data["person"]["type"].value_counts()[["employee", "trainee"]].to_dict(),
    }  # fmt: skip
    with pytest.raises(
        CapacityError, match="employee: 20 rows asked, but its one-to-one reference to person allows 10"
    ):
        plan.sample(rows={"person": 30, "customer": 20, "employee": 20})


def test_rows_that_were_learned_from_say_what_they_are_too() -> None:
    schema = fs.reflect(Base)
    real = fs.plan_rules(schema, seed=1).sample(rows=120)
    data = fs.fit(real, schema=schema, seed=3).sample()
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    fs.load(data, engine, schema=schema)
    assert loads_as_what_it_is(engine)["Manager"] == real.rows["manager"]


def test_no_database_is_told_of_it() -> None:
    schema = fs.reflect(Base)
    assert {c.name for c in schema["paper"].checks} == {"class_by_kind", "columns_by_kind", "type_of_took"}
    statements = " ".join(create_statements(schema, "sqlite"))
    assert "_by_kind" not in statements and "type_of_took" not in statements


def test_types_of_the_users_own() -> None:
    schema = fs.reflect(Base)
    data = fs.plan_rules(schema, seed=1).sample(rows=60)
    assert set(data["customer"]["colour"]) == {"r", "g"}
    assert all(json.loads(text) for text in data["customer"]["tags"])
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("s", Sealed))
    assert "type Sealed of column s" in fs.reflect(table.metadata)["t"].not_understood[0]


def test_hypothesis_knows_too() -> None:
    from hypothesis import given, settings

    @settings(max_examples=30, deadline=None)
    @given(from_schema(Base, ["paper"], tables_as="dicts"))
    def each(data: dict[str, list[dict[str, Any]]]) -> None:
        for row in data["paper"]:
            assert row["kind"] in ("PLAIN", "BILL", "DEED")
            assert row["amount"] is None or row["kind"] == "BILL"

    each()
    with pytest.raises(InputError, match="no constraint 'columns_by_kind'"):
        violations(Base, ["paper"], kinds=["check", "not null"], constraints=["columns_by_kind"])


# -- factories --------------------------------------------------------------------------------------------------------
@pytest.fixture
def synth(pytester: pytest.Pytester) -> Iterator[Synth]:
    run = Run(pytester.parseconfig("-p", "no:django", "-p", "no:asyncio"))
    asked = Settings(Base, pytester.path, database="sqlite", rows=parse_rows(20))
    handle = Synth(run.database(asked), asked)
    yield handle
    handle.close()
    run.close()


def test_the_filled_database_loads(synth: Synth) -> None:
    assert synth.session.scalars(sa.select(Person)).all() and synth.session.scalars(sa.select(Manager)).all()


def test_a_row_of_a_joined_table_is_an_object_of_its_class(synth: Synth) -> None:
    made = synth.make("employee")
    assert type(made) is Employee and made.type == "employee" and made.name and made.firm.name
    chief = synth.make("manager", bonus=5, name="Ann", firm={"name": "Acme"}, hired_on=date(2024, 5, 1))
    synth.session.expire_all()
    assert (type(chief), chief.type, chief.name, chief.firm.name) == (Manager, "manager", "Ann", "Acme")
    assert (chief.bonus, chief.hired_on) == (5, date(2024, 5, 1))
    assert synth.make("paper", owner=chief).owner is chief
    assert type(synth.make("person")) is Person
    assert synth.make("employee", person={"name": "Bob"}).type == "employee"
    assert type(synth.session.get(Person, synth.make("person", customer=1).id)) is Customer
    built = synth.build("employee", name="Eve")
    assert (type(built), built.name, built.type) == (Employee, "Eve", "employee") and sa.inspect(built).transient
    with pytest.raises(InputError, match=r"'nme'.*did you mean 'name'"):
        synth.make("employee", nme="Bob")


def test_classes_stand_for_their_tables(synth: Synth) -> None:
    bill = synth.make(Bill, amount=3)
    assert (type(bill), bill.kind, bill.amount) == (Bill, Kind.BILL, 3)
    assert [type(one) for one in synth.batch(Paper, 2)] == [Paper, Paper]
    trainee = synth.make(Trainee, name="Tim")
    assert (type(trainee), trainee.type, trainee.name) == (Trainee, "trainee", "Tim")
    assert type(synth.build(Deed)) is Deed or synth.build(Deed).kind is Kind.DEED
    assert len(synth.make(Person, papers=2).papers) == 2 == len(synth.make("manager", papers=[{}, {}]).papers)
    with pytest.raises(ConstraintError, match="columns_by_kind"):
        synth.make(Deed, amount=3)
    with pytest.raises(InputError, match="mapped class of the source, however: <class 'int'>"):
        synth.make(int)
