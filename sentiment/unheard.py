"""Who we may not be hearing: places and languages with far fewer voices than their share of residents, as the settings
tell it. Who posts is not who lives here, so that this says where to go and ask, and nothing about anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import sqlalchemy as sa
from scipy.special import bdtr
from sqlmodel import Session, col, select

from config.settings import Department
from config.translations import translate
from listeners.tables import Place
from sentiment import disclosure, sums, wording
from sentiment.tables import ALL, AuthorDay
from sentiment.trust import Span

LEAST_EXPECTED = 20.0  # people by their share: fewer, and a gap may be chance
GAP = 0.5  # of what their share would give
CHANCE = 0.01  # of any such gap by chance, over all that is compared


@dataclass(frozen=True)
class Unheard:
    """A place or language: fewer than `fewer_than` of `everyone` where its share of residents is `share`. Both counts
    rest on whole fives."""

    kind: Literal["place", "language"]
    name: str
    fewer_than: int
    everyone: int
    share: float


def read(session: Session, first: date, last: date, department: Department) -> list[Unheard]:
    """Those of these days (both included), places first; nothing where the settings give no shares."""
    found: list[Unheard] = []
    if department.residents:
        named = select(Place.id, Place.name).where(col(Place.name).in_(list(department.residents)))
        names = {number or 0: name for number, name in session.exec(named)}
        people = {name: department.residents[name] for name in names.values()}
        by_place = sums.read_places(session, [ALL], Span(first, last))[ALL]
        heard = {name: by_place.get(number, 0) for number, name in names.items()}
        found += gaps("place", heard, {name: number / sum(people.values()) for name, number in people.items()})
    if department.speaking:
        found += gaps("language", by_language(session, first, last), department.speaking)
    return found


def gaps(kind: Literal["place", "language"], heard: Mapping[str, int], share: Mapping[str, float]) -> list[Unheard]:
    """Those heard far less than their share: at most half of it, beyond chance (binomial, Bonferroni over all that is
    compared), however many of the next five there may be. `heard`: people by name."""
    everyone = sum(disclosure.in_fives(number) for number in heard.values())
    found = []
    for name, part in share.items():
        most = disclosure.in_fives(heard.get(name, 0)) + disclosure.LEAST - 1
        expected = part * everyone
        if expected < LEAST_EXPECTED or most > GAP * expected:
            continue
        if bdtr(most, everyone, part) < CHANCE / len(share):
            found.append(Unheard(kind, name, most + 1, everyone, part))
    return found


def by_language(session: Session, first: date, last: date) -> dict[str, int]:
    """People who posted in these days, by the language that they posted in."""
    asked = (
        sa.select(col(AuthorDay.language), sa.func.count(sa.distinct(col(AuthorDay.author))))
        .where(col(AuthorDay.concern) == ALL, col(AuthorDay.day).between(first, last))
        .group_by(col(AuthorDay.language))
    )
    return {row[0]: row[1] for row in session.connection().execute(asked)}


def words(one: Unheard, language: str) -> str:
    """It as a sentence."""
    _ = translate(language).gettext
    told = {"most": one.fewer_than, "everyone": one.everyone, "share": wording.percent(one.share, language)}
    if one.kind == "place":
        said = _("%(name)s: fewer than %(most)s of about %(everyone)s people who name one of these places; "
                 "%(share)s of the residents of these places live there.")  # fmt: skip
        return said % (told | {"name": one.name})
    said = _("%(name)s: fewer than %(most)s of about %(everyone)s people who posted; %(share)s of residents speak it.")
    name = wording.locale(language).languages.get(one.name, one.name)
    return said % (told | {"name": name[:1].upper() + name[1:]})
