"""The public face: what ``import fixturesynth`` offers, and what it costs."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fixturesynth as fs
from fixturesynth import errors

REPOSITORY = Path(__file__).resolve().parent.parent
HEAVY = ("pandas", "numpy", "pyarrow", "sqlalchemy", "faker", "networkx", "torch", "pydantic", "sqlglot", "safetensors")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
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
