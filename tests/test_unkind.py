"""What goes wrong outside of our hands: a full disk, two loads at once. One line, the right exit code, nothing left."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import fixturesynth as fs
from fixturesynth.cli import commands

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = [sys.executable, "-c", "from fixturesynth.cli import main; main()", "seed"]
SHOP = ["--from", str(REPOSITORY / "schemas" / "shop.sql"), "--rows", "300", "--quiet"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "full.sqlite"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [*SEED, f"sqlite:///{target}", *SHOP], capture_output=True, text=True, preexec_fn=little_room, timeout=120
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "nothing was kept" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_load_that_fails_takes_away_what_lies_beside_its_file(tmp_path: Path) -> None:
    schema = fs.reflect(REPOSITORY / "schemas" / "shop.sql")
    rows = fs.plan_rules(schema, seed=1).sample(rows=5)
    orphans = rows.replace(customers=rows.arrow("customers").slice(0, 0))
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'made.sqlite'}")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode = PERSIST"))
    with pytest.raises(fs.LoadError):
        fs.load(orphans, engine, schema=schema)
    engine.dispose()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["init", "REAL", "--out", "OUT.yaml"],
        ["inspect", "REAL", "--graph", "OUT.html"],
        ["check", "REAL", "REAL", "--no-detection", "--report", "OUT.html"],
        ["fit", "REAL", "--out", "OUT.fsynth"],
    ],
    ids=lambda command: command[0],
)
def test_a_full_disk_leaves_the_file_that_was_there(command: list[str], tmp_path: Path) -> None:
    real = tmp_path / "real.sqlite"
    schema = fs.reflect(REPOSITORY / "schemas" / "shop.sql")
    fs.load(fs.plan_rules(schema, seed=1).sample(rows=30), f"sqlite:///{real}", schema=schema)
    (folder := tmp_path / "out").mkdir()
    words = [w.replace("REAL", f"sqlite:///{real}").replace("OUT", str(folder / "made")) for w in command]
    before = Path(words[-1])

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    for there in (None, "mine"):
        if there:
            before.write_text(there)
        run = [*SEED[:-1], *words, "--quiet", *(["--overwrite"] if there else [])]
        done = subprocess.run(run, capture_output=True, text=True, preexec_fn=no_room, timeout=120)
        assert done.returncode == 2, done.stderr
        assert len(done.stderr.splitlines()) == 1 and "annot" in done.stderr and "File too large" in done.stderr
        assert {p.name: p.read_text() for p in folder.iterdir()} == ({before.name: there} if there else {})


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"])
def test_of_two_seeds_at_once_one_fills_the_target_whole(place: str, request: pytest.FixtureRequest) -> None:
    target = request.getfixturevalue(f"{place}_database")
    runs = [
        subprocess.Popen(
            [*SEED, target, *SHOP, "--seed", str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for seed in (1, 2)
    ]
    ends = [(run.communicate(timeout=180)[1], run.returncode) for run in runs]
    assert sorted(code for _, code in ends) in ([0, 2], [0, 3]), ends
    assert all(len(said.splitlines()) == 1 for said, code in ends if code), ends
    engine = sa.create_engine(target, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM customers").scalar() == 300
    engine.dispose()


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"])
def test_tables_made_after_the_target_was_read_are_found(place: str, request: pytest.FixtureRequest) -> None:
    target = request.getfixturevalue(f"{place}_database")
    schema = fs.reflect(REPOSITORY / "schemas" / "shop.sql")
    rows = fs.plan_rules(schema, seed=1).sample(rows=dict.fromkeys(schema.names, 3))
    engine = sa.create_engine(target, poolclass=sa.NullPool)
    before = fs.reflect(engine)
    fs.load(fs.Dataset({name: rows.arrow(name).slice(0, 0) for name in rows}), engine, schema=schema)
    assert not set(before.names) & set(schema.names)
    fs.load(rows, engine, schema=schema, mode="append", reflected=before)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reviews").scalar() == 3
    engine.dispose()


def refused_load(url: str, meanwhile: Callable[[fs.Dataset, list[str]], None]) -> list[str]:
    """Load the shop; somebody makes its third table just before this load does. Names of the tables in order.

    ``meanwhile`` is given the rows and the names so far, at that moment.
    """
    schema = fs.reflect(REPOSITORY / "schemas" / "shop.sql")
    rows = fs.plan_rules(schema, seed=1).sample(rows=dict.fromkeys(schema.names, 3))
    other = sa.create_engine(url, poolclass=sa.NullPool)
    created: list[str] = []

    def between(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("CREATE TABLE"):
            created.append(statement.split("`")[1])
            if len(created) == 3:
                meanwhile(rows, created)
                with other.connect() as connection:
                    connection.exec_driver_sql(statement)

    watched = sa.create_engine(url, poolclass=sa.NullPool)
    sa.event.listen(watched, "before_cursor_execute", between)
    with pytest.raises(fs.LoadError, match="exists"):
        fs.load(rows, watched, schema=schema)
    watched.dispose()
    other.dispose()
    return created


def test_a_load_that_finds_a_table_takes_away_its_own_alone(mysql_database: str) -> None:
    """MySQL commits every CREATE TABLE: what somebody made in the meantime must outlive the load that is refused."""
    created = refused_load(mysql_database, lambda _rows, _created: None)
    engine = sa.create_engine(mysql_database, poolclass=sa.NullPool)
    assert sa.inspect(engine).get_table_names() == [created[2]]
    engine.dispose()


def test_a_load_that_is_refused_leaves_a_table_that_another_one_fills(mysql_database: str) -> None:
    """Whoever comes second finds the tables that the first has made so far, and fills them."""
    engine = sa.create_engine(mysql_database, poolclass=sa.NullPool)

    def fill(rows: fs.Dataset, created: list[str]) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET SESSION foreign_key_checks = 0")
            rows[created[0]].iloc[:1].to_sql(created[0], connection, if_exists="append", index=False)

    created = refused_load(mysql_database, fill)
    assert set(sa.inspect(engine).get_table_names()) == {created[0], created[2]}
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM `{created[0]}`").scalar() == 1
    engine.dispose()


def told(*words: str) -> str:
    """What ``generate`` says where it ends with exit code 2, before it writes."""
    done = CliRunner().invoke(commands, ["generate", str(REPOSITORY / "schemas" / "shop.sql"), "-o", "none", *words])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1 and not Path("none").exists()
    return done.stderr


def test_rows_that_no_memory_holds_are_no_bug() -> None:
    said = told("--quiet", "--rows", str(10**14))
    assert "not enough memory" in said and "--rows" in said


def test_numbers_that_are_none(tmp_path: Path) -> None:
    for given in ("nan", "inf"):
        assert f"{given} is no number" in told("--scale", given)
    (spec := tmp_path / "own.yaml").write_text("version: 1\nscale: .nan\n")
    assert "own.yaml:2" in told("--spec", str(spec))
