"""Numbers that nearly are another one, or a plain multiple of it: a mass and its mass number, gross and net.

A code of a number is a bin, and what two numbers lie apart is lost where it is narrower than these. Such a number is
learned as what it lies beside the other one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import numpy_of
from fixturesynth.generators.distances import LEAST_ROWS, Known, Parts, Way, bits_saved
from fixturesynth.generators.encoding import encode, fit_encoding
from fixturesynth.generators.offsets import near_facts, offsets
from fixturesynth.generators.tablemodel import column_variable

__all__ = ["find_residuals"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SCREENED = 2_000  # rows in which pairs are looked for
MEASURED = 50_000  # rows in which bits are counted
ALIKE = 0.9  # least correlation
NARROWER = 0.8  # mean distance beside that inside of bins
ABOUT = 1.25  # times the narrowest
ROWS_A_BIN = 10
LEAST, MOST = 0.001, 1000.0  # multiples
SMALL, DECIMALS = (1, 12), (1, 2, 3, 4)  # denominators, and digits, of plain ones


def find_residuals(
    numbers: Mapping[str, pa.Array], ways: Mapping[str, Way], targets: Collection[str], known: Known
) -> dict[str, Way]:
    """Other ways of those ``targets`` that are told more shortly by what they lie beside another of ``numbers``, (n,)
    each, than in their ``ways``. Bases are numbers that are learned by themselves.
    """
    names = [n for n, v in numbers.items() if len(v) - v.null_count >= LEAST_ROWS]
    plain = {name: _floats(numbers[name]) for name in names} if len(names) > 1 else {}
    few = _some(np.arange(known.groups.size), MEASURED)
    taken, fewer = pa.array(few), replace(known, groups=known.groups[few])
    found: list[tuple[float, str, str, Way]] = []
    for target in (n for n in plain if n in targets):
        rows = _some(np.flatnonzero(~np.isnan(plain[target])), SCREENED)
        for base in (n for n in plain if n != target and ways[n].offset is None):
            times = _multiple(plain[base][rows], plain[target][rows], known.max_codes)
            if times is None or _lacks(numbers[base], numbers[target]):
                continue
            facts = near_facts(numbers[target], base, times, known.groups, known.protection)
            residual = offsets(numbers[target], numbers[base], facts) if facts is not None else None
            if residual is None:
                continue
            own = numbers[base].take(taken)
            encoding = fit_encoding(
                own, "numeric", protection=known.protection, groups=fewer.groups, max_codes=known.max_codes
            )
            way = Way({column_variable(target): (residual, "numeric")}, facts)
            saved = bits_saved(_taken(way, taken), _taken(ways[target], taken), encode(encoding, own), fewer)
            if saved > 0:
                found.append((saved, base, target, way))
    return _chosen(found)


def _taken(way: Way, rows: pa.Array) -> Parts:
    return {name: (values.take(rows), kind) for name, (values, kind) in way.parts.items()}


def _chosen(found: list[tuple[float, str, str, Way]]) -> dict[str, Way]:
    """The most saving first; what is a base stays what it is."""
    chosen: dict[str, Way] = {}
    bases: set[str] = set()
    for _, base, target, way in sorted(found, key=lambda f: -f[0]):
        if target not in chosen and target not in bases and base not in chosen:
            chosen[target] = way
            bases.add(base)
    return chosen


def _some(rows: Integers, most: int) -> Integers:
    """At most so many of ``rows``, evenly."""
    chosen: Integers = rows[np.arange(min(rows.size, most)) * rows.size // max(min(rows.size, most), 1)]
    return chosen


def _floats(values: pa.Array) -> Floats:
    """Plain numbers, NaN for NULL, (n,)."""
    plain: Floats = numpy_of(values.cast(pa.float64(), safe=False)).astype(np.float64)
    return plain


def _lacks(base: pa.Array, target: pa.Array) -> bool:
    """Whether the base lacks a number in a row that has the target's."""
    return bool(base.null_count) and bool((numpy_of(base.is_null()) & numpy_of(target.is_valid())).any())


def _multiple(base: Floats, target: Floats, max_codes: int) -> Fraction | None:
    """The plainest multiple of the base beside which the target lies about as narrowly as beside any; None where bins
    of the base tell as much of it. A base that lacks a number has NaN.

    >>> _multiple(np.arange(1000.0), np.arange(1000.0) * 1.2 + np.arange(1000) % 2, 64)
    Fraction(6, 5)
    """
    bins = min(max_codes, base.size // ROWS_A_BIN)
    if not bins or np.isnan(base).any() or abs(_correlation(base, target)) < ALIKE:
        return None
    size = base.size // bins
    inside = target[np.argsort(base, kind="stable")][: size * bins].reshape(bins, size)
    within = float(np.abs(inside - np.median(inside, axis=1, keepdims=True)).mean())
    ways = {
        times: target - base * float(times) for times in sorted({Fraction(1), *_ratios(base, target)}, key=_plainness)
    }
    off = {times: np.abs(rest - np.median(rest)) for times, rest in ways.items()}
    core = {times: float(np.median(rest)) for times, rest in off.items()}
    plainest = next(times for times in core if core[times] <= ABOUT * min(core.values()))
    return plainest if float(off[plainest].mean()) <= NARROWER * within else None


def _correlation(a: Floats, b: Floats) -> float:
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the largest float: no correlation is known
        a, b = a - a.mean(), b - b.mean()
        found = float((a * b).sum() / max(float(((a * a).sum() * (b * b).sum()) ** 0.5), 1e-300))
    return found if np.isfinite(found) else 0.0


def _plainness(times: Fraction) -> tuple[int, int]:
    return times.denominator, times.numerator


def _ratios(x: Floats, y: Floats) -> list[Fraction]:
    """Decimals and small fractions near the middle of the ratios, and of the slopes between rows."""
    turned = np.roll(np.arange(x.size), x.size // 2)
    found = []
    for over, under in ((y, x), (y - y[turned], x - x[turned])):
        some = (over != 0) & (under != 0)
        middle = float(np.median(over[some] / under[some])) if some.any() else 0.0
        if LEAST < middle < MOST:
            found += [Fraction(middle).limit_denominator(n) for n in SMALL]
            found += [Fraction(round(middle * 10**n), 10**n) for n in DECIMALS]
    return [times for times in found if times > 0]
