"""Unique sets of columns of few values: no more rows than there are tuples that the checks allow."""

import pytest
from test_hard_rows import ALL, Seeded, seeded

__all__ = ["seeded"]

TABLE = (
    "CREATE TABLE a (id int NOT NULL, one boolean NOT NULL, two boolean NOT NULL, state varchar(10) NOT NULL, n int, "
    "PRIMARY KEY (id), CHECK (state IN ('x', 'y', 'z')){})"
)


@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize(
    ("rest", "rows"),
    [
        (", CHECK (one = FALSE OR two = TRUE), UNIQUE (one, two)", 3),
        (", CHECK (one = TRUE OR state = 'x'), UNIQUE (state, one)", 4),
        (", CHECK (one = TRUE OR two = TRUE), CHECK (one = FALSE OR state <> 'y'), UNIQUE (state, one, two)", 7),
        (", CHECK (one = TRUE OR state = 'x' OR n > 3), UNIQUE (state, one, two)", 12),  # n lets every tuple pass
    ],
)
def test_a_set_has_as_many_rows_as_the_checks_allow_tuples(dialect: str, rest: str, rows: int, seeded: Seeded) -> None:
    made = seeded(dialect, TABLE.format(rest))
    assert len(made["a"]) == rows
