"""A post's pictures: kept as they were written anew, described in words, part of what an approval is bound to."""

import hashlib
from datetime import datetime

from sqlmodel import Session

from networks.network import Picture
from posts import drafts
from posts.tables import Post, PostPicture
from posts.workflow import WrongState

MOST = 10  # of a post; each network has its own, lower limit


def add(session: Session, post_id: int, person_id: int, picture: Picture, now: datetime) -> PostPicture:
    """Adds a picture at the end (networks.pictures.read made it). Raises WrongState when there are enough."""
    post = drafts.locked(session, post_id)
    there = drafts.pictures_of(session, post)
    if len(there) >= MOST:
        raise WrongState(f"A post has at most {MOST} pictures.")
    added = PostPicture(
        post_id=post_id,
        position=there[-1].position + 1 if there else 0,
        alt=picture.alt.strip(),
        data=picture.data,
        mime=picture.mime,
        width=picture.width,
        height=picture.height,
        digest=hashlib.sha256(picture.data).hexdigest(),
    )
    session.add(added)
    session.flush()
    drafts.changed(session, post, person_id, now)
    return added


def take_out(session: Session, post_id: int, person_id: int, picture_id: int, now: datetime) -> Post:
    """Takes a picture out of a post. Raises WrongState if it is not there."""
    post = drafts.locked(session, post_id)
    found = session.get(PostPicture, picture_id)
    if found is None or found.post_id != post_id or found.taken_out:
        raise WrongState("This post has no such picture.")
    found.taken_out = True
    session.add(found)
    session.flush()
    return drafts.changed(session, post, person_id, now)


def as_sent(picture: PostPicture) -> Picture:
    """A picture as a network module takes it."""
    return Picture(picture.data, picture.mime, picture.width, picture.height, picture.alt)
