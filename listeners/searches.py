"""Watch rules in the words of a network's own search, for networks that must be asked for what they bring.

A search may find more than the rules, and not less: intake matches every post by the rules themselves. So what a search
cannot say is left out of it: languages (a network's guess drops whom our rules keep in as unsure) and a NOT before
several words that must all be there. What is too long for one search is divided over several."""

from collections.abc import Iterable, Iterator, Sequence

import regex

from listeners import watch
from listeners.watch import All, Either, Language, Near, Not, Part, Places, Rule, Term

_BARE = regex.compile(r"[#@]?\w+")
_OPERATORS = ("or", "and", "not")


def queries(rules: Sequence[Rule], nearby: Places, longest: int) -> tuple[str, ...]:
    """Searches of at most `longest` characters each that find all that the rules match: words side by side must all be
    there, OR between others, - before what must not, "…" around phrases, parentheses. Raises WatchRuleError for a name
    that is longer than a search may be."""
    whole = [part for rule in rules for part in _branches(_simple(rule.root, nearby))]
    fitting = [part for one in dict.fromkeys(whole) for part in _divided(one, longest)]
    packed: list[str] = []
    for written in dict.fromkeys(_written(part, inside="or") for part in fitting):
        if packed and len(packed[-1]) + len(written) + 4 <= longest:
            packed[-1] += f" OR {written}"
        else:
            packed.append(written)
    return tuple(packed)


def _simple(part: Part, nearby: Places) -> Part:
    """Terms, each at most under one NOT, in ANDs and ORs; an AND without parts finds everything."""
    match part:
        case Term():
            return part
        case Near():
            names = dict.fromkeys((part.place, *nearby.get(part.place, ())))
            return _either(Term(name) for name in names)
        case Language():
            return All(())
        case All():
            return _all(_simple(one, nearby) for one in part.parts)
        case Either():
            return _either(_simple(one, nearby) for one in part.parts)
        case Not():
            return _without(part.part, nearby)


def _without(part: Part, nearby: Places) -> Part:
    match part:
        case Not():
            return _simple(part.part, nearby)
        case Term():
            return Not(part)
        case Either() | Near():
            each = part.parts if isinstance(part, Either) else _branches(_simple(part, nearby))
            return _all(_without(one, nearby) for one in each)
        case _:
            return All(())


def _all(parts: Iterable[Part]) -> Part:
    flat = dict.fromkeys(inner for one in parts for inner in (one.parts if isinstance(one, All) else (one,)))
    return next(iter(flat)) if len(flat) == 1 else All(tuple(flat))


def _either(parts: Iterable[Part]) -> Part:
    """Only what a search can find stands in an OR: a branch that finds everything makes the whole find everything."""
    flat = dict.fromkeys(inner for one in parts for inner in _branches(one))
    if any(not _finds(one) for one in flat):
        return All(())
    return next(iter(flat)) if len(flat) == 1 else Either(tuple(flat))


def _branches(part: Part) -> tuple[Part, ...]:
    return part.parts if isinstance(part, Either) else (part,)


def _finds(part: Part) -> bool:
    """Whether a network would take it as a search of its own: some word must be there."""
    match part:
        case Term():
            return True
        case All():
            return any(_finds(one) for one in part.parts)
        case Either():
            return all(_finds(one) for one in part.parts)
        case _:
            return False


def _divided(part: Part, longest: int) -> Iterator[Part]:
    """The part, or several that together find at least as much, none longer than `longest` when written."""
    if len(_written(part, inside="or")) <= longest:
        yield part
        return
    match part:
        case Either():
            for one in part.parts:
                yield from _divided(one, longest)
        case All():
            yield from _divided_all(part, longest)
        case Term():
            raise watch.WatchRuleError(f"“{part.words[:40]}…” is too long for a search there", 0)


def _divided_all(part: All, longest: int) -> Iterator[Part]:
    """The longest OR is cut in two; without one, what asks for least goes: first a NOT, then the longest word."""
    choices = [one for one in part.parts if isinstance(one, Either)]
    if choices:
        widest = max(choices, key=lambda one: len(_written(one)))
        middle = (len(widest.parts) + 1) // 2
        for half in (widest.parts[:middle], widest.parts[middle:]):
            inner = [_either(half) if one is widest else one for one in part.parts]
            yield from _divided(_all(inner), longest)
        return
    refused = [one for one in part.parts if isinstance(one, Not)]
    found = [one for one in part.parts if not isinstance(one, Not)]
    gone = refused[-1] if refused else max(found, key=lambda one: len(_written(one)))
    yield from _divided(_all(one for one in part.parts if one is not gone), longest)


def _written(part: Part, inside: str = "and") -> str:
    match part:
        case Term():
            return _word(part)
        case Not(part=Term() as term):
            return " ".join(f"-{form}" for form in _forms(term))
        case All():
            said = " ".join(_written(one) for one in part.parts)
            return f"({said})" if inside == "or" else said
        case Either():
            return f"({' OR '.join(_written(one, inside='or') for one in part.parts)})"
        case _:
            raise TypeError(f"{part!r} cannot be searched for")


def _word(term: Term) -> str:
    forms = _forms(term)
    return forms[0] if len(forms) == 1 else f"({' OR '.join(forms)})"


def _forms(term: Term) -> list[str]:
    """As the rule writes it and, where that has accents, without them: a network may tell the two apart."""
    forms = dict.fromkeys((" ".join(term.written.casefold().split()) or term.words, term.words))
    return [form if _BARE.fullmatch(form) and form not in _OPERATORS else f'"{form}"' for form in forms]
