"""The glossary on its page, beside a translation, and the sign-off that an approval waits for."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from config import database
from config.permissions import Role
from config.secrets import Keys
from networks import accounts
from posts import drafts
from tests.web.browsing import Browser, send

PAGE = "/outreach/glossary"


def test_a_translation_is_read_against_the_glossary_signed_off_and_approved(
    sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    ada, luc = browser_of("Ada", Role.OFFICER), browser_of("Luc", Role.APPROVER)
    ben = browser_of("Ben", Role.ADMINISTRATOR)
    with database.writing(sqlite_engine) as session:
        board = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
        first = drafts.create(session, 1, "The complaints office.", [board.id or 0], at_eight)
        drafts.create(session, 1, "La oficina.", [board.id or 0], at_eight, language="es", translation_of=first.id)
        drafts.submit(session, 2, 1, at_eight)
        content = drafts.read(session, 2).content_hash
    assert send(ada, PAGE, page=PAGE, term="complaints office", language="xx", wording="b").status_code == 422
    send(ada, PAGE, page=PAGE, term="complaints office", language="es", wording="<b>oficina de quejas")
    for path in (PAGE, "/compose/2", "/posts/2"):
        assert "&lt;b&gt;oficina de quejas" in ada.get(path).text, path
    assert send(ada, f"{PAGE}/sign-off", page=PAGE, languages="es").status_code == 403
    send(ben, f"{PAGE}/sign-off", page=PAGE, languages="es")
    waiting = luc.get("/posts/2").text
    assert ("Approve these words" in waiting, "cannot be approved before" in waiting) == (False, True)
    assert send(luc, "/posts/2/approve", page="/posts/2", content_hash=content).status_code == 409
    assert "somebody else reads them and signs them off" in ada.get("/posts/2").text
    assert send(ada, "/posts/2/sign-off", page="/posts/2", content_hash=content).status_code == 403
    send(ben, "/posts/2/sign-off", page="/posts/2", content_hash=content)
    signed = luc.get("/posts/2").text
    assert ("Read and signed off by Ben" in signed, "Approve these words" in signed) == (True, True)
    assert send(luc, "/posts/2/approve", page="/posts/2", content_hash=content).status_code == 303
