"""The glossary, and a person's word on a translation before it is approved."""

import pytest

from config import database
from posts import drafts, glossary
from posts.tables import GlossaryTerm, Review
from posts.workflow import NotAllowed, WrongState
from tests.posts.conftest import Desk


@pytest.mark.parametrize(
    ("source", "words", "differs"),
    [
        ("The complaints office is open.", "La oficina está abierta.", True),
        ("The complaints office is open.", "La Oficina de Quejas está abierta.", False),
        ("Two complaints offices.", "Dos oficinas de denuncias.", True),
        ("The complaints officer is here.", "La oficina está abierta.", False),
        ("The complaints office.", "La defensoría.", False),
        ("(Complaints office)", "", True),
    ],
)
def test_a_term_is_named_where_a_translation_says_it_otherwise(source: str, words: str, differs: bool) -> None:
    term = GlossaryTerm(term="complaints office", language="es", wording="oficina de quejas; defensoría")  # type: ignore[call-arg]
    assert glossary.differing([term], "es", source, words) == ([term] if differs else [])
    assert glossary.differing([term], "en", source, words) == []


def translation(desk: Desk) -> int:
    first = desk.writing("Coffee at nine.")
    with database.writing(desk.engine) as session:
        made = drafts.create(
            session, desk.officer, "Café a las nueve.", desk.accounts, desk.now, language="es", translation_of=first
        )
        drafts.submit(session, made.id or 0, desk.officer, desk.now)
        return made.id or 0


def approve(desk: Desk, number: int) -> str:
    with database.writing(desk.engine) as session:
        return drafts.approve(session, number, desk.approver, drafts.read(session, number).content_hash, desk.now).state


def sign(desk: Desk, number: int, content_hash: str | None = None, by: int | None = None) -> Review:
    with database.writing(desk.engine) as session:
        whole = content_hash or drafts.read(session, number).content_hash
        return glossary.sign_off(session, number, by or desk.second, whole, desk.now)


def save(desk: Desk, number: int, words: str, by: int) -> None:
    with database.writing(desk.engine) as session:
        drafts.save(
            session, number, by, drafts.read(session, number).revision, message=words, title="Café",
            category="general", language="es", concern=None, wordings=dict.fromkeys(desk.accounts), now=desk.now,
        )  # fmt: skip


def test_where_it_is_asked_a_translation_is_approved_once_it_is_signed_off_and_a_change_takes_that_back(
    desk: Desk,
) -> None:
    number = translation(desk)
    with database.writing(desk.engine) as session:
        glossary.ask_for(session, ["es", "xx"], desk.second, desk.now)
        assert glossary.asked_of(session) == {"es"}
    with pytest.raises(WrongState, match="signs it off first"):
        approve(desk, number)
    sign(desk, number)
    save(desk, number, "Café a las diez.", desk.officer)
    with pytest.raises(WrongState, match="signs it off first"):
        approve(desk, number)
    sign(desk, number)
    assert approve(desk, number) == "approved"


def test_nobody_signs_off_what_they_wrote_nor_does_an_earlier_word_of_theirs_count(desk: Desk) -> None:
    number = translation(desk)
    with database.writing(desk.engine) as session:
        glossary.ask_for(session, ["es"], desk.second, desk.now)
    with pytest.raises(NotAllowed, match="they wrote"):
        sign(desk, number, by=desk.officer)
    sign(desk, number)
    for words in ("Café a las diez.", "Café a las nueve."):  # and back: the words are now the second one's own
        save(desk, number, words, desk.second)
    with pytest.raises(NotAllowed, match="they wrote"):
        sign(desk, number)
    with pytest.raises(WrongState, match="signs it off first"):
        approve(desk, number)


def test_it_is_not_asked_of_an_original_nor_where_nobody_asks(desk: Desk) -> None:
    assert approve(desk, translation(desk)) == "approved"
    with database.writing(desk.engine) as session:
        glossary.ask_for(session, ["en", "es"], desk.second, desk.now)
    assert approve(desk, desk.handed_in("Another one.")) == "scheduled"


def test_only_the_words_that_were_read_and_only_of_a_translation_are_signed_off(desk: Desk) -> None:
    number = translation(desk)
    with pytest.raises(WrongState, match="changed"):
        sign(desk, number, "other")
    with pytest.raises(WrongState, match="Only a translation"):
        sign(desk, desk.writing("An original."))


def test_a_term_is_kept_once_a_language(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        for wording in ("queja", " quejas ;; reclamo "):
            glossary.keep(session, desk.officer, desk.now, term=" the  complaint", language="es", wording=wording)
        assert [(one.term, one.wording) for one in glossary.kept(session)] == [("the complaint", "quejas; reclamo")]
        for wrong in ({"term": ""}, {"wording": " ; "}, {"language": "xx"}, {"term": "x" * 121}):
            with pytest.raises(WrongState):
                glossary.keep(
                    session, desk.officer, desk.now, **({"term": "a", "language": "es", "wording": "b"} | wrong)
                )
        glossary.remove(session, 1, desk.officer, desk.now)
        assert glossary.kept(session) == []
