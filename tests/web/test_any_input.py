"""Whatever comes from outside: read, or refused in words of ours; nothing else. docs/security.md lists the parsers, and
the tests of those that have their own."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st
from PIL import Image
from structlog.testing import capture_logs

from config import backup, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import archive, graph, pictures
from sentiment import counts_file, scored_file
from tests.web import asked_by_schema
from tests.web.browsing import Browser
from web import app as web_app

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)
SHARED = how(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CELLS = st.lists(
    st.sampled_from(["text", "posted_at", "id", "2026-11-24T08:00:00Z", "\x00", '"', "\r", "é", "1e999", "=1"])
    | st.text(max_size=6),
    max_size=5,
)
TABLE = st.lists(CELLS, max_size=6).map(
    lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
)
LINES = st.lists(ANY_JSON, max_size=4).map(lambda found: "\n".join(map(json.dumps, found)).encode("utf-8", "replace"))


def picture(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (9, 7), "green").save(made, kind)
    return made.getvalue()


def bent(whole: bytes) -> st.SearchStrategy[bytes]:
    """`whole` cut short or with some bytes changed."""
    changes = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)

    def change(places: list[tuple[int, int]], end: int) -> bytes:
        found = bytearray(whole)
        for place, value in places:
            found[place] = value
        return bytes(found[:end])

    return st.builds(change, changes, st.integers(0, len(whole)))


@SHARED
@given(data=st.binary(max_size=300) | TABLE | LINES, name=st.sampled_from(["a.csv", "a.jsonl", "a"]))
def test_any_bytes_are_an_import_line_by_line_or_refused(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    try:
        for found in archive.read(path, posted_at=NOW):
            assert isinstance(found, archive.Taken | archive.Refused)
    except archive.UnreadableArchive as error:
        assert str(error)


@given(st.binary(max_size=200) | LINES)
@example(b"[" * 100_000)
def test_any_line_to_score_is_a_post_or_says_what_is_wrong(line: bytes) -> None:
    found = scored_file._post(line)
    assert found.error or "text" in found.said


@SHARED
@given(st.binary(max_size=200) | TABLE.map(lambda rows: b"timestamp,value\n" + rows))
@example(b"timestamp,value\n2026-11-24T08:00:00,nan\n")
@example(b"\xff\xfe")
def test_any_series_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "series.csv"
    path.write_bytes(data)
    try:
        _, times, values = counts_file._series(path)
    except counts_file.UnreadableSeries as error:
        assert "series.csv" in str(error)
    else:
        assert len(times) == len(values) and all(value >= 0 for value in values)


@given(
    st.binary(max_size=300) | st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"]).map(picture).flatmap(bent)
)
def test_any_upload_is_a_picture_written_anew_or_refused(data: bytes) -> None:
    try:
        found = pictures.read(data)
    except pictures.UnreadablePicture as error:
        assert str(error)
    else:
        assert found.mime in ("image/jpeg", "image/png")
        assert (found.width, found.height) <= (pictures.LONGEST_SIDE, pictures.LONGEST_SIDE)


def tarred(parts: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as whole:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            whole.addfile(info, io.BytesIO(data))
    return made.getvalue()


MANIFEST = ANY_JSON | st.fixed_dictionaries(
    {"format": st.just(backup.FORMAT) | ANY_JSON, "kind": st.just("sqlite") | ANY_JSON, "files": ANY_JSON},
    optional=dict.fromkeys(("revision", "made_at", "key", "more"), ANY_JSON),
)


@SHARED
@given(
    st.binary(max_size=600)
    | MANIFEST.map(lambda found: tarred({"manifest.json": json.dumps(found).encode("utf-8", "replace")}))
    | st.text(min_size=1, max_size=12).map(lambda name: tarred({f"../{name}": b"x", f"/tmp/{name}": b"x"}))  # noqa: S108
)
@example(tarred({"manifest.json": b"[" * 100_000}))
def test_any_file_is_a_backup_or_refused_with_what_is_here_untouched(tmp_path: Path, keys: Keys, data: bytes) -> None:
    file, folder = tmp_path / "desk.backup", tmp_path / "data"
    file.write_bytes(data)
    with pytest.raises(backup.BackupFailed):
        backup.restore(f"sqlite:///{tmp_path / 'liaison.db'}", folder, keys, file)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "desk.backup"]
    assert list(folder.iterdir()) == []


@given(st.sampled_from(["x-app-usage", "x-business-use-case-usage"]), ANY_JSON.map(json.dumps) | st.text(max_size=30))
@example("x-app-usage", '{"estimated_time_to_regain_access": 1e300}')
@example("x-business-use-case-usage", "[1]")
@example("x-business-use-case-usage", "[" * 100_000)
def test_any_usage_that_a_network_tells_is_a_moment_to_come(name: str, told: str) -> None:
    assert NOW <= graph._retry_at({name: told}, NOW) <= NOW + timedelta(days=8)


@how(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(max_size=40), min_size=3, max_size=3))
def test_any_words_in_the_address_of_a_page_are_a_page_or_told_in_words(
    browser_of: Callable[..., Browser], words: list[str]
) -> None:
    ada = browser_of("Ada", *Role)
    asked = {
        "/mentions": ("place", "concern", "before", "state", "since", "like"),
        "/calendar": ("view", "day", "month"),
        "/records/log": ("action", "before"),
        "/compose": ("reply_to", "concern", "day"),
        "/sign-in": ("next",),
        "/outreach/events": ("view", "month"),
    }
    for path, names in asked.items():
        answer = ada.get(path, params={name: words[number % 3] for number, name in enumerate(names)})
        assert answer.status_code in (200, 303, 404, 422), (path, answer.status_code)


MANY = 10**20
BEYOND = {
    "/queue?start=0001-01-01": 422,
    "/queue?start=9999-12-31": 422,
    "/api/v1/posts?start=9999-12-31T00:00:00Z": 422,
    "/api/v1/days?first=9999-12-31": 422,
    "/api/v1/mentions?since=0001-01-01T00:00:00%2B14:00": 422,  # the store's own words for it
    f"/api/v1/mentions?place_id={MANY}": 422,
    f"/mentions?before=2026-11-24T08:00:00%2B00:00,{MANY}": 200,  # the newest
    f"/posts?before=2026-11-24T08:00:00%2B00:00,{MANY}": 200,
}
A_NUL = {  # which only PostgreSQL refuses
    "/ask/%00": 404,
    "/events/%00": 404,
    "/mentions?network=%00": 200,
    "/records/log?action=%00": 200,
    "/api/v1/audit-log?action=%00": 200,
    "/api/v1/mentions?network=%00": 200,
}


def test_what_no_calendar_and_no_store_has_room_for_is_refused_in_words(
    engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person], at_eight: datetime
) -> None:
    everybody = asked_by_schema.tokens(engine, keys, person)["everybody"]
    desk = web_app.create(engine, settings.model_copy(update={"public_events": True}), keys)
    browser = Browser(desk, headers={"authorization": f"Bearer {everybody}"})
    expected = BEYOND | (A_NUL if engine.dialect.name == "sqlite" else dict.fromkeys(A_NUL, 422))
    with capture_logs() as logged:
        assert {path: browser.get(path).status_code for path in expected} == expected
    assert {entry["event"] for entry in logged} <= {"beyond_what_is_kept"}
    assert "none that can be kept" in browser.get("/queue?start=9999-12-31").text


def test_our_own_slips_are_not_told_as_the_visitors_mistake(
    postgres_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    desk = web_app.create(postgres_engine, settings, keys)

    def divides(number: int = 0) -> None:
        with database.reading(postgres_engine) as session:
            session.connection().execute(sa.text("SELECT 1 / :number"), {"number": number})

    def reckons() -> str:
        return str(NOW + timedelta(days=10**7))

    desk.add_api_route("/slips/divides", divides)
    desk.add_api_route("/slips/reckons", reckons)
    browser = Browser(desk, raise_server_exceptions=False)
    assert browser.get("/slips/divides?number=0").status_code == 500
    assert browser.get("/slips/reckons").status_code == 500
    assert browser.get("/slips/reckons?number=1").status_code == 422
