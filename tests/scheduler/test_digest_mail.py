"""A digest and an alert as mails: readable as text, whole as HTML, and nobody's name can break out of them."""

import email
import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlmodel import select

from config import database, outbox
from config.tables import OutboxMessage
from scheduler import alert_mail, digest_mail
from scheduler.digest_mail import DigestParts
from sentiment import digest
from sentiment.alert_details import AlertDetail
from sentiment.columns import Column
from sentiment.digest import Morning, compose
from sentiment.tables import Alert
from tests.sentiment.mornings import FULL, NOW, QUIET, SPEEDING, quote

DESK = "https://desk.riverton.example/"
HOSTILE = '<b>Eve</b>"\r\nBcc: all@evil.example\x00\u2028& co'


class Page(HTMLParser):
    """What a mail reader makes of the HTML: tags, links, pictures, the words that show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.pictures: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag == "img":
            self.pictures.append((found["src"] or "", found["alt"] or ""))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def rendered(morning: Morning) -> DigestParts:
    return digest_mail.render(compose(morning), DESK)


def mail(made: DigestParts, **values: object) -> EmailMessage:
    given_ = {
        "key": "digest:3:2026-11-24",
        "sender": "Liaison <desk@riverton.example>",
        "recipient": "ada@riverton.example",
        "recipient_name": "A. Okafor",
        "base_url": DESK,
        "now": NOW,
    } | values
    return digest_mail.message(made, **given_)  # type: ignore[arg-type]


def read(message: EmailMessage) -> EmailMessage:
    """The message as the other side gets it."""
    return email.message_from_bytes(message.as_bytes(), policy=default)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_html_and_text_say_the_same() -> None:
    made, content = rendered(FULL), compose(FULL)
    page = Page(made.html)
    for said in (content.lead, content.baseline, *content.since_yesterday, *(one.body for one in content.concerns)):
        assert flat(said) in page.text
        assert flat(said) in flat(made.text)
    assert content.headline in page.text
    assert content.headline.upper() in flat(made.text)


def test_links_lead_to_the_desk() -> None:
    page = Page(rendered(FULL).html)
    assert [link for link in page.links if not link.startswith("https://desk.riverton.example/")] == []
    assert "https://desk.riverton.example/alerts/1" in rendered(FULL).text.split()


def test_the_picture_is_there_for_light_and_dark_and_says_what_it_shows() -> None:
    made = rendered(FULL)
    sources = [source.removeprefix("cid:") for source, _ in Page(made.html).pictures]
    assert sorted(sources) == sorted(made.pictures)
    assert [digest_mail.file_name(cid) for cid in sources] == ["digest-light.png", "digest-dark.png"]
    assert {alt[:41] for _, alt in Page(made.html).pictures} == {"Mistrust from 13 October to 23 November: "}
    assert {Image.open(BytesIO(picture)).size for picture in made.pictures.values()} == {(1072, 500)}


def test_a_quiet_digest_is_short_and_without_pictures() -> None:
    made = rendered(QUIET)
    assert (made.pictures, Page(made.html).pictures) == ({}, [])
    assert len(made.text) < len(rendered(FULL).text) / 2


def test_text_fits_eighty_columns_but_for_addresses() -> None:
    long = [line for line in rendered(FULL).text.splitlines() if len(line) > 78 and "https://" not in line]
    assert long == []


def test_a_message_has_what_a_mail_server_and_a_reader_look_for() -> None:
    message = read(mail(rendered(FULL), unsubscribe="https://desk.riverton.example/stop/x", one_click=True))
    assert message["From"] == "Liaison <desk@riverton.example>"
    assert message["To"] == '"A. Okafor" <ada@riverton.example>'
    assert message["Subject"] == compose(FULL).subject
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<digest.3.2026-11-24@desk.riverton.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<https://desk.riverton.example/stop/x>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_its_parts_are_text_then_html_with_its_pictures() -> None:
    made = rendered(FULL)
    message = read(mail(made))
    shape = [part.get_content_type() for part in message.walk()]
    assert shape == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/png",
    ]
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    contents = [part.get_content().replace("\r\n", "\n") for part in (text, html)]
    assert contents == [made.text, made.html]
    cids = [part["Content-ID"].strip("<>") for part in message.walk() if part.get_content_type() == "image/png"]
    assert cids == list(made.pictures)


def test_no_line_is_longer_than_mail_allows() -> None:
    assert max(len(line) for line in mail(rendered(FULL)).as_bytes().split(b"\r\n")) <= 998


def test_a_spanish_digest_and_a_spanish_alert_name_networks_in_spanish() -> None:
    labels = {"feed": "News and feeds", "practice": "Practice board"}
    morning = replace(FULL, quotes={"traffic_safety": quote("Third morning.", "feed")}, networks=labels)
    digest_ = digest_mail.render(compose(morning, "es"), DESK, "es").text
    detail = replace(DETAIL, quotes=(quote("Third morning.", "feed"),), networks=(("practice", 11),))
    about = {"key": "alert:1:3", "department": "Riverton", "zone": ZoneInfo("America/New_York"), "now": NOW}
    alert = alert_mail.compose(detail, path="/alerts/1", networks=labels, language="es", **about)  # type: ignore[arg-type]
    told = flat(digest_ + alert_mail.render(alert, DESK, "es").text)
    assert told.count("Noticias y canales") == 2
    assert ("Tablero de práctica (" in told, "News and feeds" in told, "Practice board" in told) == (True, False, False)


def test_without_an_address_to_stop_it_no_header_promises_one() -> None:
    message = mail(rendered(QUIET))
    assert (message["List-Unsubscribe"], message["List-Unsubscribe-Post"]) == (None, None)


def test_the_same_key_has_the_same_message_id_and_another_key_another() -> None:
    ids = [digest_mail.message_id(key, DESK) for key in ("digest:3:a", "digest:3:a", "digest:4:a")]
    assert (ids[0] == ids[1], ids[0] == ids[2]) == (True, False)


def test_names_of_any_kind_add_no_header_and_no_tag() -> None:
    hostile = replace(
        FULL,
        department=HOSTILE,
        quotes={"traffic_safety": quote(HOSTILE)},
        networks={"facebook": HOSTILE},
        new_alerts=(replace(SPEEDING, title=HOSTILE, keyphrases=(HOSTILE,)),),
        gone_quiet=(replace(SPEEDING, title=HOSTILE),),
        concerns=tuple(replace(row, mostly=HOSTILE) for row in FULL.concerns),
        waiting=(digest.AlertWaits(HOSTILE, "/alerts/1"), digest.SignInEnds(HOSTILE, 3, "/sources")),
    )
    made = rendered(hostile)
    message = read(mail(made, recipient_name=HOSTILE))
    assert (message["Bcc"], len(message.get_all("To", []))) == (None, 1)
    assert message["To"].addresses[0].addr_spec == "ada@riverton.example"
    page = Page(made.html)
    assert (page.tags.count("b"), page.tags.count("script")) == (0, 0)
    assert "<b>Eve</b>" in page.text


def test_an_address_cannot_bring_a_header_along() -> None:
    with pytest.raises(ValueError, match="is no e-mail address"):
        mail(rendered(QUIET), recipient="ada@riverton.example\r\nBcc: all@evil.example")


@settings(max_examples=30, deadline=None)
@given(st.text(), st.text())
def test_any_text_makes_one_header_of_each_name(name: str, subject: str) -> None:
    made = DigestParts(subject, "<p>hello</p>", "hello", {})
    message = read(mail(made, recipient_name=name))
    assert sorted(set(message.keys())) == sorted(message.keys())
    assert message["To"].addresses[0].addr_spec == "ada@riverton.example"


@pytest.mark.parametrize("field", ["recipient", "sender"])
@pytest.mark.parametrize("address", ["", "ada", '"', "@x.example", "ada@", "a b@x.example"])
def test_what_is_no_address_is_refused(field: str, address: str) -> None:
    with pytest.raises(ValueError, match="is no e-mail address"):
        mail(DigestParts("Hello", "<p>hello</p>", "hello", {}), **{field: address})


def test_the_preview_is_the_mail_with_its_pictures_beside_it(tmp_path: Path) -> None:
    made = rendered(FULL)
    message = mail(made)
    written = digest_mail.write_preview(made, message, tmp_path / "digest")
    names = sorted(path.name for path in (tmp_path / "digest").iterdir())
    assert names == ["digest-dark.png", "digest-light.png", "digest.eml", "digest.html", "digest.txt"]
    assert written == tmp_path / "digest" / "digest.eml"
    html = (tmp_path / "digest" / "digest.html").read_text()
    assert [source for source, _ in Page(html).pictures] == ["digest-light.png", "digest-dark.png"]
    assert re.sub(r"cid:(digest-\w+)\.\w+@[\w.]+", r"\1.png", made.html) == html
    assert (tmp_path / "digest" / "digest.txt").read_text() == made.text
    sent = email.message_from_bytes(written.read_bytes(), policy=default)
    assert sent["Message-ID"] == message["Message-ID"]


def test_the_outbox_keeps_the_message_as_it_is(engine: sa.Engine) -> None:
    message = mail(rendered(FULL))
    with database.writing(engine) as session:
        outbox.put(session, key="k", kind="digest", recipient="ada@riverton.example", message=message, now=NOW)
    with database.reading(engine) as session:
        row = session.exec(select(OutboxMessage)).one()
    assert (row.subject, row.message) == (compose(FULL).subject, message.as_bytes())


DETAIL = AlertDetail(
    alert=Alert(
        id=1,
        kind="cell",
        concern="traffic_safety",
        place_id=1,
        title=SPEEDING.title,
        raised_at=NOW,
        since=NOW - timedelta(hours=25),
        updated_at=NOW,
        window_hours=72,
        posts=17,
        authors=14,
        expected=3.1,
        p_value=1e-6,
        keyphrases=["crossing guard"],
    ),
    concern_name="Traffic and road safety",
    place_name="Elm Street",
    quotes=(quote("Third morning in a row."), quote(HOSTILE, "bluesky", "neither")),
    columns=tuple(Column(NOW - timedelta(hours=2 * (24 - i)), i % 3, 0.5) for i in range(24)),
    places=(("Elm Street", 12), (HOSTILE, 1)),
    networks=(("facebook", 11), ("bluesky", 6)),
    authors=14,
    posts=17,
    expected=3.1,
    once_in_days=900.0,
)


def alert_parts(detail: AlertDetail = DETAIL) -> DigestParts:
    content = alert_mail.compose(
        detail,
        key="alert:1:3",
        department="Riverton Police Department",
        zone=ZoneInfo("America/New_York"),
        now=NOW,
        path="/alerts/1",
    )
    return alert_mail.render(content, DESK)


def test_an_alert_says_what_how_much_and_how_sure() -> None:
    made = alert_parts()
    page = Page(made.html)
    assert made.subject == f"Alert: {SPEEDING.title}"
    for said in (
        "At least 15 posts by at least 10 authors since Monday; about 3 authors would be usual.",
        "Chance alone hardly ever brings so many.",
        "Elm Street (at least 10 authors),",
        "(fewer than 5 authors).",
        "Facebook (at least 10 posts), Bluesky (at least 5 posts).",
    ):
        assert said in page.text
        assert said in flat(made.text)
    assert "https://desk.riverton.example/alerts/1" in page.links
    assert [alt[:9] for _, alt in page.pictures] == ["24 posts ", "24 posts "]
    assert page.tags.count("b") == 0


@pytest.mark.parametrize(
    ("once_in_days", "said"),
    [(0.4, "about once a day."), (1.2, "about once a day."), (9.0, "about once in 9 days."), (31.0, "hardly ever")],
)
def test_chance_is_told_as_often_as_it_strikes(once_in_days: float, said: str) -> None:
    assert said in flat(alert_parts(replace(DETAIL, once_in_days=once_in_days)).text)


def test_an_alert_without_columns_quotes_or_places_is_a_mail_too() -> None:
    made = alert_parts(replace(DETAIL, columns=(), quotes=(), places=(), networks=()))
    assert (made.pictures, "What people write" in made.text, "Where" in made.text) == ({}, False, False)
