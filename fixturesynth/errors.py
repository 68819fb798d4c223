"""Every error that FixtureSynth raises on purpose.

    FixtureSynthError                 exit code 70 (a bug, when it is this class itself)
    ├── InputError                    2   a source, file, option or argument is wrong
    │   ├── SourceError               2   a database, file or module cannot be read as a source
    │   ├── MissingDriverError        2   a package that this source or target needs is not installed
    │   ├── SpecError                 2   fixturesynth.yaml names something that does not exist, or contradicts itself
    │   └── ModelFileError            2   a .fsynth file is damaged, foreign or too new
    ├── GuardError                    3   the guard refuses to write to this target
    ├── UnsatisfiableError            4   the schema cannot be satisfied as asked
    │   ├── CapacityError             4   more distinct values asked than there are
    │   ├── CycleError                4   a cycle of foreign keys that cannot be cut
    │   └── ConstraintError           4   a constraint that is not understood
    ├── LoadError                     2   the target refused the rows or was lost; nothing was kept
    └── ThresholdError                1   a check fell short

Every message says what is wrong, where, and the way out, in one line.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CapacityError",
    "ConstraintError",
    "CycleError",
    "FixtureSynthError",
    "GuardError",
    "InputError",
    "LoadError",
    "MissingDriverError",
    "ModelFileError",
    "SourceError",
    "SpecError",
    "ThresholdError",
    "UnsatisfiableError",
    "did_you_mean",
]


class FixtureSynthError(Exception):
    """Root of the tree; ``exit_code`` is what the command line ends with."""

    exit_code = 70


class InputError(FixtureSynthError, ValueError):
    exit_code = 2


class SourceError(InputError):
    pass


class MissingDriverError(InputError):
    pass


class SpecError(InputError):
    pass


class ModelFileError(InputError):
    pass


class GuardError(FixtureSynthError):
    exit_code = 3


class UnsatisfiableError(FixtureSynthError):
    exit_code = 4


class CapacityError(UnsatisfiableError):
    pass


class CycleError(UnsatisfiableError):
    pass


class ConstraintError(UnsatisfiableError):
    pass


class LoadError(FixtureSynthError):
    exit_code = 2


class ThresholdError(FixtureSynthError):
    exit_code = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of a message for an unknown ``name``: a suggestion, or what there is.

    >>> did_you_mean("custmer", ["customers", "orders"])
    "did you mean 'customers'?"
    >>> did_you_mean("zzz", ["customers", "orders"])
    'there are: customers, orders'
    """
    options = sorted(known)
    close = get_close_matches(name.casefold(), [o.casefold() for o in options], n=1, cutoff=0.6)
    if close:
        original = next(o for o in options if o.casefold() == close[0])
        return f"did you mean {original!r}?"
    shown = ", ".join(options[:12]) + (", ..." if len(options) > 12 else "")
    return f"there are: {shown}" if options else "there are none"
