"""Actions: a concern handed to a unit until a day, how it ended, and the post that tells the public: you said, we did.

Nothing here is public before a post about it was approved and sent. Reminders are scheduler.jobs.action_reminders'."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit, mailboxes
from config.phrases import Phrase
from config.translations import translate
from posts import drafts, workflow
from posts.tables import Post, PostVersion, Target, UnitAction
from posts.workflow import DEAD, OPEN, UNSENT, Move, PostState, TargetState, WrongState

LONGEST = 1000  # characters of what was said, wanted, or came of it
SOON = 3  # days before its day that a reminder comes
WEEK = 7


class ActionState(StrEnum):
    OPEN = "open"
    DONE = "done"
    NOT_DONE = "not_done"  # with the reason, which is told too


class ActionMove(StrEnum):
    DONE = "done"
    NOT_DONE = "not_done"
    REOPEN = "reopen"


MOVES: Mapping[tuple[ActionState, ActionMove], ActionState] = MappingProxyType(
    {
        (ActionState.OPEN, ActionMove.DONE): ActionState.DONE,
        (ActionState.OPEN, ActionMove.NOT_DONE): ActionState.NOT_DONE,
        (ActionState.DONE, ActionMove.REOPEN): ActionState.OPEN,
        (ActionState.NOT_DONE, ActionMove.REOPEN): ActionState.OPEN,
    }
)


@dataclass(frozen=True)
class Told:
    """One line of the public list: words that were approved and went out, and where."""

    concern: str
    words: str
    at: datetime
    address: str | None  # on its network


def after(state: str, move: ActionMove) -> ActionState:
    """The state that a move leads to. Raises WrongState where it leads nowhere."""
    found = MOVES.get((ActionState(state), move))
    if found is None:
        raise WrongState("Somebody closed or opened this action since you looked.")
    return found


def hand_over(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    concern: str,
    said: str,
    wanted: str,
    unit: str,
    due_on: date,
    today: date,
    unit_mail: str = "",
    place_id: int | None = None,
    alert_id: int | None = None,
) -> UnitAction:
    """Hands a concern to a unit until `due_on`. Raises WrongState for what is missing, no address, or a day gone by."""
    given = {"said": said, "wanted": wanted, "unit": unit}
    if empty := [name for name, words in given.items() if not words.strip()]:
        raise WrongState("Say what people said, what is asked for, and of whom.", *empty)
    if long := [name for name in ("said", "wanted") if len(given[name]) > LONGEST]:
        about = Phrase("What was said and what is asked for have %(most)s characters at most.", most=LONGEST)
        raise WrongState(about, *long)
    _check_day(due_on, today)
    made = UnitAction(
        concern=concern,
        place_id=place_id,
        said=said.strip(),
        wanted=wanted.strip(),
        unit=" ".join(unit.split())[:80],  # it stands in the subjects of mails
        unit_mail=_address(unit_mail),
        due_on=due_on,
        alert_id=alert_id,
        asked_by=person_id,
        asked_at=now,
    )
    session.add(made)
    session.flush()
    _note(session, made, "hand_over", person_id, now, unit=made.unit, due=due_on.isoformat(), alert=alert_id)
    return made


def read(session: Session, action_id: int) -> UnitAction:
    """The action, for changing. Raises WrongState if there is none."""
    found = session.exec(select(UnitAction).where(UnitAction.id == action_id).with_for_update()).one_or_none()
    if found is None:
        raise WrongState("There is no such action.")
    return found


def move_day(session: Session, action_id: int, due_on: date, today: date, person_id: int, now: datetime) -> UnitAction:
    """Another day, with reminders of its own; the old one stays in the audit log."""
    found = read(session, action_id)
    if found.state != ActionState.OPEN:
        raise WrongState("This action is closed; open it again first.")
    _check_day(due_on, today)
    was, found.due_on = found.due_on, due_on
    session.add(found)
    _note(session, found, "move_day", person_id, now, was=was.isoformat(), due=due_on.isoformat())
    return found


def close(session: Session, action_id: int, done: bool, outcome: str, person_id: int, now: datetime) -> UnitAction:
    """Ends it: done, or not, each with what came of it in plain words. Raises WrongState without any. A post that tells
    another outcome, from before it was opened again, is its post no more, or needs a new approval."""
    found = read(session, action_id)
    state = after(found.state, ActionMove.DONE if done else ActionMove.NOT_DONE)
    if not outcome.strip() or len(outcome) > LONGEST:
        raise WrongState(Phrase("Say what came of it, in %(most)s characters at most.", most=LONGEST), "outcome")
    found.state, found.outcome = state.value, outcome.strip()
    found.closed_by, found.closed_at = person_id, now
    before = found.post_id
    _outdate(session, found, person_id, now)
    session.add(found)
    _note(session, found, state.value, person_id, now, **({} if before == found.post_id else {"told_before": before}))
    return found


def reopen(session: Session, action_id: int, person_id: int, now: datetime) -> UnitAction:
    """Open again; a post that told of it stays as it is."""
    found = read(session, action_id)
    found.state = after(found.state, ActionMove.REOPEN).value
    found.closed_by = found.closed_at = None
    session.add(found)
    _note(session, found, "reopen", person_id, now)
    return found


def tell(
    session: Session, action_id: int, accounts: Iterable[int], language: str, person_id: int, now: datetime
) -> Post:
    """The draft that tells what came of a closed action, to be worded and approved like any post; the one that is
    there, unless it was cancelled or refused for good. Raises WrongState while the action is open."""
    found = read(session, action_id)
    if found.state == ActionState.OPEN:
        raise WrongState("Say first what came of it; then it can be told.")
    there = session.get(Post, found.post_id) if found.post_id is not None else None
    if there is not None and there.state not in DEAD:
        return there
    message = words(found.said, found.outcome, done=found.state == ActionState.DONE, language=language)
    made = drafts.create(
        session,
        person_id,
        message,
        accounts,
        now,
        title=f"{translate(language).gettext('You said, we did')}: {found.unit}",
        category="you_said_we_did",
        language=language,
        concern=found.concern,
    )
    found.post_id = made.id
    session.add(found)
    _note(session, found, "tell", person_id, now, post=made.id)
    return made


def _outdate(session: Session, action: UnitAction, person_id: int, now: datetime) -> None:
    """Its post was drafted to tell another outcome: of one that is out, or was, the action is rid, so that a new one
    can tell this, and what is left of it does not go out; one that is not out yet loses its approval, and is there to
    be worded anew."""
    post = session.get(Post, action.post_id) if action.post_id is not None else None
    first = select(PostVersion).where(PostVersion.post_id == action.post_id, PostVersion.revision == 1)
    drafted = session.exec(first).first() if post is not None else None
    if post is None or drafted is None:
        return
    language = str(drafted.content.get("language", post.language))
    done = action.state == ActionState.DONE
    if drafted.content.get("message") == words(action.said, action.outcome, done=done, language=language):
        return
    states = session.exec(select(Target.state).where(Target.post_id == post.id)).all()
    if post.state not in OPEN or any(state not in UNSENT for state in states):
        with suppress(WrongState):  # all of it may be there
            drafts.cancel(session, post.id or 0, person_id, now)
        action.post_id = None
    elif (PostState(post.state), Move.WITHDRAW) in workflow.MOVES:
        drafts.withdraw(session, post.id or 0, person_id, now)


def words(said: str, outcome: str, *, done: bool, language: str) -> str:
    """The first wording of the post. Pure."""
    _ = translate(language).gettext
    did = _("You said: %(said)s\n\nWe did: %(outcome)s")
    looked = _("You said: %(said)s\n\nWe looked into it: %(outcome)s")
    pattern = did if done else looked
    return pattern % {"said": said, "outcome": outcome}


def reminder(due_on: date, today: date) -> str | None:
    """Which reminder an open action stands at: soon, today, or late and for how many weeks; none while there is time.
    Each is sent once, on whatever day it is first looked at."""
    left = (due_on - today).days
    if left > SOON:
        return None
    if left > 0:
        return "soon"
    return "today" if left == 0 else f"late-{(-left - 1) // WEEK}"


def near(today: date) -> sa.Select[Any]:
    """How many open actions stand at a reminder: for whoever asks more in one question."""
    soon = (col(UnitAction.state) == ActionState.OPEN.value, col(UnitAction.due_on) <= today + timedelta(days=SOON))
    return sa.select(sa.func.count()).select_from(UnitAction).where(*soon)


def open_ones(session: Session) -> list[UnitAction]:
    """What units still owe, the next due first."""
    query = select(UnitAction).where(UnitAction.state == ActionState.OPEN.value)
    return list(session.exec(query.order_by(col(UnitAction.due_on), col(UnitAction.id))))


def closed_ones(session: Session, limit: int = 200, before: tuple[datetime, int] | None = None) -> list[UnitAction]:
    """What has ended, the last first; `before`: when the last one that was read had ended, and its number."""
    query = select(UnitAction).where(UnitAction.state != ActionState.OPEN.value)
    if before is not None:
        query = query.where(sa.tuple_(col(UnitAction.closed_at), col(UnitAction.id)) < before)
    return list(session.exec(query.order_by(col(UnitAction.closed_at).desc(), col(UnitAction.id).desc()).limit(limit)))


def about(session: Session, concern: str, limit: int) -> list[UnitAction]:
    """What was asked about one concern, the last first."""
    query = select(UnitAction).where(UnitAction.concern == concern)
    return list(session.exec(query.order_by(col(UnitAction.asked_at).desc(), col(UnitAction.id).desc()).limit(limit)))


def of_alert(session: Session, alert_id: int) -> list[UnitAction]:
    """What was asked because of one alert, the first first."""
    return list(session.exec(select(UnitAction).where(UnitAction.alert_id == alert_id).order_by(col(UnitAction.id))))


def told(session: Session, limit: int = 100) -> list[Told]:
    """The public list, the last first: of each closed action the words that its post published, and nothing else."""
    rows = session.exec(
        select(UnitAction.concern, Target)
        .join(Target, col(Target.post_id) == col(UnitAction.post_id))
        .where(UnitAction.state != ActionState.OPEN.value, Target.state == TargetState.PUBLISHED.value)
        .order_by(col(Target.post_id).desc(), col(Target.account_id), col(Target.part))
    ).all()
    found: dict[int, list[tuple[str, Target]]] = {}
    for concern, target in rows:
        ours = found.setdefault(target.post_id, [])
        if not ours or ours[0][1].account_id == target.account_id:  # one account's words are enough
            ours.append((concern, target))
    made = [
        Told(
            ours[0][0],
            "\n\n".join(target.text for _, target in ours),
            ours[0][1].published_at or ours[0][1].due_at,
            ours[0][1].remote_url,
        )
        for ours in found.values()
    ]
    return sorted(made, key=lambda one: one.at, reverse=True)[:limit]


def note_context(session: Session, action_id: int, move: str, number: int, person_id: int, now: datetime) -> None:
    """The log says how much of what people wrote was kept with an action, or taken out; never whose or which."""
    audit.record(session, now, person_id, f"action.{move}", f"action:{action_id}", {"number": number})


def _check_day(due_on: date, today: date) -> None:
    if not today <= due_on <= today.replace(year=today.year + 2, day=1):
        raise WrongState("The day it is due is today or later, within two years.", "due_on")


def _address(given: str) -> str:
    if not given.strip():
        return ""
    try:
        return mailboxes.checked(given)
    except mailboxes.BadAddress as error:
        raise WrongState(Phrase(error.sentence, given=given.strip()), "unit_mail") from error


def _note(session: Session, action: UnitAction, move: str, person_id: int, now: datetime, **detail: object) -> None:
    audit.record(session, now, person_id, f"action.{move}", f"action:{action.id}", detail)
