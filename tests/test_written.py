"""Rules that a column's name suggests, and what its rows say of them."""

from __future__ import annotations

import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.planning.plan import RuleCall
from fixturesynth.planning.written import of_another_list
from fixturesynth.profiling.profile import ColumnProfile

REFUNDS = ["Requested by customer", "Duplicate", "No longer needed", "Found a better price", "Other"]


def reasons(common: str) -> pd.DataFrame:
    """A reason for each of 400 visits, of which 100 are rare."""
    rare = [f"Sprain of the joint {chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(100)]
    return pd.DataFrame({"id": range(1, 401), "reason": [common] * 300 + rare})


def test_a_list_that_the_rows_do_not_use_gives_no_stand_ins() -> None:
    made = fs.fit({"visits": reasons("Viral sinusitis")}, seed=1).sample(seed=1)["visits"].reason
    assert (made == "Viral sinusitis").sum() >= 300
    assert not set(made) & set(REFUNDS)


@pytest.mark.parametrize(
    ("name", "values", "distinct", "another"),
    [
        ("choices", ("Viral sinusitis",), 101, True),
        ("choices", ("Viral sinusitis", "Other"), 101, False),
        ("choices", (), 9, False),  # nothing is known
        ("choices", (), 101, True),  # but that the list is far too short
        ("word_text", ("Viral sinusitis",), 101, False),
    ],
)
def test_lists_are_told_by_what_is_known(name: str, values: tuple[str, ...], distinct: int, another: bool) -> None:
    seen = ColumnProfile("reason", "categorical", 400, 0, distinct, values=tuple((v, 100) for v in values))
    assert of_another_list(RuleCall(name, {"values": REFUNDS}), seen) is another
