"""One alert and one concern with all that they rest on, and a mention in its thread, for programs: figures with their
intervals, since when, where, a few quotes. Counts by place as sentiment.disclosure lets them; whoever sees people's
words is in the audit log."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from config import audit, clock, database
from config.permissions import Action
from posts import actions, heard
from sentiment import alert_details, alerts, brigades, figures, inbox, quotes
from sentiment.figures import ConcernRow
from sentiment.quotes import Quote
from sentiment.taxonomy import CONCERNS
from web import concerns as room
from web import looks, mentions
from web.api.heard import CountOut
from web.api.listening import AlertOut, ConcernOut, MentionOut, ShareOut, alert_out, concern_out, mention_out, share_out
from web.desk import TheDesk
from web.fields import Id
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()


class QuoteOut(BaseModel):
    """What somebody wrote, handles masked, and how it was read; never who."""

    mention_id: int
    text: str
    language: str
    network: str
    posted_at: datetime
    trust: str
    sentiment: str


class PlaceCountOut(BaseModel):
    """Authors that name a place, five or more, rounded down to whole fives."""

    place: str
    authors: int


class NetworkCountOut(BaseModel):
    """Posts on a network; of an alert with a place rounded down to whole fives."""

    network: str
    posts: int


class HoursOut(BaseModel):
    """Posts of the concern in the whole town in the two hours from `start`, and how many are usual."""

    start: datetime
    posts: int
    expected: float


class AlertEvidenceOut(AlertOut):
    """An alert with what it rests on. `once_in_days`: how often chance alone makes such a surge; 0 where that is not
    known. `places` and `networks`: of the mentions that still live. `actions`: what units were asked because of it."""

    concern_name: str
    place: str | None
    once_in_days: float
    quotes: list[QuoteOut]
    places: list[PlaceCountOut]
    networks: list[NetworkCountOut]
    hours: list[HoursOut]
    actions: list[int]


class DayOut(BaseModel):
    """Mistrust of the 7 days up to `day`."""

    day: date
    mistrust: ShareOut | None


class MovedOut(BaseModel):
    """Mistrust lies higher or lower than usual since about `around`, give or take a few days."""

    direction: Literal["up", "down"]
    around: date


class SameTextOut(BaseModel):
    """`together` accounts posted nearly the same text within an hour of `since`; `accounts` in the last 7 days, `new`
    of them under 30 days old (0: fewer than five). They move the mistrust by `points_at_most`."""

    since: datetime
    together: int
    accounts: int
    new: int
    points_at_most: int | None


class ConcernEvidenceOut(BaseModel):
    """A concern over the last 7 whole days, `first` to `last`; `figures` is none where nobody raised it. `in_person`:
    what was heard in 28 days, in no other figure. `alerts`: every one about it, newest first; `posts`: ours, for who
    may read posts; `actions`: what units were asked."""

    concern: str
    name: str
    about: str
    first: date
    last: date
    figures: ConcernOut | None
    usual: ShareOut | None
    negative: ShareOut | None
    usual_negative: ShareOut | None
    moved: MovedOut | None
    days: list[DayOut]
    quotes: list[QuoteOut]
    same_text: list[SameTextOut]
    in_person: CountOut | None
    alerts: list[AlertOut]
    posts: list[int]
    actions: list[int]


class ContextOut(BaseModel):
    """A mention; what was said before and after it in its thread, oldest first; and within a day at its place, or else
    about its first concern, newest first."""

    mention: MentionOut
    thread: list[MentionOut]
    near: list[MentionOut]


@router.get("/alerts/{alert_id}", dependencies=[needs(Action.READ_FIGURES)])
def one_alert(found: TheDesk, who: Who, alert_id: Id) -> AlertEvidenceOut:
    """One alert with its evidence."""
    with database.reading(found.engine) as session:
        detail = alert_details.of_one(session, alert_id, found.settings.department.zone)
        asked = [one.id or 0 for one in actions.of_alert(session, alert_id)]
    if detail is None:
        raise Trouble(404, "There is no such alert")
    looks.note(found.engine, who, (quote.mention_id for quote in detail.quotes))
    return AlertEvidenceOut(
        **alert_out(detail.alert).model_dump(),
        concern_name=detail.concern_name,
        place=detail.place_name,
        once_in_days=detail.once_in_days,
        quotes=[_quote(one) for one in detail.quotes],
        places=[PlaceCountOut(place=name, authors=authors) for name, authors in detail.places],
        networks=[NetworkCountOut(network=name, posts=posts) for name, posts in detail.networks],
        hours=[HoursOut(**asdict(one)) for one in detail.columns],
        actions=asked,
    )


@router.get("/concerns/{concern}", dependencies=[needs(Action.READ_FIGURES)])
def one_concern(found: TheDesk, who: Who, concern: str) -> ConcernEvidenceOut:
    """One concern with its trend, people's words, and what was done about it."""
    if concern not in CONCERNS:
        raise Trouble(404, "There is no such concern")
    zone, now = found.settings.department.zone, clock.now()
    with database.reading(found.engine) as session:
        overview, row = figures.concern(session, now, zone, concern)
        voices = quotes.of_concerns(session, [concern], now - room.QUOTED, now, room.VOICES)[concern]
        together = brigades.about(session, concern, now - room.QUOTED, now)
        today = now.astimezone(zone).date()
        told = next((one for one in heard.counted(session, today - heard.SHOWN, today) if one.concern == concern), None)
        raised = [alert for alert in alerts.all_alerts(session) if alert.concern == concern]
        ours = room.ours(session, concern) if who.may(Action.READ_POSTS) else []
        asked = actions.about(session, concern, room.LONGEST_STORY)
    looks.note(found.engine, who, (quote.mention_id for quote in voices))
    moved = row.moved if row is not None and room.sayable(row) else None
    return ConcernEvidenceOut(
        concern=concern,
        name=CONCERNS[concern].name,
        about=CONCERNS[concern].about,
        first=overview.first,
        last=overview.last,
        figures=concern_out(row) if row is not None else None,
        usual=share_out(row.usual) if row is not None else None,
        negative=share_out(row.negative) if row is not None else None,
        usual_negative=share_out(row.usual_negative) if row is not None else None,
        moved=MovedOut(direction=moved.direction, around=moved.around) if moved is not None else None,
        days=[DayOut(day=one.day, mistrust=share_out(one.share)) for one in row.spark] if row is not None else [],
        quotes=[_quote(one) for one in voices],
        same_text=[_same_text(one, row) for one in together],
        in_person=CountOut.model_validate(told, from_attributes=True) if told is not None else None,
        alerts=[alert_out(alert) for alert in raised],
        posts=[post.id or 0 for post in ours],
        actions=[one.id or 0 for one in asked],
    )


@router.get("/mentions/{mention_id}/context", dependencies=[needs(Action.READ_MENTIONS)])
def mention_in_context(found: TheDesk, who: Who, mention_id: Id) -> ContextOut:
    """One mention in its thread, and what was said around it. 404 once it is expired, deleted upstream, or left out."""
    with database.writing(found.engine) as session:
        told = inbox.in_context(session, mention_id, mentions.AROUND, mentions.IN_THREAD, mentions.NEAR)
        if told is None:
            raise Trouble(404, "There is no such mention", "It may have expired or been deleted by its author.")
        seen = [mention_id, *(other.mention.id for other in (*told.thread, *told.near))]
        audit.record(session, clock.now(), who.id, "mention.read", f"mention:{mention_id}", {"ids": seen}, who.address)
    return ContextOut(
        mention=mention_out(told.row),
        thread=[mention_out(one) for one in told.thread],
        near=[mention_out(one) for one in told.near],
    )


def _quote(one: Quote) -> QuoteOut:
    return QuoteOut(**asdict(one))


def _same_text(one: brigades.Brigade, row: ConcernRow | None) -> SameTextOut:
    points = one.points(row.authors) if row is not None and room.sayable(row) else None
    return SameTextOut(**asdict(one), points_at_most=points)
