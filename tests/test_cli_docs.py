"""docs/cli.md says what the command line takes, no more and no less, and its examples run."""

import re
import shlex
import sqlite3
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from conftest import REPOSITORY

from fixturesynth.cli import commands

PAGE = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = {
    found[1]: found[0]
    for found in re.finditer(r"^## fixturesynth (\w+)[^\n]*\n(?:.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
EVERYWHERE = {"--quiet", "-q", "--traceback", "--help", "-h", "--version"}


def documented(text: str) -> set[str]:
    """Options in the first cells of tables."""
    cells = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `-")]
    return {option for cell in cells for option in re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", cell)}


def taken(command: click.Command) -> set[str]:
    """Options that a command takes, those of every command left out."""
    options = [p for p in command.params if isinstance(p, click.Option)]
    return {name for o in options for name in (*o.opts, *o.secondary_opts)} - EVERYWHERE


def test_every_command_is_documented() -> None:
    assert set(SECTIONS) == set(commands.commands)


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_option_is_documented(name: str) -> None:
    assert documented(SECTIONS[name]) == taken(commands.commands[name])


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_option_has_help(name: str) -> None:
    command = commands.commands[name]
    assert command.help and "\n\n" not in command.help.split("\n\n")[0]
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option.name


def test_options_of_every_command() -> None:
    assert documented(PAGE.split("\n## ")[0]) | {"--version"} == EVERYWHERE
    for command in commands.commands.values():
        own = {n for p in command.params for n in p.opts}
        assert {"--quiet", "--traceback"} <= own


def test_exit_codes_are_those_of_the_errors() -> None:
    from fixturesynth import errors

    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    raised = {getattr(errors, name).exit_code for name in errors.__all__ if name.endswith("Error")}
    assert listed == raised | {0, 130}
    for code in listed:
        assert re.search(rf"\b{code} ", commands.help or ""), code


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = (REPOSITORY / "schemas" / "shop.sql").read_text(encoding="utf-8")
    Path("shop.sql").write_text(script, encoding="utf-8")
    made = CliRunner().invoke(commands, ["generate", "shop.sql", "-o", "shop.sqlite", "--rows", "60", "-q"])
    assert made.exit_code == 0, made.output
    lines = re.findall(r"^\$ fixturesynth (.+)$", PAGE, re.MULTILINE)
    assert len(lines) >= 12
    for line in lines:
        result = CliRunner().invoke(commands, shlex.split(line))
        assert result.exit_code == 0, (line, result.output, result.exception)
    with sqlite3.connect("dev.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (5,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
