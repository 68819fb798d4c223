"""Every example runs to its end in an empty folder."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fixturesynth.cli import commands
from fixturesynth.evaluation import METRICS
from fixturesynth.evaluation.requiring import read_conditions

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    start = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if example.name.startswith("test_") else []
    done = subprocess.run(
        [sys.executable, *start, str(example)], cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


APPLICATIONS = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*/pytest.ini"))


@pytest.mark.parametrize("ini", APPLICATIONS, ids=lambda path: path.parent.name)
def test_the_suite_of_a_sample_application_passes(ini: Path, tmp_path: Path) -> None:
    """Each in a copy, with the plugin as its users have it; nothing is left in the folder for temporary files."""
    copy, temporary = tmp_path / "application", tmp_path / "tmp"
    shutil.copytree(ini.parent, copy, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    temporary.mkdir()
    before = {p for p in copy.rglob("*") if "__pycache__" not in p.parts}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=copy, capture_output=True, text=True,
        timeout=180, check=False, stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr
    assert {p for p in copy.rglob("*") if "__pycache__" not in p.parts} == before
    assert not list(temporary.glob("fixturesynth*"))


def test_there_are_sample_applications() -> None:
    assert {ini.parent.name for ini in APPLICATIONS} == {"django_library", "fastapi_orders", "plain_sql"}


WORKFLOWS = sorted((Path(__file__).resolve().parent.parent / "examples" / "ci").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_is_one_and_its_commands_are_understood(path: Path) -> None:
    """YAML of the shape that GitHub Actions reads, and every fixturesynth command takes the options it is given."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "jobs", "permissions"} <= set(workflow) and (True in workflow or "on" in workflow)  # on: is true
    lines = []
    for job in workflow["jobs"].values():
        assert job["runs-on"] and job["steps"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            assert set(step) <= {"name", "uses", "with", "run", "env", "if"}, step
            lines += step.get("run", "").splitlines()
    asked = [shlex.split(line)[1:] for line in lines if line.startswith("fixturesynth ")]
    assert {"fit", "generate", "check"} <= {words[0] for words in asked}
    for name, *words in asked:
        command = commands.commands[name]
        given = command.make_context(name, list(words))
        for condition in given.params.get("require", ()):
            assert read_conditions([condition], [m.name for m in METRICS])


def test_there_is_a_workflow() -> None:
    assert WORKFLOWS
