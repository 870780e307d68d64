"""The practice board: a network inside the installation, to learn on. Nothing on it is public.

It plays a remote network: it keeps posts in transactions of its own, and sending one twice by its key is harmless."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import clock, database
from networks.network import (
    AuthorId,
    Connection,
    Limits,
    Listener,
    Network,
    Outgoing,
    OwnPost,
    Page,
    Policy,
    Publisher,
    Reach,
    ReachPage,
    ReachReader,
    Receipt,
    Rejected,
    RemoteMention,
    SourceKind,
    Witness,
    Witnessed,
)
from networks.tables import Account, PracticePost

PRACTICE = "practice"  # what is heard and published there is counted for nobody outside
PAGE = 100


class _Board:
    """One account's view of the board, as a listener and as a publisher."""

    def __init__(self, connection: Connection) -> None:
        self._engine: sa.Engine = connection.engine
        self._account_id = connection.account_id

    def mentions(self, cursor: str | None) -> Page:
        """Residents' posts after the cursor (the last id that was read)."""
        after = int(cursor or 0)
        with database.reading(self._engine) as session:
            rows = session.exec(
                select(PracticePost)
                .where(col(PracticePost.id) > after, col(PracticePost.account_id).is_(None))
                .order_by(col(PracticePost.id))
                .limit(PAGE)
            ).all()
        found = [
            RemoteMention(
                remote_id=str(row.id),
                text=row.text,
                posted_at=row.posted_at,
                author_id=row.author,
                language=row.language or None,
                url=f"/board#post-{row.id}",
            )
            for row in rows
        ]
        return Page(found, cursor=found[-1].remote_id if found else cursor, more=len(found) == PAGE)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Puts the post on the board; the same key again gives the same receipt."""
        if self._account_id is None:
            raise Rejected("the practice board needs an account to post from")
        now = clock.now()
        with database.writing(self._engine) as session:
            account = session.get(Account, self._account_id)
            session.exec(
                database.upsert(session, PracticePost)
                .values(
                    key=outgoing.key,
                    account_id=self._account_id,
                    author=account.name if account is not None else "",
                    text=outgoing.text,
                    language=outgoing.language,
                    reply_to=int(outgoing.reply_to) if outgoing.reply_to else None,
                    pictures=[picture.alt for picture in outgoing.pictures],
                    posted_at=now,
                )
                .on_conflict_do_nothing(index_elements=["key"])
            )
        found = self.find(outgoing)
        if found is None:
            raise Rejected("the board did not keep the post")
        return found

    def remove(self, remote_id: str) -> None:
        """Takes one of our posts off the board, with the answers to it cut loose."""
        with database.writing(self._engine) as session:
            row = session.get(PracticePost, int(remote_id))
            if row is None or row.account_id != self._account_id:
                return
            for answer in session.exec(select(PracticePost).where(PracticePost.reply_to == row.id)):
                answer.reply_to = None
                session.add(answer)
            session.flush()
            session.delete(row)

    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        """Exact: the board is here."""
        numbers = [int(remote_id) for remote_id in remote_ids if remote_id.isdecimal()]
        with database.reading(self._engine) as session:
            there = set(session.exec(select(PracticePost.id).where(col(PracticePost.id).in_(numbers))))
        return Witnessed(frozenset(str(number) for number in numbers if number not in there))

    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        """How many answers stand below each of our posts. The board counts nothing else, and invents nothing."""
        numbers = [int(one.remote_id) for one in ours if one.remote_id.isdecimal()]
        with database.reading(self._engine) as session:
            there = set(session.exec(select(PracticePost.id).where(col(PracticePost.id).in_(numbers))))
            answered = dict(
                session.exec(
                    select(PracticePost.reply_to, sa.func.count())
                    .where(col(PracticePost.reply_to).in_(numbers))
                    .group_by(col(PracticePost.reply_to))
                ).all()
            )
        return ReachPage(
            {str(number): Reach(replies=answered.get(number, 0)) if number in there else None for number in numbers}
        )

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """Exact: by key."""
        with database.reading(self._engine) as session:
            row = session.exec(select(PracticePost).where(PracticePost.key == outgoing.key)).one_or_none()
        return None if row is None else Receipt(str(row.id), f"/board#post-{row.id}", row.posted_at)


def _listener(connection: Connection) -> Listener:
    return _Board(connection)


def _publisher(connection: Connection) -> Publisher:
    return _Board(connection)


def _witness(connection: Connection) -> Witness:
    return _Board(connection)


def _reach(connection: Connection) -> ReachReader:
    return _Board(connection)


NETWORK = Network(
    name=PRACTICE,
    label="Practice board",
    policy=Policy(notes="Inside this installation; nothing on it is public."),
    limits=Limits(length=500, pictures=4),
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    reach=_reach,
    author_id=AuthorId(r".+", "Ana"),
    kinds=(SourceKind("mentions", "Residents' posts on the practice board", account="none", every_seconds=15),),
    threads=True,
)


def post_as_resident(
    session: Session, author: str, text: str, now: datetime, language: str = "", reply_to: int | None = None
) -> PracticePost:
    """A post by somebody who practises being a resident; `reply_to`: the number of the post that it answers. Raises
    Rejected for an empty or too long one."""
    words = text.replace("\x00", "").strip()
    if not words:
        raise Rejected("There is no text yet.")
    if len(words) > 500:
        raise Rejected(f"The text is {len(words) - 500} characters too long; the board takes 500.")
    row = PracticePost(
        key=f"resident-{uuid4()}",
        author=author.strip() or "resident",
        text=words,
        language=language,
        reply_to=reply_to,
        posted_at=now,
    )
    session.add(row)
    session.flush()
    return row


def board(session: Session, limit: int = 50) -> list[PracticePost]:
    """The newest posts, newest first: by their time, which the sample town's posts have of their own."""
    newest = (col(PracticePost.posted_at).desc(), col(PracticePost.id).desc())
    return list(session.exec(select(PracticePost).order_by(*newest).limit(limit)))
