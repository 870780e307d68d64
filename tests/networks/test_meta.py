"""Facebook and Instagram against a Graph API of ours that checks what it is asked against Meta's own specs.
Long, because the two networks share one server, and most tests are of both."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import facebook, registry
from networks.graph import when
from networks.instagram import words
from networks.network import (
    Connection,
    HeldBack,
    NetworkError,
    OutcomeUnknown,
    Outgoing,
    Page,
    PageSignIn,
    Picture,
    Publisher,
    RateLimited,
    Rejected,
    SignInExpired,
    Unavailable,
    Witness,
)
from networks.tables import Account
from tests.networks import meta_server
from tests.networks.meta_server import APP, APP_SECRET, IG, PAGE, Fault, MetaServer
from tests.posts.test_pictures import photo

KEY = "0190f0f0f0f07000800000000000abcd"
MINUTE = timedelta(minutes=1)
DOG = Picture(photo(), "image/jpeg", 400, 400, "A dog on a leash", url="https://desk.example/pictures/1.jpg")


@pytest.fixture
def meta(now: datetime) -> Iterator[MetaServer]:
    with clock.at(now), meta_server.a_meta(now) as server:
        yield server


@pytest.fixture
def page(meta: MetaServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return meta_server.account_on(meta, "facebook", sqlite_engine, keys, settings)


@pytest.fixture
def gram(meta: MetaServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return meta_server.account_on(meta, "instagram", sqlite_engine, keys, settings)


class Notes:
    """A target's memory, as the store keeps it."""

    def __init__(self) -> None:
        self.kept: str | None = None

    def recall(self) -> str | None:
        return self.kept

    def keep(self, value: str | None) -> None:
        self.kept = value


def desk(connection: Connection) -> Publisher:
    make = registry.network("facebook" if connection.remote_id == PAGE else "instagram").publisher
    assert make is not None
    return make(connection)


def outgoing(text: str, now: datetime, **more: Any) -> Outgoing:
    return Outgoing(key=KEY, text=text, begun_at=now, memory=Notes(), **more)


# Facebook


def test_a_post_with_a_link_is_there_once_with_its_address(meta: MetaServer, page: Connection, now: datetime) -> None:
    receipt = desk(page).publish(outgoing("Coffee at nine: https://town.example/coffee.", now))
    assert meta.said("post") == ["Coffee at nine: https://town.example/coffee."]
    made = meta.things[receipt.remote_id]
    assert made.more["link"] == "https://town.example/coffee"
    assert receipt.url == f"https://www.example/{receipt.remote_id}"


def test_pictures_go_first_unpublished_with_what_they_show(meta: MetaServer, page: Connection, now: datetime) -> None:
    receipt = desk(page).publish(outgoing("Found.", now, pictures=(DOG, replace(DOG, alt="Its owner"))))
    assert meta.things[receipt.remote_id].more["alts"] == ["A dog on a leash", "Its owner"]
    assert meta.asked[:3] == ["POST photos", "POST photos", "POST feed"]


def test_an_answer_is_a_comment_and_one_that_is_gone_says_so(meta: MetaServer, page: Connection, now: datetime) -> None:
    theirs = meta.add("post", "@rivertonpd why?", "555")
    receipt = desk(page).publish(outgoing("Thank you for asking.", now, reply_to=theirs.id))
    assert meta.things[receipt.remote_id].parent == theirs.id
    with pytest.raises(Rejected, match="gone"):
        desk(page).publish(outgoing("Thank you.", now, reply_to="100_9"))


LOST = [
    Fault(0),
    Fault(0, applied=True),
    Fault(502, body="<html>Bad gateway</html>"),
    Fault(500, applied=True, body={}),
]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_reply_is_looked_up_and_never_makes_two(
    meta: MetaServer, page: Connection, now: datetime, fault: Fault
) -> None:
    meta.delays = [timedelta(seconds=50)]
    meta.add("post", "Coffee at nine.", PAGE, at=now - timedelta(days=2))  # the same words, said long before
    meta.faults["POST feed"] = [replace(fault)]
    sent = outgoing("Coffee at nine.", now)
    with pytest.raises(OutcomeUnknown):
        desk(page).publish(sent)
    with pytest.raises(OutcomeUnknown):  # not shown yet: that proves nothing
        desk(page).find(sent)
    meta.now = now + 5 * MINUTE
    with clock.at(meta.now):
        found = desk(page).find(sent)
        if found is None:
            found = desk(page).publish(replace(sent, begun_at=meta.now))
    assert [one.text for one in meta.things.values() if one.at >= now and one.kind == "post"] == ["Coffee at nine."]
    assert found.remote_id in meta.things


