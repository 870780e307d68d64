"""Tables of the posts room: posts, their variants, pictures and versions, approvals, targets and attempts."""

from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

import config.tables  # noqa: F401  (its tables are referred to by name)
import networks.tables  # noqa: F401  (its tables are referred to by name)
from config.database import UtcDateTime, empty_list


class Post(SQLModel, table=True):
    """One message of the department, with a variant for each account it goes to."""

    __table_args__ = (sa.UniqueConstraint("series_id", "series_time"), sa.Index("ix_post_concern", "concern", "id"))

    id: int | None = Field(default=None, primary_key=True)
    title: str
    category: str = "general"  # posts.categories.KINDS
    state: str = Field(default="draft", index=True)  # posts.workflow.PostState
    author_id: int = Field(foreign_key="person.id")
    message: str  # what variants follow until reworded
    language: str = "en"
    reply_to_mention_id: int | None = Field(default=None, index=True)  # no foreign key: the answer outlives the mention
    concern: str | None = None  # what it answers, for "You said, we did"
    wall_time: datetime | None = Field(default=None, sa_type=sa.DateTime)  # local, naive on purpose
    time_zone: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)  # derived from the two above
    series_id: int | None = Field(default=None, index=True)  # made by a series; no foreign key, a pattern is a post
    series_time: datetime | None = Field(default=None, sa_type=sa.DateTime)  # its wall time by the rule, wherever moved
    translation_of: int | None = Field(default=None, index=True)  # the post that says the same in another language
    urgent: str | None = None  # posts.urgent.Stage: goes out as soon as it is approved, over days of silence
    follows_id: int | None = Field(default=None, index=True)  # the post of ours that it answers wherever that is out
    asked: list[int] = Field(default_factory=empty_list, sa_type=sa.JSON)  # approvers whom the author asks by name
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # reviews before it do not count
    shows: dict[str, Any] | None = Field(
        default=None, sa_type=sa.JSON(none_as_null=True)
    )  # on a page of ours once it is
    # out: question, answer or event (posts.event_words.Facts). None: nothing, or made before that was approved with it
    leave: str | None = None  # what its kind lets it do at its time (posts.categories.leave); none: made before that
    content_hash: str = ""  # of what an approval is bound to (posts.workflow.content_hash)
    revision: int = 1  # moves with every save: two editors, the second is told
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Variant(SQLModel, table=True):
    """What one account will say; follows the post's message while text is null."""

    __table_args__ = (sa.UniqueConstraint("post_id", "account_id"),)

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    account_id: int = Field(foreign_key="account.id")
    text: str | None = None
    options: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  # those of its network: visibility, …


class PostPicture(SQLModel, table=True):
    """A picture of a post, for every account it goes to; decoded and written anew (networks.pictures)."""

    __tablename__ = "post_picture"

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    position: int
    alt: str = ""
    data: bytes
    mime: str
    width: int  # pixels
    height: int
    digest: str  # SHA-256 of data
    taken_out: bool = False  # of the post; older versions still name it
    cropped_from_id: int | None = None  # the whole picture of which this is a part


class PostVersion(SQLModel, table=True):
    """Every version kept, as it was when saved."""

    __tablename__ = "post_version"
    __table_args__ = (sa.UniqueConstraint("post_id", "revision"),)

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    revision: int
    saved_by: int = Field(foreign_key="person.id")
    saved_at: datetime = Field(sa_type=UtcDateTime)
    content_hash: str
    content: dict[str, Any] = Field(sa_type=sa.JSON)


class Review(SQLModel, table=True):
    """An approver's word on one exact content."""

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UtcDateTime)
    decision: str  # approved | changes_asked | comment | signed_off (a translation)
    content_hash: str
    final: bool = True  # an approval after which no step of its category is left
    comment: str = ""


