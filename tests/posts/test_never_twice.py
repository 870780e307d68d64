"""Whatever is edited, approved, lost or killed, in whatever order: never twice, never without approval of the words."""

import contextlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlmodel import Session, select

from config import database, holds, people, secrets
from config.permissions import Role
from config.tables import Person
from networks.network import OutcomeUnknown, RateLimited, Unavailable
from posts import claims, decide, drafts, lapsing, publishing
from posts.claims import Claim
from posts.tables import Post, Review, Target
from posts.workflow import DONE, EditConflict, NotAllowed, TargetState, WrongState
from tests.conftest import connected
from tests.posts.conftest import Desk, set_up
from tests.posts.square import Square, raising

LATE = timedelta(hours=2)
START = datetime(2026, 11, 24, 13, tzinfo=UTC)
FAULTS = st.sampled_from(
    ["none", "none", "lost reply", "cut off", "away", "limited", "slow", "killed before", "killed after"]
)
WORDS = st.sampled_from(["Coffee at nine.", "Coffee at ten.", "Road closed."])


class KilledError(BaseException):
    """The process dies here: nothing after it happens, nothing catches it."""


@pytest.fixture(scope="module", autouse=True)
def _a_store_to_copy(empty_store: Path) -> None:
    Publishing.empty_store = empty_store


