"""What a database says of a condition on rows; ``judging`` asks one. Planning knows no more of databases than this."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.schema.model import Schema, Table

__all__ = ["FAILED", "FALSE", "TRUE", "UNKNOWN", "Judge", "Verdicts", "judge_without_database"]

Verdicts = npt.NDArray[np.int8]
Judge = Callable[[Table, str, Sequence[pa.Table]], Verdicts]

FALSE, TRUE, UNKNOWN, FAILED = 0, 1, 2, 3


def judge_without_database(schema: Schema) -> Judge | None:
    """Who knows the functions of a schema that comes without a database: SQLite's come with Python; else None."""

    @cache
    def engine() -> Judge:
        from fixturesynth.loading.judging import make_judge  # heavy, and asked by few schemas

        return make_judge("sqlite://")

    return (lambda table, text, batches: engine()(table, text, batches)) if schema.dialect == "sqlite" else None
