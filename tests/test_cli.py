"""The command line on real databases: what it prints, writes and ends with."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from conftest import REPOSITORY, run_on

from fixturesynth.cli import commands
from fixturesynth.synthesizer import Synthesizer

SCHEMAS = REPOSITORY / "schemas"
Run = Callable[..., Result]

LIBRARY = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER CHECK (born > 1000));
CREATE TABLE books (
  id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES authors (id), title TEXT NOT NULL,
  price DECIMAL(8, 2) CHECK (price >= 0), genre TEXT CHECK (genre IN ('novel', 'poems', 'essay')));
CREATE TABLE loans (
  book_id INTEGER NOT NULL REFERENCES books (id), reader TEXT NOT NULL, taken DATE NOT NULL, returned DATE,
  PRIMARY KEY (book_id, reader), CHECK (returned IS NULL OR returned >= taken));
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in an empty folder; its result, with stdout and stderr apart."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(commands, [str(a) for a in arguments])

    return invoke


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A script with three tables and no rows."""
    path = tmp_path / "library.sql"
    path.write_text(LIBRARY)
    return path


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A database of 40 authors, 300 books and 500 loans."""
    path = tmp_path / "library.sqlite"
    genres = ("novel", "novel", "poems", "essay")
    with sqlite3.connect(path) as connection:
        connection.executescript(LIBRARY)
        connection.executemany(
            "INSERT INTO authors VALUES (?, ?, ?)", [(i, f"Author {i % 7}", 1800 + i % 90) for i in range(40)]
        )
        connection.executemany(
            "INSERT INTO books VALUES (?, ?, ?, ?, ?)",
            [(i, i * i % 40, f"The book {i % 50}", 5 + i % 20, genres[i % 4]) for i in range(300)],
        )
        connection.executemany(
            "INSERT INTO loans VALUES (?, ?, ?, ?)",
            [
                (i % 300, f"reader {i}", f"2024-{i % 12 + 1:02}-10", f"2024-{i % 12 + 1:02}-2{i % 9}")
                for i in range(500)
            ],
        )
    connection.close()
    return path


def fails(result: Result, code: int, *words: str) -> str:
    """One line on stderr behind ``error: ``, nothing on stdout, this exit code."""
    assert result.exit_code == code, (result.output, result.exception)
    lines = result.stderr.splitlines()
    assert result.stdout == ""
    assert lines[-1].startswith("error: ") and sum(line.startswith("error: ") for line in lines) == 1
    assert not any("Traceback" in line for line in lines)
    for word in words:
        assert word in lines[-1], lines[-1]
    return lines[-1]


def passes(result: Result) -> Result:
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def count(path: Path, table: str) -> int:
    with sqlite3.connect(path) as connection:
        number = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    connection.close()
    return int(number)


def violations(path: Path) -> list[object]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    return found


# inspect, init, plan


def test_inspect_prints_tables_and_constraints(run: Run, filled: Path) -> None:
    result = passes(run("inspect", filled))
    assert "3 tables, 12 columns, 2 foreign keys" in result.stdout
    assert any(line.split()[:3] == ["books", "300", "5"] for line in result.stdout.splitlines())
    assert "genre IN ('novel', 'poems', 'essay')" in result.stdout


def test_inspect_as_json_prints_nothing_else(run: Run, library: Path) -> None:
    body = json.loads(passes(run("inspect", library, "--json")).stdout)
    assert [t["name"] for t in body["tables"]] == ["authors", "books", "loans"]
    assert body["load_order"] == ["authors", "books", "loans"]
    assert body["tables"][1]["foreign_keys"][0]["parent"] == "authors"
    assert body["tables"][0]["rows"] is None


@pytest.mark.parametrize(("name", "head"), [("g.svg", "<svg"), ("g.html", "<!doctype"), ("g.mmd", "erdiagram")])
def test_inspect_draws(run: Run, library: Path, tmp_path: Path, name: str, head: str) -> None:
    passes(run("inspect", library, "--graph", name))
    assert (tmp_path / name).read_text().lower().startswith(head)
    fails(run("inspect", library, "--graph", name), 2, "exists already", "--overwrite")


def test_inspect_is_readable_with_300_tables(run: Run, tmp_path: Path) -> None:
    script = "".join(
        f"CREATE TABLE table_{i:03} (id integer PRIMARY KEY, up_id integer REFERENCES table_{max(i - 1, 0):03} (id));\n"
        for i in range(300)
    )
    (tmp_path / "wide.sql").write_text(script)
    result = passes(run("inspect", "wide.sql"))
    lines = result.stdout.splitlines()
    assert len(lines) < 380 and max(map(len, lines)) <= 200


def test_init_writes_a_spec_that_changes_nothing(run: Run, filled: Path, tmp_path: Path) -> None:
    passes(run("init", filled, "-o", "spec.yaml", "-q"))
    spec = (tmp_path / "spec.yaml").read_text()
    assert "source: library.sqlite" in spec and "choices: {" in spec
    with_spec = passes(run("plan", "spec.yaml", "--json")).stdout
    assert with_spec == passes(run("plan", filled, "--json")).stdout
    fails(run("init", filled, "-o", "spec.yaml"), 2, "exists already", "--overwrite")


def test_init_keeps_passwords_out(run: Run, postgresql_database: str, tmp_path: Path) -> None:
    run_on(postgresql_database, "CREATE TABLE notes (id integer PRIMARY KEY)")
    url = sa.make_url(postgresql_database).set(password="geheim").render_as_string(hide_password=False)
    passes(run("init", url, "-o", "spec.yaml"))
    text = (tmp_path / "spec.yaml").read_text()
    assert "geheim" not in text and "# source: postgresql" in text


def test_plan_says_where_values_come_from(run: Run, library: Path) -> None:
    result = passes(run("plan", library, "--rows", "7", "--rows", "loans=9"))
    assert "reference fk_author_id to id" in result.stdout
    assert "key sequence" in result.stdout
    body = json.loads(passes(run("plan", library, "--rows", "7", "--rows", "loans=9", "--json")).stdout)
    assert {t["name"]: t["rows"] for t in body["tables"]} == {"authors": 7, "books": 7, "loans": 9}


# fit, generate


def test_fit_then_generate_and_seed(run: Run, filled: Path, tmp_path: Path) -> None:
    passes(run("fit", filled, "-o", "m.fsynth", "--seed", 5, "--generator", "cart"))
    assert Synthesizer.open(tmp_path / "m.fsynth").seed == 5
    passes(run("generate", "m.fsynth", "-o", "out", "--scale", "0.5"))
    assert pq.read_table(tmp_path / "out" / "books.parquet").num_rows == 150
    manifest = json.loads((tmp_path / "out" / "fixturesynth-manifest.json").read_text())
    assert manifest["synthetic"] is True and manifest["seed"] == 5 and manifest["tables"]["books"]["rows"] == 150
    passes(run("seed", "sqlite:///new.sqlite", "--from", "m.fsynth"))
    assert count(tmp_path / "new.sqlite", "loans") == 500
    assert violations(tmp_path / "new.sqlite") == []


def test_fit_refuses_what_it_cannot_do(run: Run, filled: Path, library: Path, tmp_path: Path) -> None:
    fails(run("fit", library, "-o", "m.fsynth"), 2, "no rows to learn from", "generate")
    fails(run("fit", filled, "-o", "m.pkl"), 2, ".fsynth")
    fails(run("fit", filled, "-o", "nowhere/m.fsynth"), 2, "no such folder")
    fails(run("fit", filled, "-o", "m.fsynth", "--generator", "cartt"), 2, "did you mean 'cart'?")
    fails(run("fit", filled), 2, "--out", "fixturesynth fit --help")
    assert not (tmp_path / "m.fsynth").exists()


def test_the_same_seed_gives_the_same_files(run: Run, library: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        passes(run("generate", library, "-o", name, "--seed", seed, "--rows", 50, "-q"))
    read = {n: (tmp_path / n / "books.parquet").read_bytes() for n in "abc"}
    assert read["a"] == read["b"] != read["c"]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_parts_are_slices_of_the_whole(run: Run, library: Path, tmp_path: Path, kind: str) -> None:
    passes(run("generate", library, "-o", "whole", "--format", kind, "--rows", 20))
    for number in (1, 2, 3):
        passes(run("generate", library, "-o", "parts", "--format", kind, "--rows", 20, "--part", f"{number}/3"))
    whole = (tmp_path / "whole" / f"books.{kind}").read_text().splitlines()
    pieces = [
        (tmp_path / "parts" / f"part-{n}-of-3" / f"books.{kind}").read_text().splitlines()[kind == "csv" :]
        for n in (1, 2, 3)
    ]
    assert [len(p) for p in pieces] == [6, 7, 7]
    assert whole[kind == "csv" :] == [line for piece in pieces for line in piece]


@pytest.mark.parametrize(("out", "kind"), [("o.sql", "sql"), ("o.sqlite", "sqlite"), ("o.duckdb", "duckdb")])
def test_format_follows_the_ending(run: Run, library: Path, tmp_path: Path, out: str, kind: str) -> None:
    pytest.importorskip("duckdb_engine")
    passes(run("generate", library, "-o", out))
    assert json.loads((tmp_path / f"{out}.manifest.json").read_text())["synthetic"] is True
    if kind == "sql":
        with sqlite3.connect(":memory:") as connection:
            connection.executescript((tmp_path / out).read_text())
            assert connection.execute("SELECT count(*) FROM books").fetchone() == (100,)
    before = (tmp_path / out).read_bytes()
    fails(run("generate", library, "-o", out), 2, "exists already", "--overwrite")
    assert (tmp_path / out).read_bytes() == before
    passes(run("generate", library, "-o", out, "--rows", 5, "--overwrite"))
    assert (tmp_path / out).read_bytes() != before


def test_given_values(run: Run, library: Path, tmp_path: Path) -> None:
    arguments = (
        "generate",
        library,
        "-o",
        "o",
        "--given",
        "books.genre=poems:25%",
        "--given",
        "loans.taken=2025-02-03",
    )
    passes(run(*arguments))
    assert pq.read_table(tmp_path / "o" / "books.parquet")["genre"].to_pylist().count("poems") >= 25
    assert {str(d) for d in pq.read_table(tmp_path / "o" / "loans.parquet")["taken"].to_pylist()} == {"2025-02-03"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("books.genre", ("expected TABLE.COLUMN=VALUE",)),
        ("boks.genre=novel", ("no table 'boks'", "did you mean 'books'?")),
        ("books.gender=novel", ("no column 'gender'", "did you mean 'genre'?")),
        ("books.genre=crime", ("a check", "'crime'")),
        ("books.id=7", ("unique",)),
        ("books.author_id=7", ("references another table",)),
        ("loans.taken=soon", ("'soon' is no", "DATE")),
    ],
)
def test_given_values_that_cannot_be(
    run: Run, library: Path, tmp_path: Path, given: str, words: tuple[str, ...]
) -> None:
    fails(run("generate", library, "-o", "o", "-q", "--given", given), 2, *words)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--rows", "boks=3"), 2, ("no table 'boks'", "did you mean 'books'?")),
        (("--rows", "books=-3"), 2, ("must not be negative",)),
        (("--rows", "-3"), 2, ("must not be negative",)),
        (("--rows", "many"), 2, ("not a whole number",)),
        (("--rows", "5", "--rows", "6"), 2, ("given twice",)),
        (("--scale", "0"), 2, ("--scale",)),
        (("--format", "xml"), 2, ("--format", "parquet", "generate --help")),
        (("--part", "3/2"), 2, ("K/N",)),
        (("--part", "1/2", "--format", "sql"), 2, ("a file for each table",)),
        (("--workers", "0"), 2, ("--workers",)),
        (("--engine", "spark"), 2, ("--engine",)),
        (("--seed", "-1"), 2, ("--seed",)),
        (("--colour", "red"), 2, ("--colour",)),
        (("--spec", "none.yaml"), 2, ("none.yaml", "fixturesynth init")),
        (("--rows", "authors=0", "--rows", "books=3"), 4, ("must reference authors",)),
    ],
)  # fmt: skip
def test_wrong_options(
    run: Run, library: Path, tmp_path: Path, options: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    fails(run("generate", library, "-o", "o", "-q", *options), code, *words)
    assert not (tmp_path / "o").exists()


def test_ray_says_how_to_get_it(run: Run, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fixturesynth.sampling import distribution

    monkeypatch.setitem(distribution.ENGINES, "ray", ("ray_that_is_not_there", lambda: None))
    fails(run("generate", library, "-o", "o", "--engine", "ray"), 2, "pip install 'fixturesynth[ray]'")


# seed


def test_seed_fills_tables_that_are_there(run: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "t.sqlite") as connection:
        connection.executescript(LIBRARY)
    connection.close()
    dry = passes(run("seed", "sqlite:///t.sqlite", "--rows", 30, "--dry-run"))
    assert "books: 30 rows" in dry.stdout and count(tmp_path / "t.sqlite", "books") == 0
    passes(run("seed", "sqlite:///t.sqlite", "--rows", 30, "-q"))
    assert count(tmp_path / "t.sqlite", "loans") == 30 and violations(tmp_path / "t.sqlite") == []
    fails(run("seed", "sqlite:///t.sqlite", "--rows", 30, "-q"), 3, "has 30 rows", "--append", "--truncate")
    passes(run("seed", "sqlite:///t.sqlite", "--rows", 20, "--append", "-q"))
    assert count(tmp_path / "t.sqlite", "books") == 50 and violations(tmp_path / "t.sqlite") == []
    passes(run("seed", "sqlite:///t.sqlite", "--rows", 10, "--truncate", "-q"))
    assert count(tmp_path / "t.sqlite", "books") == 10


def test_seed_postgresql_with_every_constraint(run: Run, postgresql_database: str) -> None:
    script = (SCHEMAS / "shop.sql").read_text()
    run_on(postgresql_database, *[s for s in script.split(";\n") if s.strip()])
    passes(run("seed", postgresql_database, "--spec", SCHEMAS / "shop.yaml", "-q"))
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM customers").scalar() == 300
        assert connection.exec_driver_sql("SELECT max(price) FROM products").scalar() <= 500
        manifest = connection.exec_driver_sql("SELECT manifest FROM _fixturesynth_manifest").scalar()
    assert json.loads(manifest)["seed"] == 7


def test_seed_appends_behind_what_is_there(run: Run, filled: Path, tmp_path: Path) -> None:
    passes(run("fit", filled, "-o", "m.fsynth", "-q"))
    passes(run("seed", filled, "--from", "m.fsynth", "--append", "-q"))
    assert count(filled, "books") == 600 and violations(filled) == []


def test_a_cycle_of_references_is_seeded(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cycle.sql").write_text(
        "CREATE TABLE teams (id integer PRIMARY KEY, captain_id integer);\n"
        "CREATE TABLE players (id integer PRIMARY KEY, team_id integer NOT NULL REFERENCES teams (id));\n"
        "ALTER TABLE teams ADD FOREIGN KEY (captain_id) REFERENCES players (id);\n"
    )
    passes(run("seed", "sqlite:///c.sqlite", "--from", "cycle.sql", "-q"))
    with sqlite3.connect(tmp_path / "c.sqlite") as connection:
        assert connection.execute("SELECT count(captain_id) FROM teams").fetchone()[0] > 50
    assert violations(tmp_path / "c.sqlite") == []


def test_names_that_need_quotes_and_tables_without_keys(run: Run, tmp_path: Path) -> None:
    script = """
    CREATE TABLE "order" ("select" integer PRIMARY KEY, "a ""quoted"" name" varchar(20) NOT NULL, "group" date);
    CREATE TABLE "line.items" ("order" integer REFERENCES "order" ("select"), "100%" decimal(5,2), "größe" varchar(5));
    """
    (tmp_path / "odd.sql").write_text(script)
    passes(run("seed", "sqlite:///odd.sqlite", "--from", "odd.sql", "--rows", "line.items=12", "-q"))
    assert count(tmp_path / "odd.sqlite", "line.items") == 12
    passes(run("inspect", "sqlite:///odd.sqlite"))
    passes(run("generate", "odd.sql", "-o", "odd", "--given", "line.items.größe=XL"))
    assert set(pq.read_table(tmp_path / "odd" / "line.items.parquet")["größe"].to_pylist()) == {"XL"}


def test_the_guard_refuses_remote_targets_before_anything(run: Run, library: Path) -> None:
    url = "postgresql://ann:secret@db.example.com/shop"
    line = fails(run("seed", url, "--from", library), 3, "db.example.com", "--allow-target")
    assert "secret" not in line
    fails(run("seed", url, "--from", library, "--allow-target", "postgresql://ann@db.example.com/other"), 3, "other")


def test_decimals_are_stored_as_they_are(run: Run, library: Path, tmp_path: Path) -> None:
    passes(run("generate", library, "-o", "d.sqlite", "--rows", 500, "-q"))
    with sqlite3.connect(tmp_path / "d.sqlite") as connection:
        prices = [p for (p,) in connection.execute("SELECT price FROM books WHERE price IS NOT NULL")]
    assert len(prices) > 300 and all(p == round(p, 2) for p in prices)


def test_seed_refuses_what_it_cannot_do(run: Run, library: Path, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.sqlite").execute("CREATE TABLE x (a)").connection.executescript("DROP TABLE x")
    fails(run("seed", "sqlite:///empty.sqlite"), 2, "no tables to fill", "--from")
    fails(run("seed", "sqlite:///x.sqlite", "--from", library, "--append", "--truncate"), 2, "contradict")
    fails(run("seed", "library.sql", "--from", library), 2, "a target is a database", "generate")
    fails(run("seed", "sqlite:///none/x.sqlite", "--from", library, "-q"), 2, "no such folder")
    assert not (tmp_path / "x.sqlite").exists()


# Sources that are none


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("postgrsql://localhost/x", ("postgrsql", "did you mean 'postgresql'?")),
        ("postgresql://nobody@127.0.0.1:1/x", ("cannot connect", "check the host")),
        ("sqlite:///nowhere.sqlite", ("no such file",)),
        ("nowhere.csv", ("no such file",)),
        ("nowhere.sql", ("nowhere.sql",)),
        ("nowhere.fsynth", ("nowhere.fsynth",)),
        ("no.such.module:Base", ("cannot import",)),
        ("oracle://scott@localhost/x", ("oracle",)),
        ("damaged.fsynth", ("damaged.fsynth",)),
        ("damaged.sqlite", ("damaged.sqlite",)),
        ("empty", ("no table in folder", "*.parquet")),
        ("empty.sql", ("no table in",)),
        ("empty.yaml", ("no source", "source:")),
    ],
)
def test_sources_that_cannot_be_read(run: Run, tmp_path: Path, source: str, words: tuple[str, ...]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.sql").write_text("-- nothing\n")
    (tmp_path / "empty.yaml").write_text("version: 1\n")
    for name in ("damaged.fsynth", "damaged.sqlite"):
        (tmp_path / name).write_bytes(b"not what it says, " * 20)
    for command in (("inspect",), ("plan",), ("generate", "-o", "out")):
        fails(run(*command, source, "-q"), 2, *words)
    assert not (tmp_path / "out").exists()


def test_a_driver_that_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pymysql" else found(name, *rest)
    )
    fails(run("inspect", "mysql://root@127.0.0.1/x"), 2, "pymysql", "pip install 'fixturesynth[mysql]'")


def test_a_cycle_of_required_references_is_generated_and_told(run: Run, tmp_path: Path) -> None:
    """PostgreSQL takes rows that require each other in one statement; both references hold."""
    (tmp_path / "knot.sql").write_text(
        "CREATE TABLE a (id serial PRIMARY KEY, b_id integer NOT NULL);\n"
        "CREATE TABLE b (id serial PRIMARY KEY, a_id integer NOT NULL REFERENCES a (id));\n"
        "ALTER TABLE a ADD CONSTRAINT knot FOREIGN KEY (b_id) REFERENCES b (id);\n"
    )
    passes(run("generate", "knot.sql", "-o", "o", "--rows", "a=20", "--rows", "b=10", "--format", "csv", "-q"))
    rows = {name: pd.read_csv(tmp_path / "o" / f"{name}.csv") for name in "ab"}
    assert [len(rows["a"]), len(rows["b"])] == [20, 10]
    assert set(rows["a"]["b_id"]) <= set(rows["b"]["id"]) and set(rows["b"]["a_id"]) <= set(rows["a"]["id"])
    assert "knot" in passes(run("inspect", "knot.sql")).stdout
    assert json.loads(passes(run("inspect", "knot.sql", "--json")).stdout)["cycles"]


def test_uniqueness_that_is_impossible(run: Run, tmp_path: Path) -> None:
    (tmp_path / "flags.sql").write_text("CREATE TABLE flags (flag char(1) PRIMARY KEY CHECK (flag IN ('y', 'n')));")
    fails(run("generate", "flags.sql", "-o", "o", "--rows", "flags=3", "-q"), 4, "flags", "allows 2")
    fails(run("generate", "flags.sql", "-o", "o", "--strict", "-q"), 4, "allows 2")
    lowered = passes(run("generate", "flags.sql", "-o", "o"))
    assert "2 rows instead of 100" in lowered.stderr


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("tables: {boks: {rows: 1}}", ("unknown table 'boks'", "did you mean 'books'?", "s.yaml:1")),
        ("tables: {books: {columns: {titel: {constant: x}}}}", ("unknown column 'titel'", "did you mean 'title'?")),
        ("tables: {books: {columns: {title: {rule: wrds}}}}", ("unknown rule 'wrds'", "did you mean 'words'?")),
        ("tables: {books: {columns: {title: {meaning: tittle}}}}", ("unknown meaning", "did you mean 'title'?")),
        ("tabels: {}", ("unknown key 'tabels'", "did you mean 'tables'?")),
        ("generator: carts", ("unknown generator", "did you mean 'cart'?")),
        ("{", ("not YAML",)),
    ],
)
def test_specs_that_name_what_is_not_there(
    run: Run, library: Path, tmp_path: Path, spec: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "s.yaml").write_text(spec)
    fails(run("generate", library, "--spec", "s.yaml", "-o", "o", "-q"), 2, *words)
    assert not (tmp_path / "o").exists()


# check


def test_check_judges(run: Run, filled: Path, tmp_path: Path) -> None:
    passes(run("generate", filled, "-o", "synthetic.sqlite", "-q"))
    result = run("check", filled, "synthetic.sqlite", "--no-detection", "--json", "--report", "r.html", "-q")
    body = json.loads(result.stdout)
    assert result.exit_code == (0 if body["verdict"]["passed"] else 1)
    assert (tmp_path / "r.html").read_text().lower().startswith("<!doctype")
    required = run("check", filled, "synthetic.sqlite", "--no-detection", "-q", "--require", "statistical.shape>=0.1")
    assert required.exit_code == 0, required.output


def test_check_needs_rows(run: Run, library: Path, filled: Path) -> None:
    fails(run("check", library, filled, "-q"), 2, "no rows")
    fails(run("check", filled, library, "-q"), 2, "holds no rows")
    fails(run("check", filled, filled, "--report", "r.pdf", "-q"), 2, ".html")


# Real processes


def program(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from fixturesynth.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        check=False,
    )


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom fixturesynth.cli import commands\n"
        "try:\n    commands.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pandas', 'sqlalchemy', 'faker', 'torch', 'pyarrow', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_program_ends_with_the_exit_code(run: Run, library: Path, tmp_path: Path) -> None:
    assert program("--version").stdout.startswith("fixturesynth, version ")
    assert program().returncode == 2
    wrong = program("inspect", tmp_path / "none.sqlite")
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: ") and len(wrong.stderr.splitlines()) == 1
    made = program("generate", library, "-o", tmp_path / "out", "--workers", 2)
    assert made.returncode == 0, made.stderr
    assert "sample books" in made.stderr and made.stdout == ""
    passes(run("generate", library, "-o", "alone", "--quiet"))
    for name in ("authors", "books", "loans"):
        made_by_two = (tmp_path / "out" / f"{name}.parquet").read_bytes()
        assert made_by_two == (tmp_path / "alone" / f"{name}.parquet").read_bytes()


def test_quiet_says_nothing(run: Run, library: Path) -> None:
    for words in (("-q", "generate"), ("--traceback", "-q", "generate")):
        before = run(*words, library, "-o", f"o{len(words)}", "--rows", 5)
        assert before.exit_code == 0 and before.stderr == ""
    result = passes(run("generate", library, "-o", "o", "--quiet", "--rows", 3))
    assert (result.stdout, result.stderr) == ("", "")


def test_places_that_cannot_be_written(run: Run, library: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fails(run("generate", library, "-o", "file/deeper", "-q"), 2, "cannot")
    fails(run("generate", library, "-o", "file", "-q"), 2, "is a file")
    fails(run("inspect", library, "--graph", "file/g.svg", "-q"), 2, "no such folder")
    fails(run("init", library, "-o", "file/s.yaml", "-q"), 2, "no such folder")
    (tmp_path / "folder.sql").mkdir()
    fails(run("inspect", "folder.sql"), 2, "no table in folder")


def test_a_bug_is_told_politely(run: Run, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fixturesynth.sources

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr(fixturesynth.sources, "open_source", broken)
    fails(run("inspect", library), 70, "bug", "ZeroDivisionError: a b", "--traceback")
    shown = run("inspect", library, "--traceback")
    assert shown.exit_code == 70 and "Traceback (most recent call last)" in shown.stderr


def test_an_interrupt_leaves_nothing(run: Run, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Synthesizer, "sample", interrupted)
    fails(run("generate", library, "-o", "o", "-q"), 130, "interrupted")
    fails(run("seed", "sqlite:///x.sqlite", "--from", library, "-q"), 130, "interrupted")
    assert not (tmp_path / "o").exists() and not (tmp_path / "x.sqlite").exists()


LEDGERS = """
CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('9f2c');
CREATE TABLE databasechangelog (id VARCHAR(255) NOT NULL, author VARCHAR(255) NOT NULL, filename VARCHAR(255) NOT NULL);
INSERT INTO databasechangelog VALUES ('1', 'ann', 'first.xml'), ('2', 'bob', 'second.xml');
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL);
"""


def asked(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_records_of_migration_tools_are_left_alone(run: Run, tmp_path: Path) -> None:
    """Seeding fills the other tables; learning from rows keeps the records word for word."""
    with sqlite3.connect(tmp_path / "app.sqlite") as connection:
        connection.executescript(LEDGERS)
    connection.close()
    for mode in ((), ("--truncate",)):
        told = passes(run("seed", "sqlite:///app.sqlite", "--rows", "30", *mode)).stderr
        assert "left alone, kept by migration tools: alembic_version, databasechangelog" in told
        assert asked(tmp_path / "app.sqlite", "SELECT version_num FROM alembic_version") == [("9f2c",)]
        assert asked(tmp_path / "app.sqlite", "SELECT count(*) FROM databasechangelog") == [(2,)]
        assert asked(tmp_path / "app.sqlite", "SELECT count(*) FROM people") == [(30,)]
    passes(run("seed", "sqlite:///new.sqlite", "--from", "sqlite:///app.sqlite", "-q"))
    assert asked(tmp_path / "new.sqlite", "SELECT version_num FROM alembic_version") == [("9f2c",)]
    assert asked(tmp_path / "new.sqlite", "SELECT id, author FROM databasechangelog ORDER BY 1") == [
        ("1", "ann"), ("2", "bob"),
    ]  # fmt: skip
