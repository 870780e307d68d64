"""A data-protection impact assessment of this very desk (GDPR Art. 35, LED Art. 27): filled from its settings, sources,
channels and people as they are; what only a department can say is asked, never made up. In the department's language.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from config import legal_holds, people, templates
from config.permissions import Role
from config.settings import Settings
from listeners.tables import Place, WatchRule
from networks import accounts
from networks.registry import NETWORKS
from scheduler import transparency
from scheduler.tables import AlertChannel
from scheduler.transparency import Told

FOLDER = Path(__file__).parent / "assessment_templates"
TO_SAY = {"en": "**To be said by the department:**", "es": "**Lo debe decir el departamento:**"}
_PAGES = {"en": "dpia.md", "es": "dpia.es.md"}
_HELD = {  # one, several
    "en": {role: (role.value, f"{role.value}s") for role in Role},
    "es": {
        Role.OFFICER: ("oficial", "oficiales"),
        Role.APPROVER: ("persona que aprueba", "personas que aprueban"),
        Role.ADMINISTRATOR: ("administrador", "administradores"),
        Role.ANALYST: ("analista", "analistas"),
        Role.AUDITOR: ("auditor", "auditores"),
    },
}


@dataclass(frozen=True)
class Facts:
    """What this desk does, as of `at`. `accounts`: labels of networks where we publish; `channels`: kinds of places
    outside the desk that are told of alerts; `roles`: how many active people hold each."""

    at: datetime
    told: Told
    rules: int
    places: int
    accounts: Sequence[str]
    channels: Sequence[str]
    roles: dict[Role, int]
    holds: int


def facts(session: Session, settings: Settings, now: datetime) -> Facts:
    """Read from the store; nothing of the public's words or authors."""
    roles = people.roles_of_all(session)
    held = [roles.get(people.known_id(one), frozenset()) for one in people.all_people(session) if one.active]
    return Facts(
        at=now,
        told=transparency.tell(session, settings, now),
        rules=len(session.exec(select(WatchRule.id).where(col(WatchRule.enabled).is_(True))).all()),
        places=len(session.exec(select(Place.id)).all()),
        accounts=sorted({NETWORKS[one.network].label for one in accounts.connected(session)}),
        channels=sorted({one.kind for one in session.exec(select(AlertChannel)) if one.active}),
        roles={role: sum(role in its for its in held) for role in Role},
        holds=len(legal_holds.in_force(session)),
    )


def language_of(settings: Settings) -> str:
    """The language that the document is written in: the department's if there are words for it, else English."""
    return settings.department.language if settings.department.language in _PAGES else "en"


def to_say(settings: Settings) -> str:
    """What stands before everything that only the department can say."""
    return TO_SAY[language_of(settings)]


def written(found: Facts, settings: Settings) -> str:
    """The document, Markdown."""
    language = language_of(settings)
    page = templates.environment(FOLDER).get_template(_PAGES[language])
    words = _HELD[language]
    held = [f"{number} {words[role][number != 1]}" for role, number in found.roles.items() if number]
    mail = settings.smtp_url.get_secret_value().split(":")[0] if settings.smtp_url is not None else ""
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return page.render(
        values | {"held": held, "auditors": found.roles[Role.AUDITOR]},
        settings=settings,
        mail=mail,
        to_say=to_say(settings),
    )
