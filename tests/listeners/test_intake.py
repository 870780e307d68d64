import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners import gaps, intake, language, mentions, places, polling, sources, triage
from listeners import health as how
from listeners.tables import Mention, Source
from networks import accounts, practice
from networks.network import Page, RemoteMention, Unavailable
from networks.registry import NETWORKS


@pytest.fixture
def source(engine: sa.Engine, now: datetime) -> Source:
    with database.writing(engine) as session:
        return sources.add(session, network="practice", name="Board", settings={}, every_seconds=60, now=now)


def post(
    number: int, text: str = "The police came, @nan. Thanks @RivertonPD", author: str | None = "nan"
) -> RemoteMention:
    at = datetime.fromisoformat("2026-11-24T10:00:00+00:00")
    return RemoteMention(str(number), text, at, author, url=f"https://town.example/{number}")


def admit(engine: sa.Engine, page: Page, keys: Keys, settings: Settings, now: datetime) -> intake.Admitted:
    """A page, and its cursor with it."""
    with database.reading(engine) as session:
        source = session.get_one(Source, 1)

    def note(session: Session, _: intake.Admitted) -> None:
        session.get_one(Source, 1).cursor = page.cursor
        if page.refused:
            raise RuntimeError("the power went")

    found = [(source.network, mention) for mention in page.mentions]
    return intake.admit(engine, source, found, intake.EVERYTHING, keys, settings, now, note)


def all_mentions(engine: sa.Engine) -> list[Mention]:
    with database.reading(engine) as session:
        return list(session.exec(select(Mention).order_by(Mention.id)))  # type: ignore[arg-type]