class Target(SQLModel, table=True):
    """One post on one account, or one part of a thread there: what is claimed, sent, looked up. One row, whatever
    happens to the others; a later part waits for the one before it."""

    __table_args__ = (
        sa.UniqueConstraint("post_id", "account_id", "part"),
        sa.Index("ix_target_due", "state", "due_at"),
        sa.Index("ix_target_published", "published_at"),
        sa.Index(  # few of many published ones, asked for each second
            "ix_target_take_down",
            "state",
            "next_try_at",
            sqlite_where=sa.text("take_down_asked_at IS NOT NULL"),
            postgresql_where=sa.text("take_down_asked_at IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    part: int = 0  # of a thread, from 0; the first has the pictures
    state: str  # posts.workflow.TargetState
    due_at: datetime = Field(sa_type=UtcDateTime)
    next_try_at: datetime = Field(sa_type=UtcDateTime)
    key: str = Field(unique=True)  # idempotency key, made once, sent with every attempt
    content_hash: str  # what was approved and may be sent
    text: str
    options: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)
    reply_to: bytes | None = None  # sealed reference of what it answers
    reply_addressed: bool = True  # which named our account
    follows_id: int | None = None  # the post of ours to be answered; its first attempt settles that into reply_to
    over_hold_id: int | None = None  # the one hold that does not stop it, by a person's word
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = 0
    remote_id: str | None = None
    remote_url: str | None = None
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None
    memory: str | None = None  # what its network made that is not public yet (networks.network.Memory)
    found: list[dict[str, str]] = Field(default_factory=empty_list, sa_type=sa.JSON)  # what a look-up saw: may be it
    take_down_asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class TargetReach(SQLModel, table=True):
    """How a post fared on one account at an age, as its network counted it: counts alone, never who."""

    __tablename__ = "target_reach"

    target_id: int = Field(primary_key=True, foreign_key="target.id")
    age_hours: int = Field(primary_key=True)  # of posts.reach.AGES the last that it had reached
    read_at: datetime = Field(sa_type=UtcDateTime)
    views: int | None = None  # none: the network does not give it; so with the others
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    gone: bool = False  # the network says that it is not there any more


class ReachWatch(SQLModel, table=True):
    """How reading reach by an account goes: whether it worked, and when it is tried again."""

    __tablename__ = "reach_watch"

    account_id: int = Field(primary_key=True, foreign_key="account.id")
    last_ok_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0  # in a row
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None
    next_at: datetime = Field(sa_type=UtcDateTime)


class Attempt(SQLModel, table=True):
    """One call to a network, committed before it is made."""

    id: int | None = Field(default=None, primary_key=True)
    target_id: int = Field(foreign_key="target.id", index=True)
    number: int
    kind: str = "publish"  # publish | find | remove
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = None
    detail: str = ""


class Category(SQLModel, table=True):
    """What is asked of the posts of one kind, where it is not what posts.categories says."""

    name: str = Field(primary_key=True)
    late_minutes: int | None = None  # later than this is missed, not sent; none: the installation's own limit
    over_blackout: bool = False
    steps: list[dict[str, Any]] = Field(default_factory=empty_list, sa_type=sa.JSON)  # posts.categories.Step


class Slot(SQLModel, table=True):
    """A time of the week at which an account likes to speak."""

    __table_args__ = (sa.UniqueConstraint("account_id", "weekday", "at", "time_zone"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    weekday: int  # 0: Monday
    at: time = Field(sa_type=sa.Time)  # wall time
    time_zone: str


class Blackout(SQLModel, table=True):
    """Days on which nothing goes out but what its category lets through."""

    id: int | None = Field(default=None, primary_key=True)
    first_day: date  # of the posts' own wall time
    last_day: date
    reason: str
    placed_by: int = Field(foreign_key="person.id")
    placed_at: datetime = Field(sa_type=UtcDateTime)


class Observance(SQLModel, table=True):
    """A day of the department's own to plan around, or to keep with care: a festival, the day of a loss."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    first_day: date
    last_day: date
    yearly: bool = False  # comes again on these days of each year
    about: str = ""  # what to mind
    kept_by: int = Field(foreign_key="person.id")
    kept_at: datetime = Field(sa_type=UtcDateTime)


class Series(SQLModel, table=True):
    """A post that comes again: its pattern, approved once, and the rule of its days. One of a pattern runs."""

    __table_args__ = (
        sa.Index(
            "ix_series_running",
            "post_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id")  # the pattern; it has no time of its own
    rule: str  # RFC 5545, as FREQ=WEEKLY;BYDAY=TU
    first: datetime = Field(sa_type=sa.DateTime)  # wall time of the first, naive on purpose
    time_zone: str
    moved: dict[str, Any] = Field(  # series_time -> wall time and zone that one which waits for new words was moved to
        default_factory=dict, sa_type=sa.JSON
    )
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: int = Field(foreign_key="person.id")
    created_at: datetime = Field(sa_type=UtcDateTime)


class Snippet(SQLModel, table=True):
    """Words kept to be used again: a whole post to begin with, or a sentence to put in."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str  # template | snippet
    name: str
    language: str = "en"
    category: str = "general"  # of the post that a template begins
    text: str
    changed_by: int = Field(foreign_key="person.id")
    changed_at: datetime = Field(sa_type=UtcDateTime)


class MixTarget(SQLModel, table=True):
    """How many posts of a kind the department wants in four weeks, at least."""

    __tablename__ = "mix_target"

    category: str = Field(primary_key=True)  # posts.categories.KINDS
    posts: int


class Resource(SQLModel, table=True):
    """Where the public finds help: complaints, victim services, legal aid, numbers that are no emergency."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str  # posts.resources.KINDS
    name: str
    phone: str = ""
    address: str = ""  # on the web
    note: str = ""  # hours, what it costs, languages spoken
    language: str = "en"  # in which this is written
    changed_by: int = Field(foreign_key="person.id")
    changed_at: datetime = Field(sa_type=UtcDateTime)


class GlossaryTerm(SQLModel, table=True):
    """How the department says a term in another language."""

    __tablename__ = "glossary_term"
    __table_args__ = (sa.UniqueConstraint("term", "language"),)

    id: int | None = Field(default=None, primary_key=True)
    term: str  # in the language that posts are first written in
    language: str  # of the wording
    wording: str  # one, or several with semicolons between
    changed_by: int = Field(foreign_key="person.id")
    changed_at: datetime = Field(sa_type=UtcDateTime)


class SignOffRule(SQLModel, table=True):
    """A language in which a translation is read and signed off by a person before it is approved."""

    __tablename__ = "sign_off_rule"

    language: str = Field(primary_key=True)


class Story(SQLModel, table=True):
    """Praise that may become a success story: nothing of it is used before whoever said it agreed."""

    id: int | None = Field(default=None, primary_key=True)
    mention_id: int | None = Field(default=None, unique=True)  # no foreign key: a mention expires; none: told to us
    state: str = Field(default="asked", index=True)  # posts.stories.StoryState
    language: str = "en"
    ask_id: int | None = Field(default=None, foreign_key="post.id")  # the answer that asks for consent
    words: str = ""  # as they may be used, without a name; none before consent, and none after it is taken back
    consent: str = ""  # how they agreed, as "by message, 24 November"
    post_id: int | None = Field(default=None, foreign_key="post.id")  # the post that tells it
    begun_by: int = Field(foreign_key="person.id")
    begun_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: int = Field(foreign_key="person.id")
    changed_at: datetime = Field(sa_type=UtcDateTime)


class UnitAction(SQLModel, table=True):
    """What a unit of the department (or of the town) was asked to do about a concern, until when, and how it ended."""

    __tablename__ = "unit_action"

    id: int | None = Field(default=None, primary_key=True)
    concern: str = Field(index=True)  # taxonomy key
    place_id: int | None = Field(default=None, foreign_key="place.id")
    said: str  # what people said, in our words
    wanted: str  # what the unit is asked for
    unit: str
    unit_mail: str = ""  # where the unit is reminded; empty: only who asked is
    due_on: date  # of the department's calendar
    alert_id: int | None = None  # what raised it; no foreign key, alerts are of another room
    asked_by: int = Field(foreign_key="person.id")
    asked_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(default="open", index=True)  # posts.actions.ActionState
    outcome: str = ""  # in plain words, for the public
    closed_by: int | None = Field(default=None, foreign_key="person.id")
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    post_id: int | None = Field(default=None, foreign_key="post.id")  # the post that tells it


class Event(SQLModel, table=True):
    """What the department invites to: a town hall, a workshop, coffee with officers."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)  # of its address for the public; not to be guessed
    name: str
    kind: str  # posts.events.KINDS
    wall_time: datetime = Field(sa_type=sa.DateTime)  # local, naive on purpose
    time_zone: str
    starts_at: datetime = Field(sa_type=UtcDateTime, index=True)  # derived from the two above
    minutes: int  # how long it takes
    where: str
    access: str = ""  # steps, hearing, childcare: what people need to know to come
    languages: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)  # spoken there
    capacity: int | None = None  # people; none: no limit is told
    held_with: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  # partner's number -> its name, as told
    partners: str = ""  # who else holds it with us, of no directory
    notes: str = ""  # more for the public
    state: str = "planned"  # planned | cancelled
    reason: str = ""  # of the cancellation, for the public
    revision: int = 0  # moves with every change; the SEQUENCE of its calendar file
    made_by: int = Field(foreign_key="person.id")
    made_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class EventPost(SQLModel, table=True):
    """A post that was made from an event, and what of the event it tells."""

    __tablename__ = "event_post"

    id: int | None = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="event.id", index=True)
    post_id: int = Field(foreign_key="post.id", unique=True)
    kind: str  # posts.event_words.Kind
    told: dict[str, Any] = Field(sa_type=sa.JSON)  # posts.event_words.Facts
    look_at: int | None = None  # the revision whose words could not all be brought in step


class Heard(SQLModel, table=True):
    """What people said to us in person or by phone, entered without names; counted beside the networks, never with
    them. The words go with the retention of mentions, the count stays."""

    id: int | None = Field(default=None, primary_key=True)
    heard_on: date = Field(index=True)  # of the department's calendar
    channel: str  # posts.heard.CHANNELS
    where: str = ""  # as "Town hall, Elm Street Library"
    place_id: int | None = Field(default=None, foreign_key="place.id")
    language: str = "en"
    concern: str = Field(index=True)  # taxonomy key
    trust: str = "neither"  # mistrust | neither | trust
    people: int = 1  # so many said so
    words: str | None = None  # what was said, in our words; none: gone, or never written
    written_by: int | None = Field(default=None, foreign_key="person.id")  # none: a partner, at its own address
    written_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)  # of the words
    event_id: int | None = Field(default=None, foreign_key="event.id", index=True)  # where it was heard
    partner_id: int | None = Field(default=None, foreign_key="partner.id", index=True)  # who passed it on


class Partner(SQLModel, table=True):
    """An organisation that passes things on and tells us what it hears. Whom to write to there is sealed."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    kind: str  # posts.partners.KINDS
    place_id: int | None = Field(default=None, foreign_key="place.id")
    languages: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)
    notes: str = ""
    reach: bytes | None = None  # sealed: name, e-mail address, telephone number
    active: bool = True
    digest_since: datetime | None = Field(default=None, sa_type=UtcDateTime)  # gets the week's counts; none: does not
    digest_consent: bytes | None = None  # sealed: how it agreed to that, which may name who
    added_by: int = Field(foreign_key="person.id")
    added_at: datetime = Field(sa_type=UtcDateTime)


class PartnerContact(SQLModel, table=True):
    """We were in contact with a partner: met, called, wrote, or sent a share kit or a draft to read."""

    __tablename__ = "partner_contact"

    id: int | None = Field(default=None, primary_key=True)
    partner_id: int = Field(foreign_key="partner.id", index=True)
    how: str  # posts.partners.WAYS | kit | review
    at: datetime = Field(sa_type=UtcDateTime)
    by: int = Field(foreign_key="person.id")
    post_id: int | None = None  # no foreign key: the note outlives the post


class PartnerComment(SQLModel, table=True):
    """What a partner said of a post before it went out; it decides nothing."""

    __tablename__ = "partner_comment"

    id: int | None = Field(default=None, primary_key=True)
    partner_id: int = Field(foreign_key="partner.id")
    post_id: int = Field(foreign_key="post.id", index=True)
    content_hash: str  # of the words that it is about
    words: str
    at: datetime = Field(sa_type=UtcDateTime)


class Question(SQLModel, table=True):
    """What the public is asked, by a post and at an address of its own."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)  # of its public address
    text: str
    language: str = "en"
    post_id: int | None = None  # the post that asks; no foreign key, the question outlives it
    closes_on: date  # of the department's calendar; the last day
    asked_by: int = Field(foreign_key="person.id")
    asked_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str = ""  # what we answer
    answer_post_id: int | None = None  # the post that tells it


class QuestionAnswer(SQLModel, table=True):
    """What somebody answered. Nothing of who; the words go with the retention of mentions, the count stays."""

    __tablename__ = "question_answer"

    id: int | None = Field(default=None, primary_key=True)
    question_id: int = Field(foreign_key="question.id", index=True)
    said_at: datetime = Field(sa_type=UtcDateTime)
    words: str | None = None
    concern: str | None = None  # taxonomy key that it raises most
    trust: str | None = None  # mistrust | neither | trust; none: the model has not read it
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)  # of the words


class QuestionPoll(SQLModel, table=True):
    """What people chose in the poll of a question on one account, as its network counts it."""

    __tablename__ = "question_poll"

    target_id: int = Field(primary_key=True)  # no foreign key: the count outlives the record of sending
    question_id: int = Field(foreign_key="question.id", index=True)
    account_id: int = Field(foreign_key="account.id")
    choices: list[list[Any]] = Field(default_factory=empty_list, sa_type=sa.JSON)  # words and votes, in their order
    people: int | None = None  # who voted; none: the network tells votes only
    closed: bool = False
    read_at: datetime = Field(sa_type=UtcDateTime)


class QuestionTry(SQLModel, table=True):
    """That an address answered within the hour: a keyed hash, forgotten then."""

    __tablename__ = "question_try"

    id: int | None = Field(default=None, primary_key=True)
    question_id: int = Field(foreign_key="question.id", index=True)
    subject_hash: bytes
    at: datetime = Field(sa_type=UtcDateTime, index=True)
