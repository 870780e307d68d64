"""Who may do what: one table of role x action. Every route names the action it needs (web.guard)."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    OFFICER = "officer"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    AUDITOR = "auditor"


class Action(StrEnum):
    READ_FIGURES = "read_figures"  # Today, concerns, alerts, reports
    READ_MENTIONS = "read_mentions"
    TRIAGE = "triage"  # assign, snooze, done, correct a label, take an alert
    READ_POSTS = "read_posts"
    WRITE_POSTS = "write_posts"
    APPROVE_POSTS = "approve_posts"  # never one's own: posts.workflow
    PLACE_HOLD = "place_hold"
    LIFT_HOLD = "lift_hold"
    READ_STATUS = "read_status"  # what runs and what is short
    MANAGE = "manage"  # accounts, sources, channels, retention
    MANAGE_PEOPLE = "manage_people"  # who comes in, and as what: apart, so that no program has it by the way
    READ_AUDIT = "read_audit"
    READ_RECORDS = "read_records"  # what is kept how long, legal holds, the export of our own posts
    KEEP_RECORDS = "keep_records"  # place and lift legal holds
    OWN_ACCOUNT = "own_account"  # one's own settings, sign-out, tokens


_READ = {Action.READ_FIGURES, Action.OWN_ACCOUNT}

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.OFFICER: frozenset(
        _READ | {Action.READ_MENTIONS, Action.TRIAGE, Action.READ_POSTS, Action.WRITE_POSTS, Action.PLACE_HOLD}
    ),
    Role.APPROVER: frozenset(
        _READ
        | {Action.READ_MENTIONS, Action.READ_POSTS, Action.APPROVE_POSTS, Action.PLACE_HOLD, Action.LIFT_HOLD}
        | {Action.READ_STATUS}
    ),
    Role.ADMINISTRATOR: frozenset(
        _READ
        | {Action.MANAGE, Action.MANAGE_PEOPLE, Action.READ_STATUS, Action.READ_POSTS}
        | {Action.READ_RECORDS, Action.KEEP_RECORDS}
    ),
    Role.ANALYST: frozenset(_READ),
    Role.AUDITOR: frozenset({Action.READ_AUDIT, Action.READ_RECORDS, Action.OWN_ACCOUNT}),
}


def may(roles: Iterable[Role], action: Action) -> bool:
    """Whether anyone with these roles may do this."""
    return any(action in ALLOWED[role] for role in roles)
