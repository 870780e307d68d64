"""Mentions, alerts, figures and sources for programs. Nothing selects, groups or orders by author; every read of
mentions is in the audit log; shares keep the same thresholds as the pages."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from config import audit, clock, database
from config.permissions import Action
from listeners import health
from sentiment import alerts, disclosure, figures, hindsight, inbox, tuning
from sentiment.tables import Alert, HeldBack
from sentiment.trust import Share, Show
from web.api import paging
from web.desk import TheDesk
from web.fields import LARGEST_ID, Id
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()


class MentionOut(BaseModel):
    """A public post about us, as the inbox shows it: handles masked, no author."""

    id: int
    network: str
    text: str
    language: str
    posted_at: datetime
    state: str
    place_id: int | None
    trust: str | None
    sentiment: str | None
    concerns: list[str]
    corrected: bool
    copies: int  # nearly the same from others: counted, not listed


class MentionsOut(BaseModel):
    """A page, newest first; `next` goes into `before` for the page after it, none on the last. Counts by place are
    rounded down to whole fives."""

    mentions: list[MentionOut]
    counts: dict[str, int]
    next: str | None


class ShareOut(BaseModel):
    """A share of authors with its 90% interval, 0 to 1. Under 10 authors nothing is given, under 30 no value."""

    authors: int
    value: float | None
    low: float | None
    high: float | None


class FigureOut(BaseModel):
    name: str
    last_7_days: ShareOut | None
    usual: ShareOut | None
    change: Literal["up", "down", "steady", "unknown"]


class ConcernOut(BaseModel):
    concern: str
    name: str
    authors: int
    posts: int
    mistrust: ShareOut | None
    change: Literal["up", "down", "steady", "unknown"]
    mostly: str | None


class FiguresOut(BaseModel):
    """The last 7 whole days, `first` to `last`, in the department's zone."""

    first: date
    last: date
    posts: int
    authors: int
    figures: list[FigureOut]
    concerns: list[ConcernOut]


class AlertOut(BaseModel):
    """Counts of an alert with a place are rounded down to whole fives, so that nobody is found in them: 0 stands for
    fewer than five, what is usual is a whole number, and the chance has one digit."""

    id: int
    kind: str
    severity: str
    title: str
    concern: str
    place_id: int | None
    state: str
    raised_at: datetime
    since: datetime
    posts: int
    authors: int
    rounded_down_to: int
    expected: float
    p_value: float
    keyphrases: list[str]
    taken_by: int | None


class RaisedOut(BaseModel):
    """An alert as it would have been raised."""

    at: datetime
    title: str
    concern: str
    place: str | None


class HindsightOut(BaseModel):
    """`first` to `last`: the days looked at, both included. `raised`: by sensitivity, oldest first; none where the
    history is too short, and then `first` is the day from which it is not. `waiting`: another was asked for; `done`:
    how much of that one is worked out, 0 to 1."""

    waiting: bool
    done: float | None
    at: datetime | None
    first: date | None
    last: date | None
    raised: dict[str, list[RaisedOut]] | None


class HeldBackOut(BaseModel):
    """What was found and not raised; counts by place as in AlertOut."""

    at: datetime
    kind: str
    concern: str
    place_id: int | None
    title: str
    authors: int
    rounded_down_to: int
    expected: float
    p_value: float
    why: str


class GapOut(BaseModel):
    """A time of the last two weeks in which a source could not be heard."""

    began_at: datetime
    ended_at: datetime
    caught_up: int
    lost: bool
    reason: str


class SourceOut(BaseModel):
    id: int
    network: str
    name: str
    enabled: bool
    state: str
    words: str
    last_ok_at: datetime | None
    streamed: bool
    read_24h: int  # posts that the network gave
    new_24h: int  # mentions that came of them
    gaps: list[GapOut]


