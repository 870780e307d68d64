"""What is asked of each kind of post: who approves it, in which steps; how late it may go out; whether a blackout stops
it. The desk's own kinds are here, what an administrator changed of them is in the store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlmodel import Session, select

from config import audit
from config.phrases import Phrase
from posts.tables import Category
from posts.workflow import WrongState


@dataclass(frozen=True)
class Step:
    """One step of approval: any one of these people, or all of them. No people: any one approver."""

    people: tuple[int, ...] = ()
    everyone: bool = False  # all of `people`, not any one


@dataclass(frozen=True)
class Rules:
    """What holds for a kind of post."""

    label: str
    steps: tuple[Step, ...] = (Step(),)
    late: timedelta | None = None  # none: the installation's own limit
    over_blackout: bool = False


KINDS: Mapping[str, Rules] = MappingProxyType(
    {
        "general": Rules("General"),
        "safety": Rules("Safety", over_blackout=True),
        "urgent": Rules("Urgent safety update", over_blackout=True),
        "event": Rules("Event"),
        "answer": Rules("Answer"),
        "you_said_we_did": Rules("You said, we did"),
        "success_story": Rules("Success story"),
        "recruiting": Rules("Recruiting"),
    }
)
LATEST = timedelta(days=7)
MOST_STEPS = 5


def rules(session: Session) -> dict[str, Rules]:
    """Every kind with what holds for it now."""
    return as_kept(session.exec(select(Category)))


def as_kept(rows: Iterable[Category]) -> dict[str, Rules]:
    """Every kind with what these rows say of it."""
    found = dict(KINDS)
    for row in rows:
        if row.name in found:
            found[row.name] = _read(found[row.name], row)
    return found


def rules_of(session: Session, name: str) -> Rules:
    """What holds for one kind; for an unknown one what holds for general posts."""
    row = session.get(Category, name)
    known = KINDS.get(name, KINDS["general"])
    return known if row is None else _read(known, row)


def change(
    session: Session,
    name: str,
    *,
    steps: Sequence[Step],
    late: timedelta | None,
    over_blackout: bool,
    person_id: int,
    now: datetime,
) -> Rules:
    """Sets what holds for a kind from now on; approvals that were given stand. Raises WrongState for what cannot be."""
    if name not in KINDS:
        raise WrongState(f"There is no kind of post called {name}.")
    if not 1 <= len(steps) <= MOST_STEPS:
        raise WrongState(Phrase("Approval has one to %(most)s steps.", most=MOST_STEPS), "step_0")
    if name == "urgent" and not over_blackout:
        raise WrongState("An urgent safety update goes out on days of silence too.", "over_blackout")
    if nobody := [f"step_{number}" for number, step in enumerate(steps) if step.everyone and not step.people]:
        raise WrongState("Say who all must approve.", *nobody)
    if late is not None and not timedelta(minutes=1) <= late <= LATEST:
        raise WrongState("A post may be one minute to seven days late.", "late")
    row = session.get(Category, name) or Category(name=name)
    row.late_minutes = None if late is None else int(late / timedelta(minutes=1))
    row.over_blackout = over_blackout
    row.steps = [{"people": list(step.people), "everyone": step.everyone} for step in steps]
    session.add(row)
    session.flush()
    detail = {"steps": row.steps, "late_minutes": row.late_minutes, "over_blackout": over_blackout}
    audit.record(session, now, person_id, "category.change", f"category:{name}", detail)
    return _read(KINDS[name], row)


def signature(found: Rules) -> str:
    """What an approval is bound to of the steps it went through; empty where one approver is enough."""
    if found.steps == (Step(),):
        return ""
    return ";".join(("all:" if step.everyone else "any:") + ",".join(map(str, step.people)) for step in found.steps)


def leave(found: Rules) -> str:
    """What an approval is bound to of what a kind lets its posts do at their time; never empty."""
    late = "" if found.late is None else int(found.late / timedelta(minutes=1))
    return f"late:{late};silence:{int(found.over_blackout)}"


def _read(known: Rules, row: Category) -> Rules:
    steps = tuple(Step(tuple(step["people"]), bool(step["everyone"])) for step in row.steps)
    late = None if row.late_minutes is None else timedelta(minutes=row.late_minutes)
    return replace(known, steps=steps or known.steps, late=late, over_blackout=row.over_blackout)
