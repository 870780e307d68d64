"""Officers' corrections, learned from: what may train, what is refused, and the way back."""

import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlmodel import col, select

import cli
from config import clock, database, settings
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import intake, mentions, sources
from listeners.tables import Mention
from networks.network import RemoteMention
from sentiment import feedback, model
from sentiment.feedback import Corrected, NotBetter
from sentiment.tables import Correction
from tests.sentiment import street
from tests.sentiment.street import Said

READER = model.load()
# Plain opposites, so that a head has something to learn from few of them.
GLAD = [f"Thank you to the officer who {what}, that was kind" for what in (
    "helped my mother across", "found our dog", "stayed with us all night", "came to the school", "fixed the lights",
    "talked to my son", "brought the bike back", "waited with me", "calmed everyone down", "answered every question",
    "walked me home", "called me back", "spoke to the club", "came within minutes")]  # fmt: skip
CROSS = [f"They {what} and nobody was ever told why" for what in (
    "stopped my brother again", "lost the complaint", "never came", "laughed at us", "closed the case", "hung up",
    "searched his bag for nothing", "sent us away", "kept the film", "ignored the whole street", "left us waiting",
    "took his name down", "made it all up", "looked the other way")]  # fmt: skip


def both(swapped: bool = False) -> list[Corrected]:
    labels = ("mistrust", "trust") if swapped else ("trust", "mistrust")
    return [
        Corrected(text, label, None)
        for glad, cross in zip(GLAD, CROSS, strict=True)
        for text, label in ((glad, labels[0]), (cross, labels[1]))
    ]


def test_corrections_that_agree_with_each_other_move_the_heads_their_way() -> None:
    made = feedback.refit(
        READER, both(), pairs=[(text, "trust") for text in GLAD] + [(text, "mistrust") for text in CROSS]
    )
    assert made.used == {"trust": 28}
    assert all(made.after[name] < was for name, was in made.before.items() if "log-loss" in name)
    assert np.array_equal(made.heads.sentiment[0], READER.heads.sentiment[0])


def test_a_refit_that_makes_unseen_posts_worse_is_refused() -> None:
    with pytest.raises(NotBetter, match="the heads stay as they are"):
        feedback.refit(READER, both(swapped=True), pairs=[(c.text, c.trust or "") for c in both()])


def test_corrections_that_contradict_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    some = feedback._pairs()[::7]  # of both languages; to read all takes ten seconds
    monkeypatch.setattr(feedback, "_pairs", lambda: some)
    with pytest.raises(NotBetter):
        feedback.refit(READER, [*both(), *both(swapped=True)])


def test_a_few_corrections_are_too_few() -> None:
    with pytest.raises(NotBetter, match="too few"):
        feedback.refit(READER, both()[:5])


def test_texts_without_words_are_passed_over() -> None:
    with pytest.raises(NotBetter, match="too few"):
        feedback.refit(READER, [Corrected("https://town.example", "trust", None)] * 30)


def test_what_is_kept_is_in_use_until_it_is_taken_back(tmp_path: Path) -> None:
    heads = feedback.refit(READER, both(), pairs=[(c.text, c.trust or "") for c in both()]).heads
    assert feedback.in_use(tmp_path, READER) is READER
    assert [feedback.keep(tmp_path, READER, heads), feedback.keep(tmp_path, READER, READER.heads)] == [1, 2]
    assert feedback.undo(tmp_path, READER) == 1
    refitted = feedback.in_use(tmp_path, READER)
    assert refitted.name == f"{READER.name}+1"
    assert np.array_equal(refitted.heads.trust[0], heads.trust[0])
    (before,), (after,) = READER.read([CROSS[0]]), refitted.read([CROSS[0]])
    assert before is not None and after is not None
    assert after.trust["mistrust"] > before.trust["mistrust"]
    assert [feedback.undo(tmp_path, READER), feedback.undo(tmp_path, READER)] == [0, None]
    assert feedback.in_use(tmp_path, READER) is READER


@pytest.mark.parametrize("left", [0, 100, -40])
def test_heads_that_cannot_be_read_leave_the_model_as_shipped_and_are_told(tmp_path: Path, left: int) -> None:
    feedback.keep(tmp_path, READER, READER.heads)
    assert feedback.damage(tmp_path, READER.name) is None
    (kept,) = tmp_path.glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:left])
    assert feedback.in_use(tmp_path, READER) is READER
    assert (feedback.damage(tmp_path, READER.name) or "").startswith(f"{kept}: ")
    assert (feedback.undo(tmp_path, READER), feedback.damage(tmp_path, READER.name)) == (0, None)


def test_a_number_that_was_taken_back_is_never_given_again(tmp_path: Path) -> None:
    """By its name a mention says what read it."""
    feedback.keep(tmp_path, READER, READER.heads)
    bad = feedback.keep(tmp_path, READER, READER.heads)
    assert feedback.undo(tmp_path, READER) == 1
    assert (bad, feedback.keep(tmp_path, READER, READER.heads)) == (2, 3)
    assert feedback.in_use(tmp_path, READER).name == f"{READER.name}+3"
    assert [feedback.undo(tmp_path, READER) for _ in range(3)] == [1, 0, None]
    assert feedback.keep(tmp_path, READER, READER.heads) == 4


