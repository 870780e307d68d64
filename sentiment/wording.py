"""Numbers, days and hours as words of a language, rounded one way everywhere, so that two sentences never disagree."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from config.translations import LANGUAGES, translate


@lru_cache(maxsize=64)
def locale(language: str) -> Locale:
    """The locale of a language such as "es"; English where it is not known."""
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


def numbers(language: str) -> Locale:
    """The locale by which numbers are written: as people of the language write them in the United States, 1,204.5."""
    return locale(f"{language}_US") if language in LANGUAGES else locale(language)


def rounded(share: float) -> int:
    """A share of 0 to 1 in whole percent. Every figure goes through here: equal shares read equal."""
    return round(share * 100)


@lru_cache(maxsize=4096)  # a page writes a hundred, and Babel takes its time for each
def percent(share: float, language: str) -> str:
    """0.243 as "24%"."""
    return format_percent(rounded(share) / 100, format="#,##0%" if language == "en" else None, locale=numbers(language))


@lru_cache(maxsize=4096)
def decimal(value: float, places: int, language: str) -> str:
    """1234.5 as "1,234.5" with one place, as the language writes it."""
    pattern = f"#,##0.{'0' * places}" if places else "#,##0"
    return str(format_decimal(round(value, places), format=pattern, locale=numbers(language)))


def between(low: float, high: float, language: str) -> str:
    """Two shares as "21 to 27%"; one figure when both round to the same."""
    if rounded(low) == rounded(high):
        return percent(high, language)
    _ = translate(language).gettext
    return _("%(low)s to %(high)s") % {"low": rounded(low), "high": percent(high, language)}


def whole(number: float, language: str) -> str:
    """A count with the language's grouping: 1,204."""
    return decimal(number, 0, language)


def day(moment: date, language: str) -> str:
    """As "23 Nov"."""
    return format_date(moment, "d MMM", locale=locale(language))


def day_in_full(moment: date, language: str) -> str:
    """As "Monday 23 November", the weekday first and no year."""
    pattern = translate(language).gettext("EEEE d MMMM")
    return format_date(moment, pattern, locale=locale(language))


def month_day(moment: date, language: str) -> str:
    """As "23 November"."""
    return format_date(moment, translate(language).gettext("d MMMM"), locale=locale(language))


def days(first: date, last: date, language: str) -> str:
    """As "17–23 Nov", or "28 Oct – 3 Nov" over a month's end."""
    if first == last:
        return day(last, language)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last, language)}"
    return f"{day(first, language)} – {day(last, language)}"


def month(moment: date, language: str) -> str:
    """As "November", "noviembre"."""
    return format_date(moment, "LLLL", locale=locale(language))


def weekday(moment: date, language: str) -> str:
    """As "Monday"."""
    return format_date(moment, "EEEE", locale=locale(language))


def hour(local: datetime, language: str) -> str:
    """The time of day and its zone: "07:00 ET". `local` is in the zone that is shown."""
    return f"{clock(local, language)} {zone(local)}"


def zone(local: datetime) -> str:
    """The zone's short name all year ("ET"), the abbreviation of that day ("GMT"), or the offset ("UTC+05:45")."""
    name = format_datetime(local, "v", locale=locale("en"))
    if " " not in name:
        return name
    abbreviation = local.tzname() or ""
    if abbreviation.isalpha():
        return abbreviation
    offset = f"{local:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}" if local.utcoffset() else "UTC"


def clock(local: datetime, language: str) -> str:
    """The time of day alone: "07:00"."""
    return format_datetime(local, "HH:mm", locale=locale(language))


def span(length: timedelta) -> str:
    """A length of time as "1 h 50 min", "35 min", "2 d 3 h": to the minute, from a day on to the hour."""
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes < 60:
        parts = [(minutes, "min")]
    elif minutes < 24 * 60:
        parts = [(minutes // 60, "h"), (minutes % 60, "min")]
    else:
        hours = round(minutes / 60)
        parts = [(hours // 24, "d"), (hours % 24, "h")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def together(words: list[str], language: str) -> str:
    """As "traffic, drugs and alcohol and youth" as the language joins them."""
    return format_list(words, style="standard", locale=locale(language))
