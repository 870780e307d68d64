"""A desk in full use, and every page and state of it, for the tests that look at all of them."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session

from config import clock, database, holds
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import places, triage
from listeners.tables import Source
from networks import accounts
from networks.network import Page, RemoteMention
from posts import (
    actions,
    blackouts,
    drafts,
    event_posts,
    events,
    heard,
    mix,
    partners,
    questions,
    resources,
    snippets,
    stories,
    urgent,
)
from posts.event_words import Kind
from posts.events import Given
from sentiment import model, scoring
from tests.listeners.said import admit

EVERYONE = (Role.OFFICER, Role.APPROVER, Role.ADMINISTRATOR)
READING = (
    "/", "/mentions", "/mentions?concern=traffic_safety", "/mentions?state=done", "/mentions?did=done&undo=1.new",
    "/mentions/1", "/mentions/2", "/concerns", "/concerns/traffic_safety", "/alerts", "/sources",
)  # fmt: skip
OURS = (
    "/calendar", "/calendar?view=week", "/queue", "/posts", "/planning", "/compose", "/compose/1",
    "/compose?reply_to=1", "/snippets", "/outreach", "/outreach/events", "/outreach/events/new", "/outreach/events/1",
    "/outreach/events/1/edit", "/outreach/events/2", "/outreach/actions",
    "/outreach/actions/new", "/outreach/actions/1",
    "/outreach/heard", "/outreach/stories", "/outreach/mix", "/outreach/resources",
    "/outreach/days", "/outreach/glossary",
    "/outreach/questions", "/outreach/questions/1",
    "/outreach/partners", "/outreach/partners/new", "/outreach/partners/1", "/outreach/kits/new?post=2",
    "/outreach/urgent", "/outreach/urgent/new?template=evacuation", "/outreach/urgent/3",
    "/approvals", "/posts/1", "/posts/2", "/hold", "/board", "/accounts", "/people", "/records", "/status",
    "/reports", "/reports/monthly",
    "/records/own-data", "/account", "/account/second-factor",
    "/styleguide", "/api/docs", "/help", "/nowhere",
)  # fmt: skip
HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">",
    "Right \u202eto left\u202c and \u2066isolated\u2069 \u202d override, never closed \u202e",
    "Z" + "\u0300\u0301\u0302\u0316\u0317" * 200 + "algo on Elm Street",
    "🚓" * 900,
    "a" * 50_000,
    "شارع إلم خطير جدا في الصباح",
    "</p></blockquote></li></ol><h1>Not ours</h1><form action=https://evil.example><input name=q></form>",
    "\ufeff\u200b\u200d\u00ad" * 300,
)


def fill(engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]) -> None:
    """People, an account, posts in several states, mentions kind and hostile, a day of silence, kept words."""
    now = clock.now()
    with database.writing(engine) as session:
        ada = person(session, "Ada", *EVERYONE).id or 0
        luc = person(session, "Luc", Role.APPROVER).id or 0
        account = accounts.add(
            session, network="practice", name="Riverton PD", handle="rivertonpd", secret=None, keys=keys, now=now
        )
        places.add(session, "Elm Street", [])
        source = Source(network="facebook", name="Town")
        session.add(source)
        session.flush()
        texts = ("Drivers speed past the school on Elm Street.", "Thank you for walking my mother home.", *HOSTILE)
        found = [
            RemoteMention(str(number), text, now - timedelta(hours=number), f"a{number}", root_id="r")
            for number, text in enumerate(texts, 1)
        ]
        admit(session, source, Page(found, None), keys, settings, now)
        board = [account.id or 0]
        drafts.create(session, ada, "x" * 700, board, now, title="Far too long")
        post = drafts.create(
            session, ada, "Coffee with officers at nine.", board, now, title="Coffee", category="event"
        )
        wall = (now + timedelta(days=2)).replace(tzinfo=None, second=0, microsecond=0)
        drafts.schedule(session, post.id or 0, ada, wall, "UTC", now)
        drafts.submit(session, post.id or 0, ada, now)
        drafts.ask_changes(session, post.id or 0, luc, "Say where.", now)
        drafts.save(
            session, post.id or 0, ada, post.revision, message="Coffee with officers at nine, Elm Street Library.",
            title="Coffee", category="event", language="en", concern="traffic_safety", wordings={board[0]: None},
            now=now,
        )  # fmt: skip
        drafts.submit(session, post.id or 0, ada, now)
        day = (now + timedelta(days=5)).date()
        blackouts.place(session, day, day, "A funeral", luc, now)
        today = now.astimezone(settings.department.zone).date()
        actions.hand_over(
            session, ada, now, concern="traffic_safety", said="Drivers speed past the school.",
            wanted="A speed sign on Elm Street.", unit="Traffic unit", due_on=today + timedelta(days=9), today=today,
            place_id=1,
        )  # fmt: skip
        heard.write_down(
            session, ada, now, heard_on=today, today=today, channel="meeting", where="Elm Street Library",
            concern="traffic_safety", trust="mistrust", people=4, words="Cars do not stop.", keep=timedelta(days=30),
        )  # fmt: skip
        school = partners.Given("Elm Street School", "school", None, ("es",), "Mornings.", partners.Reach("Rosa Diaz"))
        partners.keep(session, school, keys, ada, now)
        blanks = {"where": "Elm Street", "why": "a gas leak", "advice": "stay inside"}
        urgent.begin(
            session, luc, now, template="avoid_area", message=urgent.words("avoid_area", blanks, "en"), language="en",
            settings=settings,
        )  # fmt: skip
        questions.ask(
            session, ada, now, text="Where do cars go too fast?", language="en", closes_on=today + timedelta(days=9),
            today=today, accounts=board, base_url=settings.base_url,
        )  # fmt: skip
        _hold_events(session, ada, board, settings)
        resources.keep(
            session, ada, now, kind="complaints", name="Office of complaints", phone="555 0142",
            address="riverton.example/complaints", note="Mon to Fri, 9 to 5; English, Spanish",
        )  # fmt: skip
        stories.told_to_us(session, "They found my father.", "signed at the counter", "en", ada, now)
        mix.set_targets(session, {"event": 2, "success_story": 1}, ada, now)
        for kind in snippets.KINDS:
            snippets.keep(session, ada, now, kind=kind, name=f"A {kind}", text="Call 555 0100.")
    scoring.score_pending(engine, model.load(), now, zone=settings.department.zone)
    with database.writing(engine) as session:
        triage.tag(session, 1, "crosswalk", ada, now)


def _hold_events(session: Session, ada: int, board: list[int], settings: Settings) -> None:
    """One event to come, with its posts, and one that has begun, with what was heard."""
    now, zone = clock.now(), settings.department.zone
    place = event_posts.Desk(zone)
    for name, begins in (
        ("Town hall on Elm Street", timedelta(days=9)),
        ("Coffee with officers", timedelta(minutes=1)),
    ):
        wall = (now + begins).astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
        given = Given(
            name=name, kind="town_hall", wall_time=wall, time_zone=zone.key, minutes=90, where="Elm Street Library",
            access="Step-free; sign language.", languages=("en", "es"), capacity=60, partners="Lincoln School",
        )  # fmt: skip
        made = events.make(session, given, ada, now - timedelta(minutes=2))
        number = made.id or 0
        event_posts.make(
            session, number, Kind.ANNOUNCEMENT, ("en", "es"), board, ada, now - timedelta(minutes=2), place
        )
        if begins > timedelta(days=2):
            day = timedelta(days=1)
            event_posts.make(session, number, Kind.REMINDER, ("en",), board, ada, now, place, before=day)
    made.starts_at = now - timedelta(minutes=30)
    today = now.astimezone(zone).date()
    heard.write_down(
        session, ada, now, heard_on=today, today=today, channel="meeting", where="Elm Street Library",
        concern="traffic_safety", trust="mistrust", people=4, keep=timedelta(days=30), event_id=number,
    )  # fmt: skip


def hold(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        holds.place(session, 1, "Serious crash on Route 9", clock.now())
