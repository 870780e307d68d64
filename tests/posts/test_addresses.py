"""Addresses of our pictures for networks that fetch them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import database
from networks.network import Picture
from posts import addresses, pictures
from posts.addresses import LIVES
from tests.posts.conftest import Desk

BASE = "https://desk.town.example"


def with_picture(desk: Desk) -> int:
    number = desk.writing()
    with database.writing(desk.engine) as session:
        return (
            pictures.add(session, number, desk.officer, Picture(b"jpeg", "image/jpeg", 4, 4, "A dog"), desk.now).id or 0
        )


def test_an_address_opens_its_picture_for_a_while_and_no_other(desk: Desk) -> None:
    number = with_picture(desk)
    address = addresses.signed(number, BASE + "/", desk.keys, desk.now)
    name = address.removeprefix(f"{BASE}/pictures/").removesuffix(".jpg")
    with database.reading(desk.engine) as session:
        found = addresses.opened(session, name, desk.keys, desk.now + LIVES - timedelta(seconds=1))
        assert found is not None and found.id == number
        assert addresses.opened(session, name, desk.keys, desk.now + LIVES + timedelta(seconds=1)) is None
        first, until, mark = name.split("-")
        for altered in (f"{number + 1}-{until}-{mark}", f"{first}-{int(until) + 60}-{mark}", f"{first}-{until}-", "x"):
            assert addresses.opened(session, altered, desk.keys, desk.now) is None


@given(name=st.text(max_size=80))
def test_no_name_however_odd_opens_anything(name: str) -> None:
    from sqlmodel import Session, create_engine

    from config import clock, secrets

    with Session(create_engine("sqlite://")) as session:
        assert addresses.opened(session, name, secrets.for_tests(), clock.now()) is None


@pytest.mark.parametrize(
    ("base", "can"),
    [
        (BASE, True),
        ("https://8.8.8.8", True),
        ("http://desk.town.example", False),
        ("http://127.0.0.1:8000", False),
        ("https://127.0.0.1", False),
        ("https://10.1.2.3", False),
        ("https://[::1]", False),
        ("https://desk", False),
        ("https://desk.local", False),
        ("https://", False),
    ],
)
def test_only_a_public_https_address_can_be_reached(base: str, can: bool) -> None:
    assert addresses.reachable(base) is can