def test_the_same_words_twice_are_a_persons_to_decide(meta: MetaServer, page: Connection, now: datetime) -> None:
    for _ in range(2):
        meta.add("post", "Coffee at nine.", PAGE)
    with pytest.raises(OutcomeUnknown) as told:
        desk(page).find(outgoing("Coffee at nine.", now))
    assert len(told.value.found) == 2
    first = told.value.found[0].remote_id
    alone = desk(page).find(outgoing("Coffee at nine.", now, others=frozenset({first})))
    assert alone is not None and alone.remote_id == told.value.found[1].remote_id


def test_a_fault_while_a_picture_is_uploaded_proves_that_nothing_is_public(
    meta: MetaServer, page: Connection, now: datetime
) -> None:
    for fault in (Fault(0, applied=True), Fault(502, body="<html>")):
        meta.faults["POST photos"] = [fault]
        with pytest.raises(Unavailable):
            desk(page).publish(outgoing("Found.", now, pictures=(DOG,)))
    assert meta.said("post") == []


def error(code: int, status: int = 400, **more: Any) -> Fault:
    return Fault(status, body={"error": {"code": code, "message": "words of Meta", **more}})


@pytest.mark.parametrize(
    ("fault", "means"),
    [
        (error(190, error_subcode=463), SignInExpired),
        (error(102), SignInExpired),
        (error(4), RateLimited),
        (error(80001), RateLimited),
        (Fault(429, body={"error": {"message": "slow down"}}), RateLimited),
        (error(1, 500), OutcomeUnknown),
        (error(2, is_transient=True), OutcomeUnknown),
        (error(506), Rejected),
        (error(200), Rejected),
        (error(100), Rejected),
    ],
)
def test_what_metas_errors_mean_when_something_was_sent(
    meta: MetaServer, page: Connection, now: datetime, fault: Fault, means: type[NetworkError]
) -> None:
    meta.faults["POST feed"] = [fault]
    with pytest.raises(NetworkError) as told:
        desk(page).publish(outgoing("Coffee.", now))
    assert type(told.value) is means


def test_a_limit_waits_as_long_as_meta_says(meta: MetaServer, page: Connection, now: datetime) -> None:
    usage = {"x-business-use-case-usage": json.dumps({PAGE: [{"estimated_time_to_regain_access": 42}]})}
    meta.faults["POST feed"] = [replace(error(32), headers=usage), error(32)]
    for wait in (42 * MINUTE, 15 * MINUTE):
        with pytest.raises(RateLimited) as told:
            desk(page).publish(outgoing("Coffee.", now))
        assert told.value.retry_at == now + wait


def test_where_nobody_listens_nothing_was_sent(page: Connection, now: datetime) -> None:
    away = replace(page, settings={**page.settings, "service": "http://127.0.0.1:9"})
    with pytest.raises(Unavailable):
        desk(away).publish(outgoing("Coffee.", now))


def test_a_hold_is_asked_for_before_anything_public(meta: MetaServer, page: Connection, now: datetime) -> None:
    def held() -> None:
        raise HeldBack("a hold was placed")

    with pytest.raises(HeldBack):
        desk(page).publish(replace(outgoing("Coffee.", now), proceed=held))
    assert meta.said("post") == []


def test_what_is_taken_down_is_gone_and_twice_does_no_harm(meta: MetaServer, page: Connection, now: datetime) -> None:
    receipt = desk(page).publish(outgoing("Coffee.", now))
    for _ in range(2):
        desk(page).remove(receipt.remote_id)
    assert meta.said("post") == []


def heard(connection: Connection, network: str, cursor: str | None = None) -> tuple[list[str], str | None]:
    make = registry.network(network).listener
    assert make is not None
    found = make(connection).mentions(cursor)
    return [one.text for one in found.mentions], found.cursor


