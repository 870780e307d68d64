"""What roles and rights are called: on the pages of people and accounts, and where something is refused."""

from collections.abc import Collection, Iterable

from config.permissions import Action, Role, may
from config.phrases import Phrase

ROLES = {
    Role.OFFICER: Phrase("Officer"),
    Role.APPROVER: Phrase("Approver"),
    Role.ADMINISTRATOR: Phrase("Administrator"),
    Role.ANALYST: Phrase("Analyst"),
    Role.AUDITOR: Phrase("Auditor"),
}
RIGHTS = {
    Action.READ_FIGURES: Phrase("read figures, concerns, alerts and reports"),
    Action.READ_MENTIONS: Phrase("read mentions"),
    Action.TRIAGE: Phrase("take, tag and correct mentions; take alerts"),
    Action.READ_POSTS: Phrase("read our posts"),
    Action.WRITE_POSTS: Phrase("write posts"),
    Action.APPROVE_POSTS: Phrase("approve what others wrote"),
    Action.PLACE_HOLD: Phrase("hold all posts"),
    Action.LIFT_HOLD: Phrase("lift a hold"),
    Action.READ_STATUS: Phrase("see what runs"),
    Action.MANAGE: Phrase("manage accounts, sources and channels"),
    Action.MANAGE_PEOPLE: Phrase("invite people and give them roles"),
    Action.READ_AUDIT: Phrase("read the audit log"),
    Action.READ_RECORDS: Phrase("read and export records"),
    Action.KEEP_RECORDS: Phrase("place and lift legal holds"),
    Action.OWN_ACCOUNT: Phrase("change your own settings"),
}


def refusal(right: Action, roles: Collection[Role]) -> Phrase:
    """Why somebody with these roles may not, and who may. Roles that would do: then it is their token that lacks it."""
    if may(roles, right):
        return Phrase("This token lacks a scope: %(right)s.", right=RIGHTS[right])
    able = _listed(role for role in Role if may([role], right))
    if not roles:
        return Phrase("Who may %(right)s: %(able)s. You have no role yet.", right=RIGHTS[right], able=able)
    return Phrase(
        "Who may %(right)s: %(able)s. You are here as: %(roles)s.",
        right=RIGHTS[right],
        able=able,
        roles=_listed(role for role in Role if role in roles),
    )


def _listed(roles: Iterable[Role]) -> Phrase:
    named = {f"role_{role}": ROLES[role] for role in roles}
    return Phrase(", ".join(f"%({place})s" for place in named), **named)
