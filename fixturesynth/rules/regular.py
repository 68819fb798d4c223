"""A subset of regular expressions as phrases: classes, quantifiers, groups, alternation, anchors."""

import re
from collections.abc import Sequence
from typing import Final

from fixturesynth.rules.grammar import Phrase, Pool

__all__ = ["letters_of", "phrases_of"]

_DIGITS: Final = "0123456789"
_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_UPPER: Final = _LOWER.upper()
# What ``.`` and negated classes draw from: printable ASCII, letters and digits first, so that values look meant.
_ANY: Final = _LOWER + _UPPER + _DIGITS + " -_.,:;!?'\"()[]{}<>/\\|@#$%^&*+=~`"
_ESCAPES: Final = {
    "d": _DIGITS,
    "w": _LOWER + _UPPER + _DIGITS + "_",
    "s": " ",
    "D": _LOWER + _UPPER,
    "S": _LOWER + _DIGITS,
    "W": "-. ",
}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_NAMED: Final = {
    "alpha": _LOWER + _UPPER, "digit": _DIGITS, "alnum": _LOWER + _UPPER + _DIGITS, "lower": _LOWER, "upper": _UPPER,
    "space": " ", "xdigit": _DIGITS + "abcdef", "punct": "-_.,:;!?", "word": _LOWER + _UPPER + _DIGITS + "_",
}  # fmt: skip
_BRANCHES: Final = 48  # alternatives kept for one expression
_OPEN: Final = 8  # how far ``*``, ``+`` and ``{n,}`` go beyond their minimum

Branches = list[tuple[int, Phrase]]


def phrases_of(pattern: str) -> Branches:
    """Weighted phrases whose values all match ``pattern``; ValueError, naming the place, for what is not understood.

    >>> [len(phrase) for _, phrase in phrases_of("^[A-Z]{2}-[0-9]{3}$")]
    [6]
    """
    reader = _Reader(pattern)
    branches = reader.alternation()
    if reader.at < len(pattern):
        raise reader.error("unbalanced bracket")
    return branches


_FOREIGN: Final = re.compile(r"(?:\\A|\^)?(?:\.\*)?\[\^((?:[^\]\\]|\\.)+)\](?:\.\*)?(?:\\Z|\$)?")


def letters_of(refused: Sequence[str]) -> str | None:
    r"""The class that is left where texts must not have a sign outside of one; None where no pattern refuses that.

    >>> letters_of([r"\A.*[^0-9A-F].*\Z"])
    '[0-9A-F]'
    """
    found = [match[1] for pattern in refused if (match := _FOREIGN.fullmatch(pattern))]
    return f"[{found[0]}]" if found else None