def test_posts_that_tag_us_and_comments_on_ours_are_heard_and_our_own_are_not(
    meta: MetaServer, page: Connection, now: datetime
) -> None:
    ours = meta.add("post", "Coffee at nine.", PAGE, at=now - timedelta(hours=2))
    meta.add("post", "@rivertonpd too loud at night", "555", at=now - timedelta(hours=1))
    meta.add("comment", "see you there", "556", parent=ours.id, at=now - timedelta(minutes=5))
    meta.add("comment", "you are welcome", PAGE, parent=ours.id, at=now - timedelta(minutes=4))
    assert heard(page, "facebook")[0] == ["@rivertonpd too loud at night"]
    comments = of_kind(page, "comments")
    texts, cursor = heard(comments, "facebook")
    assert texts == ["see you there"]
    meta.add("comment", "late to be shown", "557", parent=ours.id, at=now - timedelta(minutes=6))
    assert sorted(heard(comments, "facebook", cursor)[0]) == ["late to be shown", "see you there"]


def looked(connection: Connection, cursor: str | None = None) -> tuple[list[str], list[Page]]:
    """A whole look, as polling asks for it: what was heard, and its pages."""
    make = registry.network("facebook" if connection.remote_id == PAGE else "instagram").listener
    assert make is not None
    pages = [make(connection).mentions(cursor)]
    while pages[-1].more:
        pages.append(make(connection).mentions(pages[-1].cursor))
    return [one.text for each in pages for one in each.mentions], pages


def of_kind(connection: Connection, kind: str) -> Connection:
    return replace(connection, settings={**connection.settings, "kind": kind})


KINDS = {"facebook": ("post", "comment", PAGE), "instagram": ("ig_media", "ig_comment", IG)}


@pytest.mark.parametrize("network", KINDS)
def test_comments_are_read_below_however_many_posts_and_however_many_there_are(
    meta: MetaServer, page: Connection, gram: Connection, now: datetime, network: str
) -> None:
    post, comment, us = KINDS[network]
    ours = [meta.add(post, f"Coffee {n}.", us, at=now - timedelta(hours=n)) for n in range(130)]
    many = [f"much said {n}" for n in range(120)]
    for n, text in enumerate(many):
        meta.add(comment, text, "555", parent=ours[3].id, at=now - timedelta(seconds=n), username="neighbour")
    meta.add(comment, "at the very end", "556", parent=ours[-1].id, at=now - MINUTE, username="walker")
    connection = of_kind(page if network == "facebook" else gram, "comments")
    texts, pages = looked(connection)
    assert sorted(texts) == sorted([*many, "at the very end"])
    assert ({one.root_id for each in pages for one in each.mentions}) == {ours[3].id, ours[-1].id}
    assert all(one.url for each in pages for one in each.mentions)
    assert [each.lost for each in pages if each.lost] == []
    assert pages[-1].cursor == now.isoformat()
    assert looked(connection, (now + timedelta(hours=1)).isoformat())[0] == []


@pytest.mark.parametrize("network", KINDS)
def test_answers_to_comments_are_heard_and_ours_are_not(
    meta: MetaServer, page: Connection, gram: Connection, now: datetime, network: str
) -> None:
    post, comment, us = KINDS[network]
    ours = meta.add(post, "Coffee at nine.", us, at=now - timedelta(days=3))
    old = meta.add(comment, "long ago", "555", parent=ours.id, at=now - timedelta(days=2), username="neighbour")
    for n in range(60):
        at = now - timedelta(days=2, minutes=n + 1)
        meta.add(comment, f"older still {n}", "557", parent=ours.id, at=at, username="walker")
    meta.add(comment, "when is the next", "556", parent=old.id, at=now - MINUTE, username="walker")
    meta.add(comment, "next week", us, parent=old.id, at=now)
    connection = of_kind(page if network == "facebook" else gram, "comments")
    texts, pages = looked(connection, (now - timedelta(hours=1)).isoformat())
    assert (texts, [one.root_id for one in pages[0].mentions], len(pages)) == (["when is the next"], [ours.id], 1)


