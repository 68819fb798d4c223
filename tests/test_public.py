"""The public face: what ``import fixturesynth`` offers, and what it costs."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth import errors
from fixturesynth.schema.model import Check, Column, ColumnType, PrimaryKey, Schema, Table

REPOSITORY = Path(__file__).resolve().parent.parent
HEAVY = ("pandas", "numpy", "pyarrow", "sqlalchemy", "faker", "networkx", "torch", "pydantic", "sqlglot", "safetensors")


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_loads_nothing_heavy() -> None:
    loaded = run(f"import sys, fixturesynth\nprint([m for m in {HEAVY!r} if m in sys.modules])")
    assert loaded == "[]"


def test_errors_and_names_load_nothing_heavy() -> None:
    """Catching an error, listing names or asking for the version needs no library."""
    loaded = run(
        "import sys, fixturesynth as fs\n"
        "fs.GuardError, dir(fs), fs.__version__, fs.__all__\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert loaded == "[]"


def test_using_a_model_needs_no_torch_and_reflecting_no_faker() -> None:
    loaded = run(
        "import sys, fixturesynth as fs\nfs.reflect, fs.Schema\n"
        "print([m for m in ('torch', 'faker', 'hypothesis', 'sklearn') if m in sys.modules])\n"
        "fs.open_model, fs.Synthesizer\nprint('torch' in sys.modules)"
    )
    assert loaded.splitlines() == ["[]", "False"]


OPENED = """
import sys
import fixturesynth as fs
model = fs.Synthesizer.open(sys.argv[1])
data = model.sample(rows=100, seed=1)
print([m for m in {late!r} if m in sys.modules])
from fixturesynth.loading.files import write_files
for name in data:
    data.content_hash(name)
for kind in ("csv", "parquet"):
    write_files(data, f"{{sys.argv[1]}}.{{kind}}", format=kind, schema=model.schema)
print([m for m in ("pandas", "torch", "pydantic") if m in sys.modules])
"""
LATE = (
    "pandas", "torch", "sqlalchemy", "faker", "networkx", "pydantic", "hypothesis", "sklearn", "scipy", "matplotlib",
    "click", "duckdb", "concurrent.futures.process", "fixturesynth.generators.fitting",
)  # fmt: skip


@pytest.mark.parametrize("generator", ["independent", "cart", "network"])
@pytest.mark.parametrize("checked", [False, True])
def test_opening_a_model_and_sampling_loads_what_that_takes(generator: str, checked: bool, tmp_path: Path) -> None:
    """PyArrow loads pandas by itself as soon as one of its converters is given a value of Python or NumPy.

    A parser of SQL is loaded where a table has checks, and only there.
    """
    if generator == "network":
        pytest.importorskip("torch")
    numbers = np.random.default_rng(3)
    count = 400
    frame = pa.table(
        {
            "id": pa.array(range(1, count + 1)),
            "kind": pa.array([("plain", "striped", None)[i] for i in numbers.integers(0, 3, count)]),
            "length": pa.array(numbers.integers(0, 90, count), mask=numbers.random(count) < 0.1),
            "price": pa.array(np.round(numbers.gamma(2.0, 20.0, count), 2)),
            "made": pa.array(numbers.integers(10_000, 20_000, count).astype("datetime64[D]")),
            "seen": pa.array(numbers.integers(10**15, 2 * 10**15, count).astype("datetime64[us]")),
            "flag": pa.array(numbers.random(count) < 0.4),
            "code": pa.array([f"AB-{i:04d}" for i in numbers.permutation(count)]),
        }
    )
    kinds = {"id": "integer", "kind": "text", "length": "integer", "price": "float", "made": "date",
             "seen": "timestamp", "flag": "boolean", "code": "text"}  # fmt: skip
    table = Table(
        "wares",
        tuple(Column(n, ColumnType(k, k), nullable=n in ("kind", "length")) for n, k in kinds.items()),  # type: ignore[arg-type]
        primary_key=PrimaryKey(("id",)),
        checks=(Check("short", "length < 100", ("length",)),) if checked else (),
    )
    model = fs.fit(fs.Dataset({"wares": frame}), schema=Schema((table,), "postgresql"), generator=generator, seed=1)
    path = model.save(tmp_path / "wares.fsynth")
    late = LATE if checked else (*LATE, "sqlglot")
    assert run(OPENED.format(late=late), str(path)) == "[]\n[]"


def test_every_public_name_is_there() -> None:
    for name in fs.__all__:
        assert getattr(fs, name) is getattr(fs, name), name


def test_public_names_are_sorted_and_distinct() -> None:
    assert fs.__all__ == sorted(set(fs.__all__))


def test_public_names_are_listed() -> None:
    assert set(fs.__all__) <= set(dir(fs))


def test_star_import_gives_the_public_names() -> None:
    names = run("from fixturesynth import *\nprint(sorted(n for n in dir() if n[:2] != '__'))")
    assert names == str([n for n in fs.__all__ if n != "__version__"])


def test_what_type_checkers_see_is_what_is_loaded() -> None:
    """The names imported for type checkers, their homes, and ``__all__`` are one list."""
    tree = ast.parse((REPOSITORY / "fixturesynth" / "__init__.py").read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If))
    seen = {
        a.asname or a.name: (node.module, a.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for a in node.names
    }
    assert sorted(seen) == [n for n in fs.__all__ if n != "__version__"]
    for name, (module, original) in seen.items():
        home, _, alias = fs._HOMES[name].partition(":")
        assert (home, alias or name) == (module, original), name


def test_every_error_is_public_and_drawn() -> None:
    drawn = set(re.findall(r"\w+Error", errors.__doc__ or ""))
    assert {n for n in errors.__all__ if n.endswith("Error")} == drawn
    assert drawn == {n for n in fs.__all__ if n.endswith("Error")}


@pytest.mark.parametrize("name", [n for n in fs.__all__ if not n.endswith("Error") and n != "__version__"])
def test_public_things_say_what_they_are(name: str) -> None:
    doc = inspect.getdoc(getattr(fs, name)) or ""
    assert len(doc.split()) >= 4, f"{name} has no docstring"
    assert not doc.startswith(f"{name}("), f"{name} has only the docstring that dataclasses make"


def test_the_manual_names_public_things_only() -> None:
    """Every ``fs.name`` in the README, the manual and the examples exists."""
    pages = [REPOSITORY / "README.md", *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("examples/**/*.py")]
    unknown = {
        (page.name, name)
        for page in pages
        if page.is_file()
        for name in re.findall(r"\bfs\.([A-Za-z_]\w*)", page.read_text(encoding="utf-8"))
        if name not in fs.__all__
    }
    assert unknown == set()


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'reflects': did you mean 'reflect'\?"):
        fs.reflects  # noqa: B018


def test_the_package_says_that_it_is_typed() -> None:
    assert (REPOSITORY / "fixturesynth" / "py.typed").is_file()


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    script = tmp_path / "books.sql"
    script.write_text("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL);")
    done = subprocess.run(
        [sys.executable, "-m", "fixturesynth", "inspect", "--json", str(script)],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert [table["name"] for table in json.loads(done.stdout)["tables"]] == ["books"]
