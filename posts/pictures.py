"""A post's pictures: kept as they were written anew, described in words, part of what an approval is bound to."""

import hashlib
from datetime import datetime

from sqlmodel import Session

from config.phrases import Phrase
from networks import pictures
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
        raise WrongState(Phrase("A post has at most %(most)s pictures.", most=MOST))
    added = _row(post_id, there[-1].position + 1 if there else 0, picture)
    session.add(added)
    session.flush()
    drafts.changed(session, post, person_id, now)
    return added


def crop(
    session: Session, post_id: int, person_id: int, picture_id: int, shape: str, focus: int, now: datetime
) -> PostPicture:
    """Puts a part of a picture (networks.pictures.cropped) in its place, or the whole again where `shape` is empty.

    It is always cut from the whole, which stays with the older versions. Raises WrongState if it is not there."""
    post = drafts.locked(session, post_id)
    there = _there(session, post_id, picture_id)
    whole = session.get(PostPicture, there.cropped_from_id) if there.cropped_from_id is not None else there
    if whole is None or (not shape and whole is there):
        return there
    there.taken_out = True
    if shape:
        put = _row(post_id, there.position, pictures.cropped(as_sent(whole), shape, focus))
        put.cropped_from_id = whole.id
    else:
        put = whole
        put.taken_out = False
    put.alt = there.alt
    session.add_all((there, put))
    session.flush()
    drafts.changed(session, post, person_id, now)
    return put


def take_out(session: Session, post_id: int, person_id: int, picture_id: int, now: datetime) -> Post:
    """Takes a picture out of a post. Raises WrongState if it is not there."""
    post = drafts.locked(session, post_id)
    found = _there(session, post_id, picture_id)
    found.taken_out = True
    session.add(found)
    session.flush()
    return drafts.changed(session, post, person_id, now)


def as_sent(picture: PostPicture) -> Picture:
    """A picture as a network module takes it."""
    return Picture(picture.data, picture.mime, picture.width, picture.height, picture.alt)


def _there(session: Session, post_id: int, picture_id: int) -> PostPicture:
    found = session.get(PostPicture, picture_id)
    if found is None or found.post_id != post_id or found.taken_out:
        raise WrongState("This post has no such picture.")
    return found


def _row(post_id: int, position: int, picture: Picture) -> PostPicture:
    return PostPicture(
        post_id=post_id,
        position=position,
        alt=picture.alt.strip(),
        data=picture.data,
        mime=picture.mime,
        width=picture.width,
        height=picture.height,
        digest=hashlib.sha256(picture.data).hexdigest(),
    )
