"""The page of Compose: its cards, its warnings, what it offers. What the form does is web.compose's affair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from babel import Locale
from fastapi import Request, Response
from sqlmodel import Session

from config import audit, clock, database, people
from config.permissions import Action, Role
from config.tables import Person
from config.translations import LANGUAGES, translate
from listeners import mentions
from listeners.tables import Mention
from networks import accounts, registry
from networks.pictures import SHAPES
from posts import (
    addresses,
    answers,
    drafts,
    glossary,
    likeness,
    links,
    observances,
    queue,
    readability,
    resources,
    snippets,
)
from posts import categories as rules_of_kinds
from posts import pictures as kept
from posts.categories import Rules, Step
from posts.observances import Day
from posts.tables import Post, PostPicture
from sentiment.tables import Score
from sentiment.taxonomy import CONCERNS
from web import changes, drafting, pages, variants
from web.desk import Desk
from web.drafting import Draft
from web.guard import Visitor

GONE = ("published", "partly_published", "cancelled", "failed")


@dataclass(frozen=True)
class Asked:
    """Who asks for changes, and which."""

    by: str
    comment: str


@dataclass(frozen=True)
class Fault:
    """Something to fix before a post can go on; `at` is the place on the page."""

    at: str
    words: str


def page(
    request: Request,
    found: Desk,
    who: Visitor,
    draft: Draft,
    *,
    wrong: Sequence[Fault] = (),
    saved_at: datetime | None = None,
    theirs: Draft | None = None,
    status: int | None = None,
) -> Response:
    zone = found.settings.department.zone
    with database.reading(found.engine) as session:
        post = session.get(Post, draft.id) if draft.id else None  # first: while it is here nobody reads it again
        shown = pictures_of(session, draft)
        cards = cards_of(session, draft, found.settings.base_url, shown)
        asked = _changes_asked(session, draft.id)
        said = likeness.said_by(session, post) if post is not None and post.state not in GONE else []
        alike = [*likeness.copies(session, said, clock.now()), *likeness.warnings(session, said, clock.now())]
        asks = {name: _asks(request, rules) for name, rules in rules_of_kinds.rules(session).items()}
        sisters = drafts.translations_of(session, post) if post is not None else []
        ours = answers.to(session, [draft.reply_to] if draft.reply_to is not None else [])
        own = {draft.id, *(one.id for one in sisters)}
        everybody = people.with_roles(session)
        words = snippets.kept(session)
        helps = [(one, resources.sentence(one)) for one in resources.kept(session)]
        angry = _angry(session, draft.reply_to)
        kept_days = _kept_days(session, draft.day, pages.language_of(request))
        original = next((one for one in sisters if post is not None and one.id != post.id), None)
        terms = glossary.kept(session) if original is not None else []
    approvers = sorted(people.active_with(everybody, Role.APPROVER).items())
    return pages.render(
        request,
        "compose.html",
        status=status or (422 if wrong else 200),
        draft=draft,
        cards=cards,
        shown_pictures=shown,
        shapes=shapes(request),
        wrong=wrong,
        faulty={} if theirs is not None else {fault.at: fault.words for fault in reversed(wrong)},
        theirs=theirs,
        saved_at=saved_at,
        answers=answered(found, who, draft.reply_to),
        other_answers=[one for one in ours if one.standing is not None and one.post.id not in own],
        changes_asked=asked,
        alike=alike,
        asks=asks,
        sisters=sisters,
        original=original,
        differing=glossary.differing(terms, draft.language, original.message, draft.message) if original else [],
        languages=languages(),
        approvers=[one for one in approvers if one[0] != (post.author_id if post is not None else who.id)],
        administrators=list(people.active_with(everybody, Role.ADMINISTRATOR).values()),
        templates=[one for one in words if one.kind == "template"],
        helps=helps,
        angry=angry,
        kept_days=kept_days,
        sentences=[one for one in words if one.kind == "snippet"],
        reads=reads(draft.message, draft.language, pages.language_of(request)),
        campaign=links.slug(draft.title),
        changed=changes.between(theirs.message, draft.message) if theirs is not None else (),
        back_to_review=post is not None and post.state in ("approved", "scheduled", "in_review"),
        concerns={key: concern.name for key, concern in CONCERNS.items()},
        categories=categories(request),
        zone_words=pages.zone_name(clock.now(), zone, pages.language_of(request)),
    )


def reads(message: str, language: str, reader: str) -> str:
    """How easily a message reads, in the words of the reader's language; empty where nothing can be said."""
    found, _ = readability.ease(message, language), translate(reader).gettext
    if found is None:
        return ""
    bands = {"easy": _("easy for most people"), "fair": _("fairly easy"), "hard": _("hard for many people")}
    if found.grade is not None:
        return _("Reads at grade %(grade)d: %(band)s.") % {"grade": found.grade, "band": bands[found.band]}
    return _("Reading ease %(score)d of 100: %(band)s.") % {"score": found.score or 0, "band": bands[found.band]}


