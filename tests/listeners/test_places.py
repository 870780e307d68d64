import sqlalchemy as sa

from config import database
from listeners import places
from listeners.places import Found


def test_how_sure_a_place_is_follows_from_the_text_alone(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm = places.add(session, "Elm", []).id or 0
        known = places.gazetteer(session)
    texts = ("Cops on Elm again", "Elm is closed", "They came to elm", "One elm fell", "NOT ELM", "Elmer came")
    assert [known.find(text) for text in texts] == [
        Found(elm, 0.9), Found(elm, 0.7), Found(elm, 0.6), None, Found(elm, 0.55), None,
    ]  # fmt: skip


def test_a_street_is_told_before_the_neighbourhood_it_lies_in_and_a_shared_name_is_unsure(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        town = places.add(session, "Old Town", ["casco viejo"]).id or 0
        street = places.add(session, "Harbor Street", [], "street", town).id or 0
        places.add(session, "North Park", ["the park"])
        places.add(session, "South Park", ["the park"])
        known = places.gazetteer(session)
        nearby = places.nearby(session)
    assert known.find("Old Town police closed Harbor Street") == Found(street, 0.95)
    assert known.find("noise at the park") is None
    assert nearby["casco viejo"] == ("old town", "casco viejo", "harbor street")
