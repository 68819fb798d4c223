"""Every failure is one line on stderr and an exit code."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from fixturesynth.errors import FixtureSynthError

__all__ = ["Commands", "one_line"]

BUG = 70
INTERRUPTED = 130
USAGE = 2
OF_ALL = ("-q", "--quiet", "--traceback")  # options of every command


class Commands(click.Group):
    """A click group that ends every failure with ``error: ...`` and the exit code of the error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = _behind_the_command(list(sys.argv[1:] if args is None else args))
        try:
            with _warnings_told(quiet=bool({"-q", "--quiet"} & set(given))):
                result = super().main(given, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.Abort, KeyboardInterrupt):
            _end("interrupted; nothing was written", INTERRUPTED)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(USAGE)
        except click.ClickException as error:
            _end(_usage(error), error.exit_code)
        except FixtureSynthError as error:
            _end(str(error), error.exit_code, error if "--traceback" in given else None)
        except MemoryError as error:
            _end(
                f"not enough memory ({one_line(str(error)) or 'for what was asked'}); ask for fewer rows with --rows "
                "or --scale, or read fewer with fit --limit",
                USAGE,
                error if "--traceback" in given else None,
            )
        except Exception as error:  # noqa: BLE001 the last place where a bug can be told politely
            _end(_bug(error), BUG, error if "--traceback" in given else None)
        sys.exit(result if isinstance(result, int) else 0)


def _behind_the_command(given: list[str]) -> list[str]:
    """``given`` with options that every command takes behind the command, also where they stood before it.

    >>> _behind_the_command(["-q", "inspect", "shop.sql"])
    ['inspect', '-q', 'shop.sql']
    """
    first = next((i for i, word in enumerate(given) if word not in OF_ALL), 0)
    return [given[first], *given[:first], *given[first + 1 :]] if first and given[first][0] != "-" else given


@contextmanager
def _warnings_told(quiet: bool) -> Iterator[None]:
    """Warnings of FixtureSynth's own as one line each; those of libraries are not for the user."""

    def tell(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"warning: {one_line(str(message))}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not quiet:
            warnings.filterwarnings("default", category=UserWarning)
            warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.showwarning = tell
        yield


def one_line(text: str) -> str:
    """``text`` without line breaks."""
    return " ".join(text.split())


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    told = error.format_message().rstrip(".")
    return f"{told}; see {context.command_path} --help" if context is not None else told


def _bug(error: Exception) -> str:
    return (
        f"this is a bug of FixtureSynth ({type(error).__name__}: {one_line(str(error))[:300]}); please report it with "
        "the command and what --traceback adds"
    )


def _end(message: str, code: int, shown: BaseException | None = None) -> NoReturn:
    if shown is not None:
        import traceback

        traceback.print_exception(shown, file=sys.stderr)
    click.echo(f"error: {one_line(message)}", err=True)
    sys.exit(code)
