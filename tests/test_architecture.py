"""The house stands as it was drawn: floors, heavy libraries in their rooms, short files, no banned calls."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "fixturesynth"

# Low to high. Names in one set do not see each other, but for those in ONE_ROOM.
FLOORS = (
    {"arrays", "errors", "placing", "randomness", "records"},
    {"schema.model"},
    {"dataset"},
    {"schema"},
    {"loading"},
    {"profiling"},
    {"spec"},
    {"rules"},
    {"planning"},
    {"generators"},
    {"sampling"},
    {"synthesizer", "modelfile", "modelrecords", "packing"},
    {"evaluation"},
    {"sources", "demo", "strategies"},
    {"cli"},
    {"__main__"},
)
ONE_ROOM = ({"synthesizer", "modelfile", "modelrecords", "packing"},)

HEAVY = {
    "torch": {"generators"},
    "faker": {"rules"},
    "networkx": {"schema"},
    "sqlalchemy": {"schema", "loading"},
    "hypothesis": {"strategies"},
    "matplotlib": {"evaluation"},
    "scipy": {"evaluation"},
    "sklearn": {"evaluation"},
    "lightgbm": {"evaluation"},
}

BANNED = (
    "np.random.seed", "numpy.random.seed", "random.seed", "torch.manual_seed", "Faker.seed", "seed_everything",
    "pickle.load", "pickle.loads", "pickle.dump", "pickle.dumps", "eval", "exec",
)  # fmt: skip
BANNED_IMPORTS = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}

FILES = sorted(PACKAGE.rglob("*.py"))
PLUGIN = PACKAGE.parent / "pytest_plugin" / "pytest_fixturesynth"
PLUGIN_FILES = sorted(PLUGIN.glob("*.py"))
# What pytest imports in every run, used or not: pytest, the standard library and each other.
LIGHT = ("__init__", "plugin", "fixtures", "settings", "naming", "asynchronous", "djangofixtures")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def place(module: str) -> tuple[int, str]:
    """Floor and room of a module, its name given without the package's."""
    parts = module.split(".")
    if parts[:2] == ["schema", "model"]:
        return 1, "schema.model"
    for floor, rooms in enumerate(FLOORS):
        if parts[0] in rooms:
            return floor, parts[0]
    raise LookupError(f"fixturesynth/{module.replace('.', '/')} has no floor: name it in FLOORS")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, those inside functions too; relative ones are not used here."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            assert node.module is not None
            # ``from fixturesynth import spec`` names a room only in its second part.
            names = (f"{node.module}.{a.name}" for a in node.names) if node.module == "fixturesynth" else (node.module,)
            yield from ((node.lineno, name) for name in names)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def upward_imports(files: list[Path]) -> list[str]:
    found = []
    for path in files:
        module = module_of(path)
        if module == "__init__":  # the table of public names stands outside the house
            continue
        floor, room = place(module)
        for line, name in imports(path):
            inside = name.removeprefix("fixturesynth.")
            if inside == name:
                continue
            if inside == "__version__":
                continue
            their_floor, their_room = place(inside)
            together = room == their_room or any({room, their_room} <= rooms for rooms in ONE_ROOM)
            if not together and their_floor >= floor:
                found.append(f"{module}:{line} (floor {floor}) imports {name} (floor {their_floor})")
    return found


def test_imports_go_down() -> None:
    """A file imports only from floors below it, or from its own room."""
    assert upward_imports(FILES) == []


def test_an_upward_import_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "bad.py").write_text("def f():\n    from fixturesynth.rules import registry\n")
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    assert upward_imports([tmp_path / "schema" / "bad.py"]) == [
        "schema.bad:2 (floor 3) imports fixturesynth.rules (floor 7)"
    ]


def test_heavy_libraries_stay_in_their_rooms() -> None:
    found = []
    for path in FILES:
        for line, name in imports(path):
            library = name.split(".")[0]
            if library in HEAVY and module_of(path).split(".")[0] not in HEAVY[library]:
                found.append(f"{module_of(path)}:{line} imports {library}")
    assert found == []


def at_import(path: Path) -> Iterator[str]:
    """Modules that are imported when this one is: not those inside functions, nor for type checkers."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_the_plugin_is_light_where_it_is_always_loaded() -> None:
    allowed = {"pytest", "pytest_fixturesynth", *sys.stdlib_module_names}
    light = {f"pytest_fixturesynth.{name}" for name in LIGHT} | {"pytest_fixturesynth"}
    found = [
        f"{name}: {module}"
        for name in LIGHT
        for module in at_import(PLUGIN / f"{name}.py")
        if module.split(".")[0] not in allowed or (module.startswith("pytest_fixturesynth") and module not in light)
    ]
    assert found == []


def test_the_package_does_not_know_its_plugin() -> None:
    named = [f"{module_of(p)}:{line}" for p in FILES for line, name in imports(p) if "pytest_fixturesynth" in name]
    assert named == []


def test_files_are_short() -> None:
    """No file over 600 lines, in the package, its tests, plugin and benchmarks."""
    root = PACKAGE.parent
    folders = ("fixturesynth", "tests", "benchmarks", "pytest_plugin", "examples")
    lengths = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for path in (root / folder).rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 600} == {}


def test_no_drawer_for_odds_and_ends() -> None:
    names = {part for path in FILES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names & {"utils", "util", "helpers", "common", "misc"} == set()


@pytest.mark.parametrize("path", [*FILES, *PLUGIN_FILES], ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_nothing_banned(path: Path) -> None:
    """No global seeds, nothing that runs code from data, no error swallowed whole."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [
        f"{node.lineno}: {dotted(node.func)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) in BANNED
    ]
    modules = [f"{line}: import {name}" for line, name in imports(path) if name.split(".")[0] in BANNED_IMPORTS]
    swallowed = [
        f"{node.lineno}: except {dotted(node.type) if node.type else ''}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or dotted(node.type) in ("Exception", "BaseException"))
        and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
    ]
    assert calls + modules + swallowed == []


def test_randomness_comes_from_one_place() -> None:
    """numpy's own distributions may change between releases: only raw words are drawn, and only in randomness.py."""
    found = []
    for path in FILES:
        if module_of(path) in ("randomness",) or module_of(path).startswith("evaluation"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [
            f"{module_of(path)}:{node.lineno} calls {dotted(node.func)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and dotted(node.func).startswith(("np.random.", "numpy.random.", "random.", "secrets.", "uuid.uuid4"))
        ]
    # Names of files and databases that must not meet are no data.
    assert [f for f in found if not f.startswith(("placing:", "schema.sqlfile:"))] == []


def test_names_of_generators_are_one_list() -> None:
    """Planning knows the generators by name only: they stand a floor above."""
    from fixturesynth.generators import registry
    from fixturesynth.planning import wishes

    assert set(wishes.GENERATORS) == set(registry.GENERATORS)
