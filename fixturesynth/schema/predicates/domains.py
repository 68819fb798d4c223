"""What constraints say of columns: a domain per column, orders and differences between columns."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from fixturesynth.errors import ConstraintError
from fixturesynth.schema.predicates.patterns import like_to_regex

__all__ = [
    "NOW",
    "Alternatives",
    "Bound",
    "Branch",
    "ColumnDomain",
    "Difference",
    "Distinct",
    "Hole",
    "NotUnderstood",
    "RangeLimits",
    "Span",
    "TableConstraints",
]

NOW = "2026-01-01T00:00:00"  # the moment to which plans are pinned where nobody names another
MOST_POINTS = 8  # single values that are united with an interval

Bound = int | float | Decimal | str
_T = TypeVar("_T")


class NotUnderstood(ConstraintError):
    """A condition, or a part of one, that FixtureSynth cannot read."""


@dataclass(frozen=True)
class Hole:
    """An interval without values inside a domain: ``x < 0 OR x > 10`` leaves out ``Hole(0, 10)``."""

    low: Bound
    high: Bound
    low_open: bool = False  # True: ``low`` itself is not in the hole, so it is a value
    high_open: bool = False

    def __contains__(self, value: object) -> bool:
        return _family(value) == _family(self.low) and not (
            _outside_low(value, self.low, self.low_open) or _outside_high(value, self.high, self.high_open)
        )


@dataclass(frozen=True)
class ColumnDomain:
    """Values that one column may take; every field that is set has to hold (NULL passes unless ``not_null``).

    A finite domain (``allowed``) carries nothing else than ``not_null``: the rest is applied to it already.
    Dates are ISO text (``2024-02-29``), timestamps too (``2024-02-29T12:00:00``, in UTC where they have a zone).

    >>> positive = ColumnDomain("age", low=0)
    >>> positive.intersect(ColumnDomain("age", high=120)).contains(121)
    False
    """

    column: str
    allowed: tuple[object, ...] | None = None
    excluded: tuple[object, ...] = ()
    low: Bound | None = None
    high: Bound | None = None
    low_open: bool = False
    high_open: bool = False
    holes: tuple[Hole, ...] = ()
    min_length: int | None = None  # characters
    max_length: int | None = None
    octets: tuple[int | None, int | None] | None = None  # (least, most) bytes, of the UTF-8 text or of the binary
    not_null: bool = False
    only_null: bool = False
    like: tuple[str, ...] = ()  # LIKE patterns whose escape character is the backslash, case sensitive
    regex: tuple[tuple[str, bool, bool], ...] = ()  # (Python pattern to search with DOTALL, ignore case, negated)
    lower: bool = False  # lower(x) = x
    upper: bool = False
    trimmed: bool = False  # no space at either end
    json: bool = False  # valid JSON text

    @property
    def is_empty(self) -> bool:
        """Not even NULL is possible."""
        return self.not_null and _normal(self).only_null

    @property
    def is_finite(self) -> bool:
        return self.allowed is not None

    def contains(self, value: object) -> bool:
        """Does ``value`` (None: NULL) lie in the domain? ``json`` is not looked at."""
        return self.tester()(value)

    def tester(self) -> Callable[[object], bool]:
        """``contains`` for many values: it leaves out what this domain does not ask."""
        tests = tuple(test for asks, test in _TESTS if asks(self))

        def contains(value: object) -> bool:
            if value is None:
                return not self.not_null
            return not self.only_null and all(test(self, value) for test in tests)

        return contains

    def intersect(self, other: "ColumnDomain") -> "ColumnDomain":
        """Both domains hold. NotUnderstood when one is of numbers and the other of text."""
        low, low_open = _tighter(self.low, self.low_open, other.low, other.low_open, _above)
        high, high_open = _tighter(self.high, self.high_open, other.high, other.high_open, _below)
        return _normal(
            replace(
                self,
                allowed=_both_sets(self.allowed, other.allowed),
                excluded=_joined(self.excluded, other.excluded),
                low=low,
                low_open=low_open,
                high=high,
                high_open=high_open,
                holes=_joined(self.holes, other.holes),
                min_length=_largest(self.min_length, other.min_length),
                max_length=_smallest(self.max_length, other.max_length),
                octets=_both_octets(self.octets, other.octets),
                not_null=self.not_null or other.not_null,
                only_null=self.only_null or other.only_null,
                like=_joined(self.like, other.like),
                regex=_joined(self.regex, other.regex),
                lower=self.lower or other.lower,
                upper=self.upper or other.upper,
                trimmed=self.trimmed or other.trimmed,
                json=self.json or other.json,
            )
        )

    def union(self, other: "ColumnDomain") -> "ColumnDomain | None":
        """Either domain holds; None where one domain cannot say that exactly."""
        not_null = self.not_null and other.not_null
        for one, two in ((self, other), (other, self)):
            if one.only_null or one.implies(replace(two, not_null=False)):
                return replace(two, not_null=not_null)
        one, two = self, other
        if one.allowed is not None and two.allowed is not None:
            return replace(one, allowed=_joined(one.allowed, two.allowed), not_null=not_null)
        if _is_only_intervals(one) and _is_only_intervals(two) and _are_few_points(one) and _are_few_points(two):
            return _from_pieces(one.column, _pieces(one) + _pieces(two), not_null)
        if _without_lengths(one) == _without_lengths(two):
            return _joined_lengths(one, two, not_null)
        return None

    def implies(self, other: "ColumnDomain") -> bool:
        """Is every value here also in ``other``? False where that is not plain to see."""
        return self == other or self.intersect(other) == _normal(self)


@dataclass(frozen=True)
class Difference:
    """``low <= high`` (``strict``: ``<``) wherever both columns are set."""

    low: str
    high: str
    strict: bool = False


@dataclass(frozen=True)
class Distinct:
    """``a <> b`` wherever both columns are set."""

    a: str
    b: str


@dataclass(frozen=True)
class Branch:
    """A conjunction: one way to satisfy a condition."""

    domains: Mapping[str, ColumnDomain] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    distinct: tuple[Distinct, ...] = ()

    @property
    def is_empty(self) -> bool:
        return any(d.is_empty for d in self.domains.values())

    def intersect(self, other: "Branch") -> "Branch":
        """Both conjunctions hold."""
        domains = dict(self.domains)
        for name, domain in other.domains.items():
            domains[name] = domains[name].intersect(domain) if name in domains else domain
        return Branch(domains, _joined(self.differences, other.differences), _joined(self.distinct, other.distinct))

    def implies(self, other: "Branch") -> bool:
        """Does every row of this branch satisfy ``other`` too? False where that is not plain to see."""
        null = {name for name, domain in self.domains.items() if domain.only_null}
        return (
            all(name in self.domains and self.domains[name].implies(d) for name, d in other.domains.items())
            and all(d in self.differences or {d.low, d.high} & null for d in other.differences)
            and all(d in self.distinct or {d.a, d.b} & null for d in other.distinct)
        )


@dataclass(frozen=True)
class Alternatives:
    """A condition over several columns in disjunctive normal form: at least one branch has to hold in every row."""

    name: str
    text: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class TableConstraints:
    """Everything that a table's checks say, as far as it is understood.

    ``not_understood`` lists (constraint name, text of the part). Those of them that were read, but need a choice
    between columns, are in ``alternatives`` as well.
    """

    domains: Mapping[str, ColumnDomain] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    distinct: tuple[Distinct, ...] = ()
    not_understood: tuple[tuple[str, str], ...] = ()
    alternatives: tuple[Alternatives, ...] = ()


@dataclass(frozen=True)
class Span:
    """From ``low`` to ``high``: two columns, or one column of ranges twice. ``closed``: the upper end belongs to it.

    ``day``: the column of the day that both, times, are on. ``unit``: ``high`` counts how many microseconds of it the
    span lasts. ``slack``: so many microseconds more belong to it.
    """

    low: str
    high: str
    closed: bool = False
    day: str | None = None
    unit: int = 0
    slack: int = 0

    @property
    def is_column(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class RangeLimits:
    """Constants between which a range must lie, and how wide it may be; None where nothing is asked."""

    low: Any = None
    high: Any = None
    least: Any = None  # a number or a timedelta
    most: Any = None

    def joined(self, other: "RangeLimits") -> "RangeLimits":
        return RangeLimits(
            _one(max, self.low, other.low), _one(min, self.high, other.high),
            _one(max, self.least, other.least), _one(min, self.most, other.most),
        )  # fmt: skip


def _one(choose: Callable[..., Any], a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else choose(a, b)


# What follows is arithmetic on domains -----------------------------------------------------------------------------


def _family(value: object) -> str:
    """Values of one family can be compared."""
    return "text" if isinstance(value, str) else "bytes" if isinstance(value, bytes) else "number"


def _comparable(a: object, b: object) -> None:
    if _family(a) != _family(b):
        raise NotUnderstood(f"cannot compare {a!r} with {b!r}; give both the same type in the constraint")


def _above(a: Bound, b: Bound) -> bool:
    _comparable(a, b)
    return a > b  # type: ignore[operator]


def _below(a: Bound, b: Bound) -> bool:
    _comparable(a, b)
    return a < b  # type: ignore[operator]


def _outside_low(value: object, low: Bound | None, is_open: bool) -> bool:
    return low is not None and (_below(value, low) or (is_open and value == low))  # type: ignore[arg-type]


def _outside_high(value: object, high: Bound | None, is_open: bool) -> bool:
    return high is not None and (_above(value, high) or (is_open and value == high))  # type: ignore[arg-type]


def _tighter(
    a: Bound | None, a_open: bool, b: Bound | None, b_open: bool, beats: Callable[[Bound, Bound], bool]
) -> tuple[Bound | None, bool]:
    if a is None or b is None:
        return (b, b_open) if a is None else (a, a_open)
    if beats(a, b) or (a == b and a_open >= b_open):
        return a, a_open
    return b, b_open


def _joined(a: Iterable[_T], b: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys((*a, *b)))


def _both_sets(a: tuple[object, ...] | None, b: tuple[object, ...] | None) -> tuple[object, ...] | None:
    if a is None or b is None:
        return b if a is None else a
    return tuple(v for v in a if v in b)


def _largest(a: int | None, b: int | None) -> int | None:
    return max((v for v in (a, b) if v is not None), default=None)


def _smallest(a: int | None, b: int | None) -> int | None:
    return min((v for v in (a, b) if v is not None), default=None)


def _both_octets(
    a: tuple[int | None, int | None] | None, b: tuple[int | None, int | None] | None
) -> tuple[int | None, int | None] | None:
    if a is None or b is None:
        return b if a is None else a
    return _largest(a[0], b[0]), _smallest(a[1], b[1])


def _crossed(low: int | None, high: int | None) -> bool:
    return low is not None and high is not None and low > high


def _normal(domain: ColumnDomain) -> ColumnDomain:
    """The same domain in its one form, so that equal domains compare equal."""
    if domain.allowed is not None:
        rest = replace(domain, allowed=None)
        kept = tuple(v for v in domain.allowed if rest.contains(v))
        domain = ColumnDomain(domain.column, allowed=kept, not_null=domain.not_null, only_null=domain.only_null)
    nothing = (
        domain.only_null
        or domain.allowed == ()
        or (domain.low is not None and domain.high is not None and _above(domain.low, domain.high))
        or (domain.low is not None and domain.low == domain.high and (domain.low_open or domain.high_open))
        or _crossed(domain.min_length, domain.max_length)
        or (domain.octets is not None and _crossed(*domain.octets))
    )
    if nothing:
        return ColumnDomain(domain.column, only_null=True, not_null=domain.not_null)
    if domain.allowed is None:
        bare = replace(domain, excluded=(), holes=())
        excluded = tuple(sorted((v for v in domain.excluded if bare.contains(v)), key=lambda v: (_family(v), v)))
        holes = tuple(sorted(domain.holes, key=lambda h: (h.low, h.high)))
        domain = replace(domain, excluded=excluded, holes=holes)
    return domain


def _size(value: object) -> int:
    return len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0


def _in_lengths(domain: ColumnDomain, value: object) -> bool:
    length = len(value if isinstance(value, bytes) else str(value))
    return (domain.min_length or 0) <= length and (domain.max_length is None or length <= domain.max_length)


def _in_octets(domain: ColumnDomain, value: object) -> bool:
    least, most = domain.octets or (None, None)
    return (least is None or _size(value) >= least) and (most is None or _size(value) <= most)


def _matches(domain: ColumnDomain, value: object) -> bool:
    text = str(value)
    patterns = (*((like_to_regex(p), False, False) for p in domain.like), *domain.regex)
    return all(
        bool(re.search(p, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))) != negated
        for p, ignore_case, negated in patterns
    )


# What a domain may ask of a value: whether it asks it at all, and the question.
_TESTS: tuple[tuple[Callable[[ColumnDomain], bool], Callable[[ColumnDomain, object], bool]], ...] = (
    (lambda d: d.allowed is not None, lambda d, v: d.allowed is not None and v in d.allowed),
    (lambda d: bool(d.excluded), lambda d, v: v not in d.excluded),
    (lambda d: d.low is not None, lambda d, v: not _outside_low(v, d.low, d.low_open)),
    (lambda d: d.high is not None, lambda d, v: not _outside_high(v, d.high, d.high_open)),
    (lambda d: bool(d.holes), lambda d, v: not any(v in hole for hole in d.holes)),
    (lambda d: d.min_length is not None or d.max_length is not None, _in_lengths),
    (lambda d: d.octets is not None, _in_octets),
    (lambda d: bool(d.like or d.regex), _matches),
    (lambda d: d.lower, lambda d, v: str(v) == str(v).lower()),
    (lambda d: d.upper, lambda d, v: str(v) == str(v).upper()),
    (lambda d: d.trimmed, lambda d, v: str(v) == str(v).strip(" ")),
)


@dataclass(frozen=True)
class _Piece:
    """An interval of values; None is endless."""

    low: Bound | None
    low_open: bool
    high: Bound | None
    high_open: bool


def _is_only_intervals(domain: ColumnDomain) -> bool:
    kept = ColumnDomain(
        domain.column, domain.allowed, domain.excluded, domain.low, domain.high, domain.low_open, domain.high_open,
        domain.holes, not_null=domain.not_null,
    )  # fmt: skip
    return kept == domain and not any(isinstance(v, bool) for v in domain.allowed or ())


def _are_few_points(domain: ColumnDomain) -> bool:
    """Whether values listed beside an interval would leave no more gaps than anyone can draw around."""
    return len(domain.allowed or ()) <= MOST_POINTS


def _pieces(domain: ColumnDomain) -> list[_Piece]:
    if domain.allowed is not None:
        return [_Piece(v, False, v, False) for v in domain.allowed]  # type: ignore[arg-type]
    points = [Hole(v, v) for v in domain.excluded]  # type: ignore[arg-type]
    pieces, low, low_open = [], domain.low, domain.low_open
    for hole in sorted((*domain.holes, *points), key=lambda h: h.low):
        pieces.append(_Piece(low, low_open, hole.low, not hole.low_open))
        low, low_open = hole.high, not hole.high_open
    return [*pieces, _Piece(low, low_open, domain.high, domain.high_open)]


def _from_pieces(column: str, pieces: list[_Piece], not_null: bool) -> ColumnDomain | None:
    """The union of intervals as one domain: gaps become holes, single missing points become exclusions."""
    bounds = [b for p in pieces for b in (p.low, p.high) if b is not None]
    if len({_family(b) for b in bounds}) > 1:
        return None
    endless = [p for p in pieces if p.low is None]
    ordered = endless + sorted((p for p in pieces if p.low is not None), key=lambda p: (p.low, p.low_open))
    first, *rest = ordered
    reach, reach_open = first.high, first.high_open
    holes: list[Hole] = []
    excluded: list[object] = []
    for piece in rest:
        if reach is None:
            break
        if piece.low is not None and (piece.low > reach or (piece.low == reach and piece.low_open and reach_open)):  # type: ignore[operator]
            if piece.low == reach:
                excluded.append(reach)
            else:
                holes.append(Hole(reach, piece.low, not reach_open, not piece.low_open))
        if piece.high is None or piece.high > reach:  # type: ignore[operator]
            reach, reach_open = piece.high, piece.high_open
        elif piece.high == reach:
            reach_open = reach_open and piece.high_open
    return _normal(
        ColumnDomain(
            column, None, tuple(excluded), first.low, reach, first.low_open, reach_open, tuple(holes), not_null=not_null
        )
    )


def _without_lengths(domain: ColumnDomain) -> ColumnDomain:
    return replace(domain, min_length=None, max_length=None, not_null=False)


def _joined_lengths(a: ColumnDomain, b: ColumnDomain, not_null: bool) -> ColumnDomain | None:
    one, two = sorted((a, b), key=lambda d: d.min_length or 0)
    if one.max_length is not None and one.max_length + 1 < (two.min_length or 0):
        return None
    endless = one.max_length is None or two.max_length is None
    return replace(
        one,
        min_length=None if two.min_length is None else one.min_length,
        max_length=None if endless else _largest(one.max_length, two.max_length),
        not_null=not_null,
    )
