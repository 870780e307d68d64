"""Days that people keep: religious, cultural and civic ones, computed, and the department's own. For planning and for
care: a day warns, and never moves, holds or writes anything.

Dates are those of the `holidays` library, whose limits are told with each: what follows the moon is an estimate, and
some days are kept a day earlier or later in other places."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from dateutil.relativedelta import relativedelta
from holidays.groups.chinese import ChineseCalendarHolidays
from holidays.groups.christian import ChristianHolidays
from holidays.groups.hebrew import HebrewCalendarHolidays
from holidays.groups.hindu import HinduCalendarHolidays
from holidays.groups.islamic import IslamicHolidays
from holidays.groups.persian import PersianCalendarHolidays
from holidays.holiday_base import HolidayBase
from holidays.utils import country_holidays
from sqlmodel import Session, col, select

from config import audit
from config.phrases import Phrase
from config.translations import translate
from posts.tables import Observance
from posts.workflow import WrongState

ESTIMATED = "~"  # before a key whose date is an estimate
LONGEST = 200  # characters of a field
MOST = 200
LONGEST_TIME = timedelta(days=60)
SEASON = timedelta(days=10)  # what is longer is a time of the year, no day to keep free
EVENING = frozenset(  # begins at sunset of the day before
    (
        *("ramadan", "eid_al_fitr", "eid_al_adha", "islamic_new_year", "ashura", "mawlid", "purim", "passover"),
        *("shavuot", "rosh_hashanah", "yom_kippur", "sukkot", "hanukkah"),
    )
)
LASTS = {"passover": 8, "shavuot": 2, "rosh_hashanah": 2, "sukkot": 7, "hanukkah": 8, "kwanzaa": 7}  # days; others: one
BY_PLACE = frozenset(("nowruz", "diwali", "holi", "vaisakhi", "guru_nanak"))  # a day earlier or later


@dataclass(frozen=True)
class Day:
    """One day, or a row of days, that people keep. `kind`: religious | cultural | civic | own; `first`: without the
    evening that it begins on; `number`: of our own day, as it is kept."""

    name: str  # in the reader's words
    kind: str
    first: date
    last: date
    evening: bool = False
    estimated: bool = False
    about: str = ""
    number: int | None = None

    @property
    def season(self) -> bool:
        return self.last - self.first > SEASON

    def covers(self, day: date) -> bool:
        """Whether it is kept on `day`; the evening before counts."""
        return self.first - timedelta(days=self.evening) <= day <= self.last


class _Kept(
    HolidayBase,
    ChineseCalendarHolidays,
    ChristianHolidays,
    HebrewCalendarHolidays,
    HinduCalendarHolidays,
    IslamicHolidays,
    PersianCalendarHolidays,
):
    """The library's dates under keys of our own."""

    country = "kept"
    estimated_label = f"{ESTIMATED}%s"

    def __init__(self, years: int) -> None:
        ChineseCalendarHolidays.__init__(self)
        ChristianHolidays.__init__(self)
        HebrewCalendarHolidays.__init__(self)
        HinduCalendarHolidays.__init__(self, show_estimated=True)
        IslamicHolidays.__init__(self)
        PersianCalendarHolidays.__init__(self)
        super().__init__(years=years)

    def _populate_public_holidays(self) -> None:
        self._add_ramadan_beginning_day("ramadan")
        self._add_eid_al_fitr_day("eid_al_fitr")
        self._add_eid_al_adha_day("eid_al_adha")
        self._add_islamic_new_year_day("islamic_new_year")
        self._add_ashura_day("ashura")
        self._add_mawlid_day("mawlid")
        self._add_purim("purim")
        self._add_passover("passover")
        self._add_shavuot("shavuot")
        self._add_rosh_hashanah("rosh_hashanah")
        self._add_yom_kippur("yom_kippur")
        self._add_sukkot("sukkot")
        self._add_hanukkah("hanukkah")
        self._add_ash_wednesday("ash_wednesday")
        self._add_good_friday("good_friday")
        self._add_easter_sunday("easter")
        self._add_easter_sunday("orthodox_easter", calendar="JULIAN_CALENDAR")
        self._add_christmas_day("orthodox_christmas", calendar="JULIAN_CALENDAR")
        self._add_holi("holi")
        self._add_diwali_india("diwali")
        self._add_vaisakhi("vaisakhi")
        self._add_guru_nanak_jayanti("guru_nanak")
        self._add_nowruz_day("nowruz")
        self._add_chinese_new_years_day("lunar_new_year")
        self._add_mid_autumn_festival("mid_autumn")
        self._add_all_souls_day("day_of_the_dead")
        self._add_holiday_dec_12("guadalupe")
        self._add_holiday_dec_26("kwanzaa")


def between(session: Session, first: date, last: date, language: str) -> list[Day]:
    """What is kept on any day from `first` to `last`, by day; names in `language`."""
    years = range(max(first.year - 1, 2000), min(last.year + 1, 2100) + 1)
    found = [*(one for year in years for one in known(year, language)), *_times(own(session), years)]
    there = [one for one in found if one.first - timedelta(days=one.evening) <= last and one.last >= first]
    return sorted(there, key=lambda one: (one.first, one.name))


def known(year: int, language: str) -> tuple[Day, ...]:
    """The days that begin in this year, our own aside. Pure."""
    return tuple(_named(kind, key, first, last, estimated, language) for kind, key, first, last, estimated in _of(year))


