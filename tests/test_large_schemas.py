"""Schemas of many tables: what is done once for all of them, and that it still is right for each."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import fixturesynth.sources
import fixturesynth.synthesizer
from fixturesynth.cli import commands
from fixturesynth.dataset import Dataset
from fixturesynth.errors import GuardError, LoadError, SpecError
from fixturesynth.loading.loader import load
from fixturesynth.planning.plan import Plan
from fixturesynth.planning.planner import make_plan
from fixturesynth.rules.contract import ColumnContext, RuleCall
from fixturesynth.rules.grammar import guide
from fixturesynth.rules.registry import space_of
from fixturesynth.schema.connection import make_engine
from fixturesynth.schema.model import ColumnType

KEYS = {"postgresql": "serial PRIMARY KEY", "mysql": "int AUTO_INCREMENT PRIMARY KEY", "sqlite": "integer PRIMARY KEY"}


@pytest.fixture(params=list(KEYS))
def kind_and_url(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    yield request.param, request.getfixturevalue(f"{request.param}_database")


def chain(kind: str, url: str, count: int) -> Dataset:
    """``count`` tables in the target, each referencing the one before it, and three rows for each."""
    engine = make_engine(url)
    with engine.begin() as connection:
        for i in range(count):
            up = f", up_id int REFERENCES t{i - 1} (id)" if i else ""
            connection.exec_driver_sql(f"CREATE TABLE t{i} (id {KEYS[kind]}{up})")
    engine.dispose()
    rows = {"id": pa.array([7, 8, 9]), "up_id": pa.array([7, None, 9])}
    return Dataset({f"t{i}": pa.table(rows if i else {"id": rows["id"]}) for i in range(count)})


def statements_of_load(data: Dataset, url: str) -> list[str]:
    engine = make_engine(sa.make_url(url).update_query_dict({"local_infile": "1"}) if "mysql" in url else url)
    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda c, cursor, text, *rest: seen.append(text))
    load(data, engine)
    engine.dispose()
    return seen


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_questions_to_a_server_do_not_grow_with_the_tables(kind: str, request: pytest.FixtureRequest) -> None:
    """Catalogue, guard and audit ask about many tables at once; only the rows themselves go table by table."""
    url = request.getfixturevalue(f"{kind}_database")
    few = len(statements_of_load(chain(kind, url, 4), url))
    engine = make_engine(url)
    with engine.begin() as connection:
        for i in reversed(range(4)):
            connection.exec_driver_sql(f"DROP TABLE t{i}")
    engine.dispose()
    assert len(statements_of_load(chain(kind, url, 44), url)) == few


def test_rows_in_any_of_many_tables_are_refused(kind_and_url: tuple[str, str]) -> None:
    kind, url = kind_and_url
    data = chain(kind, url, 230)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t215 (id) VALUES (1)")
    with pytest.raises(GuardError, match="table 't215' of the target has 1 row;"):
        load(data, url)
    load(data, url, mode="append")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t215").scalar() == 4
    engine.dispose()


def test_an_orphan_in_any_of_many_tables_is_named(mysql_database: str) -> None:
    """MariaDB checks no reference while rows are loaded: the audit does, fifty foreign keys at a time."""
    data = chain("mysql", mysql_database, 130).replace(t117=pa.table({"id": [7, 8, 9], "up_id": [7, 5, 5]}))
    with pytest.raises(LoadError, match=r"table 't117': 2 rows of foreign key .* reference a row that 't116'"):
        load(data, mysql_database)


def test_many_sequences_go_on_behind_the_rows(postgresql_database: str) -> None:
    load(chain("postgresql", postgresql_database, 230), postgresql_database)
    engine = make_engine(postgresql_database)
    with engine.connect() as connection:
        asked = ", ".join(f"nextval('t{i}_id_seq')" for i in range(230))
        assert set(connection.exec_driver_sql(f"SELECT {asked}").one()) == {10}
    engine.dispose()


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def place(table: str, column: str = "email", length: int = 80) -> ColumnContext:
    return ColumnContext(table, column, ColumnType("text", f"varchar({length})", length=length), "en_US", NOW)


def test_columns_of_one_type_share_the_values_of_a_rule() -> None:
    email = RuleCall("email")
    assert space_of(email, place("users")) is space_of(email, place("customers", "mail"))
    assert space_of(email, place("users")) is not space_of(email, place("users", length=40))
    assert space_of(email, place("users")) is not space_of(RuleCall("email", unique=True), place("users"))


def test_what_is_shared_still_names_the_column_that_went_wrong() -> None:
    with pytest.raises(SpecError, match=re.escape("users.email: rule 'choices'")):
        space_of(RuleCall("choices", {"values": []}), place("users"))
    with pytest.raises(SpecError, match=re.escape("shops.phone: rule 'choices'")):
        space_of(RuleCall("choices", {"values": []}), place("shops", "phone"))


@pytest.mark.parametrize("largest", [3, 2**20, 2**45, 2**46, 2**61])
def test_a_guide_is_exact_for_weights_of_any_size(largest: int) -> None:
    """Against Python's own integers, which never overflow."""
    weights = [largest, max(largest // 3, 1), 1, 0, 1]
    slots = np.bincount(guide(np.array(weights)), minlength=5).tolist()
    floors = [max(w * 65536 // sum(weights), 1 if w else 0) for w in weights]
    assert sum(slots) == 65536
    assert slots == [floors[0] + 65536 - sum(floors), *floors[1:]]


def test_seeding_without_rows_plans_once(sqlite_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of rows that the command line asks for go into the first plan."""
    chain("sqlite", sqlite_database, 3)
    planned = []

    def counted(*arguments: Any, **options: Any) -> Plan:
        planned.append(options["wishes"].rows)
        return make_plan(*arguments, **options)

    for module in (fixturesynth.synthesizer, fixturesynth.sources):
        monkeypatch.setattr(module, "make_plan", counted)
    result = CliRunner().invoke(commands, ["seed", sqlite_database, "--rows", "5", "--quiet"])
    assert result.exit_code == 0, result.output
    assert [asked.default for asked in planned] == [5]


def test_a_database_file_needs_no_server_s_dialect() -> None:
    """In a new process: SQLAlchemy's dialects of servers load asynchronous drivers' code too."""
    code = (
        "import sys; from fixturesynth.schema.reflection import reflect; reflect('sqlite://'); "
        "print([m for m in sys.modules if m in ('sqlalchemy.dialects.postgresql', 'sqlalchemy.dialects.mysql')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
