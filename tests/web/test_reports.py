"""The report's page and files, for whoever may read figures."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.permissions import Role
from config.tables import AuditEntry, Person
from tests.web.browsing import Browser


@pytest.mark.parametrize("edition", ["weekly", "monthly"])
def test_a_report_is_a_page_and_three_files(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], at_eight: datetime, edition: str
) -> None:
    cho = browser_of("Cho", Role.ANALYST)
    page = cho.get(f"/reports/{edition}")
    assert page.status_code == 200
    assert 'id="made-figures"' in page.text
    starts = {"pdf": b"%PDF-", "csv": "section".encode("utf-8-sig"), "xlsx": b"PK"}
    for form, start in starts.items():
        answered = cho.get(f"/reports/{edition}/report.{form}")
        assert answered.content.startswith(start)
        assert f'filename="liaison-{edition}-2026-11-24.{form}"' in answered.headers["content-disposition"]
    with database.reading(sqlite_engine) as session:
        noted = session.exec(select(AuditEntry.detail).where(col(AuditEntry.action) == "report.export")).all()
    assert [detail["form"] for detail in noted] == ["pdf", "csv", "xlsx"]


def test_a_report_in_spanish_says_in_spanish_how_its_figures_were_made(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], at_eight: datetime
) -> None:
    cho = browser_of("Cho", Role.ANALYST)
    with database.writing(sqlite_engine) as session:
        session.exec(sa.update(Person).values(language="es"))
    page = cho.get("/reports/weekly").text
    names = set(re.findall(r'href="#made-\w+">([^<]+)</a>', page))
    made = [name.rpartition(" (")[0] for name in re.findall(r'id="made-\w+"><summary>([^<]+)', page)]
    assert names == {"las cifras de publicaciones", "lo publicado", "lo respondido"}
    assert made == [
        "las alertas", "lo respondido", "las cifras de publicaciones", "la mezcla de publicaciones", "lo publicado",
        "el alcance",
    ]  # fmt: skip
    assert '<a href="/help#figures">Cómo se lee una cifra</a>' in page


@pytest.mark.parametrize("path", ["/reports/daily", "/reports/weekly/report.exe", "/reports/yearly"])
def test_what_is_no_report_is_not_found(browser_of: Callable[..., Browser], path: str) -> None:
    assert browser_of("Cho", Role.ANALYST).get(path).status_code in (404, 422)


def test_an_auditor_reads_no_report(browser_of: Callable[..., Browser]) -> None:
    assert browser_of("Aud", Role.AUDITOR).get("/reports").status_code == 403


def test_a_file_tells_the_page_that_waits_for_it(browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Cho", Role.ANALYST)
    assert "liaison-there=t1" in browser.get("/reports/weekly/report.csv?there=t1").headers["set-cookie"]
    assert "liaison-there" not in browser.get("/reports/weekly/report.csv").headers.get("set-cookie", "")
    assert browser.get("/reports/weekly/report.csv?there=t%0D1").status_code == 422
