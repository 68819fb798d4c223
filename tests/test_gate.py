"""The gate on the command line: what fails is printed first, and every report that is asked for is written."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from conftest import REPOSITORY

from fixturesynth.cli import commands

SHOP = str(REPOSITORY / "schemas" / "shop.sql")


def test_failing_requirements_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(commands, [*words, "-q"])
        return result.exit_code, result.stdout, result.stderr

    for name in ("real", "synthetic"):
        assert run("generate", SHOP, "-o", f"{name}.sqlite", "--rows", "60", "--seed", str(len(name)))[0] == 0
    check = ("check", "real.sqlite", "synthetic.sqlite", "--no-detection")
    asked = ("--require", "validity>=1", "--require", "statistical.shape>1.5", "--require", "detection.c2st>=0.5")
    code, out, error = run(*check, *asked, "--report", "r.xml", "--report", "r.md", "--report", "r.html")
    lines = out.splitlines()
    assert code == 1 and error.startswith("error: statistical.shape.mean is")
    assert lines[0].startswith("FAIL statistical.shape>1.5: statistical.shape.mean is")
    assert lines[1].startswith("FAIL detection.c2st>=0.5") and "not trained" in lines[1]
    assert lines.index("") > 4 and all(line.startswith("ok   validity>=1") for line in lines[2 : lines.index("")])
    assert ElementTree.parse("r.xml").getroot().get("name") == "fixturesynth check"
    assert "statistical.shape>1.5" in Path("r.md").read_text(encoding="utf-8") and Path("r.html").exists()
    assert run(*check, "--require", "validity>=1")[0] == 0
    assert run(*check, "--require", "validity>=1", "--report", "r.md")[0] == 2  # it is there already
    code, _, error = run(*check, "--require", "statistical.shap>=1")
    assert code == 2 and "did you mean 'statistical.shape'" in error
