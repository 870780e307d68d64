"""The fixed facts of Riverton, and its posts placed in time around one morning."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.permissions import Role
from config.settings import Department

ZONE = ZoneInfo("America/New_York")
DEPARTMENT = Department(name="Riverton Police Department", time_zone=ZONE.key, language="en", handles=["RivertonPD"])
PLACES: dict[str, list[str]] = {
    "Elm Street": ["Elm St", "Elm and 4th", "Elm & 4th", "Lincoln School", "Lincoln Elementary", "calle Elm", "la Elm"],
    "Northgate": ["Fuller Ave", "Fuller Avenue", "bus depot"],
    "Old Mill": ["Mill Road", "Mill Rd", "Mill Road bridge"],
    "Riverside": ["Riverside Park", "boat ramp", "river path"],
    "Harbor View": ["St. Brigid's", "St Brigid's", "Santa Brígida", "Mercado"],
    "Westfield": [],
    "Route 9": ["Rte 9", "Ruta 9", "Rt 9"],
}
MORNING_HOUR = 8


@dataclass(frozen=True)
class SamplePerson:
    name: str
    email: str
    roles: tuple[Role, ...]
    words: str  # what the terminal calls them


OFFICER = SamplePerson("Ana Ortega", "ana.ortega@riverton.example", (Role.OFFICER,), "community liaison officer")
APPROVER = SamplePerson("Lucas Moreau", "lucas.moreau@riverton.example", (Role.APPROVER,), "supervisor who approves")
CHIEF = SamplePerson("Dana Okafor", "dana.okafor@riverton.example", (Role.ANALYST,), "chief, reads the digest")
KEEPER = SamplePerson("Sam Whitfield", "sam.whitfield@riverton.example", (Role.ADMINISTRATOR,), "administrator")
PEOPLE = (OFFICER, APPROVER, CHIEF, KEEPER)


def last_morning(now: datetime) -> datetime:
    """The latest eight o'clock in Riverton that is not after `now`: the town's posts end there."""
    local = now.astimezone(ZONE)
    morning = local.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    return morning if morning <= local else morning - timedelta(days=1)


def posts(morning: datetime) -> Iterator[dict[str, Any]]:
    """Each post as an import takes it: id, posted_at (ISO 8601 with zone), author, network, language, text; by time."""
    today = morning.astimezone(ZONE).date()
    folder = Path(__file__).parent
    for path in sorted(folder.glob("mentions_*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                post = json.loads(line)
                hour, minute = map(int, post.pop("time").split(":"))
                day = today + timedelta(days=post.pop("day"))
                at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)
                yield {**post, "posted_at": at.isoformat()}