def test_a_refit_that_is_worse_than_the_model_as_shipped_is_refused_though_the_one_in_use_is_worse_still() -> None:
    right, wrong = ([(c.text, c.trust or "") for c in both(swapped)] for swapped in (False, True))
    good = feedback.refit(READER, both(), pairs=right).heads
    bad = feedback.refit(READER, both(swapped=True), pairs=wrong).heads
    in_use = READER.with_heads(bad, f"{READER.name}+1")
    made = feedback.refit(in_use, both(), pairs=right)
    assert all(made.after[name] < was for name, was in made.before.items() if "log-loss" in name)
    with pytest.raises(NotBetter, match=r"nothing learned from would go from .* \(it was .* as shipped\) to"):
        feedback.refit(in_use, both(), pairs=right, shipped=good)


def test_each_correction_is_learned_from_once(
    sqlite_engine: sa.Engine, now: datetime, person: Callable[..., Person], tmp_path: Path
) -> None:
    later = now + timedelta(hours=1)
    with database.writing(sqlite_engine) as session:
        officer = person(session, "Ana", Role.OFFICER).id or 0
        ids = street.say(session, [Said(now, f"author {n}", f"words {n}", network="mastodon") for n in range(3)])
        for mention_id, at, trust, mood in (
            (ids[0], now, "trust", None),
            (ids[1], now, "trust", "neutral"),
            (ids[2], now, None, "positive"),
            (ids[2], later, "neither", None),
        ):
            session.add(Correction(mention_id=mention_id, person_id=officer, at=at, trust=trust, sentiment=mood))
    with database.reading(sqlite_engine) as session:
        corrected, left = feedback.gather(session, {"trust": now})
    # a head that was not refitted has not learned
    assert corrected == [Corrected("words 1", None, "neutral"), Corrected("words 2", "neither", "positive")]
    assert left == {"the refit in use learned from it": 1}
    feedback.keep(tmp_path, READER, READER.heads, {"trust": now})
    feedback.keep(tmp_path, READER, READER.heads, {"trust": later, "sentiment": now})
    assert feedback.learned_until(tmp_path, READER) == {"trust": later, "sentiment": now}
    feedback.undo(tmp_path, READER)
    assert feedback.learned_until(tmp_path, READER) == {"trust": now}
    feedback.undo(tmp_path, READER)
    assert feedback.learned_until(tmp_path, READER) == {}


def test_the_command_goes_on_from_the_refit_in_use(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copy(empty_store, tmp_path / "data" / "liaison.db")
    settings.load.cache_clear()
    monkeypatch.setattr(feedback, "_pairs", lambda: tuple((c.text, c.trust or "") for c in both()))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli.liaison, [*arguments, "--by", "sam@town.example"])

    CliRunner().invoke(cli.liaison, [
        "user", "add", "--name", "Sam", "--email", "sam@town.example", "--role", "administrator", "--password",
        "correct horse battery",
    ])  # fmt: skip
    engine = database.connect(f"sqlite:///{tmp_path / 'data' / 'liaison.db'}")

    def correct(swapped: bool) -> None:
        said = both(swapped)
        with database.writing(engine) as session:
            ids = street.say(session, [Said(clock.now(), c.text, c.text, network="mastodon") for c in said])
            session.add_all(
                Correction(mention_id=number, person_id=1, at=clock.now(), trust=c.trust)
                for number, c in zip(ids, said, strict=True)
            )

    correct(swapped=False)
    first = run("train", "feedback")
    assert "refit 1 is in use" in first.stdout, first.output
    again = run("train", "feedback")
    assert again.exit_code == 1
    assert "28 corrections are left out: the refit in use learned from it" in again.stderr
    correct(swapped=False)
    second = run("train", "feedback")
    assert "refit 2 is in use" in second.stdout, second.output

    def figures(told: Result) -> list[list[str]]:
        return re.findall(r"posts that nothing learned from: ([\d.]+) -> ([\d.]+)", told.stdout)

    assert [was for was, _ in figures(second)] == [to for _, to in figures(first)]
    correct(swapped=True)
    worse = run("train", "feedback")
    assert (worse.exit_code, "the heads stay as they are" in worse.stderr) == (1, True)
    assert "refit 1 is in use" in run("train", "feedback", "--undo").stdout


def test_heads_of_another_encoder_are_not_used(tmp_path: Path) -> None:
    model.save_heads(READER.heads, tmp_path / "0badc0de-1.npz")
    assert feedback.in_use(tmp_path, READER) is READER


def test_only_what_the_network_allows_and_what_is_still_kept_trains(
    engine: sa.Engine, keys: Keys, now: datetime, settings: Settings, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        officer = person(session, "Ana", Role.OFFICER).id or 0
        source = sources.add(session, network="archive", name="x", settings={}, every_seconds=0, now=now)
        found = [
            (network, RemoteMention(f"{network}{number}", f"words {number}", now))
            for number, network in enumerate(("mastodon", "x", "mastodon", "mastodon"))
        ]
        intake.store(session, intake.prepare(found, source, intake.EVERYTHING, keys, settings, now))
        for mention in session.exec(select(Mention).order_by(col(Mention.id))).all():
            for trust in ("neither", "mistrust"):
                session.add(Correction(mention_id=mention.id or 0, person_id=officer, at=now, trust=trust))
            if mention.id == 3:
                mention.text = None
            if mention.id == 4:
                mention.expires_at = now
        mentions.set_aside(session, now)  # as under a legal hold
    with database.reading(engine) as session:
        corrected, left = feedback.gather(session)
    assert corrected == [Corrected("words 0", "mistrust", None)]
    assert left == {"its network does not allow it": 2, "its text has expired": 4}