class Publishing(RuleBasedStateMachine):
    """One post, three people, a network that loses replies, and processes that die."""

    empty_store: Path

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        store = Path(self.folder.name) / "liaison.db"
        shutil.copy(self.empty_store, store)
        engine = connected(f"sqlite:///{store}")
        self.now = START

        def person(session: Session, name: str, *roles: Role) -> Person:
            email = f"{name.split()[0].lower()}@riverton.example"
            return people.add_person(
                session, name=name, email=email, password=None, roles=roles, time_zone="UTC", now=START
            )

        self.desk: Desk = set_up(engine, secrets.for_tests(), START, person)
        self.square = Square()
        self.claims: list[Claim] = []
        self.post = self.desk.approved(after=timedelta())  # on its way at once: the interesting part

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.engine.dispose()
            self.folder.cleanup()

    @rule(words=WORDS, by=st.sampled_from(["officer", "approver", "second"]))
    def edit(self, words: str, by: str) -> None:
        with self._trying() as session:
            post = session.get_one(Post, self.post)
            drafts.save(
                session, self.post, getattr(self.desk, by), post.revision, message=words, title="Coffee",
                category="general", language="en", concern=None,
                wordings=dict.fromkeys(self.desk.accounts), now=self.now,
            )  # fmt: skip

    @rule()
    def submit(self) -> None:
        with self._trying() as session:
            drafts.submit(session, self.post, self.desk.officer, self.now)

    @rule(by=st.sampled_from(["officer", "approver", "second"]))
    def approve(self, by: str) -> None:
        with self._trying() as session:
            content = session.get_one(Post, self.post).content_hash
            drafts.approve(session, self.post, getattr(self.desk, by), content, self.now)

    @rule(minutes=st.integers(-30, 200))
    def move(self, minutes: int) -> None:
        with self._trying() as session:
            wall = (self.now + timedelta(minutes=minutes)).replace(tzinfo=None)
            drafts.schedule(session, self.post, self.desk.officer, wall, "UTC", self.now)

    @rule()
    def withdraw(self) -> None:
        with self._trying() as session:
            drafts.withdraw(session, self.post, self.desk.officer, self.now)

    @rule(on=st.sampled_from([False, False, False, True]))
    def hold(self, on: bool) -> None:
        with self._trying() as session:
            if on:
                holds.place(session, self.desk.officer, "wait", self.now)
            else:
                holds.lift(session, self.desk.approver, self.now)

    @rule(minutes=st.sampled_from([-10, 1, 3, 10, 60]))
    def clock_jumps(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(sent=st.booleans())
    def power_cut(self, sent: bool) -> None:
        """Everything stops, perhaps just after a post reached the network, and starts again when leases are over."""
        if self.claims:
            self._call("killed after" if sent else "killed before")
        self.claims.clear()
        self.now += claims.LEASE
        self.tick()

    @rule()
    def tick(self) -> None:
        claims.recover(self.desk.engine, self.now)
        with database.writing(self.desk.engine) as session:
            lapsing.lapse(session, self.now, LATE)
        self.claims += claims.claim(self.desk.engine, self.desk.keys, self.now)
        self.claims += claims.claim_look_ups(self.desk.engine, self.desk.keys, self.now)

    @rule(fault=FAULTS, which=st.integers(0, 3))
    def call(self, fault: str, which: int) -> None:
        """One claim is carried out, with something going wrong on the way or the process killed around the call."""
        self._call(fault, which)

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=4), minutes=st.sampled_from([1, 3, 20]))
    def time_goes_by(self, faults: list[str], minutes: int) -> None:
        """What most of the day is: a tick, its calls, some of which go wrong, and a while until the next."""
        self.tick()
        for fault in faults:
            self._call(fault)
        self.now += timedelta(minutes=minutes)
        self.tick()

    @rule(words=WORDS)
    def a_day_at_the_desk(self, words: str) -> None:
        """The words change, are handed in, approved and given a time."""
        self.edit(words, "officer")
        self.submit()
        self.approve("second")
        self.move(0)

    def _call(self, fault: str, which: int = 0) -> None:
        if not self.claims:
            return
        claim = self.claims.pop(which % len(self.claims))
        nothing: Callable[[], None] = lambda: None  # noqa: E731
        self.square.after = {
            "lost reply": raising(OutcomeUnknown("lost")),
            "killed after": raising(KilledError()),
        }.get(fault, nothing)
        self.square.before = {
            "cut off": raising(OutcomeUnknown("cut off")),
            "away": raising(Unavailable("away")),
            "limited": raising(RateLimited(self.now + timedelta(minutes=5))),
            "killed before": raising(KilledError()),
        }.get(fault, nothing)
        self.square.preparing = self._outlasted if fault == "slow" else nothing
        with contextlib.suppress(KilledError):
            publishing.run(self.desk.engine, claim, self.square, lambda: self.now)
        self.square.preparing = self.square.before = self.square.after = nothing

    def _outlasted(self) -> None:
        """Preparing took longer than the lease; meanwhile others looked it up, and perhaps sent it."""
        self.square.preparing = lambda: None
        self.now += claims.LEASE
        for _ in range(2):
            self.tick()
            while self.claims:
                self._call("none")
        self.edit("Road closed.", "officer")

    @rule(can=st.booleans())
    def network_can_tell(self, can: bool) -> None:
        self.square.can_look_up = can

    @rule(again=st.booleans())
    def a_person_decides(self, again: bool) -> None:
        """An officer looks at the network and says what is there."""
        with database.reading(self.desk.engine) as session:
            unknown = session.exec(select(Target).where(Target.state == TargetState.UNKNOWN)).all()
        sent = {post.key for post in self.square.posts}
        for target in unknown:
            decision = "it_is_there" if target.key in sent else "send_again" if again else "leave_it"
            with self._trying() as session:
                decide.decide(session, target.id or 0, self.desk.officer, decision, self.now)

    @invariant()
    def never_twice(self) -> None:
        if hasattr(self, "square"):
            keys = [post.key for post in self.square.posts]
            assert len(keys) == len(set(keys))
            assert len(keys) <= 2

    @invariant()
    def never_without_approval_of_those_words(self) -> None:
        if not hasattr(self, "square") or not self.square.posts:
            return
        with database.reading(self.desk.engine) as session:
            targets = {target.key: target for target in session.exec(select(Target))}
            approved = session.exec(select(Review).where(Review.decision == "approved")).all()
        by_another = {review.content_hash for review in approved if review.person_id != self.desk.officer}
        for sent in self.square.posts:
            assert sent.text == targets[sent.key].text
            assert targets[sent.key].content_hash in by_another

    @invariant()
    def nothing_published_is_missing_from_the_network(self) -> None:
        if not hasattr(self, "square"):
            return
        sent = {post.key for post in self.square.posts}
        with database.reading(self.desk.engine) as session:
            targets = session.exec(select(Target)).all()
        assert {target.key for target in targets if target.state == TargetState.PUBLISHED} <= sent
        settled = {target.key for target in targets if target.state in {state.value for state in DONE}}
        assert not {target.key for target in targets if target.key in settled and target.state != "published"} & sent

    def _trying(self) -> "_Trying":
        return _Trying(self)


class _Trying:
    """A write whose refusal by a rule is fine: the invariants say what must hold."""

    def __init__(self, machine: Publishing) -> None:
        self._writing = database.writing(machine.desk.engine)

    def __enter__(self) -> Session:
        return self._writing.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        self._writing.__exit__(kind, error, trace)  # type: ignore[arg-type]
        return isinstance(error, WrongState | NotAllowed | EditConflict)


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(
    max_examples=250 if settings.get_current_profile_name() == "long" else 20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
