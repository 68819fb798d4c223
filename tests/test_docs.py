"""What the documents say is true: their code runs, their links lead somewhere, every public name is in them."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

import fixturesynth as fs

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
OUTSIDE = ("http://", "https://", "mailto:")


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """(line, text) of the code blocks of one language."""
    text = page.read_text(encoding="utf-8")
    return [(text[: m.start()].count("\n") + 2, m[2]) for m in BLOCK.finditer(text) if m[1] == language]


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the repository's ``schemas``, in which a page's code runs."""
    shutil.copytree(REPOSITORY / "schemas", tmp_path / "schemas")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
def test_python_blocks_run(page: Path, workplace: Path) -> None:
    """All blocks of a page, in order, in one namespace; a traceback shows the page's own line."""
    names: dict[str, object] = {"__name__": "__page__"}
    for line, text in blocks(page, "python"):
        exec(compile("\n" * (line - 1) + text, str(page), "exec"), names)


def test_the_tests_in_the_page_on_pytest_pass(workplace: Path) -> None:
    """Its blocks that name a file are that file; the first ini block is the project's."""
    page = REPOSITORY / "docs" / "pytest.md"
    (workplace / "pytest.ini").write_text(blocks(page, "ini")[0][1], encoding="utf-8")
    for _, text in blocks(page, "python"):
        named = re.match(r"# (\w+\.py)\n", text)
        assert named is not None, "let a block's first line name its file"
        (workplace / named[1]).write_text(text, encoding="utf-8")
    (workplace / "test_more.py").write_text(
        "def test_fixtures(bank, bank_session, catalogue):\n"
        "    assert bank.session is bank_session and len(catalogue.data['products']) == 200\n\n"
        "def test_traits(synth):\n"
        "    assert synth.make('orders', 'big', 'german')['total'] == 4999\n",
        encoding="utf-8",
    )
    (workplace / "fixturesynth.yaml").write_text(blocks(page, "yaml")[0][1], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--fixturesynth-spec=fixturesynth.yaml"]
    done = subprocess.run(command, cwd=workplace, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("page", pages_with("yaml"), ids=name_of)
def test_specs_are_valid(page: Path, workplace: Path) -> None:
    """A block whose first line names a schema (``# shop``) is a spec for ``schemas/shop.sql``."""
    for _, text in blocks(page, "yaml"):
        named = re.match(r"# (\w+)\n", text)
        assert named is not None, f"{name_of(page)}: let a spec's first line name its schema"
        path = workplace / "fixturesynth.yaml"
        path.write_text(text, encoding="utf-8")
        fs.check_spec(fs.read_spec(path), fs.reflect(f"schemas/{named[1]}.sql"))


def commands(page: Path) -> Iterator[list[str]]:
    for _, text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["fixturesynth"]:
                yield words[1:]


# The command line's own page is tested with the command line.
@pytest.mark.parametrize("page", [p for p in pages_with("sh") if p.name != "cli.md"], ids=name_of)
def test_commands_run(page: Path, workplace: Path) -> None:
    start = [sys.executable, "-c", "from fixturesynth.cli import main; main()"]
    for words in commands(page):
        done = subprocess.run(
            [*start, *words], capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"fixturesynth {shlex.join(words)}\n{done.stdout}{done.stderr}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", page.read_text(encoding="utf-8"))):
        if target.startswith(OUTSIDE):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    linked = set(LINK.findall((REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8")))
    pages = {p.name for p in (REPOSITORY / "docs").glob("*.md")} - {"index.md", "constraints.md"}
    assert pages - linked == set()


def test_every_public_name_is_documented() -> None:
    text = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    assert [name for name in fs.__all__ if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_every_rule_and_error_code_is_documented() -> None:
    from fixturesynth.rules.registry import RULES

    spec = (REPOSITORY / "docs" / "spec.md").read_text(encoding="utf-8")
    assert [name for name in RULES if f"`{name}`" not in spec] == []
    api = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    for name in fs.__all__:
        kind = getattr(fs, name)
        if isinstance(kind, type) and issubclass(kind, fs.FixtureSynthError) and kind is not fs.FixtureSynthError:
            assert f"| `{name}` | {kind.exit_code} |" in api


def test_every_metric_is_documented() -> None:
    from fixturesynth.evaluation.metrics import METRICS

    text = (REPOSITORY / "docs" / "checks.md").read_text(encoding="utf-8")
    assert [m.name for m in METRICS if f"| `{m.name}` |" not in text] == []


def test_every_spec_setting_is_documented() -> None:
    from fixturesynth.spec import ChildrenSpec, ColumnSpec, EvaluationSpec, Spec, TableSpec

    text = (REPOSITORY / "docs" / "spec.md").read_text(encoding="utf-8")
    for kind in (Spec, TableSpec, ColumnSpec, ChildrenSpec, EvaluationSpec):
        assert [f for f in kind.model_fields if f"`{f}`" not in text] == [], kind.__name__


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (REPOSITORY / "docs" / "decisions.md").read_text(encoding="utf-8").lower()
    names = [re.split(r"[\s>=<\[;]", d)[0] for d in project["dependencies"]]
    assert [n for n in names if n.lower() not in text] == []
