"""Watch rules: which public posts are about us. Words, "phrases", #tags, @handles; AND (also by standing side by side),
OR, NOT, parentheses. Matching ignores case and accents and keeps to whole words."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex
from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, v_args

LONGEST = 2000  # characters of a rule
DEEPEST = 40  # nested parentheses and NOTs

_GRAMMAR = r"""
    ?start: either
    ?either: both ("OR"i both)*
    ?both: term (("AND"i)? term)*
    ?term: "NOT"i term -> negation
         | "(" either ")"
         | PHRASE -> phrase
         | WORD -> word
    PHRASE: /"[^"]*"/
    WORD.-1: /[^\s()"]+/
    %import common.WS
    %ignore WS
"""
_parser = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)
_SPACE = regex.compile(r"\s+")


class WatchRuleError(ValueError):
    """A rule that cannot be read; `position` is the character, from 0, where it stops making sense."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True)
class Term:
    """One word or phrase, folded, found only as whole words."""

    words: str
    pattern: regex.Pattern[str]


@dataclass(frozen=True)
class Not:
    part: "Part"


@dataclass(frozen=True)
class All:
    parts: tuple["Part", ...]


@dataclass(frozen=True)
class Either:
    parts: tuple["Part", ...]


Part = Term | Not | All | Either


@dataclass(frozen=True)
class Rule:
    """A parsed rule."""

    query: str
    root: Part

    def matches(self, text: str) -> bool:
        """Whether the rule is about this text."""
        return self.holds_in(folded(text))

    def holds_in(self, text: str) -> bool:
        """As `matches`, for a text that is folded already."""
        return _holds(self.root, text)


def folded(text: str) -> str:
    """Without case and accents, white space as single blanks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _SPACE.sub(" ", "".join(letter for letter in plain if not unicodedata.combining(letter)))


@lru_cache(maxsize=1024)
def parse(query: str) -> Rule:
    """The rule that `query` writes. Raises WatchRuleError with words for the officer and the place of the mistake."""
    if len(query) > LONGEST:
        raise WatchRuleError(f"a rule has at most {LONGEST} characters", LONGEST)
    if not query.strip():
        raise WatchRuleError("there is no word to watch for yet", 0)
    _shallow(query)
    try:
        tree = _parser.parse(query)
        root: Part = _Builder().transform(tree)
    except UnexpectedInput as error:
        raise _explained(query, error) from None
    except Exception as error:  # lark wraps what the builder raises
        cause = error.__context__
        raise (cause if isinstance(cause, WatchRuleError) else WatchRuleError(str(error), 0)) from None
    if not _finds_something(root):
        raise WatchRuleError("a rule of NOT alone matches nearly everything; say what it should find", 0)
    return Rule(query, root)


def _shallow(query: str) -> None:
    depth = 0
    for position, letter in enumerate(query):
        depth += (letter == "(") - (letter == ")")
        if depth > DEEPEST:
            raise WatchRuleError("too many parentheses inside each other", position)
    if query.upper().split().count("NOT") > DEEPEST:
        raise WatchRuleError("too many NOTs", 0)


def _explained(query: str, error: UnexpectedInput) -> WatchRuleError:
    if isinstance(error, UnexpectedCharacters):
        unclosed = query.startswith('"', error.pos_in_stream)
        message = "this quotation mark is never closed" if unclosed else "this character cannot stand here"
        return WatchRuleError(message, error.pos_in_stream or 0)
    token: Token | None = getattr(error, "token", None)
    if isinstance(error, UnexpectedEOF) or token is None or token.type == "$END":
        opened = query.rfind("(")
        if query.count("(") > query.count(")"):
            return WatchRuleError("this parenthesis is never closed", opened)
        return WatchRuleError("something is missing at the end", len(query))
    return WatchRuleError(f"{str(token)!r} cannot stand here", token.start_pos or 0)


def _term(text: str, position: int) -> Term:
    words = folded(text).strip()
    if not any(letter.isalnum() for letter in words):
        raise WatchRuleError("there is no word in this", position)
    escaped = r"\s+".join(regex.escape(word) for word in words.split())
    start = r"(?<![\w#@])" if words[0] in "#@" else r"(?<!\w)" if words[0].isalnum() else ""
    end = r"(?!\w)" if words[-1].isalnum() else ""
    return Term(words, regex.compile(start + escaped + end))


@v_args(inline=True)
class _Builder(Transformer[Any, Part]):
    def word(self, token: Token) -> Part:
        if token.upper() in ("AND", "OR", "NOT"):
            raise WatchRuleError(f"{token} needs a word on both sides", token.start_pos or 0)
        return _term(str(token), token.start_pos or 0)

    def phrase(self, token: Token) -> Part:
        return _term(str(token)[1:-1], token.start_pos or 0)

    def negation(self, part: Part) -> Part:
        return Not(part)

    def both(self, *parts: Part) -> Part:
        return All(parts)

    def either(self, *parts: Part) -> Part:
        return Either(parts)


def _holds(part: Part, text: str) -> bool:
    match part:
        case Term():
            return part.pattern.search(text) is not None
        case Not():
            return not _holds(part.part, text)
        case All():
            return all(_holds(inner, text) for inner in part.parts)
        case Either():
            return any(_holds(inner, text) for inner in part.parts)


def _finds_something(part: Part) -> bool:
    """Whether the part asks for a word at all; an OR must in each of its branches."""
    match part:
        case Term():
            return True
        case Not():
            return False
        case All():
            return any(_finds_something(inner) for inner in part.parts)
        case Either():
            return all(_finds_something(inner) for inner in part.parts)


def matching(rules: Sequence[tuple[int, Rule]], text: str) -> list[int]:
    """Ids of the rules that are about this text."""
    words = folded(text)
    return [number for number, rule in rules if rule.holds_in(words)]
