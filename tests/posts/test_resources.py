"""Public resources: kept, changed, put into words."""

from typing import Any

import pytest

from config import database
from posts import resources
from posts.workflow import WrongState
from tests.posts.conftest import Desk

GIVEN: dict[str, Any] = {
    "kind": "victims",
    "name": "Victim services",
    "phone": "555 0142",
    "address": "riverton.example/help",
}


def test_a_resource_is_one_line_of_a_post(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        made = resources.keep(session, desk.officer, desk.now, **GIVEN, note="day and night")
        assert resources.sentence(made) == ("Victim services: 555 0142, https://riverton.example/help (day and night)")
        resources.keep(session, desk.officer, desk.now, kind="complaints", name="Z", phone="1")
        assert [one.kind for one in resources.kept(session)] == ["complaints", "victims"]
        resources.keep(session, desk.officer, desk.now, **(GIVEN | {"phone": "555 0143"}), resource_id=made.id)
        resources.remove(session, 2, desk.officer, desk.now)
        assert [one.phone for one in resources.kept(session)] == ["555 0143"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"kind": "x"},
        {"phone": "", "address": ""},
        {"address": "javascript:alert(1)"},
        {"phone": "1" * 201},
    ],
)
def test_what_leads_nowhere_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    with database.writing(desk.engine) as session, pytest.raises(WrongState):
        resources.keep(session, desk.officer, desk.now, **(GIVEN | wrong))
