"""A post's story in order: who saved, who judged, what was tried, what came of it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.tables import AuditEntry
from posts import reasons
from posts.queue import PostDetail

AT_ONCE = timedelta(minutes=1)  # from a save to sending it: one deed of one person
_OURS = ("post.submit", "post.schedule")


@dataclass(frozen=True)
class Event:
    """One line of the story. `ours`: something was done; else it was asked for, or went wrong."""

    at: datetime
    words: str
    who: str = ""
    text: str = ""
    ours: bool = True
    href: str = ""  # where `text` is an address


def told(detail: PostDetail, names: Mapping[int, str], translate: Callable[[str], str]) -> list[Event]:
    """Every event, oldest first; of one moment as a post goes: written, sent for approval, judged, timed, tried."""
    _ = translate
    moves = [
        (move.action, Event(move.at, words, names.get(move.person_id or 0, ""), ours=move.action in _OURS))
        for move in detail.moves
        if (words := _moved(move, _))
    ]
    decisions = {
        "approved": _("Approved"),
        "changes_asked": _("Changes asked for"),
        "comment": _("Comment"),
        "signed_off": _("Read and signed off"),
    }
    outcomes = {
        "published": _("Sent"),
        "found": _("Found on the network: it was sent"),
        "absent": _("Not on the network: it was not sent"),
        "rejected": _("The network refused it"),
        "rate_limited": _("The network asked to wait"),
        "signed_out": _("The account must be connected again"),
        "unavailable": _("The network could not be reached"),
        "held": _("Held back: the hold was on"),
        "not begun": _("Put back before it began"),
        "unknown": _("No answer came; it has to be looked up"),
        "removed": _("Taken down on the network"),
        "second_receipt": _("The network has it twice: look at both, and delete one there"),
    }
    events = [
        Event(
            version.saved_at,
            _("Written") if version.revision == 1 else _("Saved"),
            names.get(version.saved_by, ""),
        )
        for version in detail.versions
    ]
    events += [event for action, event in moves if action == "post.submit"]
    events += [
        Event(
            review.at,
            decisions.get(review.decision, review.decision),
            names.get(review.person_id, ""),
            review.comment,
            ours=review.decision in ("approved", "signed_off"),
        )
        for review in detail.reviews
    ]
    events += [event for action, event in moves if action != "post.submit"]
    events += [
        Event(
            attempt.finished_at or attempt.started_at,
            outcomes.get(attempt.outcome or "", attempt.outcome or _("Under way")),
            text=reasons.read(attempt.detail).told(_) if attempt.detail else "",
            href=attempt.detail if attempt.outcome == "second_receipt" and _is_address(attempt.detail) else "",
            ours=attempt.outcome in ("published", "found", "removed"),
        )
        for attempt in detail.attempts
    ]
    return _without_runs(events, _("Saved"), _("Sent for approval"))


def _is_address(words: str) -> bool:
    return words.startswith(("https://", "http://"))


def _moved(move: AuditEntry, translate: Callable[[str], str]) -> str:
    """What a move was, in words; none for a time that a draft is given, which its saves tell."""
    _ = translate
    there = (move.detail.get("from"), move.detail.get("to"))
    match move.action:
        case "post.submit":
            return _("Sent for approval")
        case "post.withdraw":
            return _("Taken back from approval")
        case "post.cancel":
            return _("Called off")
        case "post.lapse":
            return _("Not sent: its time came too soon")
        case "post.schedule" if there == ("scheduled", "scheduled"):
            return _("Moved to another time")
        case "post.schedule" if there == ("approved", "scheduled"):
            return _("Given its time")
        case "post.unschedule" if move.detail.get("from") == "scheduled":
            return _("Its time was taken away")
    return ""


def _without_runs(events: list[Event], saved: str, sent: str) -> list[Event]:
    """In order; of saves in a row by one person only the last, for a draft is saved every few seconds, and none where
    it was sent with that save."""
    kept: list[Event] = []
    for event in sorted(events, key=lambda each: each.at):
        again = bool(kept) and not event.text and (kept[-1].words, kept[-1].who) == (event.words, event.who)
        at_once = bool(kept) and (kept[-1].words, event.words, kept[-1].who) == (saved, sent, event.who)
        if again or (at_once and event.at - kept[-1].at < AT_ONCE):
            kept.pop()
        kept.append(event)
    return kept
