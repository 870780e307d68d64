"""Posts that come again: every Tuesday at nine, across daylight saving. The pattern is written and approved once; each
coming post is one of its own, made ahead with the pattern's words and approval, to be moved, changed or dropped alone.

A change of the pattern takes back what was made of it and has not gone out, and makes it anew once approved, at the
time that somebody moved it to."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import MAXYEAR, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.parser import isoparse
from dateutil.rrule import rrulestr
from sqlmodel import Session, col, select

from config import audit
from config.phrases import Phrase
from posts import blackouts, drafts, workflow
from posts.approval import approval_of
from posts.tables import Post, PostPicture, Review, Series, Variant
from posts.workflow import GOES_OUT, Content, PostState, WrongState

_PARTS = frozenset(  # of RFC 5545, section 3.3.10; the others are hours of its own, or not worth what they cost
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}
)
_OFTEN = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
TRIED = 3  # times that a new rule must have, or all that it has
SEEN = timedelta(days=30 * 365)  # so far is a rule looked into; a series that began before that is begun anew
# By what matches no day dateutil goes on to the year 9999, past UNTIL: 3 s. The calendar repeats itself after 400
# years, weekdays and all, so a rule is followed as near to that year as it can be.
_CYCLE, _LEFT = 400, 2 * SEEN.days // 365 + 10  # years
_NEAR = timedelta(days=366)
AHEAD = timedelta(days=35)  # so far ahead its posts stand in the calendar
_UNSENT = (PostState.SCHEDULED.value, PostState.IN_REVIEW.value, PostState.APPROVED.value, PostState.DRAFT.value)


def begin(
    session: Session, post_id: int, rule: str, first: datetime, time_zone: str, person_id: int, now: datetime
) -> Series:
    """Makes a post without a time the pattern of a series, also one whose series was ended; `first`: wall time (naive)
    in an IANA zone.

    Raises WrongState for a rule that cannot be read, comes more often than daily, or names a zone of its own, and for a
    first day that is more than a year away."""
    check(rule, first, now)
    post = drafts.locked(session, post_id)
    if post.due_at is not None:
        raise WrongState("The pattern of a series has no time of its own; take its time away first.", "post")
    if drafts.is_pattern(session, post_id) or post.series_id is not None:
        raise WrongState("This post belongs to a series already.", "post")
    if post.reply_to_mention_id is not None:
        raise WrongState("An answer is given once; it cannot be a series.", "post")
    made = Series(
        post_id=post_id, rule=rule.strip(), first=first, time_zone=time_zone, created_by=person_id, created_at=now
    )
    session.add(made)
    session.flush()
    detail = {"rule": made.rule, "first": first.isoformat(), "zone": time_zone}
    audit.record(session, now, person_id, "series.begin", f"post:{post_id}", detail)
    return made


def check(rule: str, first: datetime, now: datetime) -> None:
    """Raises WrongState for what begin would not take of these; needs no store, so nobody waits while it is tried."""
    if first.tzinfo is not None or abs(first - now.replace(tzinfo=None)) > _NEAR:
        raise WrongState("The first day is within a year of today.", "first_day")
    if not list(islice(times(rule, first, first - timedelta(seconds=1)), TRIED)):
        raise WrongState("By this rule it never comes.", "rule")


def end(session: Session, series_id: int, person_id: int, now: datetime) -> None:
    """No more of it: what is made and has not gone out is cancelled. Raises WrongState if there is no such series."""
    found = session.get(Series, series_id)
    if found is None:
        raise WrongState("There is no such series.")
    if found.ended_at is None:
        found.ended_at = now
        session.add(found)
        audit.record(session, now, person_id, "series.end", f"post:{found.post_id}", {"series": series_id})
        _take_back(session, found, person_id, now)


def running(session: Session) -> list[Series]:
    """Those that were not ended, by id."""
    return list(session.exec(select(Series).where(col(Series.ended_at).is_(None)).order_by(col(Series.id))))


def of_post(session: Session, post: Post) -> Series | None:
    """The series that a post is the pattern of, or was made by; of several begun of it the one that runs."""
    found = select(Series).where((Series.post_id == post.id) | (Series.id == post.series_id))
    return session.exec(found.order_by(col(Series.ended_at).is_not(None), col(Series.id).desc())).first()


def extend(session: Session, series: Series, now: datetime) -> int:
    """Makes what comes within the next five weeks and is not there yet, if the pattern is approved; how many.

    What goes out with words that the pattern no longer has, or that are no longer approved, is cancelled first. Days of
    silence are left out, and what was moved to a time that passed before the new words were approved."""
    pattern = session.get_one(Post, series.post_id)
    review = approval_of(session, pattern) if pattern.state == PostState.APPROVED else None
    made = select(Post).where(Post.series_id == series.id)
    for post in session.exec(made.where(col(Post.state).in_(GOES_OUT), Post.revision == 1)).all():
        if (review is None or post.content_hash != pattern.content_hash) and _taken_back(session, post, pattern, now):
            _remember(series, post)
            post.series_id = None  # its time is free for the new words
            session.add_all([post, series])
    session.flush()
    if review is None or series.ended_at is not None:
        return 0
    here = now.astimezone(ZoneInfo(series.time_zone)).replace(tzinfo=None)
    there = {post.series_time for post in session.exec(made)}
    coming = takewhile(lambda wall: wall <= here + AHEAD, times(series.rule, series.first, here))
    number = 0
    for wall in sorted({*coming, *map(datetime.fromisoformat, series.moved)} - there):
        place = _place(series, wall)
        if place is not None and (
            workflow.instant(*place) <= now or blackouts.stopping(session, place[0], pattern.category) is not None
        ):
            continue
        _make(session, series, pattern, review, wall, place, now)
        series.moved = {at: kept for at, kept in series.moved.items() if at != wall.isoformat()}
        session.add(series)
        number += 1
    return number


def times(rule: str, first: datetime, after: datetime) -> Iterator[datetime]:
    """The wall times of a rule of RFC 5545 that begins at `first`, those after `after`, thirty years on at most.
    Raises WrongState, also on the way."""
    parts = _parts(rule)
    if after - first > SEEN:
        raise WrongState("This series began long ago; end it and begin it anew.")
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    try:
        last = max(first, after) + SEEN
        last = min(isoparse(until), last) if until is not None else last
        years = (MAXYEAR - _LEFT - first.year) // _CYCLE * _CYCLE
        parts["UNTIL"] = f"{_moved(last, years):%Y%m%dT%H%M%S}"
        found = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=_moved(first, years))
    except Exception as error:  # whatever dateutil makes of it
        raise WrongState(Phrase("This rule cannot be read: %(why)s", why=error), "rule") from error
    return _after(islice(found, int(count) if count is not None else None), years, after)


def _after(found: Iterator[datetime], years: int, after: datetime) -> Iterator[datetime]:
    try:
        for late in found:
            wall = _moved(late, -years)
            if wall > after:
                yield wall
    except Exception as error:  # the same, of a later time of its
        raise WrongState(Phrase("This rule cannot be read: %(why)s", why=error), "rule") from error


def _moved(wall: datetime, years: int) -> datetime:
    return wall.replace(year=wall.year + years)


def _parts(rule: str) -> dict[str, str]:
    """The parts of a rule by name, in capitals. Raises WrongState for those that a series does not take."""
    if "DTSTART" in rule.upper() or "TZID" in rule.upper():
        raise WrongState("The rule says only which days; the first day, the hour and the zone stand beside it.", "rule")
    given = [part.partition("=") for part in rule.strip().upper().removeprefix("RRULE:").split(";")]
    parts = {name: value for name, _, value in given}
    strange = sorted(set(parts) - _PARTS)
    if not strange and parts.get("FREQ") not in _OFTEN:
        raise WrongState("A series comes daily at most.", "rule")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not _NUMBER.fullmatch(parts[name]):
            strange.append(f"{name}={parts[name]}")
    if strange:
        raise WrongState(Phrase("A rule of a series has no part “%(part)s”.", part=strange[0][:40]), "rule")
    return parts


def _remember(series: Series, post: Post) -> None:
    """The time of a post that is made anew, if somebody gave it another one, or took it away."""
    if post.series_time is None or (post.wall_time, post.time_zone) == (post.series_time, series.time_zone):
        return
    place = [post.wall_time.isoformat(), post.time_zone] if post.wall_time is not None else None
    series.moved = {**series.moved, post.series_time.isoformat(): place}


def _place(series: Series, wall: datetime) -> tuple[datetime, str] | None:
    """Wall time and zone at which the one of this series time goes out; none if its time was taken away."""
    kept = series.moved.get(wall.isoformat(), [wall.isoformat(), series.time_zone])
    return (datetime.fromisoformat(kept[0]), kept[1]) if kept is not None else None


def _make(
    session: Session,
    series: Series,
    pattern: Post,
    review: Review,
    wall: datetime,
    place: tuple[datetime, str] | None,
    now: datetime,
) -> Post:
    variants = list(session.exec(select(Variant).where(Variant.post_id == pattern.id)))
    post = drafts.create(
        session,
        pattern.author_id,
        pattern.message,
        (),
        now,
        title=pattern.title,
        category=pattern.category,
        language=pattern.language,
        concern=pattern.concern,
        wordings={variant.account_id: variant.text for variant in variants},
        options={variant.account_id: variant.options for variant in variants},
        pictures=[_copied(picture) for picture in drafts.pictures_of(session, pattern)],
        pattern=pattern,
    )
    post.series_id, post.series_time = series.id, wall
    if _bound(session, post) == _bound(session, pattern):
        post.content_hash = pattern.content_hash
    drafts.carry_approval(session, post, review, *(place or (wall, series.time_zone)), now)
    if place is None:
        drafts.unschedule(session, post.id or 0, pattern.author_id, now)
    return post


def _taken_back(session: Session, post: Post, pattern: Post, now: datetime) -> bool:
    """Whether nothing of it is out, and none of it goes out now; what is left of one that is partly out does not."""
    try:
        return drafts.cancel(session, post.id or 0, pattern.author_id, now).state == PostState.CANCELLED
    except WrongState:  # all of it may be there
        return False


def _bound(session: Session, post: Post) -> Content:
    """What its approval is bound to, but for the steps that it took: who changes those leaves approvals as they are."""
    return replace(drafts.content_of(session, post), steps="")


def _copied(picture: PostPicture) -> PostPicture:
    return PostPicture(**picture.model_dump(exclude={"id", "post_id"}))


def _take_back(session: Session, series: Series, person_id: int, now: datetime) -> None:
    unsent = select(Post).where(Post.series_id == series.id, col(Post.state).in_(_UNSENT), col(Post.due_at) > now)
    for post in session.exec(unsent).all():
        with suppress(WrongState):  # all of it may be there
            drafts.cancel(session, post.id or 0, person_id, now)