class _Reader:
    """Recursive descent over the pattern; ``at`` is the next character."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def error(self, problem: str) -> ValueError:
        return ValueError(f"{problem} at {self.at} in the regular expression {self.pattern!r}")

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def alternation(self) -> Branches:
        branches = self.sequence()
        while self.peek("|"):
            self.at += 1
            branches = branches + self.sequence()
        return branches[:_BRANCHES]

    def sequence(self) -> Branches:
        branches: Branches = [(1, ())]
        while self.at < len(self.pattern) and not self.peek("|") and not self.peek(")"):
            atom = self.atom()
            low, high = self.quantifier()
            branches = _product(branches, _repeated(atom, low, high))
        return [(w, p or ("",)) for w, p in branches]

    def quantifier(self) -> tuple[int, int]:
        ends = {"*": (0, _OPEN), "+": (1, 1 + _OPEN), "?": (0, 1)}
        mark = self.pattern[self.at : self.at + 1]
        bounds = (1, 1)
        if mark in ends and mark:
            self.at += 1
            bounds = ends[mark]
        elif mark == "{":
            close = self.pattern.find("}", self.at)
            if close < 0:
                raise self.error("unclosed quantifier")
            low, comma, high = self.pattern[self.at + 1 : close].partition(",")
            if not low.strip().isdigit() or (high.strip() and not high.strip().isdigit()):
                raise self.error("unreadable quantifier")
            least = int(low)
            bounds = (least, int(high) if high.strip() else least + _OPEN if comma else least)
            if bounds[1] < least:
                raise self.error("quantifier with its ends exchanged")
            self.at = close + 1
        else:
            return bounds
        if self.peek("?") or self.peek("+"):  # lazy and possessive match the same texts here
            self.at += 1
        return bounds

    def atom(self) -> Branches:
        character = self.pattern[self.at]
        self.at += 1
        if character in "^$":
            return [(1, ())]
        if character == "(":
            return self.group()
        if character == "[":
            return [(1, (self.character_class(),))]
        if character == ".":
            return [(1, (Pool.of(_ANY[:63]),))]
        if character == "\\":
            return self.escape()
        if character in "*+?":
            raise self.error("nothing to repeat")
        return [(1, (character,))]

    def group(self) -> Branches:
        if self.peek("?"):
            if not self.peek("?:"):
                raise self.error("look-around, flags and names are not understood")
            self.at += 2
        branches = self.alternation()
        if not self.peek(")"):
            raise self.error("unbalanced bracket")
        self.at += 1
        return branches

    def escape(self) -> Branches:
        if self.at >= len(self.pattern):
            raise self.error("pattern ends in a backslash")
        character = self.pattern[self.at]
        self.at += 1
        if character in "AZzyYmM":  # anchors and word limits
            if character in "yYmM":
                raise self.error("word limits are not understood")
            return [(1, ())]
        if character in _ESCAPES:
            return [(1, (Pool.of(_ESCAPES[character]),))]
        if character in _CONTROLS:
            return [(1, (_CONTROLS[character],))]
        if character.isalnum():
            raise self.error(f"escape \\{character} is not understood")
        return [(1, (character,))]

    def character_class(self) -> Pool:
        negated = self.peek("^")
        self.at += negated
        members: list[str] = []
        first = True
        while first or not self.peek("]"):
            if self.at >= len(self.pattern):
                raise self.error("unclosed character class")
            first = False
            members += self.member()
        self.at += 1
        chosen = [c for c in _ANY if c not in members] if negated else members
        if not chosen:
            raise self.error("empty character class")
        return Pool.of(sorted(dict.fromkeys(chosen), key=lambda c: _ANY.find(c) % 999))

    def member(self) -> list[str]:
        if self.peek("[:"):
            close = self.pattern.find(":]", self.at)
            name = self.pattern[self.at + 2 : close]
            if close < 0 or name not in _NAMED:
                raise self.error("unknown character class")
            self.at = close + 2
            return list(_NAMED[name])
        character = self.pattern[self.at]
        self.at += 1
        if character == "\\" and self.at < len(self.pattern):
            character = self.pattern[self.at]
            self.at += 1
            if character in _ESCAPES:
                return list(_ESCAPES[character])
            character = _CONTROLS.get(character, character)
        following = self.pattern[self.at + 1 : self.at + 2]
        if self.peek("-") and following and following != "]":
            self.at += 1
            end = self.pattern[self.at]
            self.at += 1
            if end == "\\":
                end = self.pattern[self.at]
                self.at += 1
            if ord(end) < ord(character):
                raise self.error("range with its ends exchanged")
            return [chr(c) for c in range(ord(character), min(ord(end), ord(character) + 4095) + 1)]
        return [character]


def _product(left: Branches, right: Branches) -> Branches:
    pairs = [(w * v, (*p, *q)) for w, p in left for v, q in right]
    step = -(-len(pairs) // _BRANCHES)
    return pairs[::step]


def _repeated(atom: Branches, low: int, high: int) -> Branches:
    """Branches for at most four counts between ``low`` and ``high``, the middle ones first."""
    counts = sorted({low, high, (low + high) // 2, low + (high - low) // 4} | ({1} if low == 0 < high else set()))
    out: Branches = []
    for count in counts:
        branches: Branches = [(1, ())]
        for _ in range(count):
            branches = _product(branches, atom)
        out += branches
    return out[:: -(-len(out) // _BRANCHES)]
