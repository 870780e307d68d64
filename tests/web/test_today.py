"""Today: its sentence and figures, what waits, what stands out, what goes out; and who gets to see it."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit, clock, database, holds, people
from config.permissions import Role
from config.secrets import Keys
from config.tables import OutboxMessage, Person
from listeners.tables import Place
from networks import accounts
from networks.tables import Account
from posts import drafts
from posts.tables import Post
from sentiment.tables import Alert
from sentiment.waiting import WaitingWords
from tests.sentiment import street
from tests.sentiment.street import Said
from tests.web.browsing import Browser, send
from web.today import WaitingView, waiting_view


def _said(now: datetime, days: int = 40, a_day: int = 6) -> list[Said]:
    """Every day six new authors, one of them in three with mistrust, up to yesterday."""
    return [
        Said(
            now - timedelta(days=back),
            f"author {back} {number}",
            concerns=("responsiveness",),
            mistrust=1.0 if number % 3 == 0 else 0.0,
            trust=0.1,
            negative=0.4,
        )
        for back in range(days, 0, -1)
        for number in range(a_day)
    ]


@pytest.fixture
def street_talk(sqlite_engine: sa.Engine, at_eight: datetime) -> datetime:
    """Forty quiet days, as seen at eight."""
    with database.writing(sqlite_engine) as session:
        street.say(session, _said(at_eight))
    return at_eight


def _alert(session: Session, now: datetime, title: str, state: str = "new", taken_by: int | None = None) -> Alert:
    alert = Alert(
        kind="cell",
        concern="traffic",
        title=title,
        raised_at=now - timedelta(hours=2),
        since=now - timedelta(hours=9),
        updated_at=now,
        window_hours=24,
        posts=17,
        authors=14,
        expected=3.0,
        p_value=0.001,
        state=state,
        taken_by=taken_by,
    )
    session.add(alert)
    session.flush()
    return alert


def _words(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_figures_stand_with_interval_authors_period_and_usual_level(
    street_talk: datetime, browser_of: Callable[..., Browser]
) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/").text
    figures = re.findall(r'<div class="fig">.*?</div>', page, re.DOTALL)
    assert [re.sub(r"\d+", "0", _words(figure).strip()) for figure in figures] == [
        f"{name} 0% likely 0 to 0% 0% 0 0 0% 0 authors · 0–0 Nov · usual 0%"
        for name in ("Posts voicing mistrust", "Posts voicing trust", "Posts with a negative tone")
    ]
    assert [_words(figure).split(" authors")[0].split()[-1] for figure in figures] == ["42", "42", "42"]


def test_a_new_alert_is_a_card_to_take_up_and_waits_for_officers(
    street_talk: datetime, sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        _alert(session, street_talk, "Speeding near Lincoln School")
    officer = browser_of("Ada", Role.OFFICER)
    page = officer.get("/").text
    assert re.findall(r'<form method="post" action="([^"]+)"', page) == ["/alerts/1/take", "/alerts/1/not-a-concern"]
    waits = page[page.index('id="waits"') : page.index("</section>")]
    assert _words(waits).split("you", 1)[1].strip() == "Speeding near Lincoln School Take it Nobody has it yet"
    assert send(officer, "/alerts/1/take", page="/").headers["location"] == "/alerts/1?said=alert-take"


def test_an_analyst_reads_alerts_and_is_told_who_takes_them(
    street_talk: datetime, sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        _alert(session, street_talk, "Speeding near Lincoln School")
    page = browser_of("Ines", Role.ANALYST).get("/").text
    assert re.findall(r'<form method="post" action="([^"]+)"', page) == []
    assert "An officer takes it, resolves it or says it is not a concern." in page
    assert "Nothing waits for you." in page
    assert "Going out today" not in page


def test_a_taken_alert_is_one_line_that_says_who_has_it(
    street_talk: datetime, sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    ada, luc = browser_of("Ada", Role.OFFICER), browser_of("Luc", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        holder = people.by_email(session, "ada@riverton.example")
        assert holder is not None
        _alert(session, street_talk, "Speeding near Lincoln School", "taken", people.known_id(holder))
    line = (
        "Speeding near Lincoln School Taken by {}. 17 posts by 14 authors since Monday; about 3 authors would be usual."
    )
    for browser, name in ((ada, "you"), (luc, "Ada")):
        page = browser.get("/").text
        assert line.format(name) in _words(page)
        assert "Nothing new stands out." in page
        assert "/alerts/1/take" not in page


def test_three_new_alerts_are_shown_and_the_rest_are_counted(
    street_talk: datetime, sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        for number in range(5):
            _alert(session, street_talk, f"Alert {number}")
    page = browser_of("Ada", Role.OFFICER).get("/").text
    assert page.count('<article class="alert"') == 3
    assert "2 more new alerts" in page


def test_an_alert_of_a_hostile_title_is_shown_as_it_is_written(
    street_talk: datetime, sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        _alert(session, street_talk, "<img src=x onerror=alert(1)>")
        _alert(session, street_talk, "<img src=y onerror=alert(1)>", "taken")
    page = browser_of("Ada", Role.OFFICER).get("/").text
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;img src=y onerror=alert(1)&gt;" in page


def test_looking_is_noted_and_not_with_every_reload(
    sqlite_engine: sa.Engine, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    assert "You last looked" not in browser.get("/").text
    earlier = at_eight - timedelta(minutes=4)
    for before, after in ((None, at_eight), (earlier, earlier), (at_eight - timedelta(minutes=6), at_eight)):
        with database.writing(sqlite_engine) as session:
            session.exec(sa.update(Person).values(last_looked_at=before))
        browser.get("/")
        with database.reading(sqlite_engine) as session:
            assert session.exec(select(col(Person.last_looked_at))).all() == [after]
    assert "You last looked" in browser.get("/").text


def test_an_officer_is_told_a_week_ahead_of_a_sign_in_that_ends(
    sqlite_engine: sa.Engine, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    def of(name: str, state: str, days: int) -> Account:
        ends_at = at_eight + timedelta(days=days, hours=1)
        return Account(network="instagram", name=name, state=state, created_at=at_eight, ends_at=ends_at)

    with database.writing(sqlite_engine) as session:
        session.add_all([of("Riverton PD", "connected", 5), of("Far", "connected", 8), of("Gone", "removed", 1)])
    page = browser_of("Ada", Role.OFFICER).get("/").text
    assert "Riverton PD sign-in" in page
    assert "Ends in 5 days" in page
    assert "Far sign-in" not in page
    assert "Gone sign-in" not in page


def test_an_auditor_is_led_to_what_an_auditor_may_read(browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Noor", Role.AUDITOR)
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert browser.get("/account").status_code == 200


def test_a_stranger_is_led_to_sign_in(stranger: Browser) -> None:
    answer = stranger.get("/")
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize(
    ("one", "icon", "go", "rest"),
    [
        (WaitingWords("Speeding", ". Nobody has it yet", "/alerts/1"), "i-bell", "Take it", "Nobody has it yet"),
        (WaitingWords("3 mentions", ", the oldest from 07:00", "/mentions?state=assigned"), "i-inbox", "Answer",
         "The oldest from 07:00"),
        (WaitingWords("2 posts to approve", "", "/approvals"), "i-check", "Read", ""),
        (WaitingWords("1 post", ": nobody knows", "/queue"), "i-warn", "Decide", "Nobody knows"),
        (WaitingWords("Ledger", " is behind", "/sources"), "i-plug", "Look", "Is behind"),
        (WaitingWords("2 messages", " for more than an hour", "/channels/log"), "i-warn", "Look",
         "For more than an hour"),
        (WaitingWords("Else", "", "/elsewhere"), "i-bell", "Look", ""),
    ],
)  # fmt: skip
def test_what_waits_says_what_one_does_there(one: WaitingWords, icon: str, go: str, rest: str) -> None:
    assert waiting_view(one, "en") == WaitingView(one.link, rest, one.path, icon, go)


def test_during_a_hold_today_says_what_is_held_also_what_is_late_by_it(
    street_talk: datetime, sqlite_engine: sa.Engine, keys: Keys, browser_of: Callable[..., Browser]
) -> None:
    ada, now = browser_of("Ada", Role.OFFICER), street_talk
    with database.writing(sqlite_engine) as session:
        account = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        for minutes in (1, 90):
            post = drafts.create(session, 1, "Coffee.", [account.id or 0], now).id or 0
            drafts.schedule(session, post, 1, (now + timedelta(minutes=minutes)).replace(tzinfo=None), "UTC", now)
        session.exec(sa.update(Post).values(state="scheduled"))
    assert "2 posts go out today" in (before := _words(ada.get("/").text))
    assert "Going out today" in before
    with database.writing(sqlite_engine) as session:
        holds.place(session, 1, "Crash on Route 9", now)
    with clock.at(now + timedelta(minutes=5)):
        held = _words(ada.get("/").text)
    assert "2 posts are due today and are held" in held
    assert "Due today" in held
    assert not re.search("go(es)? out today|Going out today", held)


def test_who_mends_is_told_of_messages_that_do_not_go_out_and_nobody_else_is(
    sqlite_engine: sa.Engine, street_talk: datetime, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        for number, due in enumerate((-timedelta(hours=2), -timedelta(minutes=5), timedelta(hours=2))):
            session.add(
                OutboxMessage(
                    key=f"digest:{number}",
                    kind="digest",
                    recipient="ada@riverton.example",
                    subject="Today",
                    message=b"",
                    created_at=street_talk - timedelta(hours=3),
                    due_at=street_talk + due,
                )
            )
    assert "1 message has not gone out" in browser_of("Sam", Role.ADMINISTRATOR).get("/").text
    assert "has not gone out" not in browser_of("Ada", Role.OFFICER).get("/").text


def test_a_new_desk_lists_its_first_steps_to_whoever_can_take_them(browser_of: Callable[..., Browser]) -> None:
    root = browser_of("Root", Role.ADMINISTRATOR)
    page = unescape(root.get("/").text)
    assert [step in page for step in ("A source to listen to", "A second person", "A mail server")] == [True] * 3
    assert 'badge--done">Done' not in page
    luc = browser_of("Luc", Role.APPROVER)
    assert page.count("Begin<") == 1 + unescape(root.get("/").text).count("Begin<")  # there is a second person now
    assert "A second person" not in luc.get("/").text


@pytest.mark.usefixtures("street_talk")
def test_an_administrator_is_told_of_a_missing_backup_and_mail_server_until_there_are_some(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], at_eight: datetime
) -> None:
    root, ada = browser_of("Root", Role.ADMINISTRATOR, Role.ANALYST), browser_of("Ada", Role.OFFICER)
    page = root.get("/").text
    assert ("No mail server is set" in page, "No backup was made yet." in page) == (True, True)
    assert "No backup was made yet." not in ada.get("/").text
    with database.writing(sqlite_engine) as session:
        audit.record(session, at_eight - timedelta(days=5), None, "backup.make", "store")
    assert "The last backup is 5 days old." in root.get("/").text
    with database.writing(sqlite_engine) as session:
        audit.record(session, at_eight - timedelta(hours=5), None, "backup.make", "store")
    assert "backup" not in root.get("/").text


@pytest.mark.usefixtures("street_talk")
def test_an_alert_says_which_posts_it_counts_and_its_chart_how_many_others(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        place = Place(name="Elm Street")
        session.add_all([place, _alert(session, at_eight, "Anything", "new")])
        session.flush()
        at_place = _alert(session, at_eight, "Elsewhere")
        at_place.place_id = place.id
    page = unescape(browser_of("Ada", Role.OFFICER).get("/").text)
    assert "Counted: posts that raise this concern, in the whole town." in page
    assert "Counted: posts near Elm Street that belong together, whichever concern each was read as." in page
