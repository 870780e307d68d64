"""The records export: our own posts with every version, approval, reply and receipt, and the audit log with its chain,
as a BagIt package (RFC 8493) that opens in any browser. No name, no reference and no key of anybody who wrote to us; of
other people's words only those that a legal hold keeps, and those that led to an action and stay with it."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import bagit
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from config import chain, database, legal_holds, people, templates
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, AuditSeal
from listeners import contexts
from listeners.tables import Mention
from networks.tables import Account
from posts import drafts, heard, questions, queue, reach
from posts.queue import PostDetail
from posts.tables import Heard, Post, Question, QuestionAnswer, UnitAction
from scheduler.jobs import expiry, records

FOLDER = Path(__file__).parent / "records_templates"
_AT_ONCE = 500


class ExportRefused(ValueError):
    """Nothing was written; the message says why."""


def write(
    engine: sa.Engine,
    settings: Settings,
    keys: Keys,
    out: Path,
    now: datetime,
    step: Callable[[int], None],
    only: int | None = None,
) -> int:
    """Writes the package to the folder `out`, beside first and then renamed; how many posts. `only` one post: with the
    entries of the log that are about it; whom it does not name, what is held and the rest of the log stay out. Raises
    ExportRefused when something is there already."""
    if out.exists():
        raise ExportRefused(f"{out} is there already; give another name or move it away")
    out.parent.mkdir(parents=True, exist_ok=True)
    verdict = records.walk(engine, keys)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".liaison-records-") as name:
        folder = Path(name) / "bag"
        (folder / "posts").mkdir(parents=True)
        page = templates.environment(FOLDER, settings.department.language)
        around = {"language": settings.department.language, "department": settings.department.name}
        listed = []
        with database.reading(engine) as session:
            names = {people.known_id(one): one.name for one in people.all_people(session)}
            accounts = {one.id or 0: f"{one.name} ({one.network})" for one in session.exec(select(Account))}
            every = select(Post.id).order_by(col(Post.id))
            for number in session.exec(every if only is None else every.where(Post.id == only)).all():
                detail = queue.post_detail(session, number or 0)
                if detail is None:
                    continue
                values = _post(session, detail, names, accounts, folder / "posts")
                listed.append(values["post"])
                _json(folder / "posts" / f"{number}.json", values)
                html = page.get_template("post.html").render(around | values)
                (folder / "posts" / f"{number}.html").write_text(html, encoding="utf-8")
                session.expunge_all()  # pictures of years must not be held
                step(1)
            if only is None:
                _json(folder / "people.json", names)
                _json(folder / "legal_holds.json", [_row(one) for one in legal_holds.all_holds(session)])
                _json(folder / "held_mentions.json", _held_mentions(session))
                _json(folder / "held_answers.json", _held_answers(session))
                _json(folder / "held_notes.json", _held_notes(session, settings))
            asked = _actions(session, names, only)
            _json(folder / "actions.json", asked)
            _lines(folder / "audit.jsonl", _log(session, only))
        index = page.get_template("index.html").render(
            around,
            posts=listed,
            made=now.isoformat(timespec="seconds"),
            sealed=verdict.sealed,
            head=verdict.head,
            only=only,
            actions=asked,
        )
        (folder / "index.html").write_text(index, encoding="utf-8")
        told = {
            "Source-Organization": settings.department.name,
            "External-Description": "Posts, versions, approvals, replies, receipts, audit log",
            "Bagging-Date": now.date().isoformat(),
            "Audit-Log-Entries": str(verdict.sealed),
            "Audit-Log-Head": verdict.head,
            "Audit-Log-Altered-Places": str(len(verdict.wrong)),
            "Audit-Log-Seals-Of-Lost-Key": str(verdict.of_lost_key),
        }
        bagit.make_bag(str(folder), told, checksums=["sha256"])
        folder.chmod(0o700)
        shutil.move(folder, out)
    return len(listed)


def zipped(
    engine: sa.Engine, settings: Settings, keys: Keys, folder: Path, now: datetime, only: int | None = None
) -> Path:
    """The package as one file in `folder`."""
    write(engine, settings, keys, folder / "records", now, lambda _: None, only)
    return Path(shutil.make_archive(str(folder / "records"), "zip", folder, "records"))


def _post(
    session: Session, detail: PostDetail, names: dict[int, str], accounts: dict[int, str], folder: Path
) -> dict[str, Any]:
    post = detail.post
    pictures = []
    for one in drafts.pictures_of(session, post):
        file = f"{post.id}-{one.id}.{'png' if one.mime == 'image/png' else 'jpg'}"
        (folder / file).write_bytes(one.data)
        pictures.append({"file": file, "alt": one.alt, "sha256": one.digest})
    targets = [
        _row(one, "reply_to", "lease_until", "memory", "key") | {"account": accounts.get(one.account_id, "")}
        for one in detail.targets
    ]
    story: list[dict[str, Any]] = [
        *(
            {"at": one.saved_at, "what": f"version {one.revision}", "who": names.get(one.saved_by, ""), "words": ""}
            for one in detail.versions
        ),
        *(
            {"at": one.at, "what": one.decision, "who": names.get(one.person_id, ""), "words": one.comment}
            for one in detail.reviews
        ),
        *(
            {"at": one.started_at, "what": f"{one.kind}: {one.outcome or ''}", "who": "", "words": one.detail}
            for one in detail.attempts
        ),
    ]
    return {
        "post": _row(post) | {"author": names.get(post.author_id, "")},
        "variants": [_row(one) | {"account": accounts.get(one.account_id, "")} for one in detail.variants],
        "versions": [_row(one) for one in detail.versions],
        "reviews": [_row(one) for one in detail.reviews],
        "targets": targets,
        "attempts": [_row(one) for one in detail.attempts],
        "reach": [
            _row(one.reach) | {"account": accounts.get(one.account.id or 0, "")}
            for one in reach.of_post(session, post.id or 0)
        ],
        "pictures": pictures,
        "story": [one | {"at": one["at"].isoformat()} for one in sorted(story, key=lambda one: str(one["at"]))],
    }


def _held_mentions(session: Session) -> list[dict[str, Any]]:
    """What others wrote and a legal hold keeps: no author, no reference, no key."""
    if not legal_holds.in_force(session):
        return []
    query = select(Mention).where(expiry.held_mentions(session), col(Mention.text).is_not(None))
    fields = ("id", "network", "posted_at", "language", "text")
    rows = session.exec(query.order_by(col(Mention.id))).all()
    return [{name: _value(getattr(row, name)) for name in fields} for row in rows]


def _held_answers(session: Session) -> list[dict[str, Any]]:
    """What was answered to questions and a legal hold keeps; nothing of who answered was ever there."""
    held = questions.said_within(expiry.held_periods(session))
    query = (
        select(QuestionAnswer, Question.text)
        .join(Question, col(Question.id) == col(QuestionAnswer.question_id))
        .where(held, col(QuestionAnswer.words).is_not(None))
        .order_by(col(QuestionAnswer.id))
    )
    fields = ("id", "question_id", "said_at", "words")
    rows = session.exec(query).all()
    return [{name: _value(getattr(row, name)) for name in fields} | {"question": asked} for row, asked in rows]


def _held_notes(session: Session, settings: Settings) -> list[dict[str, Any]]:
    """What was said in person and a legal hold keeps; nobody's name."""
    held = heard.heard_within(expiry.held_days(session, settings))
    query = select(Heard).where(held, col(Heard.words).is_not(None))
    fields = ("id", "heard_on", "channel", "where", "language", "people", "words")
    rows = session.exec(query.order_by(col(Heard.id))).all()
    return [{name: _value(getattr(row, name)) for name in fields} for row in rows]


