"""Who is hardly heard is told by shares of residents, beyond chance, and without telling none from four."""

from datetime import timedelta

import sqlalchemy as sa

from config import database
from config.settings import Department
from sentiment import unheard
from sentiment.unheard import Unheard
from tests.sentiment import street
from tests.sentiment.street import Said
from tests.sentiment.test_figures import NOW


def test_far_fewer_than_their_share_are_told_and_a_gap_that_chance_makes_is_not() -> None:
    share = {"Northgate": 0.25, "Old Mill": 0.75}
    assert unheard.gaps("place", {"Northgate": 12, "Old Mill": 188}, share) == [
        Unheard("place", "Northgate", 15, 195, 0.25)
    ]
    assert unheard.gaps("place", {"Northgate": 40, "Old Mill": 160}, share) == []
    assert unheard.gaps("place", {"Northgate": 0, "Old Mill": 60}, share) == []  # 15 by their share: too few to tell


def test_none_and_four_are_told_alike() -> None:
    told = [unheard.gaps("language", {"es": number, "en": 300}, {"es": 0.2}) for number in range(5)]
    assert told == [[Unheard("language", "es", 5, 300, 0.2)]] * 5


def test_places_and_languages_of_the_settings_are_compared_in_these_days(sqlite_engine: sa.Engine) -> None:
    department = Department(residents={"Elm Street": 900, "Northgate": 300, "Nowhere": 5000}, speaking={"es": 0.3})
    first, last = (NOW - timedelta(days=7)).date(), NOW.date()
    with database.writing(sqlite_engine) as session:
        elm, _north = street.place(session, "Elm Street"), street.place(session, "Northgate")
        street.say(session, [Said(NOW, f"author {number}", place_id=elm) for number in range(120)])
        found = unheard.read(session, first, last, department)
        nothing = unheard.read(session, first, last, Department())
    assert [(one.kind, one.name, one.fewer_than) for one in found] == [("place", "Northgate", 5), ("language", "es", 5)]
    assert unheard.words(found[0], "en") == (
        "Northgate: fewer than 5 of about 120 people who name one of these places; "
        "25% of the residents of these places live there."
    )
    assert unheard.words(found[1], "en").startswith("Spanish: fewer than 5 of about 120 people who posted; 30%")
    assert nothing == []
