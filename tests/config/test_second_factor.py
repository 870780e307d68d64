from collections.abc import Callable
from datetime import datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database, people, second_factor, throttle
from config.permissions import Role
from config.second_factor import Used
from config.secrets import Keys
from config.tables import Person, RecoveryCode, SecondFactor

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
STEP = timedelta(seconds=second_factor.STEP)


@pytest.fixture
def ada(engine: sa.Engine, person: Callable[..., Person]) -> int:
    with database.writing(engine) as session:
        return people.known_id(person(session, "Ada", Role.OFFICER))


def enrol(session: Session, who: int, keys: Keys, now: datetime) -> tuple[pyotp.TOTP, list[str]]:
    """Her app, and her recovery codes."""
    second_factor.begin(session, who, keys, now)
    app = pyotp.TOTP(second_factor.pending(session, who, keys) or "")
    codes = second_factor.confirm(session, who, app.at(now), keys, now)
    assert codes is not None
    return app, codes


def test_a_secret_is_in_use_only_once_its_first_code_was_given(
    engine: sa.Engine, ada: int, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        second_factor.begin(session, ada, keys, now)
        assert second_factor.confirm(session, ada, "000000", keys, now) is None
        assert not second_factor.is_on(session, ada)
        app = pyotp.TOTP(second_factor.pending(session, ada, keys) or "")
        assert len(second_factor.confirm(session, ada, app.at(now), keys, now) or []) == second_factor.CODES
        assert second_factor.is_on(session, ada)
        assert second_factor.pending(session, ada, keys) is None


def test_the_store_holds_neither_the_secret_nor_a_recovery_code(
    engine: sa.Engine, ada: int, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        app, codes = enrol(session, ada, keys, now)
        row = session.get_one(SecondFactor, ada)
        assert app.secret.encode() not in (row.sealed_secret or b"")
        hashes = b"".join(code.code_hash for code in session.exec(select(RecoveryCode)))
        assert all(code.encode() not in hashes for code in codes)


def test_a_code_is_taken_once_and_none_from_before_it(engine: sa.Engine, ada: int, keys: Keys, now: datetime) -> None:
    with database.writing(engine) as session:
        app, _ = enrol(session, ada, keys, now)
        later = now + 4 * STEP
        assert second_factor.check(session, ada, app.at(now), HERE, keys, now) is None  # it confirmed the app
        assert second_factor.check(session, ada, app.at(later), HERE, keys, later) is Used.APP
        assert second_factor.check(session, ada, app.at(later), HERE, keys, later) is None
        assert second_factor.check(session, ada, app.at(later - STEP), HERE, keys, later) is None


def test_a_clock_may_be_off_by_half_a_minute_and_no_more(
    engine: sa.Engine, ada: int, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        app, _ = enrol(session, ada, keys, now)
        for minutes, off, right in ((1, -2, False), (1, -1, True), (2, 2, False), (2, 1, True)):
            moment = now + timedelta(minutes=10 * minutes)
            used = second_factor.check(session, ada, app.at(moment + off * STEP), HERE, keys, moment)
            assert (used is Used.APP) == right, off


def test_a_recovery_code_works_once_however_it_is_typed(engine: sa.Engine, ada: int, keys: Keys, now: datetime) -> None:
    with database.writing(engine) as session:
        _, codes = enrol(session, ada, keys, now)
        typed = codes[0].lower().replace("-", " ")
        assert second_factor.check(session, ada, typed, HERE, keys, now) is Used.RECOVERY
        assert second_factor.check(session, ada, codes[0], HERE, keys, now) is None
        assert second_factor.recovery_codes_left(session, ada) == second_factor.CODES - 1
        second_factor.new_recovery_codes(session, ada, keys)
        assert second_factor.check(session, ada, codes[1], HERE, keys, now) is None


def test_guessing_is_slowed_here_and_a_recovery_code_from_elsewhere_lets_her_in_all_the_same(
    engine: sa.Engine, ada: int, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        app, codes = enrol(session, ada, keys, now)
        moment = now + 4 * STEP
        for number in range(second_factor.TRIES_FROM_EVERYWHERE):
            second_factor.check(session, ada, "not one", f"203.0.113.{number // throttle.TRIES}", keys, moment)
        with pytest.raises(throttle.TooManyTries):
            second_factor.check(session, ada, codes[0], "203.0.113.0", keys, moment)
        with pytest.raises(throttle.TooManyTries):
            second_factor.check(session, ada, app.at(moment), ELSEWHERE, keys, moment)
        assert second_factor.check(session, ada, codes[0], ELSEWHERE, keys, moment) is Used.RECOVERY
        later = moment + throttle.WINDOW + STEP
        assert second_factor.check(session, ada, app.at(later), ELSEWHERE, keys, later) is Used.APP


def test_the_app_in_use_works_until_another_is_confirmed(
    engine: sa.Engine, ada: int, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        app, _ = enrol(session, ada, keys, now)
        moment = now + 4 * STEP
        second_factor.begin(session, ada, keys, moment)
        assert second_factor.check(session, ada, app.at(moment), HERE, keys, moment) is Used.APP
        new = pyotp.TOTP(second_factor.pending(session, ada, keys) or "")
        assert second_factor.confirm(session, ada, new.at(moment), keys, moment) is not None
        later = moment + 4 * STEP
        assert second_factor.check(session, ada, app.at(later), HERE, keys, later) is None
        assert second_factor.check(session, ada, new.at(later), HERE, keys, later) is Used.APP


def lacks(session: Session, who: int) -> bool:
    return bool(session.execute(sa.select(second_factor.lacking(sa.literal(who)))).scalar_one())


def test_it_is_missing_where_a_role_asks_for_it_until_it_is_there(
    engine: sa.Engine, ada: int, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        assert not lacks(session, ada)
        second_factor.require(session, [Role.ANALYST, Role.ADMINISTRATOR])
        assert not lacks(session, ada)
        second_factor.require(session, [Role.OFFICER, Role.ADMINISTRATOR])
        assert lacks(session, ada)
        enrol(session, ada, keys, now)
        assert not lacks(session, ada)
        assert second_factor.remove(session, ada)
        assert lacks(session, ada)
        assert second_factor.recovery_codes_left(session, ada) == 0


def test_the_square_says_who_and_where(now: datetime) -> None:
    words = second_factor.address("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "ada@riverton.example", "Riverton & Sons")
    parsed = pyotp.parse_uri(words)
    assert (parsed.secret, parsed.name, parsed.issuer) == (
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "ada@riverton.example", "Liaison, Riverton & Sons",
    )  # fmt: skip
    drawn = second_factor.drawing(words, "for <you>")
    assert drawn.startswith("<svg")
    assert "style=" not in drawn
    assert "<title>for &lt;you&gt;</title>" in drawn
