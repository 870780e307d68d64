"""Asks every address of the API what its description allows, in each role, many times over: no failure of ours, nothing
given away. `python -m benchmarks.api EXAMPLES` (40 for each address)."""

import json
import sys
import tempfile
import time
from pathlib import Path

from sqlmodel import Session

from config import clock, database, people, secrets
from config.permissions import Role
from config.settings import Settings
from config.tables import Person
from tests.web import asked_by_schema
from tests.web.browsing import Browser
from web import app


def _person(session: Session, name: str, *roles: Role) -> Person:
    mail = f"{name.lower().replace(' ', '.')}@riverton.example"
    moment = clock.now()
    return people.add_person(session, name=name, email=mail, password=None, roles=roles, time_zone="UTC", now=moment)


def main(examples: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        engine = database.connect(f"sqlite:///{Path(name) / 'liaison.db'}")
        database.migrate(engine)
        keys = secrets.for_tests()
        asked_by_schema.secrets_into(engine, keys)
        by_role = asked_by_schema.tokens(engine, keys, _person)
        browser = Browser(app.create(engine, Settings(data_dir=Path(name)), keys), raise_server_exceptions=False)
        started = time.perf_counter()
        told = asked_by_schema.wrong(browser, by_role, examples=examples, start=round(time.time()))
        taken = time.perf_counter() - started
        engine.dispose()
    print(json.dumps({"benchmark": "api", "examples": examples, "seconds": round(taken, 1), "wrong": told}))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
