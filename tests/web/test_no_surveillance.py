"""Nobody is followed: what the desk asks its store is recorded, route by route, job by job, command by command, and no
question selects, groups or orders by who wrote, but for the few places that are listed here with their reason."""

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from fastapi import FastAPI
from sqlalchemy.sql import visitors
from sqlmodel import col, select

import cli
from config import database, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import MailPreference
from listeners import places
from listeners.tables import Mention
from networks.practice import post_as_resident
from scheduler.engine import rota
from sentiment import counts
from sentiment.tables import AuthorDay
from tests.web.browsing import Browser
from tests.web.test_left_out import EVERYBODY, LOOKED_AT, everything, looked_at, said

HOUSE = Path(__file__).parents[2]
ROOMS = ("config", "networks", "listeners", "sentiment", "posts", "scheduler", "web")
OF_THE_PUBLIC = {"mention.author", "mention.author_age", "author_day.author", "practice_post.author"}

ONLY_TO_LEAVE_IT_OUT = 'value="protest_public_order"><span>a protest or gathering: leave it out of the desk'
ONE_VOTE = "one author one vote: how many people, never which"
ONE_QUOTE = "quotes of different people: two of one person are not shown beside each other"
TAKEN_BACK = "what a deletion or correction takes back is one author's day exactly"
ONE_TEXT = "one text by many accounts within an hour is told as a number of accounts, never which"
OWN_DATA = "a person's own data, at their word: found by its hash, deleted, shown to nobody"
NAMED_IN_CODE = {
    "listeners.data_requests.of_account": OWN_DATA,
    "listeners.data_requests.said_by": OWN_DATA,
    "listeners.rechecks.known": "an account that its owner closed: all of it is deleted here too",
    "sentiment.alerts._leading": ONE_VOTE,
    "sentiment.alerts._since": ONE_VOTE,
    "sentiment.alert_details.of_each": ONE_VOTE,
    "sentiment.brigades._copies": ONE_TEXT,
    "sentiment.counts._counted": TAKEN_BACK,
    "sentiment.hindsight.copied": ONE_VOTE,
    "sentiment.recent._add": ONE_VOTE,
    "sentiment.sums._author_days": ONE_VOTE,
    "sentiment.sums._counted": ONE_VOTE,
    "sentiment.surges._daily_authors": ONE_VOTE,
    "sentiment.surges._recent": ONE_VOTE,
    "sentiment.surges._talking": ONE_VOTE,
    "sentiment.surges._unconcerned": ONE_VOTE,
    "sentiment.surges.said": ONE_VOTE,
    "sentiment.topics._topic": ONE_VOTE,
    "sentiment.unheard.by_language": ONE_VOTE,
}
ASKED_BY_AUTHOR = {
    "sentiment.alerts._leading": ONE_VOTE,
    "sentiment.sums._counted": ONE_VOTE,
    "sentiment.surges._daily_authors": ONE_VOTE,
    "sentiment.unheard.by_language": ONE_VOTE,
    "sentiment.counts.take_back": TAKEN_BACK,
    "sentiment.counts.forget_author_days": "author-days go after 60 days, whole rows at a time",
}


def _authors_in(part: Any) -> bool:
    return any(
        isinstance(one, sa.Column) and f"{one.table.name}.{one.name}" in OF_THE_PUBLIC for one in visitors.iterate(part)
    )


def by_author(statement: Any) -> bool:
    """Whether a statement selects, joins, groups, counts or orders rows by who wrote them."""
    if isinstance(statement, sa.TextClause) or not isinstance(statement, sa.ClauseElement):
        return "author" in str(statement).lower()
    for one in visitors.iterate(statement):
        parts: list[Any] = [getattr(one, "whereclause", None)]
        if isinstance(one, sa.Select):
            parts += [*one._group_by_clauses, *one._order_by_clauses, *one._having_criteria, *one._distinct_on]
        if isinstance(one, sa.sql.functions.FunctionElement | sa.sql.expression.Over):
            parts.append(one)
        if isinstance(one, sa.sql.expression.Join):
            parts.append(one.onclause)
        if isinstance(one, sa.Select):
            parts += [onclause for _to, onclause, *_how in one._setup_joins if onclause is not None]
        if any(_authors_in(part) for part in parts if part is not None):
            return True
    return False