@cache
def _of(year: int) -> tuple[tuple[str, str, date, date, bool], ...]:
    """Kind, key, first and last day, and whether those are estimates."""
    names, made = names_of("en"), []
    for day, words in _Kept(year).items():
        for word in words.split("; "):
            key = word.removeprefix(ESTIMATED)
            last = _end_of_ramadan(day) if key == "ramadan" else day + timedelta(days=LASTS.get(key, 1) - 1)
            estimated = word.startswith(ESTIMATED) or key in BY_PLACE
            made.append((names[key][0], key, day, last, estimated))
    for day, key in country_holidays("US", years=year, observed=False).items():
        made.append(("civic", key, day, day, False))
    return tuple(made)


def _end_of_ramadan(first: date) -> date:
    """The day before Eid al-Fitr, the next after `first`."""
    years = (first.year, first.year + 1)
    feasts = [day for year in years for day, words in _Kept(year).items() if "eid_al_fitr" in words]
    return min(day for day in feasts if day > first) - timedelta(days=1)


def _named(kind: str, key: str, first: date, last: date, estimated: bool, language: str) -> Day:
    name = names_of(language)[key][1] if kind != "civic" else civic(language).get(key, key)
    return Day(name, kind, first, last, key in EVENING, estimated)


def names_of(language: str) -> dict[str, tuple[str, str]]:
    """Key -> kind and name, in a language."""
    _ = translate(language).gettext
    religious = {
        "ramadan": _("Ramadan"),
        "eid_al_fitr": _("Eid al-Fitr"),
        "eid_al_adha": _("Eid al-Adha"),
        "islamic_new_year": _("Islamic New Year"),
        "ashura": _("Ashura"),
        "mawlid": _("Mawlid, the Prophet’s birthday"),
        "purim": _("Purim"),
        "passover": _("Passover"),
        "shavuot": _("Shavuot"),
        "rosh_hashanah": _("Rosh Hashanah"),
        "yom_kippur": _("Yom Kippur"),
        "sukkot": _("Sukkot"),
        "hanukkah": _("Hanukkah"),
        "ash_wednesday": _("Ash Wednesday"),
        "good_friday": _("Good Friday"),
        "easter": _("Easter"),
        "orthodox_easter": _("Orthodox Easter"),
        "orthodox_christmas": _("Orthodox Christmas"),
        "guadalupe": _("Our Lady of Guadalupe"),
        "holi": _("Holi"),
        "diwali": _("Diwali"),
        "vaisakhi": _("Vaisakhi"),
        "guru_nanak": _("Birthday of Guru Nanak"),
    }
    cultural = {
        "nowruz": _("Nowruz"),
        "lunar_new_year": _("Lunar New Year"),
        "mid_autumn": _("Mid-Autumn Festival"),
        "day_of_the_dead": _("Day of the Dead"),
        "kwanzaa": _("Kwanzaa"),
    }
    return {key: ("religious", name) for key, name in religious.items()} | {
        key: ("cultural", name) for key, name in cultural.items()
    }


def civic(language: str) -> dict[str, str]:
    """The library's names of the days of the United States, in a language."""
    _ = translate(language).gettext
    return {
        "New Year's Day": _("New Year’s Day"),
        "Martin Luther King Jr. Day": _("Martin Luther King Jr. Day"),
        "Washington's Birthday": _("Presidents’ Day"),
        "Memorial Day": _("Memorial Day"),
        "Juneteenth National Independence Day": _("Juneteenth"),
        "Independence Day": _("Independence Day"),
        "Labor Day": _("Labor Day"),
        "Columbus Day": _("Columbus Day, Indigenous Peoples’ Day"),
        "Veterans Day": _("Veterans Day"),
        "Thanksgiving Day": _("Thanksgiving"),
        "Christmas Day": _("Christmas"),
    }


def keep(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    name: str,
    first: date,
    last: date,
    about: str = "",
    yearly: bool = False,
) -> Observance:
    """Adds a day of the department's own. Raises WrongState."""
    if not name.strip() or max(len(name.strip()), len(about.strip())) > LONGEST:
        raise WrongState(Phrase("A day has a name, %(most)s characters at most.", most=LONGEST), "name")
    if not (timedelta() <= last - first <= LONGEST_TIME and 2000 <= first.year < 2100):
        raise WrongState("The last day is the first or later, two months at most.", "last")
    if len(own(session)) >= MOST:
        raise WrongState(Phrase("There are %(most)s already; remove one first.", most=MOST))
    made = Observance(
        name=name.strip(), first_day=first, last_day=last, yearly=yearly, about=about.strip(), kept_by=person_id,
        kept_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(session, now, person_id, "observance.keep", f"observance:{made.id}", {"name": made.name})
    return made


def remove(session: Session, observance_id: int, person_id: int, now: datetime) -> None:
    """One that is gone already is fine."""
    found = session.get(Observance, observance_id)
    if found is not None:
        audit.record(session, now, person_id, "observance.remove", f"observance:{found.id}", {"name": found.name})
        session.delete(found)
        session.flush()


def _times(kept: Iterable[Observance], years: range) -> Iterator[Day]:
    """The department's own days as they come in these years."""
    for one in kept:
        for year in years if one.yearly else (one.first_day.year,):
            later = relativedelta(years=year - one.first_day.year)
            yield Day(one.name, "own", one.first_day + later, one.last_day + later, about=one.about, number=one.id)


def own(session: Session) -> list[Observance]:
    """Our own days as they are kept, the first first."""
    return list(session.exec(select(Observance).order_by(col(Observance.first_day), col(Observance.id))))
