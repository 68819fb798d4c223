"""What a database says of a condition on rows; ``judging`` asks one. Planning knows no more of databases than this."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.schema.model import Table

__all__ = ["FAILED", "FALSE", "TRUE", "UNKNOWN", "Judge", "Verdicts"]

Verdicts = npt.NDArray[np.int8]
Judge = Callable[[Table, str, Sequence[pa.Table]], Verdicts]

FALSE, TRUE, UNKNOWN, FAILED = 0, 1, 2, 3
