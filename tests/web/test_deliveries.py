"""Mail and alerts: what one chooses is kept, mails end without signing in, the preview is the mail, a calendar's
address opens it until it is revoked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from icalendar import Calendar

import cli
from config import clock, database, mail_preferences
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import CalendarFeed, MailPreference, Person
from posts import calendar_feed
from posts.queue import QueueRow
from tests.sentiment import street
from tests.web.browsing import Browser, send


def kept(engine: sa.Engine) -> tuple[Person, MailPreference]:
    with database.reading(engine) as session:
        return session.get_one(Person, 1), mail_preferences.of(session, 1)


def test_what_one_chooses_is_kept_and_shown(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        elm = street.place(session, "<b>Elm</b> Street")
    fields = {
        "daily": "6",
        "weekly": "0",
        "monthly": "true",
        "concerns": ["traffic_safety", "protest_public_order", "nonsense"],
        "places": [str(elm), "99"],
        "alerts": "no",
        "quiet_from": "22:30",
        "quiet_until": "06:00",
    }
    answered = send(ada, "/deliveries", page="/deliveries", **fields)
    assert answered.headers["location"] == "/deliveries?said=deliveries-saved"
    person, chosen = kept(sqlite_engine)
    assert (person.digest_hour, chosen.weekly_on, chosen.monthly, chosen.alerts) == (6, 0, True, False)
    assert (chosen.concerns, chosen.places) == (["traffic_safety"], [elm])
    assert (chosen.quiet_from, chosen.quiet_until) == (22 * 60 + 30, 6 * 60)
    page = ada.get("/deliveries").text
    assert 'value="22:30"' in page
    assert "&lt;b&gt;Elm&lt;/b&gt; Street" in page
    assert "protest" not in page


def test_half_a_quiet_time_is_no_quiet_time(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    answered = send(browser_of("Ada", Role.OFFICER), "/deliveries", page="/deliveries", daily="5", quiet_from="22:30")
    assert answered.status_code == 422
    assert kept(sqlite_engine)[0].digest_hour == 7


@pytest.mark.parametrize("kind", mail_preferences.KINDS)
def test_a_mail_ends_by_its_address_without_signing_in(
    sqlite_engine: sa.Engine, keys: Keys, stranger: Browser, browser_of: Callable[..., Browser], kind: str
) -> None:
    send(browser_of("Ada", Role.OFFICER), "/deliveries", page="/deliveries", daily="7", weekly="2", monthly="true")
    token = mail_preferences.stop_token(keys, 1, kind)  # type: ignore[arg-type]
    asked = stranger.get(f"/stop/{token}")
    assert asked.status_code == 200
    before, chosen = kept(sqlite_engine)
    assert (before.digest_hour, chosen.weekly_on, chosen.monthly, chosen.alerts) == (7, 2, True, None)  # asking is free
    done = stranger.post(f"/stop/{token}", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    person, after = kept(sqlite_engine)
    ended = {
        "daily": person.digest_hour is None,
        "weekly": after.weekly_on is None,
        "monthly": not after.monthly,
        "alerts": after.alerts is False,
    }
    assert ended == {other: other == kind for other in mail_preferences.KINDS}
    assert stranger.post(f"/stop/{token}").status_code == 200  # again changes nothing


@pytest.mark.parametrize("token", ["", "1", "1-daily", "1-daily-", "1-all-00", "²-daily-00", "9" * 40 + "-daily-x"])
def test_an_address_that_is_not_ours_ends_nothing(stranger: Browser, keys: Keys, token: str) -> None:
    assert stranger.post(f"/stop/{token}").status_code == 404
    mine = mail_preferences.stop_token(keys, 1, "daily")
    assert stranger.post(f"/stop/{mine.replace('1-daily', '2-daily')}").status_code == 404


def test_the_preview_page_and_the_command_give_the_same_html(
    sqlite_engine: sa.Engine,
    settings: Settings,
    browser_of: Callable[..., Browser],
    at_eight: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.writing(sqlite_engine) as session:
        posts = [
            street.Said(at_eight - timedelta(days=day, hours=number), f"resident {number}", mistrust=number / 60)
            for day in range(1, 40)
            for number in range(40)
        ]
        street.say(session, posts)
    ada = browser_of("Ada", Role.OFFICER)
    page = ada.get("/deliveries/preview/weekly/digest.html")
    monkeypatch.setenv("LIAISON_DATABASE_URL", str(sqlite_engine.url))
    monkeypatch.setenv("LIAISON_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("LIAISON_SECRET_KEY", "not a secret: tests only")
    monkeypatch.setenv("LIAISON_DEPARTMENT__NAME", settings.department.name)
    with clock.at(at_eight):
        ran = CliRunner().invoke(cli.liaison, ["digest", "--preview", str(tmp_path), "--edition", "weekly"])
    assert ran.exit_code == 0, ran.output
    assert page.content == (tmp_path / "digest.html").read_bytes()
    assert "script" not in page.headers["content-security-policy"]
    for picture in sorted(tmp_path.glob("*.png")):
        assert ada.get(f"/deliveries/preview/weekly/{picture.name}").content == picture.read_bytes()
    assert len(list(tmp_path.glob("*.png"))) in (0, 2)
    assert ada.get("/deliveries/preview/weekly/secret.key").status_code == 404


def test_a_calendar_opens_by_its_address_until_that_is_revoked(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], stranger: Browser
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    page = send(ada, "/deliveries/calendar", page="/deliveries").text
    address = urlsplit(page.partition('id="feed-address">')[2].partition("<")[0]).path
    read = stranger.get(address)
    assert (read.status_code, read.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert Calendar.from_ical(read.content)["VERSION"] == "2.0"
    with database.reading(sqlite_engine) as session:
        row = session.get_one(CalendarFeed, 1)
    assert row.read_at is not None
    assert address[7:-4].encode() not in row.token_hash
    second = send(ada, "/deliveries/calendar", page="/deliveries").text
    assert stranger.get(address).status_code == 404  # a new address ends the old one
    address = urlsplit(second.partition('id="feed-address">')[2].partition("<")[0]).path
    assert stranger.get(address).status_code == 200
    send(ada, "/deliveries/calendar/revoke", page="/deliveries")
    assert stranger.get(address).status_code == 404


def test_a_calendar_says_title_time_and_state_in_the_readers_language_and_escapes_them(now: datetime) -> None:
    hostile = "Coffee; cake, and\r\nBEGIN:VEVENT\\n<b>"
    rows = [
        QueueRow(1, hostile, "approved", now, 1, ("x", "mastodon")),
        QueueRow(2, "", "in_review", now + timedelta(hours=1), 1, ()),
    ]
    reader = calendar_feed.Reader("https://desk.example/", "Riverton PD", "en")
    made = Calendar.from_ical(calendar_feed.write(rows, reader))
    first, second = Calendar.from_ical(made.to_ical()).events
    assert str(first["SUMMARY"]).split() == hostile.split()
    assert (first.start, first["STATUS"], first["URL"]) == (now, "CONFIRMED", "https://desk.example/posts/1")
    assert (second["SUMMARY"], second["STATUS"]) == ("A post without a title (waits for approval)", "TENTATIVE")
    assert first["UID"] != second["UID"]
    assert calendar_feed.write(rows, reader) == calendar_feed.write(rows, reader)
