"""Walking through the tokens of DDL: words to accept, names to take, brackets to enter."""

from collections.abc import Sequence

from fixturesynth.schema.lexing import Token, text_of, tokenize

__all__ = ["Cursor", "split_commas"]


class Cursor:
    """A place in a list of tokens."""

    def __init__(self, source: str, tokens: Sequence[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.position = 0

    @classmethod
    def over(cls, source: str, dialect: str) -> "Cursor":
        return cls(source, tokenize(source, dialect))

    @property
    def done(self) -> bool:
        return self.position >= len(self.tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        at = self.position + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def word(self, ahead: int = 0) -> str:
        token = self.peek(ahead)
        return token.word if token is not None else ""

    def take(self) -> Token:
        """The token here; an empty symbol behind the end, so that truncated text ends quietly."""
        token = self.peek() or Token("symbol", "", "", len(self.source))
        self.position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Step over ``words`` when they come next."""
        if any(self.word(i) != w for i, w in enumerate(words)):
            return False
        self.position += len(words)
        return True

    def accept_any(self, *phrases: str) -> str:
        """Step over the first of ``phrases`` (words separated by a space) that comes next; which it was, or empty."""
        return next((p for p in phrases if self.accept(*p.split())), "")

    def name(self) -> str:
        return self.take().value

    def qualified(self) -> tuple[str | None, str]:
        """``schema.name`` or ``name``."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return (parts[-2] if len(parts) > 1 else None), parts[-1]

    def group(self) -> "Cursor":
        """What is inside the brackets that open here; empty when none do."""
        if self.word() != "(":
            return Cursor(self.source, ())
        start, depth = self.position + 1, 0
        while not self.done:
            depth += nesting(self.take())
            if depth == 0:
                return Cursor(self.source, self.tokens[start : self.position - 1])
        return Cursor(self.source, self.tokens[start:])

    def until(self, stops: frozenset[str]) -> list[Token]:
        """Tokens up to a word of ``stops`` outside of brackets; the first is taken whatever it is."""
        taken: list[Token] = []
        depth = 0
        while not self.done and not (depth == 0 and taken and self.word() in stops):
            taken.append(self.take())
            depth += nesting(taken[-1])
        return taken

    def skip_to(self, *words: str) -> None:
        while not self.done and self.word() not in words:
            self.position += 1

    @property
    def rest(self) -> str:
        return text_of(self.tokens[self.position :])


def nesting(token: Token) -> int:
    """+1 for an opening bracket, -1 for a closing one."""
    if token.kind != "symbol":
        return 0
    return (token.text in ("(", "[")) - (token.text in (")", "]"))


def split_commas(cursor: Cursor) -> list[Cursor]:
    """The parts of a list, split at the commas outside of brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in cursor.tokens[cursor.position :]:
        depth += nesting(token)
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [Cursor(cursor.source, part) for part in parts if part]