def asker() -> str:
    """The innermost function of the house that asks."""
    frame = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(HOUSE) and path.relative_to(HOUSE).parts[0] in (*ROOMS, "cli.py"):
            module = ".".join(path.relative_to(HOUSE).with_suffix("").parts)
            if module != "config.database":
                return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "a test"


@contextmanager
def recorded() -> Iterator[dict[str, int]]:
    """How many statements were asked by author, by the function that asked; all of them under ""."""
    found: dict[str, int] = {"": 0}

    def note(_connection: Any, statement: Any, *_: Any) -> None:
        found[""] += 1
        if by_author(statement):
            found[asker()] = found.get(asker(), 0) + 1

    sa.event.listen(sa.Engine, "before_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_execute", note)


@pytest.fixture
def town(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime) -> sa.Engine:
    with database.writing(sqlite_engine) as session:
        places.add(session, "Elm Street", ("Elm St",), "street")
        places.add(session, "Oak Lane", (), "street")
        post_as_resident(session, "Jo", "A practice post", at_eight)
    texts = [f"Speeding on Elm Street by number {n}, useless" for n in range(30)]
    said(sqlite_engine, keys, settings, at_eight, texts)
    lately = [f"Speeding on Elm Street, said {n}, useless" for n in range(30)]
    lately += [f"thank you officer {n}" for n in range(30)]
    said(sqlite_engine, keys, settings, at_eight - timedelta(days=2), lately)
    return sqlite_engine


def test_the_recorder_finds_each_way_of_asking_by_author(sqlite_engine: sa.Engine) -> None:
    author = col(Mention.author)
    for ask in (
        sa.select(col(Mention.id)).where(author == b"x"),
        sa.select(col(Mention.id)).where(col(Mention.id).in_(sa.select(col(Mention.id)).where(author == b"x"))),
        sa.select(sa.func.count()).select_from(Mention).group_by(author),
        sa.select(col(Mention.id)).order_by(author.desc()),
        sa.select(sa.func.count(sa.distinct(author))),
        sa.select(col(Mention.id)).join(AuthorDay, col(AuthorDay.author) == author),
        sa.delete(AuthorDay).where(col(AuthorDay.author) == b"x"),
        sa.text("SELECT id FROM mention ORDER BY author"),
    ):
        assert by_author(ask), ask
    for other in (sa.select(Mention).where(col(Mention.id) == 1), sa.select(author), sa.text("SELECT 1")):
        assert not by_author(other), other


