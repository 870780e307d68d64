"""Watch rules: which public posts are about us. Words, "phrases", #tags, @handles, emoji, lang:es, near:"Old Town"; AND
(also by standing side by side), OR, NOT, parentheses. Matching ignores case and accents and keeps to whole words.

`Matcher` holds all rules at once: one walk over a text finds every term of every rule (Aho-Corasick)."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import ahocorasick
import regex
from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, v_args

LONGEST = 30_000  # characters of a rule: a thousand street names
DEEPEST = 40  # nested parentheses and NOTs
UNSURE = "und"  # a language that nobody could tell: it counts as in

_GRAMMAR = r"""
    ?start: either
    ?either: both ("OR"i both)*
    ?both: term (("AND"i)? term)*
    ?term: "NOT"i term -> negation
         | "(" either ")"
         | LANGUAGE -> language
         | NEAR -> near
         | PHRASE -> phrase
         | WORD -> word
    LANGUAGE.2: /lang:[^\s()"]*/i
    NEAR.2: /near:("[^"]*"|[^\s()"]*)/i
    PHRASE: /"[^"]*"/
    WORD.-1: /[^\s()"]+/
    %import common.WS
    %ignore WS
"""
_parser = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)
_INVISIBLE = regex.compile(r"[^\p{ccc=0}]|\p{Cf}|[\uFE00-\uFE0F]")  # accents, zero-width marks, emoji styles
_APART = bytes(code if chr(code).isascii() and (chr(code).isalnum() or code == 95) else 32 for code in range(256))
"""For bytes.translate: whatever ends a word (_of_word) becomes a blank."""
_CODE = regex.compile(r"[a-z]{2,3}")
# Written without blanks between words: no word border is asked for beside these.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


class WatchRuleError(ValueError):
    """A rule that cannot be read; `position` is the character, from 0, where it stops making sense."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True)
class Term:
    """One word or phrase, folded, found only as whole words. `written`: as the rule has it, for networks' searches."""

    words: str
    written: str = field(default="", compare=False)


@dataclass(frozen=True)
class Language:
    """The post is in this language, or nobody can tell in which."""

    code: str


@dataclass(frozen=True)
class Near:
    """The post names this place, by any of its names, or one that lies in it. Folded."""

    place: str
    position: int


@dataclass(frozen=True)
class Not:
    part: "Part"


@dataclass(frozen=True)
class All:
    parts: tuple["Part", ...]


@dataclass(frozen=True)
class Either:
    parts: tuple["Part", ...]


Part = Term | Language | Near | Not | All | Either
Places = Mapping[str, Collection[str]]
"""Folded name of a place -> all folded names that count as naming it (listeners.places.nearby)."""


@dataclass(frozen=True)
class Rule:
    """A parsed rule."""

    query: str
    root: Part

    def matches(self, text: str, language: str = UNSURE, places: Places | None = None) -> bool:
        """Whether the rule is about this text."""
        return bool(Matcher([(0, self)], places or {}).matching(text, lambda: language))

    def near(self) -> list[Near]:
        """The places that the rule names."""
        return [part for part in _leaves(self.root) if isinstance(part, Near)]

    def why(self, text: str, places: Places | None = None) -> list[str]:
        """The words of the rule that stand in the text, in the rule's order; those after NOT are left out."""
        words = folded(text)
        wanted = [name for part in _wanted(self.root) for name in _names(part, places or {})]
        return [name for name in dict.fromkeys(wanted) if _occurs(name, words)]


def folded(text: str) -> str:
    """Without case, accents and invisible characters, white space as single blanks."""
    if text.isascii():
        if text.isprintable() and "  " not in text:  # nearly every post in English: nothing to collapse
            return text.strip().lower()
    else:
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return " ".join(text.casefold().split())


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
        raise WatchRuleError("NOT or lang: alone matches nearly everything; say what the rule should find", 0)
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
    words = folded(text)
    if not any(letter.isalnum() or unicodedata.category(letter) in ("So", "Sk") for letter in words):
        raise WatchRuleError("there is no word in this", position)
    return Term(words, text)


@v_args(inline=True)
class _Builder(Transformer[Any, Part]):
    def word(self, token: Token) -> Part:
        if token.upper() in ("AND", "OR", "NOT"):
            raise WatchRuleError(f"{token} needs a word on both sides", token.start_pos or 0)
        return _term(str(token), token.start_pos or 0)

    def phrase(self, token: Token) -> Part:
        return _term(str(token)[1:-1], token.start_pos or 0)

    def language(self, token: Token) -> Part:
        code = str(token)[5:].lower()
        if _CODE.fullmatch(code) is None:
            raise WatchRuleError("a language is two letters, as in lang:es", (token.start_pos or 0) + 5)
        return Language(code)

    def near(self, token: Token) -> Part:
        position = (token.start_pos or 0) + 5
        return Near(_term(str(token)[5:].strip('"'), position).words, position)

    def negation(self, part: Part) -> Part:
        return Not(part)

    def both(self, *parts: Part) -> Part:
        return All(parts)

    def either(self, *parts: Part) -> Part:
        return Either(parts)


def _finds_something(part: Part) -> bool:
    """Whether the part asks for a word at all; an OR must in each of its branches."""
    match part:
        case Term() | Near():
            return True
        case Not() | Language():
            return False
        case All():
            return any(_finds_something(inner) for inner in part.parts)
        case Either():
            return all(_finds_something(inner) for inner in part.parts)


def _leaves(part: Part) -> list[Part]:
    match part:
        case Not():
            return _leaves(part.part)
        case All() | Either():
            return [leaf for inner in part.parts for leaf in _leaves(inner)]
        case _:
            return [part]


def _wanted(part: Part) -> list[Part]:
    """The leaves that no NOT stands before."""
    match part:
        case Not():
            return []
        case All() | Either():
            return [leaf for inner in part.parts for leaf in _wanted(inner)]
        case _:
            return [part]


def _starters(part: Part) -> list[Part]:
    """Leaves of which one at least stands in whatever the part matches."""
    if isinstance(part, All):
        inner = [_starters(one) for one in part.parts if _finds_something(one)]
        return min(inner, key=len)
    if isinstance(part, Either):
        return [leaf for one in part.parts for leaf in _starters(one)]
    return [part]


def _names(part: Part, places: Places) -> tuple[str, ...]:
    match part:
        case Term():
            return (part.words,)
        case Near():
            return (part.place, *places.get(part.place, ()))
        case _:
            return ()


@dataclass(frozen=True)
class _Any:
    """Either, made ready: one of these words stands in the text, or one of the other parts holds."""

    words: frozenset[str]
    parts: tuple["_Ready", ...] = ()


@dataclass(frozen=True)
class _Each:
    parts: tuple["_Ready", ...]


@dataclass(frozen=True)
class _None:
    part: "_Ready"


_Ready = _Any | _Each | _None | Language


def _ready(part: Part, places: Places) -> _Ready:
    """A rule with a thousand streets is then one look into a set."""
    match part:
        case Not():
            return _None(_ready(part.part, places))
        case All():
            return _Each(tuple(_ready(inner, places) for inner in part.parts))
        case Either():
            words = frozenset(name for inner in part.parts for name in _names(inner, places))
            rest = [inner for inner in part.parts if not isinstance(inner, Term | Near)]
            return _Any(words, tuple(_ready(inner, places) for inner in rest))
        case Language():
            return part
        case _:
            return _Any(frozenset(_names(part, places)))


def _holds(part: _Ready, found: set[str], language: Callable[[], str], unsure: bool = True) -> bool:
    """`unsure`: what a language that cannot be told counts as; turned over by each NOT, so that it counts as in."""
    match part:
        case _Any():
            return not part.words.isdisjoint(found) or any(_holds(one, found, language, unsure) for one in part.parts)
        case _Each():
            return all(_holds(one, found, language, unsure) for one in part.parts)
        case _None():
            return not _holds(part.part, found, language, not unsure)
        case Language():
            told = language()
            return unsure if told == UNSURE else told == part.code


class Matcher:
    """All rules at once: the ids of those that are about a text, however many terms they have."""

    def __init__(self, rules: Sequence[tuple[int, Rule]], places: Places | None = None) -> None:
        named = places or {}
        self._rules = [(number, _ready(rule.root, named)) for number, rule in rules]
        self._started: dict[str, list[int]] = {}  # term -> rules, by their row, that it may start
        self._automaton = ahocorasick.Automaton()
        for row, (_, rule) in enumerate(rules):
            for part in _leaves(rule.root):
                for name in _names(part, named):
                    self._automaton.add_word(name, name)
            for part in _starters(rule.root):
                for name in _names(part, named):
                    self._started.setdefault(name, []).append(row)
        if rules:
            self._automaton.make_automaton()
        self._first_words = _first_words(self._automaton)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def matching(self, text: str, language: Callable[[], str] = lambda: UNSURE) -> list[int]:
        """Ids of the rules that are about this text, in the rules' order. `language` is asked only where a rule has
        one."""
        if not self._rules:
            return []
        words = folded(text)
        if self._passes_by(words):
            return []
        found = {name for end, name in self._automaton.iter(words) if _whole(name, words, end - len(name) + 1)}
        if not found:
            return []
        rows = {row for name in found for row in self._started.get(name, ())}
        return [self._rules[row][0] for row in sorted(rows) if _holds(self._rules[row][1], found, language)]

    def _passes_by(self, words: str) -> bool:
        """Whether no word of an ASCII text begins any term; walking a large automaton costs several times as much."""
        if self._first_words is None or not words.isascii():
            return False
        return self._first_words.isdisjoint(_apart(words))


def _apart(words: str) -> list[bytes]:
    """The words of an ASCII text; by bytes, which is ten times as quick as by letters."""
    return words.encode("ascii").translate(_APART).split()


def _first_words(names: Iterable[str]) -> frozenset[bytes] | None:
    """The first word of each term that an ASCII text can have; none where a term has no word at all, as an emoji."""
    found = set()
    for name in names:
        if name.isascii():
            words = _apart(name)
            if not words:
                return None
            found.add(words[0])
    return frozenset(found)


def _occurs(name: str, words: str) -> bool:
    start = words.find(name)
    while start >= 0:
        if _whole(name, words, start):
            return True
        start = words.find(name, start + 1)
    return False


def _whole(name: str, words: str, start: int) -> bool:
    """Whether `name`, which stands at `start`, is not a piece of a longer word."""
    first, last, end = name[0], name[-1], start + len(name)
    if start:
        before = words[start - 1]
        if first in "#@":
            if before in "#@" or _of_word(before):
                return False
        elif _of_word(first) and _of_word(before) and _UNSPACED.match(first) is None:
            return False
    return not (end < len(words) and _of_word(last) and _of_word(words[end]) and _UNSPACED.match(last) is None)


def _of_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_" or (not letter.isascii() and unicodedata.category(letter)[0] == "M")
