"""SQL text as tokens: enough to find names, brackets, strings and the end of a statement in each dialect.

sqlglot reads expressions elsewhere; here nothing may be rewritten or refused, because constraint texts keep the
dialect's own words and a dump holds statements that no parser knows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple

__all__ = ["Token", "names_in", "respelled", "split_statements", "text_of", "tokenize", "unbracketed", "unquote"]

TokenKind = Literal["word", "name", "string", "number", "symbol"]


class Token(NamedTuple):
    """One token: ``text`` as written at ``start``; ``value`` without quotes; ``word`` in upper case when it is bare."""

    kind: TokenKind
    text: str
    value: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind != "name" else ""


@dataclass(frozen=True)
class Lexicon:
    """How a dialect writes comments, strings and quoted names, as regular expressions."""

    comment: str
    string: str
    name: str
    folds: bool = False  # unquoted names become lower case


PLAIN_STRING = r"(?:[nNxXbB]|[uU]&)?'(?:[^']|'')*'"
ESCAPED_STRING = r"(?:[nNxXbB]|_\w+\s*)?'(?:[^'\\]|''|\\.)*'"
STANDARD_NAME = r'(?:[uU]&)?"(?:[^"]|"")*"'
BACKTICK_NAME = r"`(?:[^`]|``)*`"
BLOCK_COMMENT = r"/\*.*?(?:\*/|\Z)"
# Three levels are as deep as nested comments are met; a regular expression cannot count.
NESTED_COMMENT = r"/\*(?:[^*/]|\*(?!/)|/(?!\*)|/\*(?:[^*/]|\*(?!/)|/(?!\*)|/\*.*?\*/)*\*/)*(?:\*/|\Z)"
DOLLAR_STRING = r"\$(?P<tag>[^\W\d]\w*)?\$.*?\$(?P=tag)\$|\$\$.*?\$\$"

LEXICONS = {
    "postgresql": Lexicon(
        rf"--[^\n]*|{NESTED_COMMENT}",
        rf"[eE]'(?:[^'\\]|''|\\.)*'|{PLAIN_STRING}|{DOLLAR_STRING}",
        STANDARD_NAME,
        folds=True,
    ),
    "duckdb": Lexicon(
        rf"--[^\n]*|{BLOCK_COMMENT}",
        rf"[eE]'(?:[^'\\]|''|\\.)*'|{PLAIN_STRING}|{DOLLAR_STRING}",
        STANDARD_NAME,
    ),
    # Conditional comments (/*!40101 ... */) are statements to MySQL: only their marks are skipped.
    "mysql": Lexicon(
        rf"--(?=\s|\Z)[^\n]*|\#[^\n]*|/\*M?!\d*|\*/|{BLOCK_COMMENT}",
        rf'{ESCAPED_STRING}|"(?:[^"\\]|""|\\.)*"',
        BACKTICK_NAME,
    ),
    "sqlite": Lexicon(
        rf"--[^\n]*|{BLOCK_COMMENT}", PLAIN_STRING, rf"{STANDARD_NAME}|{BACKTICK_NAME}|\[[^\]]*\]"
    ),
    "generic": Lexicon(rf"--[^\n]*|{BLOCK_COMMENT}", PLAIN_STRING, rf"{STANDARD_NAME}|{BACKTICK_NAME}"),
}  # fmt: skip


@cache
def pattern(dialect: str) -> re.Pattern[str]:
    lexicon = LEXICONS.get(dialect, LEXICONS["generic"])
    return re.compile(
        rf"(?P<skip>\s+|{lexicon.comment})|(?P<string>{lexicon.string})|(?P<name>{lexicon.name})"
        r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<word>[^\W\d][\w$]*)"
        r"|(?P<symbol>::|<=|>=|<>|!=|\|\||:=|.)",
        re.DOTALL,
    )


def tokenize(text: str, dialect: str) -> list[Token]:
    """The tokens of ``text``, comments and white space left out; never fails: a stray character is a symbol.

    >>> [t.value for t in tokenize('CREATE TABLE "a b" (x int) -- note', "postgresql")]
    ['create', 'table', 'a b', '(', 'x', 'int', ')']
    """
    return list(iterate(text, dialect))


def iterate(text: str, dialect: str) -> Iterator[Token]:
    folds = LEXICONS.get(dialect, LEXICONS["generic"]).folds
    for match in pattern(dialect).finditer(text):
        kind = match.lastgroup if match.lastgroup != "tag" else "string"
        if match["string"] is not None:
            kind = "string"
        if kind == "skip":
            continue
        raw = match.group()
        value = raw
        if kind in ("string", "name"):
            value = unquote(raw, dialect)
        elif kind == "word" and folds:
            value = raw.lower()
        yield Token(kind, raw, value, match.start())  # type: ignore[arg-type]


ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a", "f": "\f"}
QUOTED = re.compile(r"(?P<prefix>[^'\"`\[$]*)(?P<open>['\"`\[])(?P<body>.*)(?P<close>['\"`\]])\Z", re.DOTALL)


def unquote(text: str, dialect: str) -> str:
    """What a quoted name or string stands for.

    >>> unquote("'it''s'", "postgresql"), unquote("`a``b`", "mysql"), unquote("[x y]", "sqlite")
    ("it's", 'a`b', 'x y')
    """
    match = QUOTED.match(text)
    if match is None:
        return text[text.index("$", 1) + 1 : text.rindex("$", 0, -1)] if text.startswith("$") else text
    body, quote = match["body"], match["close"]
    escaped = (dialect == "mysql" and quote != "`") or match["prefix"] in ("e", "E")
    doubled = body.replace(quote * 2, quote) if quote != "]" else body
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), doubled, flags=re.DOTALL) if escaped else doubled


def text_of(tokens: Sequence[Token]) -> str:
    """``tokens`` as they were written, comments left out and white space made single."""
    parts = [token.text for token in tokens[:1]]
    for before, token in pairwise(tokens):
        parts.append(" " + token.text if token.start > before.end else token.text)
    return "".join(parts)


def names_in(text: str, columns: Iterable[str], dialect: str) -> tuple[str, ...]:
    """Those of ``columns`` that the expression ``text`` mentions, in the order of ``columns``.

    >>> names_in("price > 0 AND note <> 'qty'", ["qty", "price"], "sqlite")
    ('price',)
    """
    tokens = tokenize(text, dialect)
    exact = {t.value for t in tokens if t.kind in ("word", "name")}
    if dialect != "postgresql":
        exact = {name.casefold() for name in exact}
        return tuple(c for c in columns if c.casefold() in exact)
    return tuple(c for c in columns if c in exact)


def respelled(text: str, columns: Iterable[str], dialect: str) -> str:
    """The expression with bare names of columns written as the columns are.

    >>> respelled("LOWER(Name)", ["name"], "postgresql"), respelled("lower(NAME)", ["Name"], "sqlite")
    ('LOWER(name)', 'lower(Name)')
    """
    folds = LEXICONS.get(dialect, LEXICONS["generic"]).folds
    spelling = {c if folds else c.casefold(): c for c in columns}
    out, at = [], 0
    for token in tokenize(text, dialect):
        own = spelling.get(token.value if folds else token.value.casefold()) if token.kind == "word" else None
        if own is not None and own != token.text:
            out += [text[at : token.start], own]
            at = token.end
    return "".join([*out, text[at:]])


def unbracketed(text: str, dialect: str) -> str:
    """``text`` without the brackets that enclose all of it.

    >>> unbracketed("((a > 1) AND (b > 2))", "sqlite"), unbracketed("(a) OR (b)", "sqlite")
    ('(a > 1) AND (b > 2)', '(a) OR (b)')
    """
    text = text.strip()
    while text.startswith("(") and text.endswith(")"):
        depth = 0
        tokens = tokenize(text, dialect)
        for token in tokens:
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                if token is not tokens[-1]:
                    return text
                break
        text = text[1:-1].strip()
    return text


PSQL_META = re.compile(r"[ \t]*\\(?!\.)[^\n]*(?:\n|\Z)")
COPY_DATA = re.compile(r".*?^\\\.[ \t]*\r?(?:\n|\Z)", re.DOTALL | re.MULTILINE)
DELIMITER = re.compile(r"[ \t]*DELIMITER[ \t]+(\S+)[ \t]*\r?(?:\n|\Z)", re.IGNORECASE)
COMPOUND = {"TRIGGER", "FUNCTION", "PROCEDURE", "EVENT"}
AFTER_END = {"IF", "LOOP", "WHILE", "REPEAT", "FOR"}


def split_statements(text: str, dialect: str) -> list[str]:
    """The statements of an SQL script, without their semicolons.

    Understands strings, dollar quotes and comments of the dialect, bodies of triggers and functions (BEGIN ... END),
    psql's backslash lines, the data of COPY ... FROM stdin (left out) and the mysql client's DELIMITER.

    >>> split_statements("SELECT ';'; -- a;b\\nSELECT 2", "sqlite")
    ["SELECT ';'", 'SELECT 2']
    """
    statements: list[str] = []
    match_at = pattern(dialect).match
    position, delimiter = 0, ";"
    start, last = -1, 0  # of the statement under way: first token's start, last token's end
    words: list[str] = []  # its first words, enough to know what it is
    depth = 0
    previous = ""

    def close() -> None:
        nonlocal start, depth, previous
        if start >= 0:
            statements.append(text[start:last])
        start, depth, previous = -1, 0, ""
        words.clear()

    while position < len(text):
        if start < 0:
            meta = DELIMITER.match(text, position) if dialect == "mysql" else None
            if meta is not None:
                delimiter, position = meta[1], meta.end()
                continue
            meta = PSQL_META.match(text, position) if dialect == "postgresql" else None
            if meta is not None:
                position = meta.end()
                continue
        if delimiter != ";" and text.startswith(delimiter, position):
            position += len(delimiter)
            close()
            continue
        match = match_at(text, position)
        assert match is not None, "the pattern ends in any character"
        position = match.end()
        if match["skip"] is not None and not (dialect == "mysql" and match["skip"].startswith(("/*!", "/*M!", "*/"))):
            continue
        token = match.group()
        if token == ";" and delimiter == ";" and depth == 0:
            if words[:1] == ["COPY"] and "STDIN" in words:
                start, position = -1, (data.end() if (data := COPY_DATA.match(text, position)) else len(text))
            close()
            continue
        if start < 0:
            start = match.start()
        last = position
        word = token.upper() if match["word"] is not None else ""
        if word and len(words) < 400:
            words.append(word)
        if words[:1] == ["CREATE"] and not COMPOUND.isdisjoint(words[:6]):
            depth += word in ("BEGIN", "CASE") and previous != "END"
            depth -= word == "END" and depth > 0
            depth += word in AFTER_END and previous == "END"  # END IF closed what was never counted
        previous = word or token
    close()
    return statements
