"""The records export: whole, open, provable, and without anybody else's name."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import bagit
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from config import database, legal_holds, people
from config.legal_holds import Kind
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import contexts
from listeners.tables import Mention
from networks import accounts
from posts import actions, drafts
from posts.tables import Heard, Question, QuestionAnswer
from scheduler import records_package
from scheduler.jobs import expiry
from tests.scheduler.test_retention import DAY, alert_on, heard, said_on


def answered_and_noted(session: Session, person_id: int, now: datetime) -> None:
    """An answer and a note of what was said in person, on each of three days."""
    question = Question(code="a", text="Is it safe?", closes_on=now.date(), asked_by=person_id, asked_at=now)
    session.add(question)
    session.flush()
    for n in (1, 2, 3):
        then, gone = now + DAY * n, now + DAY * 30
        session.add(
            QuestionAnswer(question_id=question.id or 0, said_at=then, words=f"answer {n}", expires_at=gone),
        )
        session.add(
            Heard(
                heard_on=then.date(), channel="meeting", where="Town hall", concern="traffic_safety", words=f"note {n}",
                written_by=person_id, written_at=then, expires_at=gone,
            )
        )  # fmt: skip


@pytest.fixture
def package(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person], tmp_path: Path
) -> Path:
    ids = heard(engine, said_on(now, 2))
    alert = alert_on(engine, ids[:1], now)
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada Okafor", Role.OFFICER))
        bo = people.known_id(person(session, "Bo Lind", Role.APPROVER))
        made = accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
        post = drafts.create(session, ada, "Cones <on> Elm Street & Oak.", [made.id or 0], now).id or 0
        drafts.submit(session, post, ada, now)
        drafts.ask_changes(session, post, bo, "Say from when.", now + timedelta(minutes=1))
        drafts.submit(session, post, ada, now + timedelta(minutes=2))
        hashed = drafts.read(session, post).content_hash
        drafts.approve(session, post, bo, hashed, now + timedelta(minutes=3))
        legal_holds.place(session, Kind.ALERT, "Request 26-9", bo, now, subject_id=alert)
        answered_and_noted(session, ada, now)
        midnight = (now + DAY * 3).replace(hour=5, minute=0)  # in New York
        legal_holds.place(session, Kind.PERIOD, "Request 26-10", bo, now, period=(now + DAY * 2, midnight))
    expiry.expire(engine, settings, now + timedelta(days=40))
    out = tmp_path / "export"
    assert records_package.write(engine, settings, keys, out, now, lambda _: None) == 1
    return out


def test_the_package_is_a_valid_bag_and_a_changed_byte_in_it_shows(package: Path) -> None:
    bag = bagit.Bag(str(package))
    assert bag.is_valid()
    assert bag.info["Source-Organization"] == "Riverton Police Department"
    log = package / "data" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"post.", b"p0st.", 1))
    assert not bagit.Bag(str(package)).is_valid()


def test_the_chain_is_proved_from_the_package_alone(package: Path) -> None:
    before = bytes(32)
    lines = (package / "data" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        link = json.loads(line)
        entry = json.dumps(link["entry"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(before + entry.encode()).digest()
        assert (link["position"], link["hash"]) == (number, before.hex())
    assert bagit.Bag(str(package)).info["Audit-Log-Head"] == before.hex()


def test_a_post_tells_its_whole_story(package: Path) -> None:
    told = json.loads((package / "data" / "posts" / "1.json").read_text(encoding="utf-8"))
    what = [(one["what"], one["who"], one["words"]) for one in told["story"]]
    assert [one for one in what if not one[0].startswith("version")] == [
        ("changes_asked", "Bo Lind", "Say from when."),
        ("approved", "Bo Lind", ""),
    ]
    page = (package / "data" / "posts" / "1.html").read_text(encoding="utf-8")
    for words in ("Cones &lt;on&gt; Elm Street &amp; Oak.", "Ada Okafor", "Bo Lind", "Say from when."):
        assert words in page
    assert "posts/1.html" in (package / "data" / "index.html").read_text(encoding="utf-8")


def test_of_others_there_are_only_the_words_that_a_hold_keeps(package: Path) -> None:
    held = json.loads((package / "data" / "held_mentions.json").read_text(encoding="utf-8"))
    assert [(set(one), one["text"]) for one in held] == [({"id", "network", "posted_at", "language", "text"}, "word 0")]
    answers, notes = (
        json.loads((package / "data" / f"held_{of}.json").read_text("utf-8")) for of in ("answers", "notes")
    )
    assert [(set(one), one["question"], one["words"]) for one in answers] == [
        ({"id", "question_id", "question", "said_at", "words"}, "Is it safe?", "answer 2")
    ]
    assert [(set(one), one["words"]) for one in notes] == [
        ({"id", "heard_on", "channel", "where", "language", "people", "words"}, "note 2")
    ]
    everything = b"".join(path.read_bytes() for path in package.rglob("*") if path.is_file())
    for n in (1, 3):
        assert f"answer {n}".encode() not in everything and f"note {n}".encode() not in everything
    for n in range(2):
        hashed = hashlib.blake2b(f"author {n}".encode(), digest_size=16)
        assert hashed.digest() not in everything and hashed.hexdigest().encode() not in everything
    assert b"word 1" not in everything


def test_actions_stand_in_it_with_the_words_that_led_to_them(
    sqlite_engine: sa.Engine,
    settings: Settings,
    keys: Keys,
    now: datetime,
    person: Callable[..., Person],
    tmp_path: Path,
) -> None:
    ids = heard(sqlite_engine, said_on(now, 1))
    with database.writing(sqlite_engine) as session:
        ada = people.known_id(person(session, "Ada Okafor", Role.OFFICER))
        session.get_one(Mention, ids[0]).network = "bluesky"
        made = actions.hand_over(
            session, ada, now, concern="traffic_safety", said="Cars are fast", wanted="A <sign>", unit="Traffic",
            unit_mail="unit@riverton.example", due_on=now.date(), today=now.date(),
        )  # fmt: skip
        contexts.keep(session, made.id or 0, ids, now)
    out = tmp_path / "export"
    records_package.write(sqlite_engine, settings, keys, out, now, lambda _: None)
    (told,) = json.loads((out / "data" / "actions.json").read_text(encoding="utf-8"))
    assert (told["context"], told["asked_by_name"], "unit_mail" in told) == (["word 0"], "Ada Okafor", False)
    page = (out / "data" / "index.html").read_text(encoding="utf-8")
    assert "A &lt;sign&gt;" in page and "<blockquote>word 0</blockquote>" in page


def test_nothing_is_written_over(
    package: Path, engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    with pytest.raises(records_package.ExportRefused):
        records_package.write(engine, settings, keys, package, now, lambda _: None)
