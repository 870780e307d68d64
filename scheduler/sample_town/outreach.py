"""What Riverton's officer does besides posting: two meetings, one held and one to come, what was heard, what was asked
of whom, where people find help."""

from datetime import datetime, timedelta

from sqlmodel import Session

from config.secrets import Keys
from config.settings import Settings
from posts import (
    actions,
    drafts,
    event_posts,
    events,
    glossary,
    heard,
    mix,
    observances,
    partners,
    questions,
    resources,
    stories,
)
from posts.event_words import Kind
from posts.events import Given

HEARD = (
    ("traffic_safety", "mistrust", 9, "Cars do not stop at the crosswalk by the market; nobody is ever fined."),
    ("responsiveness", "mistrust", 5, "When we call about the noise at night, nobody comes back to us."),
    ("community_relations", "trust", 7, "The officer on the river path knows the children by name."),
)
TERMS = (
    ("coffee with officers", "café con agentes"),
    ("complaints office", "oficina de quejas; defensoría"),
    ("town hall", "reunión con la comunidad"),
)
HELP = (
    ("complaints", "Complaints and compliments", "555 0110", "riverton.example/tell-us", "in English and Spanish"),
    ("victims", "Riverton victim services", "555 0142", "", "free, day and night"),
    ("legal_aid", "Valley legal aid", "555 0177", "legalaid.example", "Mon to Fri, 9 to 5"),
    ("non_emergency", "Police, not an emergency", "555 0100", "", ""),
)


PARTNERS = (  # name, kind, languages, what they do, days since the last contact
    ("Lincoln School", "school", ("en", "es"), "Tells parents; asks for a crossing guard.", 6),
    ("St. Brigid's parish", "faith", ("en", "es"), "Lends its hall, tells people after Mass.", 4),
    ("Riverton shopkeepers", "business", ("en",), "Forty shops on Market Street.", 75),
)
ANSWERS = (
    "At the crosswalk by the market, between seven and eight in the morning.",
    "Near the school, when parents stop on both sides.",
    "On the river path after dark; two lamps are out.",
    "En la parada del autobús de la calle Elm.",
)


def reach_out(
    session: Session, settings: Settings, keys: Keys, officer: int, approver: int, accounts: list[int], now: datetime
) -> None:
    """Puts all of it in the store, as if it had been done on the days before `now`."""
    zone = settings.department.zone
    local = now.astimezone(zone).replace(hour=18, minute=0, second=0, microsecond=0, tzinfo=None)
    today = now.astimezone(zone).date()
    earlier = now - timedelta(days=12)
    held = events.make(
        session, _meeting("Listening meeting at St. Brigid's", local - timedelta(days=4), zone.key), officer, earlier
    )
    for concern, trust, people, words in HEARD:
        heard.write_down(
            session, officer, now, heard_on=held.wall_time.date(), today=today, channel="meeting", where=held.where,
            concern=concern, trust=trust, people=people, words=words,
            keep=timedelta(days=settings.retention_days), event_id=held.id,
        )  # fmt: skip
    coming = events.make(
        session, _meeting("Town hall on Elm Street", local + timedelta(days=6), zone.key), officer, earlier
    )
    number = coming.id or 0
    place = event_posts.Desk(zone, f"{settings.base_url.rstrip('/')}/events/{coming.code}")
    announced = event_posts.make(session, number, Kind.ANNOUNCEMENT, ("en", "es"), accounts, officer, now, place)
    event_posts.make(session, number, Kind.REMINDER, ("en",), accounts, officer, now, place, before=timedelta(days=1))
    drafts.submit(session, announced[0].id or 0, officer, now)
    _ask(session, officer, now)
    for kind, name, phone, address, note in HELP:
        resources.keep(session, officer, now, kind=kind, name=name, phone=phone, address=address, note=note)
    for term, wording in TERMS:
        glossary.keep(session, officer, now, term=term, language="es", wording=wording)
    day = local.date() + timedelta(days=9)
    observances.keep(
        session, officer, now, name="Day of the flood", first=day, last=day, about="No sirens.", yearly=True
    )
    mix.set_targets(session, {"event": 2, "safety": 2, "you_said_we_did": 1, "success_story": 1}, officer, now)
    words = "They stayed with my father until the ambulance came, and called us the next day."
    stories.told_to_us(session, words, "signed at the counter", "en", officer, now)
    for name, kind, languages, notes, days in PARTNERS:
        known = now - timedelta(days=200)
        partner = partners.keep(session, partners.Given(name, kind, None, languages, notes), keys, officer, known)
        partners.contacted(session, partner.id or 0, "met", officer, now - timedelta(days=days))
    _question(session, settings, keys, officer, approver, accounts, now)


def _question(
    session: Session, settings: Settings, keys: Keys, officer: int, approver: int, accounts: list[int], now: datetime
) -> None:
    """One question that was approved, and what people answered."""
    today = now.astimezone(settings.department.zone).date()
    asked = questions.ask(
        session, officer, now, text="Where on your way do you feel unsafe on foot?", language="en",
        closes_on=today + timedelta(days=14), today=today, accounts=accounts, base_url=settings.base_url,
    )  # fmt: skip
    number = asked.post_id or 0
    drafts.submit(session, number, officer, now)
    drafts.approve(session, number, approver, drafts.read(session, number).content_hash, now)
    for person, words in enumerate(ANSWERS):
        questions.take(session, asked, words, f"answer {person}", keys, now, timedelta(days=settings.retention_days))


def _meeting(name: str, wall: datetime, zone: str) -> Given:
    return Given(
        name=name, kind="town_hall", wall_time=wall, time_zone=zone, minutes=90,
        where="Elm Street Library" if "Elm" in name else "St. Brigid's, the hall",
        access="Step-free; sign language; children welcome.", languages=("en", "es"), capacity=80,
        partners="Lincoln School" if "Elm" in name else "St. Brigid's parish",
        notes="Come and tell us what should change. Nobody writes down who says what.",
    )  # fmt: skip


def _ask(session: Session, officer: int, now: datetime) -> None:
    """One action that is due, one that is done."""
    day = now.date()
    earlier = now - timedelta(days=20)
    actions.hand_over(
        session, officer, now, concern="traffic_safety",
        said="Drivers speed past Lincoln School on Elm Street; parents are afraid for their children.",
        wanted="An officer at Elm and 4th at drop-off and pick-up, and a speed count over two weeks.",
        unit="Traffic unit", due_on=day + timedelta(days=2), today=day, place_id=1,
    )  # fmt: skip
    done = actions.hand_over(
        session, officer, earlier, concern="responsiveness", said="Nobody calls back after a report is taken.",
        wanted="A call within five days to everyone who reported something.", unit="Records desk",
        due_on=earlier.date() + timedelta(days=14), today=earlier.date(),
    )  # fmt: skip
    outcome = "Since the first of the month everyone who reports something gets a call within five days."
    actions.close(session, done.id or 0, True, outcome, officer, now - timedelta(days=1))
