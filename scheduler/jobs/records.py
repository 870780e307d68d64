"""The audit log sealed every minute, and its whole chain walked once a day; administrators and auditors are told by
mail where it does not hold."""

from datetime import datetime
from email.message import EmailMessage

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select

from config import audit, chain, database, key_mark, letters, people, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from config.translations import translate

log = structlog.get_logger(__name__)
AT_ONCE = 1000  # entries in one transaction, so that nobody waits long


def seal(engine: sa.Engine, settings: Settings, _now: datetime) -> int:
    """Seals what came since the last time; how many entries."""
    return _sealed(engine, secrets.load(settings), everything=False)


def walk(engine: sa.Engine, keys: Keys, head: str = "") -> chain.Verdict:
    """Seals what is left over, however old, and walks the chain. Writes nothing else. Raises SecretKeyError."""
    _sealed(engine, keys, everything=True)
    with database.reading(engine) as session:
        return chain.verify(session, keys, head)


def check(engine: sa.Engine, settings: Settings, now: datetime) -> chain.Verdict:
    """The nightly walk, against the end that the last good one noted: what one night found is found each night until
    the log is whole again, and nobody can wave it away. Its outcome is an entry of the log itself."""
    keys = secrets.load(settings)
    with database.reading(engine) as session:
        head = good_end(session)
    verdict = walk(engine, keys, head)
    with database.writing(engine) as session:
        detail = {"sealed": verdict.sealed, "head": verdict.head, "wrong": len(verdict.wrong)}
        detail |= {"of_lost_key": verdict.of_lost_key} if verdict.of_lost_key else {}
        audit.record(session, now, None, "records.verify", "audit", detail)
        if verdict.wrong:
            log.error("audit_log_altered", places=len(verdict.wrong), first=verdict.wrong[0].words)
            told = {
                one.email: one for role in (Role.ADMINISTRATOR, Role.AUDITOR) for one in people.with_role(session, role)
            }
            for email, person in told.items():
                key = f"records-altered:{now:%Y%m%d}:{person.id}"
                message = _message(verdict, person.language)
                letters.put(session, message, key=key, kind="records", recipient=email, settings=settings, now=now)
    return verdict


def good_end(session: Session) -> str:
    """The end of the chain that the last good walk noted; empty: there was none yet."""
    good = AuditEntry.action == "records.verify", col(AuditEntry.detail)["wrong"].as_integer() == 0
    noted = session.exec(select(AuditEntry).where(*good).order_by(col(AuditEntry.id).desc()).limit(1)).first()
    return str(noted.detail.get("head", "")) if noted is not None else ""


def of_lost_key(number: int) -> str:
    return "1 seal is of a lost key" if number == 1 else f"{number} seals are of a lost key"


def _sealed(engine: sa.Engine, keys: Keys, *, everything: bool) -> int:
    """Raises SecretKeyError. A process that still has a key that was given up would make seals that no walk takes for
    genuine, and take all others for changed."""
    total = 0
    while True:
        with database.writing(engine) as session:
            key_mark.refuse_given_up(session, keys)
            number = chain.seal(session, keys, AT_ONCE, everything=everything)
        total += number
        if number < AT_ONCE:
            return total


def _message(verdict: chain.Verdict, language: str) -> EmailMessage:
    _ = translate(language).gettext
    place = _("- place %(position)s of the chain, entry %(entry)s: %(why)s")
    places = [
        place % {"position": one.position or "?", "entry": one.entry_id or "?", "why": one.words.told(_)}
        for one in verdict.wrong[:20]
    ]
    words = _(
        "Last night's check of the audit log found that it is not what was written:\n\n"
        "%(places)s\n\n"
        "Nothing was changed by the check, and the desk goes on. Keep the store as it is, make a backup of it now, and "
        "compare these entries with an older backup or export: liaison verify records prints every place. This mail "
        "comes every day until the log is whole again."
    )
    message = EmailMessage()
    message["Subject"] = _("The audit log was altered")
    message.set_content(words % {"places": "\n".join(places)} + "\n")
    return message
