"""Millions of mentions of two years in a SQLite store, made by SQLite itself: rows without readings, and author-days of
the last sixty days. For benchmarks of figures that go by counts."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from benchmarks.scored import NOW
from config import database
from sentiment.tables import ALL
from sentiment.taxonomy import CONCERNS
from tests.sentiment import street

YEARS_DAYS, KEPT_DAYS = 730, 60
AUTHOR_EVERY, COPY_EVERY = 8, 50


def stored(folder: Path, number: int) -> str:
    """A new store of so many mentions in two years up to NOW, each with one concern, one in fifty a copy; its
    address."""
    url = f"sqlite:///{folder}/liaison.db"
    engine = database.connect(url)
    database.migrate(engine)
    with database.writing(engine) as session:
        first = [street.Said(NOW - timedelta(days=YEARS_DAYS), "first", concerns=("traffic_safety",))]
        street.score(session, street.hear(session, first), first)
    engine.dispose()
    raw = sqlite3.connect(folder / "liaison.db")
    for pragma in ("synchronous=OFF", "journal_mode=OFF", "cache_size=-400000"):
        raw.execute(f"PRAGMA {pragma}")
    begun, step = (NOW - timedelta(days=YEARS_DAYS)).timestamp(), YEARS_DAYS * 86_400 / number
    chosen = " ".join(f"WHEN {at} THEN '{key}'" for at, key in enumerate(CONCERNS))
    raw.execute(
        "CREATE TEMP TABLE many AS"
        f" WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {number})"
        f" SELECT i, strftime('%Y-%m-%d %H:%M:%S', {begun} + i * {step}, 'unixepoch') || '.000000' AS at,"
        f" CAST(printf('%016d', (i * 2654435761) % {max(1, number // AUTHOR_EVERY)}) AS BLOB) AS author,"
        f" CASE (i * 40503) % {len(CONCERNS)} {chosen} END AS concern FROM n"
    )
    raw.execute("CREATE TEMP TABLE one AS SELECT * FROM mention")  # read from where it is written, all would be copied
    columns = [row[1] for row in raw.execute("PRAGMA table_info(mention)")]
    made = {
        "id": "i + 2",
        "key": "CAST(printf('%016d', i + 1000) AS BLOB)",
        "author": "many.author",
        "copy_of": f"CASE WHEN i % {COPY_EVERY} = 1 THEN i + 1 END",
        "text": f"CASE WHEN i > {number - number // 24} THEN text END",  # of the last month
        **dict.fromkeys(("posted_at", "received_at", "scored_at", "expires_at"), "at"),
    }
    raw.execute(
        f"INSERT INTO mention ({','.join(columns)})"
        f" SELECT {','.join(made.get(name, f'one.{name}') for name in columns)} FROM many, one"
    )
    raw.execute("INSERT INTO mention_concern (mention_id, concern, posted_at) SELECT i + 2, concern, at FROM many")
    for which in (f"'{ALL}'", "concern"):
        raw.execute(
            "INSERT OR IGNORE INTO author_day (author, day, concern, place_id, network, language, posts, mistrust,"
            f" trust, negative, positive) SELECT author, substr(at, 1, 10), {which}, 0, 'x', 'en', 1, (i % 17) / 32.0,"
            f" (i % 5) / 32.0, (i % 23) / 32.0, 0.125 FROM many WHERE i > {number - number * KEPT_DAYS // YEARS_DAYS}"
        )
    raw.commit()
    raw.execute("PRAGMA analysis_limit=1000")
    raw.execute("ANALYZE")
    raw.close()
    return url
