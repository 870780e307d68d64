"""A post's way over the pages: written, sent for approval, changed, approved, moved, held."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database, holds
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from networks import accounts
from posts import lapsing
from posts.tables import Post, PostPicture, PostVersion, Review, Variant
from tests.posts.test_pictures import photo
from tests.web.browsing import Browser, Response, form_token, send
from tests.web.mistakes import Mistake, named


@pytest.fixture
def account(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> int:
    """An account on the practice board; the clock stands at eight."""
    with database.writing(sqlite_engine) as session:
        made = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight
        )
        return made.id or 0


@pytest.fixture
def ada(browser_of: Callable[..., Browser], account: int) -> Browser:
    return browser_of("Ada", Role.OFFICER)


@pytest.fixture
def luc(browser_of: Callable[..., Browser], account: int) -> Browser:
    return browser_of("Luc", Role.APPROVER)


def write(ada: Browser, account: int, *, then: str = "save", **fields: object) -> Response:
    given: dict[str, object] = {"title": "Elm Street", "message": "Officers on Elm Street.", "accounts": account}
    return send(ada, "/compose", page="/compose", then=then, **(given | fields))


def the_post(engine: sa.Engine) -> Post:
    with database.reading(engine) as session:
        return session.exec(select(Post)).one()


def approve(luc: Browser, engine: sa.Engine) -> Response:
    return send(luc, "/posts/1/approve", page="/posts/1", content_hash=the_post(engine).content_hash)


NINE = {"day": "2026-11-24", "hour": "09:00"}


def held(ada: Browser, luc: Browser, engine: sa.Engine, account: int) -> None:
    """A post for nine o'clock, approved, and a hold."""
    write(ada, account, then="submit", **NINE)
    approve(luc, engine)
    send(ada, "/hold", page="/hold", reason="Crash on Route 9")


def test_a_draft_is_stored_and_shown_again(ada: Browser, sqlite_engine: sa.Engine, account: int) -> None:
    assert write(ada, account, **NINE).headers["location"] == "/compose/1?said=saved"
    post = the_post(sqlite_engine)
    assert (post.title, post.state, post.due_at) == ("Elm Street", "draft", datetime(2026, 11, 24, 14, tzinfo=UTC))
    page = ada.get("/compose/1").text
    assert "Officers on Elm Street." in page
    assert 'value="09:00"' in page


def test_a_post_is_never_on_a_page_unescaped(ada: Browser, luc: Browser, account: int) -> None:
    nasty = "</textarea><script>alert(1)</script>"
    write(ada, account, title=nasty, message=nasty)
    for browser, path in ((ada, "/compose/1"), (ada, "/queue"), (luc, "/posts/1")):
        assert "<script>alert" not in browser.get(path).text


def test_a_save_over_somebody_elses_is_told_and_nothing_is_lost(
    ada: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account)
    eve = browser_of("Eve", Role.OFFICER)
    old = {"revision": the_post(sqlite_engine).revision, "accounts": account, "title": "Elm Street"}
    assert send(eve, "/compose/1", page="/compose/1", message="Eve's words.", **old).status_code == 303
    told = send(ada, "/compose/1", page="/compose/1", message="Ada's words.", **old)
    assert told.status_code == 409
    assert the_post(sqlite_engine).message == "Eve's words."
    assert "Ada&#39;s words." in told.text
    assert "Eve&#39;s words." in told.text


