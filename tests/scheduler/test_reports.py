"""Reports: each figure can be traced to its queries, no cell becomes a formula, the PDF can be read by all."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from zipfile import ZipFile

import pandas as pd
import pytest
import sqlalchemy as sa

from config import database
from config.permissions import Role
from config.settings import Settings
from config.tables import Person
from scheduler import report_files
from scheduler.jobs import reports
from sentiment import figures, report
from sentiment.editions import Edition
from sentiment.report import Report
from tests.scheduler.test_alerting import raised
from tests.sentiment import street

HOSTILE = '=cmd|"/C calc"!A1'


@pytest.fixture
def town(sqlite_engine: sa.Engine, person: Callable[..., Person], now: datetime) -> Person:
    """Fifty days of posts, an alert whose title is a formula, and somebody who reads."""
    with database.writing(sqlite_engine) as session:
        posts = [
            street.Said(
                now - timedelta(days=day, hours=number % 9),
                f"resident {number}",
                concerns=("traffic_safety",) if number % 2 else ("drugs",),
                mistrust=number / 100,
            )
            for day in range(1, 16)
            for number in range(40)
        ]
        street.say(session, posts)
        raised(session, now - timedelta(days=2))
        session.execute(sa.text("UPDATE alert SET title = :title, kind = 'emerging'"), {"title": HOSTILE})
        return person(session, "Cho", Role.ANALYST)


def made(engine: sa.Engine, settings: Settings, who: Person, now: datetime, edition: Edition) -> Report:
    return reports.gather(engine, settings, who, edition, now)


@pytest.mark.parametrize("edition", [Edition.WEEKLY, Edition.MONTHLY])
def test_each_figure_names_queries_that_were_asked_and_can_be_asked_again(
    sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime, edition: Edition
) -> None:
    found = made(sqlite_engine, settings, town, now, edition)
    parts = {statement.part for statement in found.statements}
    assert {row.made_by for row in found.rows} <= parts
    with sqlite_engine.connect() as connection:
        for statement in found.statements:
            assert statement.sql.startswith("SELECT ")
            plan = re.sub(r"\?", "NULL", statement.sql)
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {plan}")
    assert not any("mention.text" in statement.sql for statement in found.statements)


def test_the_report_says_what_the_pages_say(
    sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime
) -> None:
    found = made(sqlite_engine, settings, town, now, Edition.WEEKLY)
    with database.reading(sqlite_engine) as session:
        overview = figures.town(session, now, settings.department.zone)[0]
    row = found.rows[0]
    assert overview.mistrust.share is not None
    assert (row.value, row.low, row.high, row.n) == (
        overview.mistrust.share.value,
        overview.mistrust.share.low,
        overview.mistrust.share.high,
        overview.mistrust.share.authors,
    )
    assert found.rows[3].value == overview.volume.posts


def test_too_few_authors_give_no_value(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, [street.Said(now - timedelta(days=1), f"resident {number}") for number in range(12)])
        who = person(session, "Cho", Role.ANALYST)
    row = made(sqlite_engine, settings, who, now, Edition.WEEKLY).rows[0]
    assert (row.value, row.n) == (None, 12)
    assert row.low is not None
    assert report.words(row, "en")[0] == "–"


def test_no_cell_is_a_formula(sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime) -> None:
    found = made(sqlite_engine, settings, town, now, Edition.WEEKLY)
    table = pd.read_csv(StringIO(report_files.as_csv(found).decode("utf-8-sig")))
    assert f"'{HOSTILE}" in set(table["figure"])
    texts = table.select_dtypes(exclude="number").stack()
    assert [text for text in texts if str(text).startswith(("=", "+", "-", "@"))] == []
    book = report_files.as_xlsx(found)
    with ZipFile(BytesIO(book)) as parts:
        assert [name for name in parts.namelist() if b"<f>" in parts.read(name)] == []
        assert {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"} <= set(parts.namelist())


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_pdf_is_tagged_and_the_same_for_the_same_report(
    sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime, language: str
) -> None:
    town.language = language
    found = made(sqlite_engine, settings, town, now, Edition.WEEKLY)
    first = report_files.as_pdf(found)
    assert first.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in first or b"/ObjStm" in first
    assert b"pdfuaid" in first
    assert first == report_files.as_pdf(found)


def test_an_empty_store_gives_a_report_that_says_so(
    engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        who = person(session, "Cho", Role.ANALYST)
    for edition in (Edition.WEEKLY, Edition.MONTHLY):
        found = made(engine, settings, who, now, edition)
        assert found.headline.startswith("Too few posts to say how trust stands.")
        assert report_files.as_pdf(found).startswith(b"%PDF-")
        assert len(report_files.as_csv(found).splitlines()) > 4


def test_a_month_tells_nothing_that_came_after_it(
    sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime
) -> None:
    found = made(sqlite_engine, settings, town, now, Edition.MONTHLY)  # the town's alert is of this month
    last = now.date().replace(day=1) - timedelta(days=1)
    assert found.alerts == ()
    assert {row.last for row in found.rows} == {last}
    assert found.trend is None or found.trend.points[-1].day == last


def test_a_week_tells_what_came_up_to_this_moment(
    sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime
) -> None:
    found = made(sqlite_engine, settings, town, now, Edition.WEEKLY)
    assert found.alerts == (HOSTILE,)
    today = now.astimezone(settings.department.zone).date()
    assert {row.last for row in found.rows if row.made_by in ("alerts", "published", "answered", "mix")} == {today}


@pytest.mark.parametrize(("authors", "said"), [(4, "fewer than 5 authors"), (14, "at least 10 authors")])
def test_of_an_alert_at_a_place_it_says_no_more_than_may_be_said(
    sqlite_engine: sa.Engine, settings: Settings, town: Person, now: datetime, authors: int, said: str
) -> None:
    with database.writing(sqlite_engine) as session:
        mill = street.place(session, "Old Mill")
        found = {"place": mill, "authors": authors, "posts": authors + 3}
        session.execute(sa.text("UPDATE alert SET place_id = :place, authors = :authors, posts = :posts"), found)
    report_ = made(sqlite_engine, settings, town, now, Edition.WEEKLY)
    (row,) = (row for row in report_.rows if row.made_by == "alerts")
    assert (row.value, row.n, report.words(row, "en")[0]) == (None, None, said)
    table = pd.read_csv(StringIO(report_files.as_csv(report_).decode("utf-8-sig")))
    (line,) = table[table["made_by"] == "alerts"].to_dict("records")
    assert (pd.isna(line["value"]), pd.isna(line["n"]), line["note"]) == (True, True, said)
