"""Officers' corrections, learned from: what may train, what is refused, and the way back."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
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