def cards_of(session: Session, draft: Draft, base_url: str, pictures: Sequence[PostPicture]) -> list[variants.Card]:
    """A card for each account that can be sent to, and for those of the draft that are signed out."""
    mention = session.get(Mention, draft.reply_to) if draft.reply_to is not None else None
    shown = tuple(kept.as_sent(one) for one in pictures)
    said = variants.Said(
        draft.message,
        draft.language,
        shown,
        mention.network if mention is not None else None,
        mention is None or mention.addressed,
        mention is not None and mentions.begins_thread(mention),
    )
    offered = [one for one in accounts.kept(session) if one.state == "connected" or one.id in draft.accounts]
    offered.sort(key=lambda account: account.id or 0)
    cards = variants.cards(offered, registry.NETWORKS, draft.accounts, said, draft.own, draft.options)
    return [_with_problem(card, addresses.obstacle(registry.network(card.account.network), base_url)) for card in cards]


def _with_problem(card: variants.Card, problem: str | None) -> variants.Card:
    return (
        card if problem is None else replace(card, check=replace(card.check, problems=(*card.check.problems, problem)))
    )


def pictures_of(session: Session, draft: Draft) -> list[PostPicture]:
    """The draft's pictures, with the descriptions that the form has now; no longer the session's, which would write
    those with its next question."""
    post = session.get(Post, draft.id) if draft.id else None
    found = drafts.pictures_of(session, post) if post is not None else []
    for picture in found:
        session.expunge(picture)
        picture.alt = draft.alts.get(picture.id or 0, picture.alt)
    return found


def _asks(request: Request, rules: Rules) -> str:
    words = pages.words(request)
    if rules.steps == (Step(),):
        return words.gettext("One approval is needed, by someone other than you.")
    count = len(rules.steps)
    return words.ngettext("It needs approval in one step.", "It needs approval in %(count)d steps.", count) % {
        "count": count
    }


def languages() -> list[tuple[str, str]]:
    """The languages of posts, each by its own name."""
    return [(key, (Locale(key).get_display_name(key) or key).capitalize()) for key in LANGUAGES]


def categories(request: Request) -> list[tuple[str, str]]:
    """The kinds of post, in the reader's words."""
    _ = pages.words(request).gettext
    words = {
        "general": _("General"),
        "safety": _("Safety"),
        "urgent": _("Urgent safety update"),
        "event": _("Event"),
        "answer": _("Answer to a question or concern"),
        "you_said_we_did": _("You said, we did"),
        "success_story": _("Success story"),
        "recruiting": _("Recruiting"),
    }
    return [(key, words[key]) for key in drafting.CATEGORIES]


def shapes(request: Request) -> list[tuple[str, tuple[int, int], str]]:
    """What a picture may be cut to, in the reader's words."""
    _ = pages.words(request).gettext
    words = {
        "square": _("Square, 1 by 1"),
        "upright": _("Upright, 4 by 5: the tallest that Instagram takes"),
        "wide": _("Wide, 16 by 9"),
        "widest": _("Very wide, 1.91 by 1: the widest that Instagram takes"),
    }
    return [(key, sides, words[key]) for key, sides in SHAPES.items()]


def answered(found: Desk, who: Visitor, mention_id: int | None) -> Mention | None:
    """The mention that a reply answers, while its text is kept; the look at it is in the audit log."""
    if mention_id is None or not who.may(Action.READ_MENTIONS):
        return None
    with database.writing(found.engine) as session:
        mention = session.get(Mention, mention_id)
        if mention is None or not mention.shown or mention.text is None:
            return None
        audit.record(session, clock.now(), who.id, "mention.read", f"mention:{mention_id}", {}, who.address)
    return mention


def _angry(session: Session, mention_id: int | None) -> bool:
    """Whether what an answer answers was read as angry: mistrust in a negative tone."""
    score = session.get(Score, mention_id) if mention_id is not None else None
    return score is not None and is_angry(score.trust_label, score.sentiment_label)


def is_angry(trust: str | None, tone: str | None) -> bool:
    """Whether care is due in an answer. Pure."""
    return trust == "mistrust" and tone == "negative"


def _kept_days(session: Session, day: str, language: str) -> list[Day]:
    """What people keep on the day that the form names, if it names one."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return []
    return [one for one in observances.between(session, found, found, language) if one.covers(found)]


def _changes_asked(session: Session, post_id: int | None) -> Asked | None:
    review = queue.changes_asked(session, post_id) if post_id is not None else None
    if review is None:
        return None
    by = session.get(Person, review.person_id)
    return Asked(by.name if by is not None else "", review.comment)