def test_autosave_gives_a_new_post_its_number_and_then_saves_under_it(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    headers = {"x-csrf-token": form_token(ada.get("/compose").text)}
    first = ada.post("/compose/draft", json={"message": "Officers", "accounts": [account]}, headers=headers).json()
    given = {"message": "Officers on Elm", "accounts": [account], "revision": first["revision"]}
    second = ada.post(f"/compose/{first['id']}/draft", json=given, headers=headers)
    assert second.status_code == 200
    assert second.json()["id"] == first["id"]
    assert the_post(sqlite_engine).message == "Officers on Elm"
    assert ada.post(f"/compose/{first['id']}/draft", json=given, headers=headers).status_code == 409
    with database.reading(sqlite_engine) as session:
        kept = session.exec(select(PostVersion).order_by(col(PostVersion.revision))).all()
        assert [version.revision for version in kept][-1] == second.json()["revision"]


def test_an_own_wording_is_kept_for_its_account_and_an_empty_one_follows_the_message(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, **{f"variant_{account}": "Own words."})
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Variant)).one().text == "Own words."
    revision = the_post(sqlite_engine).revision
    fields = {"message": "All.", "accounts": account, "revision": revision, f"variant_{account}": "  "}
    assert send(ada, "/compose/1", page="/compose/1", **fields).status_code == 303
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Variant)).one().text is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"message": ""}, "There is no message yet."),
        ({"accounts": []}, "Choose at least one account to send it to."),
        ({"message": "x" * 501}, "too long"),
        ({"day": "2026-11-24", "hour": "07:00"}, "That time has passed; choose a later one."),
        ({"day": "2026-11-24", "hour": ""}, "Give a day and an hour, or neither."),
    ],
)
def test_what_must_be_mended_is_listed_before_anybody_is_asked_to_approve(
    ada: Browser, sqlite_engine: sa.Engine, account: int, fields: dict[str, object], words: str
) -> None:
    told = write(ada, account, then="submit", **fields)
    assert told.status_code == 422
    assert words in told.text
    with database.reading(sqlite_engine) as session:
        assert [post.state for post in session.exec(select(Post))] in ([], ["draft"])


def test_the_check_while_writing_counts_as_the_network_counts(ada: Browser, account: int) -> None:
    headers = {"x-csrf-token": form_token(ada.get("/compose").text)}
    given = {"message": "x" * 510, "accounts": [account], "own": {str(account): None}}
    told = ada.post("/compose/check", json=given, headers=headers).json()[str(account)]
    assert told["fine"] is False
    assert "510 of 500" in told["meter"]
    assert f'<span class="cut">{"x" * 10}</span>' in told["preview"]


