"""What changed between two texts, word by word, for the eye of an approver. Pure."""

import difflib
import re
from dataclasses import dataclass
from typing import Literal

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of text that stayed, went, or came."""

    kind: Literal["same", "gone", "new"]
    text: str


def between(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces that make `after` out of `before`: same and new joined give `after`, same and gone give `before`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[Piece] = []
    for change, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if change == "equal":
            pieces.append(Piece("same", "".join(new[k:m])))
            continue
        if i < j:
            pieces.append(Piece("gone", "".join(old[i:j])))
        if k < m:
            pieces.append(Piece("new", "".join(new[k:m])))
    return tuple(_joined(pieces))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Replacements separated only by spaces become one: easier on the eye than a chequered line."""
    out: list[Piece] = []
    at = 0
    while at < len(pieces):
        run = at
        while run < len(pieces) and (pieces[run].kind != "same" or _is_gap(pieces, run)):
            run += 1
        stretch = pieces[at:run]
        if len(stretch) > 2:
            gone = "".join(piece.text for piece in stretch if piece.kind != "new")
            new = "".join(piece.text for piece in stretch if piece.kind != "gone")
            out += [Piece("gone", gone), Piece("new", new)]
        else:
            out += stretch
        if run < len(pieces):
            out.append(pieces[run])
        at = run + 1
    return out


def _is_gap(pieces: list[Piece], at: int) -> bool:
    """Only blanks, between two changes."""
    inside = 0 < at < len(pieces) - 1
    blank = pieces[at].text.isspace() and "\n" not in pieces[at].text
    return inside and blank and pieces[at - 1].kind != "same" and pieces[at + 1].kind != "same"
