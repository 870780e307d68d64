"""Mornings to make digests of: one of the invented Riverton, and any that could be."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from sentiment import digest, trust
from sentiment.digest import AlertNews, Answered, Morning, Sent
from sentiment.figures import ConcernRow, Figure, Overview, Volume
from sentiment.quotes import Quote
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Change, DayShare, Share
from sentiment.waiting import NobodyApproves

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 17), date(2026, 11, 23)


def share(value: float, low: float, high: float, authors: int) -> Share:
    return Share(value, low, high, float(authors), authors)


def figure(name: Literal["mistrust", "trust", "negative"], here: Share, level: Share, change: Change) -> Figure:
    return Figure(name, here, level, change)


STEADY = Change("steady", 0.01, -0.03, 0.05)
OVERVIEW = Overview(
    first=FIRST,
    last=LAST,
    baseline_days=42,
    authors=412,
    mistrust=figure("mistrust", share(0.24, 0.21, 0.27, 412), share(0.23, 0.22, 0.24, 2000), STEADY),
    trust=figure("trust", share(0.18, 0.15, 0.21, 412), share(0.17, 0.16, 0.18, 2000), STEADY),
    negative=figure("negative", share(0.31, 0.27, 0.35, 412), share(0.30, 0.28, 0.32, 2000), STEADY),
    volume=Volume(611, 585.0, 480, 690),
    series=tuple(DayShare(LAST - timedelta(days=41 - i), share(0.24, 0.21, 0.27, 412)) for i in range(42)),
)
TRAFFIC = ConcernRow(
    "traffic_safety",
    "Traffic and road safety",
    96,
    143,
    share(0.38, 0.30, 0.46, 96),
    share(0.27, 0.25, 0.29, 900),
    Change("up", 0.11, 0.03, 0.19),
    "Elm Street",
    2,
    (),
)
RESPONSE = ConcernRow(
    "responsiveness",
    "Response and visibility",
    74,
    90,
    share(0.41, 0.32, 0.51, 74),
    share(0.43, 0.40, 0.46, 800),
    Change("steady", -0.02, -0.11, 0.08),
    "Northgate",
    1,
    (),
)
YOUTH = ConcernRow(
    "youth_schools",
    "Youth and schools",
    27,
    30,
    share(0.32, 0.18, 0.47, 27),
    share(0.30, 0.27, 0.33, 300),
    Change("unknown", why="authors"),
    None,
    None,
    (),
)
SPEEDING = AlertNews(
    title="Traffic and road safety near Elm Street: far more than usual",
    concern="traffic_safety",
    posts=17,
    authors=14,
    expected=3.1,
    since=NOW - timedelta(hours=25),
    path="/alerts/1",
    keyphrases=("crossing guard", "elm and 4th"),
)


def quote(text: str, network: str = "facebook", trust: str = "mistrust") -> Quote:
    return Quote(1, text, "en", network, NOW - timedelta(hours=26), trust, "negative")


FULL = Morning(
    key="digest:3:2026-11-24",
    recipient="A. Okafor",
    department="Riverton Police Department",
    at=NOW,
    zone=ZONE,
    overview=OVERVIEW,
    concerns=(TRAFFIC, RESPONSE, YOUTH),
    quotes={"traffic_safety": quote("Third morning in a row somebody flew past the crossing guard.")},
    new_alerts=(SPEEDING,),
    sent=Sent(posts=3, networks=4),
    answered=Answered(5, timedelta(hours=1, minutes=50)),
    going_out=4,
    waiting=(
        digest.AlertWaits(SPEEDING.title, "/alerts/1"),
        digest.MentionsWait(3, NOW - timedelta(minutes=70), "/mentions?state=new"),
        digest.ApprovalsWait(1, "/approvals"),
        digest.ChangesAsked("Winter parking rules", "/posts/4"),
        digest.DecisionsWait(2, "/queue"),
        digest.SignInEnds("Instagram", 7, "/sources"),
        digest.SourceTrouble("Mastodon", "behind", "/sources"),
    ),
)
QUIET = replace(
    FULL, concerns=(RESPONSE,), quotes={}, new_alerts=(), sent=Sent(), answered=Answered(), going_out=0, waiting=()
)


def with_overview(morning: Morning, **values: Any) -> Morning:
    return replace(morning, overview=replace(morning.overview, **values))


_small = st.integers(0, 40)
_unit = st.floats(0, 1)
_when = st.integers(0, 20_000).map(lambda minutes: NOW - timedelta(minutes=minutes))
_name = st.text(max_size=20)


@st.composite
def _shares(draw: st.DrawFn) -> Share:
    low, value, high = sorted(draw(st.tuples(_unit, _unit, _unit)))
    return share(value, low, high, draw(st.integers(1, 500)))


@st.composite
def _figures(draw: st.DrawFn, name: Literal["mistrust", "trust", "negative"], days: int) -> Figure:
    """As figures.py makes them: a direction only for one value, and by trust.change."""
    here = draw(st.none() | _shares())
    level = draw(_shares()) if days else None
    change = trust.change(here, level, enough_days=days > 0)
    if here is not None and here.n_eff < trust.FROM_VALUE and change.direction != "unknown":
        change = Change("unknown", why="authors")
    return Figure(name, here, level, change)


@st.composite
def _concerns(draw: st.DrawFn, key: str, days: int) -> ConcernRow:
    found = draw(_figures("mistrust", days))
    number = found.share.authors if found.share else draw(_small)
    place = draw(st.none() | _name)
    return ConcernRow(
        concern=key,
        name=CONCERNS[key].name,
        authors=number,
        posts=number,
        mistrust=found.share,
        usual=found.usual,
        change=found.change,
        mostly=place,
        mostly_place_id=None if place is None else 1,
        spark=(),
    )


@st.composite
def _overviews(draw: st.DrawFn, days: int) -> Overview:
    mistrust = draw(_figures("mistrust", days))
    low, posts, high = draw(st.tuples(_small, _small, _small))
    usual = sorted((low, high)) if days else None
    return Overview(
        FIRST,
        LAST,
        days,
        mistrust.share.authors if mistrust.share else 0,
        mistrust,
        draw(_figures("trust", days)),
        draw(_figures("negative", days)),
        Volume(posts, sum(usual) / 2, usual[0], usual[1]) if usual else Volume(posts, None, None, None),
        (),
    )


def _alerts() -> st.SearchStrategy[AlertNews]:
    return st.builds(
        AlertNews,
        title=_name.map(lambda title: title + "x"),
        concern=st.sampled_from(sorted(CONCERNS)),
        posts=st.integers(1, 40),
        authors=st.integers(1, 40),
        expected=st.floats(0, 9),
        since=_when,
        path=st.just("/alerts/1"),
        keyphrases=st.lists(_name, max_size=4).map(tuple),
        kind=st.sampled_from(["cell", "emerging"]),
        growing=st.booleans(),
        closed=st.booleans(),
    )


def _things() -> st.SearchStrategy[digest.Waiting]:
    path, count = st.just("/x"), st.integers(1, 9)
    return st.one_of(
        st.builds(digest.AlertWaits, _name, path),
        st.builds(digest.MentionsWait, count, _when, path),
        st.builds(digest.ApprovalsWait, count, path),
        st.builds(digest.ChangesAsked, _name, path),
        st.builds(NobodyApproves, _name, path),
        st.builds(digest.DecisionsWait, count, path),
        st.builds(digest.SignInEnds, _name, st.integers(-2, 9), path),
        st.builds(digest.SourceTrouble, _name, st.sampled_from(["failing", "behind", "silent"]), path),
    )


@st.composite
def mornings(draw: st.DrawFn) -> Morning:
    """Any morning that the figures could bring, with names as people may write them."""
    days = draw(st.sampled_from([0, 14, 42]))
    concerned = draw(st.lists(st.sampled_from(sorted(CONCERNS)), unique=True, max_size=4))
    return Morning(
        key="digest:1:2026-11-24",
        recipient=draw(_name),
        department=draw(_name),
        at=NOW,
        zone=draw(st.sampled_from([ZONE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")])),
        overview=draw(_overviews(days)),
        concerns=tuple(draw(_concerns(key, days)) for key in concerned),
        quotes={key: quote(draw(_name)) for key in concerned[:1]},
        new_alerts=tuple(draw(st.lists(_alerts(), max_size=3))),
        open_alerts=tuple(draw(st.lists(_alerts(), max_size=2))),
        gone_quiet=tuple(draw(st.lists(_alerts(), max_size=2))),
        sent=Sent(*draw(st.tuples(_small, _small, _small, _small))),
        answered=Answered(draw(_small), draw(st.none() | st.timedeltas(timedelta(), timedelta(days=3)))),
        going_out=draw(_small),
        gone_out=draw(_small),
        held=draw(st.booleans()),
        waiting=tuple(draw(st.lists(_things(), max_size=4))),
    )