def test_a_post_is_approved_by_someone_else_and_goes_out_at_its_time(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    assert write(ada, account, then="submit", **NINE).headers["location"] == "/posts/1?said=submitted"
    assert "One post waits for you." in luc.get("/approvals").text
    assert "One post of yours waits for an approver." in ada.get("/approvals").text
    assert approve(luc, sqlite_engine).headers["location"] == "/posts/1?said=approved"
    assert the_post(sqlite_engine).state == "scheduled"
    assert "Nothing waits for you." in luc.get("/approvals").text
    assert "Elm Street" in ada.get("/queue").text


def test_nobody_approves_a_post_of_their_own(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, account: int
) -> None:
    both = browser_of("Both", Role.OFFICER, Role.APPROVER)
    write(both, account, then="submit")
    assert "Approve these words" not in both.get("/posts/1").text
    assert approve(both, sqlite_engine).status_code == 403
    assert the_post(sqlite_engine).state == "in_review"


def test_words_that_changed_since_the_page_was_read_are_not_approved(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit")
    read = the_post(sqlite_engine).content_hash
    fields = {"message": "Other words.", "accounts": account, "revision": the_post(sqlite_engine).revision}
    send(ada, "/compose/1", page="/compose/1", **fields)
    late = send(luc, "/posts/1/approve", page="/posts/1", content_hash=read)
    assert late.status_code == 409
    with database.reading(sqlite_engine) as session:
        assert list(session.exec(select(Review))) == []


def test_changes_are_asked_for_with_words_and_shown_when_it_comes_back(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit")
    assert send(luc, "/posts/1/ask-changes", page="/posts/1", comment=" ").status_code == 422
    asked = send(luc, "/posts/1/ask-changes", page="/posts/1", comment="Say which Elm Street.")
    assert asked.headers["location"] == "/posts/1?said=changes-asked"
    assert "Say which Elm Street." in ada.get("/compose/1").text
    fields = {"message": "Officers at Elm Street.", "accounts": account}
    fields |= {"revision": the_post(sqlite_engine).revision, "then": "submit"}
    assert send(ada, "/compose/1", page="/compose/1", **fields).headers["location"] == "/posts/1?said=submitted"
    assert "<del>on</del><ins>at</ins>" in luc.get("/posts/1").text


def test_a_new_time_keeps_the_approval_and_new_words_do_not(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit", **NINE)
    approve(luc, sqlite_engine)
    moved = send(ada, "/posts/1/move", page="/posts/1", day="2026-11-25", hour="10:00")
    assert moved.headers["location"] == "/posts/1?said=moved"
    post = the_post(sqlite_engine)
    assert (post.state, post.due_at) == ("scheduled", datetime(2026, 11, 25, 15, tzinfo=UTC))
    fields = {"message": "New words.", "accounts": account, "revision": post.revision}
    send(ada, "/compose/1", page="/compose/1", **fields, day="2026-11-25", hour="10:00")
    assert the_post(sqlite_engine).state in ("draft", "in_review")


def autosave(ada: Browser, account: int, **more: object) -> Response:
    headers = {"x-csrf-token": form_token(ada.get("/compose").text)}
    given = {"title": "Elm Street", "message": "Officers on Elm Street.", "accounts": [account]}
    return ada.post("/compose/1/draft", json=given | more, headers=headers)


def test_a_time_that_is_being_written_moves_no_approved_post_before_a_button_is_pressed(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit", **NINE)
    approve(luc, sqlite_engine)
    now = {"revision": the_post(sqlite_engine).revision, "was": "2026-11-24T09:00"}
    told = autosave(ada, account, **now, day="2026-11-25", hour="09:00")
    assert (told.status_code, told.json()["was"]) == (200, "2026-11-24T09:00")
    assert (the_post(sqlite_engine).due_at, the_post(sqlite_engine).state) == (
        datetime(2026, 11, 24, 14, tzinfo=UTC), "scheduled",
    )  # fmt: skip
    past = {"day": "2026-11-23", "hour": "06:00", "was": "2026-11-24T09:00"}
    fields = {"title": "Elm Street", "message": "Officers on Elm Street.", "accounts": account}
    fields["revision"] = the_post(sqlite_engine).revision
    refused = send(ada, "/compose/1", page="/compose/1", **fields, **past)
    assert (refused.status_code, "That time has passed" in refused.text) == (422, True)
    send(ada, "/compose/1", page="/compose/1", **fields, **(past | {"day": "2026-11-26"}))
    assert the_post(sqlite_engine).due_at == datetime(2026, 11, 26, 11, tzinfo=UTC)


def test_a_post_held_beyond_its_time_is_not_missed_because_somebody_mends_a_word(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    held(ada, luc, sqlite_engine, account)
    there = the_post(sqlite_engine)
    late = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
    told = Mistake("day", "That time has passed; choose a later one.")
    form = {"title": "Elm Street", "message": "Officers on Oak Street.", "accounts": account}
    form |= {"revision": there.revision, "was": "2026-11-24T09:00"}
    picture = {"picture": ("cups.jpg", photo(), "image/jpeg")}
    with clock.at(late):
        for then in ("save", "close", "submit"):
            assert named(send(ada, "/compose/1", page="/compose/1", then=then, **form, **NINE)) == told
        unchanged = (
            form | NINE | {"message": there.message, "then": "picture", "csrf": form_token(ada.get("/hold").text)}
        )
        assert named(ada.post("/compose/1", data=unchanged, files=picture)) == told
        saved = autosave(ada, account, message="Officers on Oak Street.", revision=there.revision + 1, **NINE)
        assert (saved.status_code, saved.json()) == (422, {"why": told.words})
        with database.writing(sqlite_engine) as session:
            assert lapsing.lapse(session, late + timedelta(seconds=1), timedelta(hours=1)) == []
            assert session.exec(select(PostPicture)).all() == []
        post = the_post(sqlite_engine)
        assert (post.state, post.message, post.due_at) == ("scheduled", there.message, there.due_at)
        form["revision"] = post.revision
        later = NINE | {"hour": "10:00"}
        assert send(ada, "/compose/1", page="/compose/1", **form, **later).headers["location"].endswith("said=saved")
        post = the_post(sqlite_engine)
    assert (post.state, post.due_at) == ("in_review", datetime(2026, 11, 24, 15, tzinfo=UTC))


def test_a_post_held_beyond_its_time_can_be_mended_without_a_time(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    held(ada, luc, sqlite_engine, account)
    with clock.at(datetime(2026, 11, 24, 14, 5, tzinfo=UTC)):
        form = {"message": "Officers on Oak Street.", "accounts": account, "was": "2026-11-24T09:00"}
        form |= {"revision": the_post(sqlite_engine).revision, "day": "", "hour": ""}
        assert send(ada, "/compose/1", page="/compose/1", **form).status_code == 303
    assert (the_post(sqlite_engine).state, the_post(sqlite_engine).due_at) == ("in_review", None)


def test_a_save_by_itself_says_why_a_time_cannot_be_and_tells_of_nobody_else(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit", **NINE)
    past = {"day": "2026-11-24", "hour": "07:00", "was": "2026-11-24T09:00"}
    told = autosave(ada, account, message="Elm.", revision=the_post(sqlite_engine).revision, **past)
    assert (told.status_code, told.json()) == (422, {"why": "That time has passed; choose a later one."})
    assert the_post(sqlite_engine).message == "Officers on Elm Street."


def test_a_page_that_was_open_undoes_no_move_of_the_time(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit", **NINE)
    approve(luc, sqlite_engine)
    was = {"was": "2026-11-24T09:00", "revision": the_post(sqlite_engine).revision}
    send(ada, "/posts/1/move", page="/posts/1", day="2026-11-27", hour="10:00")
    fields = {"title": "Elm Street again", "message": "Officers on Elm Street.", "accounts": account}
    assert send(ada, "/compose/1", page="/compose/1", **fields, **was, **NINE).status_code == 303
    post = the_post(sqlite_engine)
    assert (post.title, post.due_at) == ("Elm Street again", datetime(2026, 11, 27, 15, tzinfo=UTC))
    both = {"day": "2026-11-25", "hour": "09:00"} | was | {"revision": post.revision}
    assert send(ada, "/compose/1", page="/compose/1", **fields, **both).status_code == 409
    assert the_post(sqlite_engine).due_at == post.due_at


def test_a_cancelled_post_leaves_the_queue_and_keeps_its_page(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, **NINE)
    assert send(ada, "/posts/1/cancel", page="/posts/1").headers["location"] == "/posts/1?said=cancelled"
    assert the_post(sqlite_engine).state == "cancelled"
    assert "Officers on Elm Street." in ada.get("/posts/1").text


def test_a_spanish_page_tells_in_spanish_why_a_post_did_not_go_out_and_what_cannot_be_done(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, then="submit", **NINE)
    approve(luc, sqlite_engine)
    with database.writing(sqlite_engine) as session:
        session.get_one(Person, 1).language = "es"
        lapsing.lapse(session, clock.now() + timedelta(hours=4), timedelta(hours=2))
    page = ada.get("/posts/1").text
    assert ("demasiado tarde para enviarse; no se empezó" in page, "too late" in page) == (True, False)
    told = send(ada, "/posts/1/withdraw", page="/posts/1")
    assert (told.status_code, "No se puede devolver a borrador." in told.text) == (409, True)


def test_a_hold_is_placed_with_a_reason_and_lifted_by_an_approver(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine
) -> None:
    assert send(ada, "/hold", page="/hold", reason=" ").status_code == 422
    assert send(ada, "/hold", page="/hold", reason="Crash on Route 9").status_code == 303
    assert "Crash on Route 9" in luc.get("/queue").text
    assert send(ada, "/hold/lift", page="/account").status_code == 403
    assert send(luc, "/hold/lift", page="/hold").headers["location"] == "/queue?said=hold-lifted"
    with database.reading(sqlite_engine) as session:
        assert holds.in_force(session) is None


def test_lifting_a_hold_keeps_moves_or_drops_each_post(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    for title in ("Keep", "Move", "Drop"):
        write(ada, account, then="submit", title=title, message=f"{title} it.", **NINE)
    for number in (1, 2, 3):
        with database.reading(sqlite_engine) as session:
            read = session.get_one(Post, number).content_hash
        send(luc, f"/posts/{number}/approve", page=f"/posts/{number}", content_hash=read)
    send(ada, "/hold", page="/hold", reason="Crash on Route 9")
    page = luc.get("/hold").text
    assert [f"post_{number}" in page for number in (1, 2, 3)] == [True, True, True]
    choices = {"post_1": "keep", "post_2": "move", "day_2": "2026-11-25", "hour_2": "11:00", "post_3": "drop"}
    assert send(luc, "/hold/lift", page="/hold", **choices).status_code == 303
    with database.reading(sqlite_engine) as session:
        found = [(post.title, post.state, post.due_at) for post in session.exec(select(Post).order_by(col(Post.id)))]
    assert found == [
        ("Keep", "scheduled", datetime(2026, 11, 24, 14, tzinfo=UTC)),
        ("Move", "scheduled", datetime(2026, 11, 25, 16, tzinfo=UTC)),
        ("Drop", "cancelled", found[2][2]),
    ]


def test_a_move_without_its_time_leaves_the_hold_on(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    held(ada, luc, sqlite_engine, account)
    assert send(luc, "/hold/lift", page="/hold", post_1="move").status_code == 422
    with database.reading(sqlite_engine) as session:
        assert holds.in_force(session) is not None


def test_the_queue_shows_a_day_in_the_departments_zone(ada: Browser, account: int) -> None:
    write(ada, account, day="2026-11-24", hour="23:30")  # already the 25th in UTC
    page = ada.get("/queue").text
    assert page.index("Today") < page.index("23:30") < page.index("Without a time")


def test_the_practice_board_takes_a_residents_words_as_text(ada: Browser, luc: Browser) -> None:
    sent = send(ada, "/board", page="/board", author="Maria", text="<b>Who</b> paints the crossing?")
    assert sent.status_code == 303
    assert "&lt;b&gt;Who&lt;/b&gt; paints the crossing?" in luc.get("/board").text
    assert send(luc, "/board", page="/account", author="Luc", text="Hello").status_code == 403
    assert send(ada, "/board", page="/board", author="", text="Hello").status_code == 422


def test_times_are_in_the_readers_zone_with_its_name(ada: Browser, account: int) -> None:
    write(ada, account, **NINE)
    assert clock.now() == datetime(2026, 11, 24, 13, 10, tzinfo=UTC)
    assert "Tue 24 Nov, 09:00 EST" in ada.get("/posts/1").text


def test_what_no_store_can_hold_is_cleaned_and_numbers_out_of_range_are_refused(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    headers = {"x-csrf-token": form_token(ada.get("/compose").text), "content-type": "application/json"}
    body = f'{{"message": "a\\u0000b c\\r\\nd", "accounts": [{account}]}}'
    assert ada.post("/compose/draft", content=body, headers=headers).status_code == 200
    assert the_post(sqlite_engine).message == "ab c\nd"
    for path in ("/posts/99999999999999999999", "/posts/0", "/compose/99999999999"):
        assert ada.get(path).status_code == 422
    assert ada.get("/posts/77").status_code == 404


def test_a_form_that_is_not_our_own_is_refused(ada: Browser, account: int) -> None:
    told = write(ada, account, category="rumour")
    assert told.status_code == 422
    assert "Something in it is of another kind than what is asked for." in told.text


def test_its_story_says_that_it_was_sent_for_approval_and_called_off(ada: Browser, account: int) -> None:
    write(ada, account, then="submit", **NINE)
    send(ada, "/posts/1/cancel", page="/posts/1")
    story = re.findall(r'<p class="who"><b>([^<]+)</b>', ada.get("/posts/1").text)
    assert sorted(story) == ["Called off", "Sent for approval", "Written"]


def test_a_post_of_which_changes_were_asked_waits_for_its_author_alone(
    ada: Browser, luc: Browser, browser_of: Callable[..., Browser], account: int
) -> None:
    write(ada, account, then="submit", **NINE)
    send(luc, "/posts/1/ask-changes", page="/posts/1", comment="Which crosswalk?")
    said = "“Elm Street”"
    assert said in ada.get("/").text
    assert said not in browser_of("Eve", Role.OFFICER).get("/").text
    assert "asks for changes:</b> Which crosswalk?" in ada.get("/posts/1").text
    given = {"title": "Elm Street", "message": "Officers at Elm and 4th.", "accounts": account, **NINE}
    send(ada, "/compose/1", page="/compose/1", then="submit", revision="1", **given)
    assert said not in ada.get("/").text
    assert "asks for changes:" not in ada.get("/posts/1").text


def test_a_post_that_a_network_refused_is_told_to_its_author_today(
    ada: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, **NINE)
    with database.writing(sqlite_engine) as session:
        post = session.exec(select(Post)).one()
        post.state, post.due_at = "partly_published", clock.now()
        session.add(post)
    told = "Did not go out everywhere: see why"
    assert told in ada.get("/").text
    assert told not in browser_of("Eve", Role.OFFICER).get("/").text


ALONE, INVITE = "Nobody else here may approve it yet.", 'href="/people#add">Invite an approver'


def test_where_nobody_may_approve_the_author_reads_so_and_whom_to_ask(
    ada: Browser, browser_of: Callable[..., Browser], account: int
) -> None:
    admin = browser_of("Root", Role.ADMINISTRATOR)
    write(ada, account, then="submit")
    for path in ("/compose/1", "/posts/1"):
        page = ada.get(path).text
        assert (ALONE in page, "An administrator can invite one: Root." in page, INVITE in page) == (True, True, False)
    assert "waits, but nobody here may approve it yet" in ada.get("/").text.lower()
    page = admin.get("/posts/1").text
    assert (ALONE in page, INVITE in page) == (True, True)
    browser_of("Luc", Role.APPROVER)
    for path in ("/compose/1", "/posts/1"):
        assert ALONE not in ada.get(path).text
    assert "nobody here may approve it yet" not in ada.get("/").text.lower()


def test_an_approver_who_wrote_it_or_whose_way_in_is_closed_is_nobody(
    browser_of: Callable[..., Browser], luc: Browser, account: int, sqlite_engine: sa.Engine
) -> None:
    both = browser_of("Bo", Role.OFFICER, Role.APPROVER)
    write(both, account, then="submit")
    assert ALONE not in both.get("/posts/1").text
    with database.writing(sqlite_engine) as session:
        session.exec(sa.update(Person).where(col(Person.name) == "Luc").values(active=False))
    assert ALONE in both.get("/posts/1").text


def test_changes_that_were_asked_for_are_no_longer_asked_once_it_is_handed_in_again(
    ada: Browser, luc: Browser, account: int, sqlite_engine: sa.Engine
) -> None:
    write(ada, account, then="submit")
    send(luc, "/posts/1/ask-changes", page="/posts/1", comment="Name the street.")
    pages = ("/compose/1", "/posts/1")
    assert ["Name the street." in ada.get(path).text.partition("h-story")[0] for path in pages] == [True, True]
    assert "came back" in ada.get("/").text.lower()
    write_again = {"revision": the_post(sqlite_engine).revision, "message": "Officers on Elm Street and Oak."}
    send(ada, "/compose/1", page="/compose/1", then="submit", accounts=account, title="Elm Street", **write_again)
    assert the_post(sqlite_engine).state == "in_review"
    assert ["Name the street." in ada.get(path).text.partition("h-story")[0] for path in pages] == [False, False]
    assert "came back" not in ada.get("/").text.lower()