def _actions(session: Session, names: dict[int, str], only: int | None) -> list[dict[str, Any]]:
    """What units were asked for and what came of it, with the words that led to it where they are kept; the action
    that one post tells, if that is asked for."""
    query = select(UnitAction).order_by(col(UnitAction.id))
    rows = session.exec(query if only is None else query.where(UnitAction.post_id == only)).all()
    kept = contexts.of_all(session)
    return [
        _row(one, "unit_mail") | {"asked_by_name": names.get(one.asked_by, ""), "context": kept.get(one.id or 0, [])}
        for one in rows
    ]


def _log(session: Session, only: int | None) -> Iterator[dict[str, Any]]:
    """The sealed entries, in the order of the chain; those about one post if it is asked for."""
    about = [] if only is None else [col(AuditEntry.subject) == f"post:{only}"]
    last = 0
    while True:
        query = (
            select(AuditSeal, AuditEntry)
            .join(AuditEntry, col(AuditEntry.id) == AuditSeal.entry_id)
            .where(AuditSeal.position > last, *about)
            .order_by(col(AuditSeal.position))
            .limit(_AT_ONCE)
        )
        rows = session.exec(query).all()
        for sealed, entry in rows:
            yield {"position": sealed.position, "hash": sealed.hash.hex(), "entry": chain.written(entry)}
        if not rows:
            return
        last = rows[-1][0].position


def _row(row: SQLModel, *but: str) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.model_dump().items() if name not in but}


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8", errors="backslashreplace")


def _lines(path: Path, values: Iterator[dict[str, Any]] | Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as out:
        for value in values:
            out.write(json.dumps(value, ensure_ascii=False) + "\n")
