"""The command line: one command per verb. Heavy libraries load inside the commands, so that ``--help`` is instant."""

import click

import fixturesynth
from fixturesynth.cli.checking import check, demo
from fixturesynth.cli.drifting import drift
from fixturesynth.cli.failures import Commands
from fixturesynth.cli.inspecting import init, inspect, plan
from fixturesynth.cli.making import fit, generate
from fixturesynth.cli.seeding import seed

__all__ = ["commands", "main"]


@click.group(
    "fixturesynth", cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(fixturesynth.__version__, prog_name="fixturesynth")
def commands() -> None:
    """Relational test data that holds every constraint and looks real.

    SOURCE is a database URL, a .sql script, package.module:Base, or a folder of Parquet or CSV files. FROM is any of
    these, a model (.fsynth) or a spec (.yaml) that names its source.

    Exit codes: 0 done; 1 a check fell short; 2 bad input or usage; 3 refused by the guard; 4 the schema cannot be
    satisfied; 70 a bug; 130 interrupted.
    """


for command in (inspect, init, plan, fit, generate, seed, check, drift, demo):
    commands.add_command(command)


def main() -> None:
    """Entry point of the console script."""
    commands.main(prog_name="fixturesynth")
