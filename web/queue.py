"""What goes out and what went out, day by day, with its state; and drafts that have no time yet."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from sqlmodel import col, select

from config import clock, database
from config.permissions import Action
from networks import accounts, registry
from posts import queue, series
from posts.queue import QueueRow
from posts.tables import Post
from web import pages
from web.desk import TheDesk
from web.guard import needs

router = APIRouter()
DAYS = 7
WITHOUT_TIME = ("draft", "in_review", "approved")
LONGEST_LIST = 50


@dataclass(frozen=True)
class Day:
    """One day of the queue, in the department's zone."""

    day: datetime  # its noon, for writing it
    is_today: bool
    rows: tuple[QueueRow, ...]


@router.get("/queue", dependencies=[needs(Action.READ_POSTS)])
def queue_page(request: Request, found: TheDesk, start: date | None = None) -> Response:
    """A week from `start` (today when none), in the department's zone."""
    zone = found.settings.department.zone
    today = clock.now().astimezone(zone).date()
    first = start or today
    with database.reading(found.engine) as session:
        rows = queue.going_out(session, midnight(first, zone), midnight(first + timedelta(days=DAYS), zone))
        runs = (col(Post.state) == "approved") & col(Post.id).in_([one.post_id for one in series.running(session)])
        loose = list(
            session.exec(
                select(Post)
                .where(col(Post.due_at).is_(None), col(Post.state).in_(WITHOUT_TIME), ~runs)
                .order_by(col(Post.updated_at).desc())
                .limit(LONGEST_LIST)
            )
        )
        waiting = queue.waiting_by_account(session)
        signed_out = [
            (account, waiting[account.id or 0])
            for account in accounts.kept(session)
            if account.state == "signed_out" and waiting.get(account.id or 0)
        ]
    days = [
        Day(
            day=datetime.combine(day, time(12), zone),
            is_today=day == today,
            rows=tuple(row for row in rows if row.due_at.astimezone(zone).date() == day),
        )
        for day in (first + timedelta(days=step) for step in range(DAYS))
    ]
    return pages.render(
        request,
        "queue.html",
        signed_out=signed_out,
        labels={name: network.label for name, network in registry.NETWORKS.items()},
        days=days,
        loose=loose,
        first=first,
        today=today,
        before=first - timedelta(days=DAYS),
        after=first + timedelta(days=DAYS),
        in_all=len(rows),
        zone=zone,
        zone_words=pages.zone_name(clock.now(), zone, pages.language_of(request)),
    )


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant a local day begins."""
    return datetime.combine(day, time(), zone)