@router.get("/mentions", dependencies=[needs(Action.READ_MENTIONS)])
def list_mentions(
    found: TheDesk,
    who: Who,
    concern: str | None = None,
    place_id: Annotated[int | None, Query(ge=0, le=LARGEST_ID)] = None,
    network: str | None = None,
    language: str | None = None,
    sentiment: str | None = None,
    trust: str | None = None,
    state: str | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = 50,
) -> MentionsOut:
    """A page of the inbox."""
    filters = inbox.Filters(concern, place_id, network, language, sentiment, trust, state, since=since, until=until)
    with database.writing(found.engine) as session:
        page = inbox.mentions(session, filters, paging.place(before, paging.moment), limit)
        seen = [row.mention.id for row in page.rows]
        audit.record(session, clock.now(), who.id, "mention.list", "mentions", {"ids": seen}, who.address)
    after = paging.following(*page.after) if page.after is not None else None
    return MentionsOut(mentions=[mention_out(row) for row in page.rows], counts=page.counts, next=after)


@router.get("/mentions/{mention_id}", dependencies=[needs(Action.READ_MENTIONS)])
def one_mention(found: TheDesk, who: Who, mention_id: Id) -> MentionOut:
    """One mention. 404 once it is expired, deleted upstream, or left out."""
    with database.writing(found.engine) as session:
        row = inbox.mention(session, mention_id)
        if row is None:
            raise Trouble(404, "There is no such mention", "It may have expired or been deleted by its author.")
        audit.record(session, clock.now(), who.id, "mention.read", f"mention:{mention_id}", {}, who.address)
    return mention_out(row)


@router.get("/alerts", dependencies=[needs(Action.READ_FIGURES)])
def list_alerts(found: TheDesk, state: Literal["open", "all"] = "open") -> list[AlertOut]:
    """Alerts, newest first."""
    with database.reading(found.engine) as session:
        rows = alerts.open_alerts(session) if state == "open" else alerts.all_alerts(session)
    return [alert_out(row) for row in rows]


@router.get("/alerts/held-back", dependencies=[needs(Action.READ_FIGURES)])
def list_held_back(found: TheDesk, since: AwareDatetime | None = None) -> list[HeldBackOut]:
    """What was found since then (else in the last 30 days) and not raised, newest first; kept for 90 days."""
    after = since or clock.now() - timedelta(days=30)
    with database.reading(found.engine) as session:
        return [HeldBackOut(**one.model_dump() | _told(one)) for one in tuning.held_back(session, after)]


@router.get("/alerts/hindsight", dependencies=[needs(Action.READ_FIGURES)])
def read_hindsight(found: TheDesk) -> HindsightOut:
    """What each sensitivity would have alerted in the last month, as it was last worked out."""
    with database.reading(found.engine) as session:
        answer, done = hindsight.read(session)
    if answer is None:
        return HindsightOut(waiting=done is not None, done=done, at=None, first=None, last=None, raised=None)
    return HindsightOut(
        waiting=done is not None,
        done=done,
        at=answer.at,
        first=answer.first,
        last=answer.last,
        raised={level: [RaisedOut(**asdict(one)) for one in found] for level, found in answer.raised.items()}
        if answer.raised is not None
        else None,
    )


@router.post("/alerts/hindsight", status_code=202, dependencies=[needs(Action.TRIAGE)])
def ask_hindsight(found: TheDesk, who: Who) -> None:
    """Asks for it to be worked out anew, in the background."""
    with database.writing(found.engine) as session:
        hindsight.ask(session, who.id, clock.now())


@router.put("/alerts/sensitivity", status_code=204, dependencies=[needs(Action.TRIAGE)])
def set_sensitivity(
    found: TheDesk, who: Who, level: Literal["fewer", "balanced", "more"] | None = None, concern: str = ""
) -> None:
    """The department's sensitivity, or a concern's; a concern without a level follows the department."""
    with database.writing(found.engine) as session:
        try:
            tuning.set_sensitivity(session, concern, level, who.id, clock.now())
        except ValueError as error:
            raise Trouble(404, "There is no such concern") from error


