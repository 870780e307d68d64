import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import archive_import, rules
from listeners.archive_import import ImportCounts
from listeners.tables import Mention
from networks import accounts, archive
from networks.archive import Taken, UnreadableArchive

AT = "2026-11-20T10:00:00Z"
Import = Callable[..., ImportCounts]


@pytest.fixture
def bring_in(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> Import:
    def run(path: Path, **options: Any) -> ImportCounts:
        return archive_import.import_file(engine, path, settings=settings, keys=keys, now=now, **options)

    return run


def texts(engine: sa.Engine) -> list[str | None]:
    with database.reading(engine) as session:
        return sorted(session.exec(select(Mention.text)).all(), key=str)


def test_what_is_broken_is_counted_and_kept_and_the_rest_comes_in(
    bring_in: Import, engine: sa.Engine, tmp_path: Path
) -> None:
    lines = [
        json.dumps({"text": "Good morning", "posted_at": AT}).encode(),
        b"{broken",
        b"",
        b'["a list"]',
        json.dumps({"posted_at": AT}).encode(),
        json.dumps({"text": "  ", "posted_at": AT}).encode(),
        json.dumps({"text": "no zone", "posted_at": "2026-11-20T10:00:00"}).encode(),
        json.dumps({"text": "no time"}).encode(),
        json.dumps({"text": "bad time", "posted_at": "yesterday"}).encode(),
        b'{"text": "latin \xe9", "posted_at": "' + AT.encode() + b'"}',
        json.dumps({"text": "x" * 1_000_000, "posted_at": AT}).encode(),
        json.dumps({"text": "nul \x00 and \ud800 surrogate", "posted_at": AT}).encode(),
        b"[" * 100_000,
        json.dumps({"text": "seconds", "posted_at": 1_763_632_800}).encode(),
    ]
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"\n".join(lines))
    counts = bring_in(path)
    assert counts.refused == {
        "not JSON": 2,
        "not a JSON object": 1,
        "no text": 2,
        "time has no zone": 1,
        "no time": 1,
        "time is not ISO 8601": 1,
        "not UTF-8": 1,
        "text longer than 100000 characters": 1,
    }
    assert (counts.read, counts.new, counts.duplicate) == (13, 3, 0)
    assert texts(engine) == ["Good morning", "nul   and ? surrogate", "seconds"]
    assert counts.side_file is not None
    kept = [json.loads(line) for line in counts.side_file.read_text(encoding="utf-8").splitlines()]
    assert [(line["line"], line["reason"]) for line in kept][:3] == [
        (2, "not JSON"),
        (4, "not a JSON object"),
        (5, "no text"),
    ]
    assert kept[0]["raw"] == "{broken"


def test_the_same_file_again_adds_nothing(bring_in: Import, engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"Post {n}", "posted_at": AT}) for n in range(5)) + "\nbroken")
    first, again = bring_in(path), bring_in(path)
    assert (first.new, again.new, again.duplicate, again.refused) == (5, 0, 5, {"not JSON": 1})
    assert len(texts(engine)) == 5


def test_another_file_with_some_of_the_same_posts_adds_the_others(bring_in: Import, tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text("\n".join(json.dumps({"id": n, "text": f"Post {n}", "posted_at": AT}) for n in (1, 2)))
    two.write_text("\n".join(json.dumps({"id": n, "text": f"Post {n}", "posted_at": AT}) for n in (2, 3)))
    bring_in(one)
    counts = bring_in(two)
    assert (counts.new, counts.duplicate) == (1, 1)


def test_without_a_time_of_its_own_a_post_takes_the_one_that_was_given(
    bring_in: Import, engine: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text('{"text": "when?"}')
    given = datetime(2026, 11, 1, tzinfo=UTC)
    bring_in(path, posted_at=given)
    with database.reading(engine) as session:
        assert session.exec(select(Mention.posted_at)).one() == given


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_spreadsheet_of_another_tool_comes_in_whatever_wrote_it(
    bring_in: Import, engine: sa.Engine, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "export.csv"
    rows = f'Body;Created;User\n"Café; a las nueve";{AT};ana\n"two\nlines";{AT};\nshort\n'
    path.write_bytes(rows.encode(encoding))
    counts = bring_in(path, columns={"text": "Body", "posted_at": "Created", "author": "User"})
    assert texts(engine) == ["Café; a las nueve", "two\nlines"]
    assert counts.refused == {"not as many cells as the header": 1}


def test_a_missing_column_is_named_with_the_cure(bring_in: Import, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"Body,posted_at\nhello,{AT}\n")
    with pytest.raises(UnreadableArchive, match=r"no column text; it has Body, posted_at\. map it with --columns"):
        bring_in(path)
    with pytest.raises(UnreadableArchive, match="no such field: texts"):
        bring_in(path, columns={"texts": "Body"})


def test_with_watch_rules_only_what_is_about_us_comes_in(bring_in: Import, engine: sa.Engine, tmp_path: Path) -> None:
    with database.writing(engine) as session:
        rules.add(session, "Us", "police OR rpd")
    path = tmp_path / "export.jsonl"
    posts = ["The RPD came quickly", "Best tacos in town", "Police!"]
    path.write_text("\n".join(json.dumps({"text": text, "posted_at": AT}) for text in posts))
    counts = bring_in(path)
    assert (counts.new, counts.not_matched) == (2, 1)
    assert texts(engine) == ["Police!", "The RPD came quickly"]


def test_an_empty_file_is_no_trouble(bring_in: Import, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("")
    assert bring_in(path) == ImportCounts(read=0, new=0, duplicate=0, not_matched=0, refused={}, side_file=None)


def test_our_own_posts_are_no_mentions_and_our_handles_are_shown(
    bring_in: Import, engine: sa.Engine, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    with database.writing(engine) as session:
        account = accounts.add(session, network="practice", name="PD", handle="pd", secret=None, keys=keys, now=now)
        account.remote_id = "77"
        session.add(account)
    path = tmp_path / "export.jsonl"
    said = [("1", "Coffee at nine", "77"), ("2", "@pd thanks, says @nan", "5")]
    path.write_text(
        "\n".join(
            json.dumps({"network": "practice", "id": number, "text": text, "author": author, "posted_at": AT})
            for number, text, author in said
        )
    )
    counts = bring_in(path)
    assert (counts.new, counts.not_matched) == (1, 1)
    assert texts(engine) == ["@pd thanks, says @…"]


def test_a_line_keeps_its_id_as_it_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    given = [7, " 7 ", 10**400, 1.5, float("inf"), True, None, ""]
    path.write_text("\n".join(json.dumps({"text": "a", "posted_at": AT, "id": one}) for one in given))
    found = [one for one in archive.read(path) if isinstance(one, Taken)]
    hashed = [one.mention.remote_id for one in found[5:]]
    assert [one.id for one in found] == [7, " 7 ", 10**400, 1.5, "inf", *hashed]