def test_no_route_asks_by_author_but_for_counting_people(
    desk_app: FastAPI, town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    ada = browser_of("Ada", *EVERYBODY)
    with recorded() as found:
        assert set(everything(desk_app, ada)) >= LOOKED_AT
        ada.get("/records/log")
    assert found.pop("") > 300
    assert set(found) <= set(ASKED_BY_AUTHOR)


def test_no_job_asks_by_author_but_for_counting_people_and_taking_back(
    town: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, person: Callable[..., Any]
) -> None:
    with database.writing(town) as session:
        person(session, "Ada", *EVERYBODY)
    secrets.load(settings, begin=True)
    hands = rota.Hands(town, settings, keys)
    with recorded() as found:
        for one in (*rota.WAITS, *rota.READS):
            if one.name not in ("publish", "score"):  # the one has no pools here, the other loads the model
                one.job(hands, at_eight)
    assert found.pop("") > 50
    assert set(found) <= set(ASKED_BY_AUTHOR)


def test_no_command_asks_by_author_but_for_counting_people(
    town: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: Callable[..., Any]
) -> None:
    with database.writing(town) as session:
        person(session, "Ada", *EVERYBODY)
    monkeypatch.setenv("LIAISON_DATABASE_URL", str(town.url))
    monkeypatch.setenv("LIAISON_DATA_DIR", str(tmp_path / "desk"))
    monkeypatch.setenv("LIAISON_SECRET_KEY", "not a secret: tests only")  # what sealed the town's mentions
    reading = (
        ["digest", "--preview", str(tmp_path / "digest")],
        ["export", "records", str(tmp_path / "records")],
        ["verify", "records"],
        ["post", "list"],
        ["source", "list"],
        ["rule", "list"],
        ["rule", "try", "speeding"],
        ["legal-hold", "list"],
    )
    with recorded() as found:
        for arguments in reading:
            ran = CliRunner().invoke(cli.liaison, arguments)
            assert ran.exit_code == 0, (arguments, ran.output)
    assert found.pop("") > 30
    assert set(found) <= set(ASKED_BY_AUTHOR)


def test_every_function_that_names_an_authors_column_is_listed_with_its_reason() -> None:
    named = set()
    for room in ROOMS:
        for file in (HOUSE / room).rglob("*.py"):
            if "migrations" in file.parts or "training" in file.parts:
                continue
            module = ".".join(file.relative_to(HOUSE).with_suffix("").parts)
            for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    for one in ast.walk(function):
                        if isinstance(one, ast.Attribute) and one.attr in ("author", "author_age"):
                            table = one.value.id if isinstance(one.value, ast.Name) else ""
                            if table in ("Mention", "AuthorDay", "PracticePost"):
                                named.add(f"{module}.{function.name}")
    assert named == set(NAMED_IN_CODE)


def test_what_is_never_tracked_is_named_on_no_page_and_in_no_answer(
    desk_app: FastAPI,
    town: sa.Engine,
    keys: Keys,
    settings: Settings,
    at_eight: datetime,
    browser_of: Callable[..., Browser],
) -> None:
    said(town, keys, settings, at_eight, [f"the protest on Elm Street, useless, word {n}" for n in range(40)])
    answers = everything(desk_app, browser_of("Ada", *EVERYBODY))
    told = {path: text.lower().replace(ONLY_TO_LEAVE_IT_OUT, "") for path, text in answers.items()}
    assert [path for path, text in told.items() if "protest" in text] == []


def _name_oak_lane(engine: sa.Engine, ids: list[int]) -> None:
    """Moves mentions to a place, with what they count for."""
    with database.writing(engine) as session:
        oak = next(place.id for place in places.all_places(session) if place.name == "Oak Lane")
        before = counts.counted(session, ids)
        counts.take_back(session, before)
        for one in session.exec(select(Mention).where(col(Mention.id).in_(ids))):
            one.place_id = oak
            session.add(one)
        session.flush()
        counts.add(session, counts.counted(session, ids))


@pytest.mark.long
@pytest.mark.parametrize("chosen", [["Oak Lane"], ["Oak Lane", "Elm Street"]])
def test_whether_none_or_four_people_name_a_place_changes_nothing_that_an_analyst_sees(
    desk_app: FastAPI, town: sa.Engine, at_eight: datetime, browser_of: Callable[..., Browser], chosen: list[str]
) -> None:
    analyst = browser_of("Ana", Role.ANALYST, Role.AUDITOR, Role.ADMINISTRATOR)
    with database.writing(town) as session:
        here = [place.id or 0 for place in places.all_places(session) if place.name in chosen]
        session.merge(MailPreference(person_id=1, places=here))
        none_named = select(Mention.id).where(col(Mention.place_id).is_(None), col(Mention.shown))
        placeless = sorted(number or 0 for number in session.exec(none_named))
    _figures(desk_app, analyst)
    pages = _figures(desk_app, analyst)
    assert len(pages) > 30
    for some in (placeless[:1], placeless[1:4]):
        _name_oak_lane(town, some)
        after = _figures(desk_app, analyst)
        assert [path for path in pages if pages[path] != after.get(path)] == []
    _name_oak_lane(town, placeless[4:5])
    assert any(pages.get(path) != told for path, told in _figures_one_by_one(desk_app, analyst))  # five may be told of


def _figures(app: FastAPI, browser: Browser) -> dict[str, str]:
    """Everything, with digests and reports of each kind."""
    return dict(_figures_one_by_one(app, browser))


def _figures_one_by_one(app: FastAPI, browser: Browser) -> Iterator[tuple[str, str]]:
    yield from looked_at(app, browser)
    for edition in ("daily", "weekly", "monthly"):
        for part in (f"deliveries/preview/{edition}/digest.txt", f"reports/{edition}", f"reports/{edition}/report.csv"):
            answer = browser.get(f"/{part}")
            if answer.status_code == 200:
                yield part, answer.text