@pytest.mark.parametrize(("oldest_first", "requests"), [(False, 2), (True, 3)])
def test_answers_to_a_comment_on_instagram_are_heard_however_many_there_are(
    meta: MetaServer, gram: Connection, now: datetime, oldest_first: bool, requests: int
) -> None:
    meta.oldest_answer_first = oldest_first
    ours = meta.add("ig_media", "Coffee at nine.", IG, at=now - timedelta(days=3))
    above = meta.add("ig_comment", "long ago", "555", parent=ours.id, at=now - timedelta(days=2), username="neighbour")
    said = [f"said {n}" for n in range(130)]
    for n, text in enumerate(said):
        at = now - timedelta(seconds=n) if n < 70 else now - timedelta(days=1, minutes=n)
        meta.add("ig_comment", text, "556", parent=above.id, at=at, username="walker")
    texts, pages = looked(of_kind(gram, "comments"), (now - timedelta(hours=1)).isoformat())
    assert (sorted(texts), len(pages)) == (sorted(said[:70]), requests)
    assert {one.root_id for each in pages for one in each.mentions} == {ours.id}


def test_a_look_goes_on_from_a_cursor_that_knows_of_no_answers(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    ours = meta.add("ig_media", "Coffee at nine.", IG, at=now - timedelta(days=3))
    for n in range(60):
        meta.add("ig_comment", f"said {n}", "556", parent=ours.id, at=now - timedelta(seconds=n), username="walker")
    make = registry.network("instagram").listener
    assert make is not None
    kept = json.loads(make(of_kind(gram, "comments")).mentions(None).cursor or "")
    before = json.dumps({**kept, "below": [each[:2] for each in kept["below"]]})
    assert looked(of_kind(gram, "comments"), before)[0] == [f"said {n}" for n in range(50, 60)]


def test_where_instagram_shows_no_more_of_the_answers_that_is_told_as_lost(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    ours = meta.add("ig_media", "Coffee at nine.", IG, at=now - timedelta(days=3))
    above = meta.add("ig_comment", "see you", "555", parent=ours.id, at=now - MINUTE, username="neighbour")
    for n in range(60):
        meta.add("ig_comment", f"said {n}", "556", parent=above.id, at=now, username="walker")
    meta.faults["GET replies"] = [error(100)]
    since = now - timedelta(hours=1)
    texts, pages = looked(of_kind(gram, "comments"), since.isoformat())
    assert (len(texts), pages[-1].lost) == (51, (since - 10 * MINUTE, now))


@pytest.mark.parametrize("network", KINDS)
def test_posts_that_tag_us_are_read_however_many_there_are(
    meta: MetaServer, page: Connection, gram: Connection, now: datetime, network: str
) -> None:
    said = [f"@rivertonpd {n}" for n in range(300)]
    for n, text in enumerate(said):
        meta.add(KINDS[network][0], text, "555", at=now - timedelta(minutes=n), username="neighbour")
    texts, pages = looked(page if network == "facebook" else gram)
    assert (sorted(texts), len(pages)) == (sorted(said), 12)
    assert pages[-1].cursor == now.isoformat()


def test_a_look_that_is_cut_off_goes_on_where_it_was(meta: MetaServer, page: Connection, now: datetime) -> None:
    for n in range(60):
        meta.add("post", f"@rivertonpd {n}", "555", at=now - timedelta(minutes=n))
    make = registry.network("facebook").listener
    assert make is not None
    first = make(page).mentions(None)
    meta.faults["GET tagged"] = [Fault(502, body="<html>")]
    with pytest.raises(Unavailable):
        make(page).mentions(first.cursor)
    texts, _ = looked(page, first.cursor)
    assert ([*(one.text for one in first.mentions), *texts]) == [f"@rivertonpd {n}" for n in range(60)]


def test_what_came_during_a_long_look_is_found_by_the_next(meta: MetaServer, page: Connection, now: datetime) -> None:
    ours = [meta.add("post", f"Coffee {n}.", PAGE, at=now - timedelta(hours=n)) for n in range(30)]
    comments = of_kind(page, "comments")
    make = registry.network("facebook").listener
    assert make is not None
    first = make(comments).mentions(None)
    meta.now = now + 20 * MINUTE
    meta.add("comment", "above where it was", "555", parent=ours[0].id, at=now + MINUTE)
    meta.add("comment", "below", "556", parent=ours[-1].id, at=now + 15 * MINUTE)
    with clock.at(meta.now):
        texts, pages = looked(comments, first.cursor)
        assert texts == ["below"]
        assert sorted(looked(comments, pages[-1].cursor)[0]) == ["above where it was", "below"]


def test_what_meta_refuses_in_the_midst_of_a_look_is_told_as_lost_and_the_look_ends(
    meta: MetaServer, page: Connection, now: datetime
) -> None:
    for n in range(60):
        meta.add("post", f"@rivertonpd {n}", "555", at=now - timedelta(minutes=n))
    make = registry.network("facebook").listener
    assert make is not None
    first = make(page).mentions(None)
    meta.faults["GET tagged"] = [error(100), error(100)]
    ended = make(page).mentions(first.cursor)
    assert (ended.mentions, ended.more, ended.lost) == ([], False, (now - timedelta(days=7), now))
    with pytest.raises(Rejected):  # at its start that is an error like any other
        make(page).mentions(ended.cursor)


def test_a_post_that_went_with_its_comments_while_they_were_read_loses_nothing(
    meta: MetaServer, page: Connection, now: datetime
) -> None:
    ours = meta.add("post", "Coffee at nine.", PAGE, at=now - timedelta(hours=2))
    for n in range(60):
        meta.add("comment", f"said {n}", "555", parent=ours.id, at=now - timedelta(seconds=n))
    make = registry.network("facebook").listener
    assert make is not None
    first = make(of_kind(page, "comments")).mentions(None)
    del meta.things[ours.id]
    ended = make(of_kind(page, "comments")).mentions(first.cursor)
    assert (len(first.mentions), first.more, ended.more, ended.lost) == (50, True, False, None)


def test_a_deleted_post_is_known_to_be_gone_and_one_that_cannot_be_seen_is_not_said_to_be(
    meta: MetaServer, page: Connection
) -> None:
    there, away = meta.add("post", "one", "555"), meta.add("post", "two", "555")
    del meta.things[away.id]
    make = facebook.NETWORK.witness
    assert make is not None
    assert make(page).ask([there.id, away.id]).gone == {away.id}
    meta.faults["GET object"] = [error(200)]
    assert make(page).ask([there.id]).gone == frozenset()


def witness(connection: Connection) -> Witness:
    make = registry.network("facebook" if connection.remote_id == PAGE else "instagram").witness
    assert make is not None
    return make(connection)


@pytest.mark.parametrize("network", KINDS)
def test_where_nothing_is_shown_a_permission_may_be_missing_and_nothing_is_gone(
    meta: MetaServer, page: Connection, gram: Connection, network: str
) -> None:
    away = [meta.add(KINDS[network][1], f"said {n}", "555", username="neighbour").id for n in range(3)]
    for number in away:
        del meta.things[number]
    eye = witness(page if network == "facebook" else gram)
    for some in (away, away[:1]):
        with pytest.raises(Rejected, match="permission"):
            eye.ask(some)
    meta.add(KINDS[network][0], "@rivertonpd hello", "556", username="walker")  # which only the permission shows
    for some in (away, away[:1]):
        assert eye.ask(some).gone == set(some)


@pytest.mark.parametrize("network", KINDS)
def test_comments_are_gone_where_others_are_shown_although_nobody_tags_us_or_tags_are_refused(
    meta: MetaServer, page: Connection, gram: Connection, network: str
) -> None:
    post, comment, us = KINDS[network]
    ours = meta.add(post, "Coffee at nine.", us, at=meta.now - timedelta(days=40))
    for n in range(4):
        meta.add(comment, f"said {n}", "555", parent=ours.id, at=meta.now - timedelta(days=35), username="neighbour")
    there, *away = [one.id for one in meta.things.values() if one.kind == comment]
    for number in away:
        del meta.things[number]
    eye = witness(of_kind(page if network == "facebook" else gram, "comments"))
    meta.faults[f"GET {'tagged' if network == 'facebook' else 'tags'}"] = [error(10)] * 2
    for some in (away, away[:1]):
        assert eye.ask(some).gone == set(some)
    meta.things[there].author, meta.things[there].more["username"] = us, "rivertonpd"  # what we say proves nothing
    with pytest.raises(Rejected):
        eye.ask(away)


@pytest.mark.parametrize("network", KINDS)
def test_what_is_listed_but_not_shown_tells_of_a_missing_permission(
    meta: MetaServer, page: Connection, gram: Connection, network: str
) -> None:
    there = meta.add(KINDS[network][0], "@rivertonpd hello", "556", username="walker")
    meta.faults["GET object"] = [error(100, error_subcode=33)] * 2
    with pytest.raises(Rejected, match="permission"):
        witness(page if network == "facebook" else gram).ask([there.id])


@pytest.mark.parametrize("network", KINDS)
def test_what_meta_does_not_let_us_take_down_is_not_said_to_be_gone(
    meta: MetaServer, page: Connection, gram: Connection, network: str
) -> None:
    ours = meta.add(KINDS[network][0], "Coffee at nine.", KINDS[network][2])
    meta.faults["DELETE object"] = [error(100, error_subcode=33)]
    with pytest.raises(Rejected, match="words of Meta"):
        desk(page if network == "facebook" else gram).remove(ours.id)


# Instagram


def test_a_picture_with_its_caption_is_there_once(meta: MetaServer, gram: Connection, now: datetime) -> None:
    meta.fill_polls = 1
    receipt = desk(gram).publish(outgoing("Found.", now, pictures=(DOG,)))
    assert meta.said("ig_media") == ["Found."]
    container = meta.things[meta.things[receipt.remote_id].more["container"]]
    assert container.more["given"]["alt_text"] == "A dog on a leash"


def test_several_pictures_are_one_carousel(meta: MetaServer, gram: Connection, now: datetime) -> None:
    desk(gram).publish(outgoing("Found.", now, pictures=(DOG, replace(DOG, alt="Its owner"))))
    (whole,) = [one for one in meta.things.values() if one.kind == "container" and one.more["children"]]
    assert (whole.text, len(whole.more["children"]), meta.said("ig_media")) == ("Found.", 2, ["Found."])


def test_what_instagram_still_fetches_is_not_made_again_by_the_next_attempt(
    meta: MetaServer, gram: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta.fill_polls = 3
    monkeypatch.setattr("networks.instagram.sending.FILLING", 0.0)
    sent = outgoing("Found.", now, pictures=(DOG, replace(DOG, alt="Its owner")))
    with pytest.raises(Unavailable, match="takes long"):
        desk(gram).publish(sent)
    assert desk(gram).find(sent) is None
    for one in meta.things.values():
        one.polls = 0
    meta.fill_polls = 0
    desk(gram).publish(sent)
    assert (meta.said("ig_media"), meta.asked.count("POST media")) == (["Found."], 3)


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_whether_to_go_on_is_asked_before_each_picture(
    meta: MetaServer, page: Connection, gram: Connection, now: datetime, network: str
) -> None:
    asked = iter([None, HeldBack("a hold was placed")])

    def proceed() -> None:
        if (held := next(asked)) is not None:
            raise held

    with pytest.raises(HeldBack):
        desk(page if network == "facebook" else gram).publish(
            outgoing("Found.", now, pictures=(DOG, DOG), proceed=proceed)
        )
    assert [question for question in meta.asked if question.startswith("POST")] in (["POST photos"], ["POST media"])


@pytest.mark.parametrize("fault", LOST)
def test_instagram_always_knows_whether_it_was_published(
    meta: MetaServer, gram: Connection, now: datetime, fault: Fault
) -> None:
    meta.delays = [timedelta(seconds=50)]
    meta.add("ig_media", "Found.", IG, at=now - MINUTE)  # the same caption, by hand, a minute before
    known = frozenset(meta.things)
    meta.faults["POST media_publish"] = [replace(fault)]
    sent = outgoing("Found.", now, pictures=(DOG,), others=known)
    with pytest.raises(OutcomeUnknown):
        desk(gram).publish(sent)
    meta.now = now + MINUTE
    with clock.at(meta.now):
        found = desk(gram).find(sent)
        assert (found is None) is not fault.applied
        if found is None:
            found = desk(gram).publish(replace(sent, begun_at=meta.now))
    assert meta.said("ig_media") == ["Found.", "Found."]
    assert len([one for one in meta.things.values() if one.kind == "container"]) == 1


def test_after_a_death_between_container_and_publishing_the_same_container_goes_out(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    asked = iter([None, KeyboardInterrupt()])  # before the container, before it is published

    def die() -> None:
        if (killed := next(asked)) is not None:
            raise killed

    sent = outgoing("Found.", now, pictures=(DOG,))
    with pytest.raises(KeyboardInterrupt):
        desk(gram).publish(replace(sent, proceed=die))
    assert desk(gram).find(sent) is None
    desk(gram).publish(sent)
    assert meta.said("ig_media") == ["Found."]
    assert len([one for one in meta.things.values() if one.kind == "container"]) == 1


def test_a_container_that_is_too_old_is_made_anew_and_one_that_is_out_is_not_published_again(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    sent = outgoing("Found.", now, pictures=(DOG,))
    old = meta.add("container", "Found.", IG, children=[])
    old.status = "EXPIRED"
    assert sent.memory is not None
    sent.memory.keep(old.id)
    first = desk(gram).publish(sent)
    assert sent.memory.recall() != old.id
    assert desk(gram).publish(sent).remote_id == first.remote_id
    assert meta.said("ig_media") == ["Found."]


def test_pictures_that_instagram_cannot_take_and_a_desk_that_nobody_reaches_are_told(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    with pytest.raises(Rejected, match="public address"):
        desk(gram).publish(outgoing("Found.", now, pictures=(replace(DOG, url=None),)))
    meta.fills = "ERROR"
    with pytest.raises(Rejected, match="could not take the pictures"):
        desk(gram).publish(outgoing("Found.", now, pictures=(DOG,)))


def test_a_used_up_publishing_limit_waits(meta: MetaServer, gram: Connection, now: datetime) -> None:
    meta.quota = 100
    with pytest.raises(RateLimited):
        desk(gram).publish(outgoing("Found.", now, pictures=(DOG,)))
    assert meta.said("ig_media") == []


def test_comments_are_answered_heard_and_looked_up(meta: MetaServer, gram: Connection, now: datetime) -> None:
    ours = meta.add("ig_media", "Found.", IG, at=now - timedelta(hours=1))
    theirs = meta.add("ig_comment", "whose is it", "555", parent=ours.id, at=now - MINUTE, username="neighbour")
    comments = of_kind(gram, "comments")
    assert heard(comments, "instagram")[0] == ["whose is it"]
    meta.add("ig_media", "look @rivertonpd", "556", at=now - MINUTE, username="walker")
    assert heard(gram, "instagram")[0] == ["look @rivertonpd"]
    meta.faults["POST replies"] = [Fault(0, applied=True)]
    sent = outgoing("Mrs. Moss's, home again.", now, reply_to=theirs.id)
    with pytest.raises(OutcomeUnknown):
        desk(gram).publish(sent)
    found = desk(gram).find(sent)
    assert found is not None and meta.things[found.remote_id].parent == theirs.id


def test_an_answer_to_an_answer_is_looked_up_where_instagram_puts_it(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    ours = meta.add("ig_media", "Found.", IG, at=now - timedelta(hours=1))
    first = meta.add("ig_comment", "whose is it", "555", parent=ours.id, at=now - 2 * MINUTE, username="neighbour")
    theirs = meta.add("ig_comment", "yes, whose", "556", parent=first.id, at=now - MINUTE, username="walker")
    meta.faults["POST replies"] = [Fault(0, applied=True)]
    sent = outgoing("Mrs. Moss's, home again.", now, reply_to=theirs.id)
    with pytest.raises(OutcomeUnknown):
        desk(gram).publish(sent)
    with clock.at(now + 5 * MINUTE):
        found = desk(gram).find(sent)
    assert found is not None and meta.things[found.remote_id].parent == first.id


def test_where_instagram_does_not_tell_what_a_comment_answers_nothing_is_proven(
    meta: MetaServer, gram: Connection, now: datetime
) -> None:
    theirs = meta.add("ig_comment", "whose is it", "555", at=now - MINUTE, username="neighbour")
    sent = outgoing("Mrs. Moss's, home again.", now, reply_to=theirs.id)
    meta.faults["GET object"] = [error(200), error(2)]
    with clock.at(now + 5 * MINUTE):
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                desk(gram).find(sent)
        assert desk(gram).find(sent) is None


@pytest.mark.parametrize(
    ("post", "problem"),
    [
        (Outgoing(KEY, "Found."), "Instagram needs at least one picture."),
        (Outgoing(KEY, "#a " * 31, pictures=(DOG,)), "There are 31 hashtags; Instagram takes at most 30."),
        (Outgoing(KEY, "x", pictures=(replace(DOG, width=300, height=800),)), "Picture 1 is too tall"),
        (Outgoing(KEY, "x", pictures=(replace(DOG, width=1000, height=400),)), "Picture 1 is too wide"),
        (Outgoing(KEY, "x" * 2201, pictures=(DOG,)), "The text is 1 character too long"),
        (Outgoing(KEY, "Thanks!", reply_to="17", reply_root=True), "Instagram lets us answer comments only"),
        (Outgoing(KEY, "x", pictures=(DOG,) * 11), "takes at most 10 pictures"),
    ],
)
def test_instagrams_rules_are_told_in_plain_words(post: Outgoing, problem: str) -> None:
    (told,) = words.LIMITS.problems(post)
    assert problem in told.message


@given(st.text(max_size=400))
def test_counting_hashtags_never_breaks(text: str) -> None:
    words.LIMITS.problems(Outgoing(KEY, text, pictures=(DOG,)))


# Signing in


def signed_in(meta: MetaServer, network: str, **more: str) -> Any:
    sign_in = registry.network(network).sign_in
    assert isinstance(sign_in, PageSignIn)
    given = {"app_id": APP, "app_secret": APP_SECRET, "service": meta.address, **more}
    departure = sign_in.begin(given, "http://desk.example/accounts/callback", "state", True)
    code, asked = meta_server.says_yes(departure.url)
    assert (asked["state"], asked["client_id"]) == ("state", APP)
    return sign_in.finish(departure.kept, code, True)


def test_signing_in_gives_the_pages_own_token_and_when_it_ends(meta: MetaServer, now: datetime) -> None:
    meta.expires_at = int((now + timedelta(days=60)).timestamp())
    page, gram = signed_in(meta, "facebook"), signed_in(meta, "instagram")
    assert (page.remote_id, page.handle, page.session) == (PAGE, "rivertonpd", "page-token")
    assert (gram.remote_id, gram.handle, gram.session) == (IG, "rivertonpd", "page-token")
    assert page.ends_at == gram.ends_at == now + timedelta(days=60)


def test_of_several_pages_one_must_be_named(meta: MetaServer) -> None:
    meta.pages.append({"id": "101", "name": "Riverton Fire", "username": "fire"})
    with pytest.raises(Rejected, match="say which: Riverton Police, Riverton Fire"):
        signed_in(meta, "facebook")
    with pytest.raises(Rejected, match="no Page “Parks”"):
        signed_in(meta, "facebook", page="Parks")
    assert signed_in(meta, "facebook", page="riverton police").remote_id == PAGE


def test_who_manages_no_page_or_no_instagram_account_is_told(meta: MetaServer) -> None:
    meta.has_instagram = False
    with pytest.raises(Rejected, match="No professional Instagram account"):
        signed_in(meta, "instagram")
    meta.pages.clear()
    with pytest.raises(Rejected, match="manages no Page"):
        signed_in(meta, "facebook")


def test_a_wrong_app_is_refused_in_plain_words(meta: MetaServer) -> None:
    with pytest.raises(NetworkError):
        signed_in(meta, "facebook", app_secret="wrong")
    with pytest.raises(Rejected, match="ID"):
        signed_in(meta, "facebook", app_id="my app")


def test_a_token_that_ended_signs_the_account_out(meta: MetaServer, page: Connection) -> None:
    ask = facebook.NETWORK.test
    assert ask is not None
    assert ask(page).remote_id == PAGE
    meta.tokens.clear()
    with pytest.raises(SignInExpired):
        ask(page)


def test_secrets_never_stand_in_an_address_that_is_written_to(
    meta: MetaServer, page: Connection, now: datetime, sqlite_engine: sa.Engine
) -> None:
    desk(page).publish(outgoing("Coffee.", now))
    with database.reading(sqlite_engine) as session:
        (account,) = session.exec(select(Account)).all()
    assert APP_SECRET not in json.dumps(account.settings)


def test_metas_times_are_read_with_their_zone() -> None:
    assert when("2026-11-24T08:10:00+0000").isoformat() == "2026-11-24T08:10:00+00:00"
