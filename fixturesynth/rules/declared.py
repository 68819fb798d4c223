"""What a column's DEFAULT says of its values: how a flag is spelled, around which number values lie."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from fixturesynth.rules.habits import words_in
from fixturesynth.schema.model import Column

__all__ = ["around", "is_switch", "led", "literal_of", "number_of", "spellings_of"]

_QUOTED: Final = re.compile(r"\(*'(?P<text>(?:[^']|'')*)'\)*(?:::[\w \"()]+)?\)*")
_NUMBER: Final = re.compile(r"\(*(?P<text>-?\d+(?:\.\d+)?)\)*(?:::[\w \"()]+)?\)*")
# Yes and no, as texts spell them.
_YES_AND_NO: Final = (
    ("yes", "no"), ("on", "off"), ("true", "false"), ("y", "n"), ("t", "f"), ("enabled", "disabled"), ("1", "0"),
)  # fmt: skip


def literal_of(column: Column) -> str | None:
    """The text or number that a row has where none is given; None where that is computed, or nothing.

    >>> from fixturesynth.schema.model import ColumnType
    >>> literal_of(Column("a", ColumnType("text", "text"), default="'on'::character varying"))
    'on'
    >>> literal_of(Column("a", ColumnType("integer", "int"), default="((3))"))
    '3'
    """
    for pattern in (_QUOTED, _NUMBER):
        found = pattern.fullmatch(column.default or "")
        if found is not None:
            return found["text"].replace("''", "'")
    return None


def number_of(column: Column) -> Decimal | None:
    """The number that a row has where none is given."""
    try:
        return Decimal(literal_of(column) or "")
    except InvalidOperation:
        return None


# With which names of wider numbers begin that stand for yes and no: show_tree, notify_on_failure.
_ASKING: Final = frozenset(
    ("allow", "auto", "enable", "escalate", "exclude", "fail", "force", "have", "hide", "ignore", "include", "inherit",
     "inherits", "keep", "no", "notify", "require", "requires", "retain", "send", "show", "skip", "supports", "use")
)  # fmt: skip


def is_switch(column: Column) -> bool:
    """Whether a whole number, 0 or 1 where none is given, stands for yes and no: a small one, or one whose name asks.

    >>> from fixturesynth.schema.model import ColumnType
    >>> is_switch(Column("notify_on_down", ColumnType("integer", "int", bits=32), default="0"))
    True
    """
    if column.type.kind != "integer" or literal_of(column) not in ("0", "1"):
        return False
    return (column.type.bits or 64) <= 16 or (words_in(column.name) or ("",))[0] in _ASKING


def spellings_of(column: Column) -> tuple[str, str] | None:
    """Yes and no in the spelling of the column's default; None where it is neither.

    >>> from fixturesynth.schema.model import ColumnType
    >>> spellings_of(Column("a", ColumnType("text", "char"), default="'N'"))
    ('Y', 'N')
    """
    told = literal_of(column)
    most = column.type.length or 99
    if told is None or column.type.kind != "text" or most < len(told) or (len(told) == 1 and most > 1):
        return None
    change = str.upper if told.isupper() else str.title if told.istitle() else str
    for pair in _YES_AND_NO:
        yes, no = (change(word) for word in pair)
        if told in (yes, no) and len(yes) <= most:
            return yes, no if len(no) <= most else ""
    return None


def led(values: Sequence[str], column: Column) -> list[str]:
    """The values with the column's default before all others.

    >>> from fixturesynth.schema.model import ColumnType
    >>> led(["paid", "draft"], Column("a", ColumnType("text", "text"), default="'new'"))
    ['new', 'paid', 'draft']
    """
    told = literal_of(column)
    return [told, *(v for v in values if v != told)] if told and told.strip() else list(values)


def around(default: Decimal, law: Sequence[int | str]) -> tuple[int | str, ...]:
    """Quantiles of numbers of which most are what the schema gives by default, and the others not far from that.

    >>> around(Decimal(300), (0, 1000))
    (75, 150, 300, 300, 300, 300, 600, 1200)
    """
    if default < 2:
        return tuple(law)
    parts = (default / 4, default / 2, default, default, default, default, default * 2, default * 4)
    return tuple(int(p) if p == p.to_integral_value() or default == int(default) else str(p) for p in parts)
