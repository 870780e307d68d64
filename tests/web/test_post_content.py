"""Pictures, threads and a network's own options over the pages and the API; and what went out, taken down."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.tables import AuditEntry
from networks import accounts, practice, registry
from networks.network import Option
from networks.tables import Account
from posts import addresses
from posts.tables import Post, PostPicture, Target, Variant
from tests.posts.test_pictures import photo
from tests.web.browsing import Browser, Response, form_token
from tests.web.mistakes import Mistake, named
from web import app as web_app
from web import compose

VISIBILITY = Option("visibility", "Who sees it", (("public", "Everyone"), ("unlisted", "Not in public lists")))
WARNING = Option("content_warning", "Content warning")


@pytest.fixture
def account(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> int:
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


def write(
    ada: Browser,
    account: int,
    then: str,
    page: str = "/compose",
    picture: bytes = b"",
    fields: Mapping[str, object] = MappingProxyType({}),
    **more: object,
) -> Response:
    given = {"message": "Coffee at nine.", "accounts": account, "csrf": form_token(ada.get(page).text), "then": then}
    files = {"picture": ("cups.jpg" if picture else "", picture, "image/jpeg")}
    return ada.post(page, data={**given, **fields, **more}, files=files)


def only(engine: sa.Engine, table: type) -> object:
    with database.reading(engine) as session:
        return session.exec(select(table)).one()


def revision(engine: sa.Engine) -> int:
    found = only(engine, Post)
    assert isinstance(found, Post)
    return found.revision


def test_a_picture_is_added_described_shown_and_taken_out(ada: Browser, sqlite_engine: sa.Engine, account: int) -> None:
    assert write(ada, account, "picture", picture=photo()).headers["location"] == "/compose/1?said=saved#pictures"
    shown = ada.get("/posts/1/pictures/1")
    assert (shown.headers["content-type"], b"Ortega" in shown.content) == ("image/jpeg", False)
    write(ada, account, "save", "/compose/1", revision=revision(sqlite_engine), alt_1="Cups <on> a table")
    assert "Cups &lt;on&gt; a table</textarea>" in ada.get("/compose/1").text
    taken = write(ada, account, "take-out-1", "/compose/1", revision=revision(sqlite_engine))
    assert taken.headers["location"] == "/compose/1?said=saved#pictures"
    assert "/posts/1/pictures/1" not in ada.get("/compose/1").text


def test_a_picture_may_be_larger_than_any_other_form_but_not_without_end(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    noisy = photo((3000, 2400), kind="PNG")
    assert (len(noisy) > web_app.BODY_LIMIT, write(ada, account, "picture", picture=noisy).status_code) == (True, 303)
    again: dict[str, object] = {"revision": revision(sqlite_engine)}
    assert (
        write(ada, account, "picture", "/compose/1", picture=b"x" * compose.WITH_A_PICTURE, fields=again).status_code
        == 413
    )


def test_a_post_whose_picture_says_nothing_is_not_sent_for_approval(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, "picture", picture=photo())
    told = write(ada, account, "submit", "/compose/1", revision=revision(sqlite_engine))
    assert named(told) == Mistake("alt-1", "Say what the picture shows, for people who cannot see it.")


def test_what_a_form_says_of_a_picture_is_not_written_where_it_is_only_looked_at(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, "picture", picture=photo())
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(" ".join(statement.split()[:2]))

    sa.event.listen(sqlite_engine, "before_cursor_execute", note)
    headers = {"x-csrf-token": form_token(ada.get("/compose/1").text)}
    given = {"message": "Coffee at nine.", "accounts": [account], "alts": {"1": "Cups on a table"}}
    assert ada.post("/compose/check?post=1", json=given, headers=headers).status_code == 200
    assert write(ada, account, "submit", "/compose/1", revision=revision(sqlite_engine)).status_code == 422
    assert "UPDATE post" in asked  # the save
    assert "UPDATE post_picture" not in asked


def test_a_picture_that_says_nothing_is_one_thing_to_fix_on_however_many_accounts(
    ada: Browser, sqlite_engine: sa.Engine, account: int, keys: Keys, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        made = accounts.add(session, network="practice", name="Town", handle="", secret=None, keys=keys, now=at_eight)
        both = [account, made.id or 0]
    write(ada, account, "picture", picture=photo(), accounts=both)
    fields: dict[str, object] = {"accounts": both, "revision": revision(sqlite_engine)}
    assert "One thing to fix" in write(ada, account, "submit", "/compose/1", fields=fields).text
    fields["revision"] = revision(sqlite_engine)
    told = write(ada, account, "submit", "/compose/1", fields=fields, message="x" * 501).text
    assert "3 things to fix" in told  # too long on both, and the picture
    fields |= {"alt_1": "Cups on a table", "revision": revision(sqlite_engine)}
    assert write(ada, account, "submit", "/compose/1", fields=fields).status_code == 303


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"message": " "}, "message", "There is no message yet."),
        ({"day": "2026-11-24", "hour": "07:00"}, "day", "That time has passed; choose a later one."),
        ({"day": "2026-11-24", "hour": ""}, "day", "Give a day and an hour, or neither."),
        ({"then": "link", "link": "?"}, "link", "That is no link; it begins like https://riverton.example."),
        ({"then": "picture"}, "picture", "Choose a picture file first."),
    ],
)
def test_what_must_be_mended_stands_beside_its_field_and_has_the_focus(
    ada: Browser, account: int, fields: dict[str, object], field: str, words: str
) -> None:
    assert named(write(ada, account, "submit", fields=fields)) == Mistake(field, words)


def test_what_somebody_else_saved_is_no_mistake_of_the_message(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, "save")
    read = revision(sqlite_engine)
    write(ada, account, "save", "/compose/1", message="Coffee at ten.", revision=read)
    late = write(ada, account, "save", "/compose/1", message="Coffee at eleven.", revision=read)
    assert (late.status_code, "aria-invalid" in late.text) == (409, False)


@pytest.mark.parametrize(
    ("sent", "words"), [(b"", "Choose a picture file first."), (b"%PDF-1.7", "no picture we can read")]
)
def test_a_file_that_is_no_picture_keeps_what_was_written(
    ada: Browser, sqlite_engine: sa.Engine, account: int, sent: bytes, words: str
) -> None:
    told = write(ada, account, "picture", picture=sent, message="Coffee at ten.")
    assert (told.status_code, words in told.text, "Coffee at ten." in told.text) == (422, True, True)
    assert revision(sqlite_engine) == 1


def test_a_picture_of_another_post_is_not_shown_under_this_one(ada: Browser, account: int) -> None:
    write(ada, account, "picture", picture=photo())
    write(ada, account, "save")
    assert [ada.get(f"/posts/{number}/pictures/1").status_code for number in (1, 2, 3)] == [200, 404, 404]


def test_a_network_s_own_options_are_kept_shown_and_approved(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(practice.NETWORK, options=(VISIBILITY, WARNING))
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))
    chosen = {f"option_{account}_visibility": "unlisted", f"option_{account}_content_warning": "A crash"}
    write(ada, account, "submit", fields=chosen | {"day": "2026-11-24", "hour": "09:00"})
    page = luc.get("/posts/1").text
    assert ("Not in public lists" in page, "<b>Content warning:</b> A crash" in page) == (True, True)
    variant = only(sqlite_engine, Variant)
    assert isinstance(variant, Variant)
    assert variant.options == {"visibility": "unlisted", "content_warning": "A crash"}
    post = only(sqlite_engine, Post)
    assert isinstance(post, Post)
    luc.post("/posts/1/approve", data={"csrf": form_token(luc.get("/posts/1").text), "content_hash": post.content_hash})
    target = only(sqlite_engine, Target)
    assert isinstance(target, Target)
    assert target.options == variant.options


def test_a_choice_that_the_network_does_not_offer_is_refused_whole(
    ada: Browser, sqlite_engine: sa.Engine, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(practice.NETWORK, options=(VISIBILITY,))
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))
    for option in ("visibility", "content_warning"):
        told = write(ada, account, "save", fields={f"option_{account}_{option}": "direct"})
        assert (told.status_code, "offers no" in told.text) == (409, True)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Post)).all() == []


def test_an_account_that_is_signed_out_stays_on_the_draft_and_says_so(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, "save")
    with database.writing(sqlite_engine) as session:
        row = session.get_one(Account, account)
        row.state = "signed_out"
        session.add(row)
    assert "Signed out: waits" in ada.get("/compose/1").text
    assert "Signed out: waits" not in ada.get("/compose").text


def published(session: Session, account: int, now: datetime) -> None:
    """A post of two parts that is out."""
    post = Post(
        title="Thread",
        author_id=1,
        message="One\n---\nTwo",
        state="published",
        due_at=now,
        created_at=now,
        updated_at=now,
    )
    session.add(post)
    session.flush()
    session.add(Variant(post_id=post.id or 0, account_id=account))
    for part, words in enumerate(("One", "Two")):
        session.add(
            Target(
                post_id=post.id or 0,
                account_id=account,
                part=part,
                state="published",
                due_at=now,
                next_try_at=now,
                key=str(part),
                content_hash="",
                text=words,
                remote_id=str(part),
                remote_url=f"https://n.example/{part}",
            )
        )


def test_each_part_that_is_out_has_its_link_and_can_be_taken_down(
    ada: Browser, sqlite_engine: sa.Engine, account: int, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        published(session, account, at_eight)
    page = ada.get("/posts/1").text
    assert [words in page for words in ("Part 1 of 2", "https://n.example/0", "https://n.example/1")] == [True] * 3
    token = form_token(page)
    assert (
        ada.post("/posts/1/targets/2/take-down", data={"csrf": token}).headers["location"]
        == "/posts/1?said=taking-down"
    )
    assert "Asked to be taken down" in ada.get("/posts/1").text
    assert ada.post("/posts/2/targets/1/take-down", data={"csrf": token}).status_code == 404
    with database.reading(sqlite_engine) as session:
        asked = [entry.subject for entry in session.exec(select(AuditEntry)) if entry.action == "target.take_down"]
    assert asked == ["post:1"]


def test_programs_add_pictures_and_read_them_back(ada: Browser, sqlite_engine: sa.Engine, account: int) -> None:
    write(ada, account, "save")
    headers = {"x-csrf-token": form_token(ada.get("/compose/1").text)}
    files = {"picture": ("cups.png", photo(kind="PNG"), "image/png")}
    made = ada.post("/api/v1/posts/1/pictures", data={"alt": "Cups"}, files=files, headers=headers)
    assert (made.status_code, [one["alt"] for one in made.json()["pictures"]]) == (201, ["Cups"])
    refused = ada.post("/api/v1/posts/1/pictures", files={"picture": ("x", b"no", "image/png")}, headers=headers)
    assert refused.status_code == 422
    assert ada.delete("/api/v1/posts/1/pictures/1", headers=headers).json()["pictures"] == []
    picture = only(sqlite_engine, PostPicture)
    assert isinstance(picture, PostPicture)
    assert picture.taken_out


def test_a_network_fetches_a_picture_by_its_signed_address_and_by_no_other(
    ada: Browser, stranger: Browser, sqlite_engine: sa.Engine, account: int, keys: Keys, at_eight: datetime
) -> None:
    write(ada, account, "picture", picture=photo())
    with database.reading(sqlite_engine) as session:
        number = session.exec(select(PostPicture.id)).one() or 0
    address = addresses.signed(number, "", keys, at_eight)
    fetched = stranger.get(address)
    assert (fetched.status_code, fetched.headers["content-type"], fetched.content[:3]) == (
        200,
        "image/jpeg",
        b"\xff\xd8\xff",
    )
    assert stranger.get(address.replace(f"/{number}-", f"/{number + 1}-")).status_code == 404


def test_a_picture_is_cropped_from_the_whole_and_made_whole_again(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    write(ada, account, "picture", picture=photo((640, 480)))

    def cut(number: int, shape: str) -> str:
        more = {f"alt_{number}": "Cups", f"shape_{number}": shape, f"focus_{number}": "100"}
        write(ada, account, f"crop-{number}", "/compose/1", revision=revision(sqlite_engine), fields=more)
        with database.reading(sqlite_engine) as session:
            shown = [one for one in session.exec(select(PostPicture)) if not one.taken_out]
        return " ".join(f"{one.id}: {one.width}x{one.height}, {one.alt}" for one in shown)

    assert cut(1, "square") == "2: 480x480, Cups"
    assert cut(2, "wide") == "3: 640x360, Cups"
    assert cut(3, "") == "1: 640x480, Cups"
    assert cut(1, "round") == "1: 640x480, Cups"