def test_a_mention_holds_no_name_and_its_address_is_sealed(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    admit(engine, Page([post(1)], "1"), keys, settings, now)
    (found,) = all_mentions(engine)
    assert found.text == "The police came, @…. Thanks @RivertonPD"
    assert found.author == keys.hash("author", "practice\nnan")
    assert found.sealed_reference is not None
    assert b"town.example" not in found.sealed_reference
    assert json.loads(keys.open(found.sealed_reference)) == ["1", "https://town.example/1"]
    assert found.expires_at == now + timedelta(days=settings.retention_days)


def test_a_page_and_its_cursor_stand_or_fall_together(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    with pytest.raises(RuntimeError):
        admit(engine, Page([post(1)], "9", refused=["power"]), keys, settings, now)
    with database.reading(engine) as session:
        assert (session.get_one(Source, 1).cursor, all_mentions(engine)) == (None, [])


def test_what_we_say_ourselves_is_no_mention_and_our_handles_are_shown(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        account = accounts.add(session, network="practice", name="PD", handle="pd", secret=None, keys=keys, now=now)
        account.remote_id = "77"
        session.add(account)
    found = Page([post(1, "Coffee at nine", "77"), post(2, "@pd and @nan", "5"), post(2, "@pd and @nan", "5")], "2")
    assert admit(engine, found, keys, settings, now) == intake.Admitted(read=3, new=1, duplicate=1, unmatched=1)
    assert [one.text for one in all_mentions(engine)] == ["@pd and @…"]


def test_a_repeated_page_adds_nothing(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    page = Page([post(1), post(2)], "2")
    assert [admit(engine, page, keys, settings, now).new for _ in range(2)] == [2, 0]


@pytest.mark.usefixtures("source")
def test_what_answered_a_mention_that_is_gone_answers_no_other(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    admit(engine, Page([post(1), post(2)], "one"), keys, settings, now)
    for number, by in ((2, "remove"), (1, "erase")):
        with database.writing(engine) as session:
            if by == "remove":
                mentions.remove(session, [number])
            else:
                mentions.erase(session, [number], now)
        admit(engine, Page([post(10 * number)], by), keys, settings, now)
        assert number not in [one.id for one in all_mentions(engine)]
    assert len(all_mentions(engine)) == 3  # with what stands for the one that was erased


@pytest.mark.parametrize("first", [True, False])
def test_whichever_source_reads_a_post_first_it_is_known_that_it_names_us(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime, first: bool
) -> None:
    """The one that searches by rules does not know; the one that reads mentions does."""
    for addressed, new in ((first, 2), (not first, 1)):
        told = [replace(post(number), addressed=addressed and number != 3) for number in (1, 2 if new == 2 else 3)]
        admitted = admit(engine, Page(told, "2"), keys, settings, now)
        assert (admitted.new, admitted.duplicate) == (new, 2 - new)
    assert [found.addressed for found in all_mentions(engine)] == [True, first, False]


def test_a_post_without_author_is_an_author_of_its_own(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    admit(engine, Page([post(1, author=None), post(2, author=None)], "2"), keys, settings, now)
    one, other = all_mentions(engine)
    assert one.author != other.author


def test_language_and_place_are_found_when_it_is_read(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        place = places.add(session, "Elm Street", ["calle Elm"])
    admit(engine, Page([post(1, "Mucho tráfico hoy en la calle Elm, tengan cuidado")], "1"), keys, settings, now)
    with database.writing(engine) as session:
        mentions.mark_scored(session, mentions.pending(session, 10), now)
    (found,) = all_mentions(engine)
    assert (found.language, found.place_id, found.scored_at) == ("es", place.id, now)


def test_the_longest_name_of_a_place_wins_and_words_stay_whole(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        road = places.add(session, "Mill Road", [])
        bridge = places.add(session, "Bridge", ["Mill Road bridge"])
        known = places.gazetteer(session)
    texts = ("ice on the mill road BRIDGE", "on Mill Road.", "at the millroad", "Mill Roads")
    found = [known.find(text) for text in texts]
    assert [one.place_id if one else None for one in found] == [bridge.id, road.id, None, None]


@pytest.mark.parametrize(
    ("text", "code"),
    [("lol ok", "und"), ("", "und"), ("👮👮", "und"), ("Gracias a los oficiales por venir", "es")],
)
def test_a_language_is_named_only_when_sure(text: str, code: str) -> None:
    assert language.detect(text) == code


def test_what_is_over_its_time_goes_and_what_is_hidden_loses_its_words(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    admit(engine, Page([post(1), post(2)], "2"), keys, settings, now)
    with database.writing(engine) as session:
        mentions.hide(session, [1])
    hidden = all_mentions(engine)[0]
    assert (hidden.shown, hidden.text, hidden.sealed_reference) == (False, None, None)
    with database.writing(engine) as session:
        assert mentions.expire(session, now + timedelta(days=29), 10) == 0
        assert mentions.expire(session, now + timedelta(days=30), 10) == 2
    assert all_mentions(engine) == []


def test_triage_moves_by_its_table_and_is_recorded(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    admit(engine, Page([post(1)], "1"), keys, settings, now)
    with database.writing(engine) as session:
        with pytest.raises(triage.WrongMove):
            triage.reopen(session, 1, None, now)  # type: ignore[arg-type]
        triage.snooze(session, 1, None, now + timedelta(hours=1), now)  # type: ignore[arg-type]
        assert triage.wake(session, now) == 0
        assert triage.wake(session, now + timedelta(hours=1)) == 1
        triage.done(session, 1, None, now)  # type: ignore[arg-type]
        with pytest.raises(triage.NoSuchMention):
            triage.done(session, 2, None, now)  # type: ignore[arg-type]
    with database.reading(engine) as session:
        done = session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
    assert (all_mentions(engine)[0].state, done) == ("done", ["mention.snooze", "mention.finish"])


def test_a_source_is_polled_when_due_once_by_whoever_comes_first(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        practice.post_as_resident(session, "Nan", "When is coffee?", now)
    later = now + timedelta(seconds=59)
    polled = [polling.poll_due(engine, settings, keys, at) for at in (now, later, now + timedelta(seconds=60))]
    assert (polled, len(all_mentions(engine))) == ([1, 0, 0], 1)
    taken = []
    for _ in range(2):
        with database.writing(engine) as session:
            taken.append(polling.claim(session, now + timedelta(hours=1)))
    assert taken == [[1], []]


def test_a_source_that_fails_says_why_waits_longer_and_comes_back(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def mentions(self, cursor: str | None) -> Page:
            raise Unavailable("town.example did not answer")

    kept = NETWORKS["practice"]
    away = type(kept)(**{**vars(kept), "listener": lambda connection: Away()})
    monkeypatch.setattr("networks.registry.NETWORKS", {**NETWORKS, "practice": away})
    waits = []
    at = now
    for _ in range(3):
        polling.poll_due(engine, settings, keys, at)
        with database.reading(engine) as session:
            held = session.get_one(Source, 1)
        assert held.next_poll_at is not None
        waits.append(held.next_poll_at - at)
        at = held.next_poll_at
    assert waits == sorted(waits)
    health = how.health(held, at)
    assert (held.failures, held.last_error, health.state) == (3, "town.example did not answer", "failing")
    monkeypatch.undo()
    polling.poll_due(engine, settings, keys, at)
    with database.reading(engine) as session:
        assert (session.get_one(Source, 1).failures, session.get_one(Source, 1).last_error) == (0, None)


def test_what_a_source_could_not_read_stands_beside_it_and_is_no_failure(
    engine: sa.Engine, source: Source, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Half:
        def mentions(self, cursor: str | None) -> Page:
            return Page([], "2", more=cursor != "2", refused=["elm: too long", "oak: too long"][: 2 if cursor else 1])

    kept = NETWORKS["practice"]
    half = type(kept)(**{**vars(kept), "listener": lambda connection: Half()})
    monkeypatch.setattr("networks.registry.NETWORKS", {**NETWORKS, "practice": half})
    polling.poll_due(engine, settings, keys, now)
    with database.reading(engine) as session:
        held = session.get_one(Source, 1)
    assert (held.failures, held.last_error) == (0, "elm: too long; oak: too long")
    words = "looked at less than a minute ago; not all could be read: elm: too long; oak: too long"
    assert how.health(held, now) == how.Health("ok", words)
    monkeypatch.undo()
    later = now + timedelta(hours=1)
    polling.poll_due(engine, settings, keys, later)
    with database.reading(engine) as session:
        assert session.get_one(Source, 1).last_error is None
        assert [gap.reason for gap in gaps.latest(session, now)] == ["Liaison was not listening"]


@pytest.mark.parametrize(("longest", "pages"), [(60.0, polling.PAGES), (0.0, 1)])
def test_a_source_with_much_to_tell_keeps_its_lease_and_holds_up_the_others_for_a_while_only(
    engine: sa.Engine,
    source: Source,
    keys: Keys,
    settings: Settings,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    longest: float,
    pages: int,
) -> None:
    leases: list[datetime] = []

    class Endless:
        def mentions(self, cursor: str | None) -> Page:
            with database.reading(engine) as session:
                leases.append(session.get_one(Source, 1).lease_until or now)
            return Page([], str(len(leases)), more=True)

    endless = replace(NETWORKS["practice"], listener=lambda connection: Endless())
    monkeypatch.setattr("networks.registry.NETWORKS", {**NETWORKS, "practice": endless})
    monkeypatch.setattr(polling, "ONE_GO", longest)
    polling.poll_due(engine, settings, keys, now)
    assert (len(leases), leases) == (pages, sorted(set(leases)))  # each page with a later one
    with database.reading(engine) as session:
        held = session.get_one(Source, 1)
    assert (held.cursor, held.lease_until) == (str(pages), None)
