"""How texts are written: case, blanks, marks, masks of digits, counted codes, domains and local parts of emails.

Habits of a whole column, never a value: whatever is told holds for at least ``protection`` root entities.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.texts import Coded, protected_patterns

__all__ = ["TEMPLATES", "find_frame", "find_joint", "find_spelling", "find_writing"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

THOUSAND: Final = 1000
HABIT: Final = 0.95  # a habit is what nearly all do
FRAMED: Final = 0.98
LONGEST_FRAME: Final = 64  # characters
JOINTS: Final = "_-./:"  # between words of names that machines read
JOINED: Final = 0.3  # of the texts have the sign between two words, the others are of one
WORDY: Final = 0.7  # of what stands between such signs are words
MASKED: Final = 0.25  # rows that kept masks must stand for
MOST_DOMAINS: Final = 200
MARKS: Final = ".,;:!?"
SEVERAL: Final = 50  # thousandths
MOST_PIECES: Final = 4
FREE: Final = 3  # words in the mean text from which marks between words are counted

_COUNTED: Final = re.compile(r"^(\D*)(\d{1,15})(\D*)$")
_MASK: Final = re.compile(r"\\.")


def find_writing(coded: Coded) -> Mapping[str, Any] | None:
    """What all texts of a column have in common, JSON values; None where too few entities have any.

    case: upper, lower; signs: digits, hex, where texts are made of such alone; lead, trail: thousandths of the rows
    with a blank in front, behind; final, marks: thousandths of the texts that end with a mark, and of the words inside
    that do; inverted: names as in a register, the last one first; pieces: [words, thousandths of the texts that have so
    many] where some have several; masks: [pattern, rows] of what is mostly digits; counter: prefix, suffix, width (0:
    not padded), low, high and, where they are counted off, start; domains: [domain, rows] of emails.
    """
    protector, size = coded.protector, len(coded.distinct)
    if not size or int(protector.supporters(np.zeros(coded.codes.size, dtype=np.int64), 1)[0]) < protector.protection:
        return None
    found: dict[str, Any] = {"case": _case(coded), "signs": _signs(coded)}
    found |= _blanks(coded) | _marks(coded) | _pieces(coded)
    found["inverted"] = _inverted(coded)
    found["counter"] = _counter(coded)
    found["domains"], found["local"] = _domains(coded)
    found["masks"] = [] if found["counter"] or found["domains"] else _masks(coded)
    return {name: value for name, value in found.items() if value} or None


def _pieces(coded: Coded) -> dict[str, list[list[int]]]:
    """How many words texts have, where at least SEVERAL thousandths have more than one."""
    counts = np.asarray(pc.count_substring_regex(coded.distinct, r"\S+").to_numpy(zero_copy_only=False), dtype=np.int64)
    shares = []
    for words in range(1, MOST_PIECES + 1):
        flags = counts == words
        share = round(_share(coded, flags) * THOUSAND)
        if share and _enough(coded, flags):
            shares.append([words, share])
    return {"pieces": shares} if sum(n for words, n in shares if words > 1) >= SEVERAL else {}


def _inverted(coded: Coded) -> bool:
    """Whether nearly all texts are two parts with a capital and a comma between them: ``Lee, Ann Mary``."""
    flags = _flags(pc.match_substring_regex(coded.distinct, r"^\p{Lu}[^,\d]*, \p{Lu}[^,\d]*$"))
    return _share(coded, flags) >= HABIT and _enough(coded, flags)


def _enough(coded: Coded, flags: Flags) -> bool:
    """Whether enough entities have a distinct value that is flagged, shape (distinct,)."""
    return int(coded.protector.supporters(flags[coded.codes].astype(np.int64), 2)[1]) >= coded.protector.protection


def _flags(values: pa.Array) -> Flags:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=bool)


def _share(coded: Coded, flags: Flags, of: Flags | None = None) -> float:
    weights = coded.counts if of is None else coded.counts * of
    total = int(weights.sum())
    return float((weights * flags).sum()) / total if total else 0.0


def _case(coded: Coded) -> str | None:
    """upper or lower, where nearly all texts with more than one letter are."""
    texts = coded.distinct
    upper, lower = pc.utf8_upper(texts), pc.utf8_lower(texts)
    lettered = _flags(pc.match_substring_regex(texts, r"\p{L}\P{L}*\p{L}")) & _flags(pc.not_equal(upper, lower))
    for name, form in (("upper", upper), ("lower", lower)):
        same = _flags(pc.equal(texts, form)) & lettered
        if _share(coded, same, lettered) >= HABIT and _enough(coded, same):
            return name
    return None


def _signs(coded: Coded) -> str | None:
    """digits or hex, where nearly all texts are of these signs alone."""
    for name, pattern in (("digits", r"^[0-9]+$"), ("hex", r"^([0-9a-f]{4,}|[0-9A-F]{4,})$")):
        flags = _flags(pc.match_substring_regex(coded.distinct, pattern))
        if _share(coded, flags) >= HABIT and _enough(coded, flags):
            return name
    return None


def _blanks(coded: Coded) -> dict[str, int]:
    found = {}
    for name, pattern in (("lead", r"^\s"), ("trail", r"\s$")):
        flags = _flags(pc.match_substring_regex(coded.distinct, pattern))
        if _enough(coded, flags):
            found[name] = round(THOUSAND * _share(coded, flags))
    return found


def _marks(coded: Coded) -> dict[str, Any]:
    texts = coded.distinct
    words = pc.count_substring_regex(texts, r"\S+").to_numpy(zero_copy_only=False).astype(np.int64)
    total = int((words * coded.counts).sum())
    if total < FREE * int(coded.counts.sum()):
        return {}
    final, marks = [], []
    for mark in MARKS:
        ends = _flags(pc.match_substring_regex(texts, rf"[{re.escape(mark)}]\s*$"))
        inside = pc.count_substring_regex(texts, rf"[{re.escape(mark)}]\s+\S").to_numpy(zero_copy_only=False)
        if _enough(coded, ends):
            final.append([mark, round(THOUSAND * _share(coded, ends))])
        if _enough(coded, inside > 0):
            marks.append([mark, round(THOUSAND * float((inside * coded.counts).sum()) / max(total, 1))])
    return {name: [m for m in kept if m[1]] for name, kept in (("final", final), ("marks", marks))}


def _masks(coded: Coded) -> list[list[Any]]:
    """Protected shapes that are digits with a few capitals and signs between them, where they are a fair part."""
    patterns, _ = protected_patterns(coded)
    kept = [(p, rows) for p, rows in patterns if _digital(p)]
    return [list(k) for k in kept] if sum(rows for _, rows in kept) >= MASKED * coded.codes.size else []


def _digital(pattern: str) -> bool:
    free = _MASK.sub("", pattern)
    return free.count("9") >= max(free.count("A") + free.count("a"), 1) and "aa" not in free


def _counter(coded: Coded) -> dict[str, Any] | None:
    """Codes of one beginning, a number and one end; the ends of the numbers are clipped as those of any number."""
    texts, protector = coded.distinct, coded.protector
    first = _COUNTED.match(texts[0].as_py())
    if first is None or not (first[1] or first[3]):
        return None
    prefix, suffix = first[1], first[3]
    pattern = rf"^{re.escape(prefix)}\d{{1,15}}{re.escape(suffix)}$"
    if not pc.all(pc.match_substring_regex(texts, pattern)).as_py():
        return None
    digits = pc.utf8_slice_codeunits(texts, len(prefix))
    digits = pc.utf8_slice_codeunits(digits, 0, -len(suffix)) if suffix else digits
    lengths = pc.utf8_length(digits).to_numpy(zero_copy_only=False)
    padded = bool(pc.any(pc.match_substring_regex(digits, r"^0\d")).as_py())
    if padded and lengths.min() != lengths.max():
        return None
    numbers = digits.cast(pa.int64()).to_numpy(zero_copy_only=False)
    order = np.argsort(numbers[coded.codes], kind="stable")
    low, high = protector.edges(order)
    if low is None or high is None:
        return None
    ordered = numbers[coded.codes][order]
    facts: dict[str, Any] = {"prefix": prefix, "suffix": suffix, "width": int(lengths[0]) if padded else 0}
    facts |= {"low": int(ordered[low]), "high": int(ordered[high])}
    if len(texts) == coded.codes.size and int(np.ptp(numbers)) == len(texts) - 1:
        facts["start"] = int(numbers.min())
    return facts


def _domains(coded: Coded) -> tuple[list[list[Any]], str | None]:
    """Domains of emails that enough entities share, with their rows, and the case of what stands before the @."""
    texts, protector = coded.distinct, coded.protector
    mails = _flags(pc.match_substring_regex(texts, r"^[^@\s]+@[^@\s]+\.[^@\s]+$"))
    if _share(coded, mails) < HABIT:
        return [], None
    domains = pc.replace_substring_regex(texts, r"^.*@", "").dictionary_encode()
    codes = domains.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(domains.dictionary)
    support = protector.supporters(codes[coded.codes], size)
    rows = np.bincount(codes, weights=coded.counts, minlength=size).astype(np.int64)
    good = np.unique(codes[mails])
    places = good[support[good] >= protector.protection]
    places = places[np.argsort(-rows[places], kind="stable")][:MOST_DOMAINS]
    kept = [[domains.dictionary[int(i)].as_py(), int(rows[i])] for i in places]
    others = int(coded.counts.sum()) - sum(int(n) for _, n in kept)
    local = pc.replace_substring_regex(texts, r"@.*$", "")
    upper = _share(coded, _flags(pc.equal(local, pc.utf8_upper(local)))) >= HABIT
    lower = _share(coded, _flags(pc.equal(local, pc.utf8_lower(local)))) >= HABIT
    case = "lower" if lower else "upper" if upper else "mixed"
    return [*kept, *([["", others]] if others else [])], case


def find_frame(coded: Coded) -> tuple[str, str]:
    """What nearly all texts begin and end with, up to a sign: ``<p>`` and ``</p>``, the mark of a question."""
    front = _alike(coded, coded.distinct)
    rest = coded.distinct if not front else pc.utf8_slice_codeunits(coded.distinct, len(front))
    back = _alike(coded, pc.utf8_reverse(rest))[::-1]
    return front, back


def find_joint(coded: Coded) -> str:
    """The sign that stands between words in the place of a blank: ``_`` of ``max_open_files``; empty for none."""
    texts = coded.distinct
    if _share(coded, ~_flags(pc.match_substring_regex(texts, r"\s"))) < FRAMED:
        return ""
    best, sign = JOINED, ""
    for mark in JOINTS:
        flags = _flags(pc.match_substring_regex(texts, rf"\pL{re.escape(mark)}+\pL"))
        if (share := float(flags.mean())) >= best and _enough(coded, flags):
            best, sign = share, mark
    if not sign:
        return ""
    parts = pc.list_flatten(pc.split_pattern(texts, sign))
    parts = parts.filter(pc.greater(pc.utf8_length(parts), 0))
    return sign if float(_flags(pc.match_substring_regex(parts, r"^\pL+$")).mean()) >= WORDY else ""


def _alike(coded: Coded, texts: pa.Array) -> str:
    """The longest text with which nearly all begin, up to a sign or blank that no letter follows inside it."""
    found = ""
    for size in range(1, LONGEST_FRAME + 1):
        heads = pc.utf8_slice_codeunits(texts, 0, size).dictionary_encode()
        codes = heads.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        most = int(np.bincount(codes, weights=coded.counts).argmax())
        head, same = str(heads.dictionary[most].as_py()), codes == most
        if len(head) < size or _share(coded, same) < FRAMED or not _enough(coded, same):
            break
        found = head
    return found[: max((i + 1 for i, c in enumerate(found) if not c.isalnum()), default=0)]


# How a person's names are put together; f and l are first letters.
TEMPLATES: Final = (
    "{first}.{last}", "{first}_{last}", "{first}-{last}", "{first}{last}", "{f}{last}", "{f}.{last}", "{f}_{last}",
    "{first}{l}", "{first}.{l}", "{last}.{first}", "{last}{first}", "{last}{f}", "{last}_{first}", "{first}", "{last}",
)  # fmt: skip


def find_spelling(text: pa.Array, first: pa.Array, last: pa.Array, protector: Protector) -> tuple[str, int] | None:
    """How texts (or what stands before their @) spell the row's own names: template and thousandths of the rows.

    Large strings, shape (n,), without nulls. Letters count alone, without case and accents. None: too seldom.

    >>> one = pa.array(["A.Lee@x.org"] * 5, pa.large_string())
    >>> find_spelling(one, pa.array(["Ann"] * 5, pa.large_string()), pa.array(["Lee"] * 5, pa.large_string()),
    ...               Protector(5))
    ('{f}.{last}', 1000)
    """
    names = {"first": _plain(first), "last": _plain(last)}
    names |= {"f": pc.utf8_slice_codeunits(names["first"], 0, 1), "l": pc.utf8_slice_codeunits(names["last"], 0, 1)}
    local = pc.replace_substring_regex(pc.utf8_lower(pc.utf8_normalize(text, form="NFKD")), r"@.*$", "")
    best: tuple[str, int] | None = None
    for template in TEMPLATES:
        # Numbers at the end tell namesakes apart.
        made = fill_template(template, names)
        same = _flags(pc.or_(pc.equal(local, made), pc.equal(pc.replace_substring_regex(local, r"\d+$", ""), made)))
        enough = int(protector.supporters(same.astype(np.int64), 2)[1]) >= protector.protection
        share = round(THOUSAND * float(same.mean())) if same.size else 0
        if enough and share >= THOUSAND // 2 and (best is None or share > best[1]):
            best = (template, share)
    return best


def fill_template(template: str, parts: Mapping[str, pa.Array]) -> pa.Array:
    """``template`` with columns for the names in braces, shape (n,)."""
    pieces = [p for p in re.split(r"(\{\w+\})", template) if p]
    columns = [parts[p[1:-1]] if p.startswith("{") else pa.scalar(p, pa.large_string()) for p in pieces]
    return pc.binary_join_element_wise(*columns, pa.scalar("", pa.large_string()))


def _plain(column: pa.Array) -> pa.Array:
    text = pc.utf8_lower(pc.utf8_normalize(column.cast(pa.large_string()), form="NFKD"))
    return pc.replace_substring_regex(text, r"[^a-z0-9]+", "")
