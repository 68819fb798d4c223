"""What is printed where: results on stdout, progress on stderr as bars on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

__all__ = ["Teller", "error_console", "listed", "output_console", "print_table", "teller"]

PIPED_WIDTH = 200  # columns where there is no terminal to ask
MOST_LISTED = 20


def output_console() -> Console:
    """The console of results; as wide as the terminal, wide where there is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)


def error_console() -> Console:
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


class Teller:
    """Tells how far the work is. ``quiet``: says nothing but errors."""

    def __init__(self, quiet: bool, bars: Progress | None = None) -> None:
        self.quiet = quiet
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._told: set[tuple[str, str]] = set()

    def say(self, text: str) -> None:
        """One line about what was done or decided."""
        if self.quiet:
            return
        if self._bars is not None:
            self._bars.console.print(text, markup=False)
        else:
            click.echo(text, err=True)

    def step(self, stage: str, table: str, done: int, of: int) -> None:
        """``done`` of ``of`` (0: not known) in a stage; the stage as a bar, or one line for each table."""
        if self.quiet:
            return
        if self._bars is None:
            if (stage, table) not in self._told:
                self._told.add((stage, table))
                click.echo(f"{stage} {table}".rstrip(), err=True)
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=None)
        text = f"{stage} {table}" + (f" {done:,}" if not of and done else "")
        self._bars.update(self._tasks[stage], description=text, completed=done, total=of or None)

    def sampled(self, table: str, done: int, of: int) -> None:
        self.step("sample", table, done, of)

    def loaded(self, table: str, done: int, of: int) -> None:
        self.step("load", table, done, of)


@contextmanager
def teller(quiet: bool) -> Iterator[Teller]:
    """A Teller with bars on a terminal; they are gone when the work is done."""
    if quiet or not sys.stderr.isatty():
        yield Teller(quiet)
        return
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=error_console(), transient=True) as bars:
        yield Teller(quiet, bars)


def print_table(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()
) -> None:
    """Rows under heads; the columns in ``numbers`` are set flush right, the last one folds."""
    from rich.box import SIMPLE_HEAD
    from rich.text import Text

    table = _table(SIMPLE_HEAD)
    for place, head in enumerate(heads):
        last = place == len(heads) - 1
        table.add_column(
            head, justify="right" if place in numbers else "left", overflow="fold", no_wrap=not last and place == 0
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _table(box: object) -> Table:
    from rich.table import Table

    return Table(box=box, pad_edge=False, show_edge=False, header_style="bold")  # type: ignore[arg-type]


def listed(console: Console, title: str, items: Sequence[str], *, most: int = MOST_LISTED) -> None:
    """A title and what belongs under it, the first ``most``; nothing where there is nothing."""
    if not items:
        return
    console.print(f"\n{title} ({len(items)})", markup=False, style="bold")
    for item in items[:most]:
        console.print(f"  {item}", markup=False)
    if len(items) > most:
        console.print(f"  ... and {len(items) - most} more (--json has all)", markup=False)
