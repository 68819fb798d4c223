"""Labels and dates of tables whose rows are in line, dealt out before anything else is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.calendar import PARTS
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.courses import (
    Course,
    course_families,
    course_values,
    moments_codes,
    season_variable,
    seasons_of,
)
from fixturesynth.generators.tablemodel import TableModel, column_variable, part_variable
from fixturesynth.sampling.drift import in_season

__all__ = ["OnCourse", "dealt_course", "on_level"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class OnCourse:
    """``codes`` by variable, (n,), which all else is drawn knowing, and exact ``values`` by column."""

    codes: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)
    values: dict[str, pa.Array] = field(default_factory=dict)


def dealt_course(model: TableModel, rows: int, seed: int) -> OnCourse:
    """What each of ``rows`` rows of a table in line has for a label and a date."""
    course = model.course
    assert course is not None
    label = course_families(course, rows)[0]
    codes, values = {}, {}
    if course.label is not None:
        codes[column_variable(course.label)] = label.astype(np.int32)
    if course.date is not None:
        calendar = model.calendars.get(course.date)
        kind = model.types[course.date]
        found = course_values(course, label, calendar, model.encodings, kind, seed, model.name)
        if found is not None:
            values[course.date] = found
            names = {part: part_variable(part, course.date) for part in PARTS}
            codes |= moments_codes(found, calendar, model.encodings, names)
            season = seasons_of(found, 0)
            known = model.state.variables if model.state is not None else ()
            if season is not None and season_variable(course.date) in {v.name for v in known}:
                codes[season_variable(course.date)] = season
    return OnCourse(codes, values)


def on_level(codes: Codes, own: Sequence[Variable], course: Course, position: Integers) -> Codes:
    """``codes``, (n, variables), with numbers where those of their label and of the time of the year stand."""
    names = [v.name for v in own]
    ways = [
        (course.levels, None if course.label is None else column_variable(course.label)),
        (course.seasons, None if course.date is None else season_variable(course.date)),
    ]
    for levels, by in ways:
        if levels and by in names:
            codes = in_season(codes, own, names.index(by), levels, position)
    return codes