@router.put("/alerts/mutes/{concern}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def mute(found: TheDesk, who: Who, concern: str, until: AwareDatetime | None = None) -> None:
    """No new alert of a concern until then; none ends a mute."""
    with database.writing(found.engine) as session:
        try:
            tuning.mute(session, concern, until, who.id, clock.now())
        except ValueError as error:
            raise Trouble(422, "That mute cannot be kept", f"{error}.") from error


@router.post("/alerts/{alert_id}/{action}", dependencies=[needs(Action.TRIAGE)])
def act_on_alert(
    found: TheDesk, who: Who, alert_id: Id, action: Literal["take", "resolve", "not_a_concern", "reopen"]
) -> AlertOut:
    """Takes an alert, closes it, or takes the closing back."""
    act = {
        "take": alerts.take,
        "resolve": alerts.resolve,
        "not_a_concern": alerts.not_a_concern,
        "reopen": alerts.reopen,
    }[action]
    with database.writing(found.engine) as session:
        if session.get(Alert, alert_id) is None:
            raise Trouble(404, "There is no such alert")
        try:
            row = act(session, alert_id, who.id, clock.now())
        except alerts.WrongState as error:
            raise Trouble(409, str(error), "Nothing was changed.") from error
    return alert_out(row)


@router.get("/figures", dependencies=[needs(Action.READ_FIGURES)])
def read_figures(found: TheDesk) -> FiguresOut:
    """Trust and tone of the last 7 days against the usual level, and the concerns."""
    zone = found.settings.department.zone
    with database.reading(found.engine) as session:
        overview, rows = figures.town(session, clock.now(), zone)
    return FiguresOut(
        first=overview.first,
        last=overview.last,
        posts=overview.volume.posts,
        authors=overview.authors,
        figures=[
            FigureOut(
                name=figure.name,
                last_7_days=share_out(figure.share),
                usual=share_out(figure.usual),
                change=figure.change.direction,
            )
            for figure in overview.figures
        ],
        concerns=[concern_out(row) for row in rows],
    )


@router.get("/sources", dependencies=[needs(Action.MANAGE)])
def list_sources(found: TheDesk) -> list[SourceOut]:
    """Where mentions come from, and how each is; settings and secrets are not given."""
    moment = clock.now()
    with database.reading(found.engine) as session:
        known = health.overview(session, moment)
    return [
        SourceOut(
            id=one.source.id or 0,
            network=one.source.network,
            name=one.source.name,
            enabled=one.source.enabled,
            state=one.health.state,
            words=one.health.words,
            last_ok_at=one.source.last_ok_at,
            streamed=one.source.streamed,
            read_24h=one.rate.read,
            new_24h=one.rate.new,
            gaps=[GapOut.model_validate(gap, from_attributes=True) for gap in one.gaps],
        )
        for one in known
    ]


def mention_out(row: inbox.InboxRow) -> MentionOut:
    """A mention as the inbox shows it."""
    mention = row.mention
    return MentionOut(
        id=mention.id or 0,
        network=mention.network,
        text=mention.text or "",
        language=mention.language,
        posted_at=mention.posted_at,
        state=mention.state,
        place_id=mention.place_id,
        trust=row.trust,
        sentiment=row.sentiment,
        concerns=list(row.concerns),
        corrected=row.corrected,
        copies=row.copies,
    )


def concern_out(row: figures.ConcernRow) -> ConcernOut:
    """A concern's figures of the last 7 days."""
    return ConcernOut(
        concern=row.concern,
        name=row.name,
        authors=row.authors,
        posts=row.posts,
        mistrust=share_out(row.mistrust),
        change=row.change.direction,
        mostly=row.mostly,
    )


def share_out(share: Share | None) -> ShareOut | None:
    """What may be said of a share."""
    if share is None:
        return None
    said = share.show is not Show.NOTHING
    return ShareOut(
        authors=share.authors,
        value=share.value if share.show is Show.VALUE else None,
        low=share.low if said else None,
        high=share.high if said else None,
    )


def alert_out(row: Alert) -> AlertOut:
    """An alert with counts as they may be told."""
    return AlertOut(**row.model_dump() | _told(row))


def _told(found: Alert | HeldBack) -> dict[str, float]:
    seen = disclosure.seen(found)
    down_to = disclosure.LEAST if seen.by_place else 1
    return {"posts": seen.posts, "authors": seen.authors, "expected": seen.expected, "p_value": seen.p_value} | {
        "rounded_down_to": down_to
    }
