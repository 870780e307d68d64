"""Is everything as it should be? Each part of an installation, fine or with what to do (`liaison doctor`). It changes
nothing, and asks no network but the mail server."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, func, select

from config import audit, database, key_mark, mailboxes, people, secrets
from config.secrets import KEY_FILE, Keys, SecretKeyError
from config.settings import Settings
from listeners import health
from listeners.tables import Source
from networks import accounts
from posts import reach
from scheduler import outgoing, resealing, signs, skew, smtp
from scheduler.engine import queue
from scheduler.jobs import records
from sentiment import model

ROOM = 1_000_000_000  # bytes: under it a disk counts as nearly full
LATE = timedelta(minutes=2)  # that a job waits for a worker
SOON = timedelta(days=14)  # before a sign-in ends


@dataclass(frozen=True)
class Part:
    """One part: its name, whether it is fine, and what there is to say or to do."""

    name: str
    fine: bool
    words: str


def keys(settings: Settings) -> Keys | SecretKeyError:
    """The keys that are here, or why there are none."""
    try:
        return secrets.load(settings)
    except SecretKeyError as error:
        return error


def look(engine: sa.Engine, settings: Settings, keys: Keys | SecretKeyError, now: datetime) -> list[Part]:
    """Every part, in the order of a newcomer's questions. What cannot be looked at is told, and the rest goes on."""
    store = [_database(engine)]
    if store[0].fine:
        store.append(_migrations(engine))
    parts = [*store, _model(settings), _mail(settings), _disk(settings)]
    if not all(part.fine for part in store):
        return parts
    with database.reading(engine) as session:
        parts += [_clock(session, now), _work(session, now), *_queue(session, now)]
        parts += [_outbox(session, now), *_addresses(session), _records(session), _secret_key(session, settings, keys)]
        parts += [*_accounts(session, keys, now), *_reach(session), *_sources(session, now)]
    return parts


def _database(engine: sa.Engine) -> Part:
    where = engine.url.render_as_string(hide_password=True)
    if database.is_missing(engine):
        words = f"there is no desk in {engine.url.database} yet: liaison run begins one. If there should be: "
        return Part("database", False, f"{words}{database.ELSEWHERE}")
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                if said != "ok":
                    return Part("database", False, f"{where} is damaged ({said}); restore a backup: liaison restore")
            else:
                connection.execute(sa.text("SELECT 1"))
    except sa.exc.DatabaseError as error:
        said = str(error.orig).strip().splitlines()[:1]
        words = f"{where} cannot be read ({''.join(said)}); check LIAISON_DATABASE_URL and who may read it"
        return Part("database", False, words)
    return Part("database", True, where)


def _migrations(engine: sa.Engine) -> Part:
    there, newest = database.revision(engine), database.newest_revision()
    if there == newest:
        return Part("migrations", True, f"up to date ({newest})")
    return Part("migrations", False, f"the store is at {there or 'nothing'}, this version at {newest}: run liaison run")


def _model(settings: Settings) -> Part:
    from sentiment import feedback  # loads scipy: only here

    try:
        name = model.check()
    except model.ModelDamaged as error:
        return Part("model", False, str(error))
    why = feedback.damage(settings.data_dir / feedback.FOLDER, name)
    if why is not None:
        words = "the model reads as it was shipped; take it back: liaison train feedback --undo"
        return Part("model", False, f"the last refit cannot be read ({why}): {words}")
    return Part("model", True, name)


def _mail(settings: Settings) -> Part:
    if settings.smtp_url is None:
        return Part("mail", False, "no mail server: set LIAISON_SMTP_URL; digests and alerts wait in the outbox")
    try:
        server = smtp.server(settings.smtp_url.get_secret_value())
        with smtp.session(server) as client:
            client.noop()
    except (smtp.BadAddress, smtp.Unreachable, smtp.NotAdmitted, smtp.TryLater, smtp.Refused) as error:
        return Part("mail", False, f"{error}; check LIAISON_SMTP_URL")
    return Part("mail", True, f"{server.host} takes mail")


def _disk(settings: Settings) -> Part:
    folder = next(path for path in (settings.data_dir.resolve(), *settings.data_dir.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    words = f"{free / 1e9:.1f} GB free in {folder}"
    return Part("disk", free >= ROOM, words if free >= ROOM else f"only {words}; make room")


def _clock(session: Session, now: datetime) -> Part:
    """Against the database server's clock; on SQLite against the newest that was written here."""
    if session.get_bind().dialect.name == "sqlite":
        seen = session.exec(select(func.max(Source.last_polled_at))).one()
        ahead = seen - now if seen is not None else timedelta()
    else:
        ahead = timedelta(seconds=abs(skew.of(session)))
    if ahead > timedelta(seconds=skew.MOST):
        off = f"{ahead.total_seconds():.0f} s" if ahead < timedelta(minutes=2) else health.span(ahead)
        return Part("clock", False, f"this machine's clock is {off} off: let NTP set it (timedatectl)")
    return Part("clock", True, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _work(session: Session, now: datetime) -> Part:
    """By the signs that its processes give: one machine's `run`, or a cluster's clock and worker."""
    there = now + timedelta(seconds=skew.of(session))
    alive = {sign.kind for sign in signs.seen(session) if signs.is_alive(sign, there)}
    if "run" in alive or {"clock", "worker"} <= alive:
        return Part("work", True, "jobs are being done")
    if lone := alive & {"clock", "worker"}:
        missing = "worker" if "clock" in lone else "clock"
        return Part("work", False, f"the cluster has no {missing}: start liaison {missing}")
    return Part("work", False, "nothing is done by itself: start liaison run (on a cluster: clock, worker)")


def _queue(session: Session, now: datetime) -> Iterator[Part]:
    """Of a cluster: whether its workers keep up."""
    standing = queue.standing(session)
    if not standing:
        return
    working = queue.workers(session)
    late = [one for one in standing if one.oldest is not None and now - one.oldest > LATE]
    if late and not working:
        yield Part("queue", False, "jobs wait and no worker takes them: start liaison worker")
    elif late:
        words = ", ".join(
            f"{one.waiting} in {one.queue} since {health.span(now - (one.oldest or now))}" for one in late
        )
        yield Part("queue", False, f"jobs wait: {words}; start more workers: liaison worker --queues {late[0].queue}")
    else:
        yield Part("queue", True, f"{sum(one.waiting for one in standing)} jobs wait, {working} queues are worked on")


def _outbox(session: Session, now: datetime) -> Part:
    waiting = outgoing.waiting(session, now)
    return Part("outbox", waiting < 100, f"{waiting} mails wait")


def _addresses(session: Session) -> Iterator[Part]:
    """People whom no mail reaches: they came before such addresses were refused."""
    lost = [one.email for one in people.all_people(session) if one.active and not mailboxes.reached(one.email)]
    if lost:
        yield Part("addresses", False, f"no mail reaches {', '.join(lost)}: write another address on the People page")


def _records(session: Session) -> Part:
    """What the nightly walk of the audit log's chain last found."""
    last = audit.newest(session, "records.verify")
    if last is None:
        return Part("records", True, "the audit log's chain is first walked by liaison run, within a day")
    if last.detail.get("wrong"):
        return Part("records", False, f"the audit log was altered ({last.at:%Y-%m-%d}): liaison verify records")
    of_lost_key = last.detail.get("of_lost_key", 0)
    less = f"; {records.of_lost_key(of_lost_key)}" if of_lost_key else ""
    return Part("records", True, f"the audit log's chain held on {last.at:%Y-%m-%d}{less}")


def _secret_key(session: Session, settings: Settings, keys: Keys | SecretKeyError) -> Part:
    """Whether it is the desk's, and what the key before sealed was all sealed anew."""
    why = str(keys) if isinstance(keys, SecretKeyError) else key_mark.wrong(session, settings, keys)
    if why is not None:
        return Part("secret key", False, why)
    if isinstance(keys, SecretKeyError) or not keys.rotating:
        return Part("secret key", True, "one key seals and opens")
    left = resealing.left(session, keys)
    if left.old:
        return Part("secret key", False, f"{left.old} things are sealed with the key before: liaison key rotate")
    return Part(
        "secret key", False, "all is sealed with the new key: restart liaison everywhere, then liaison key finish"
    )


def _accounts(session: Session, keys: Keys | SecretKeyError, now: datetime) -> Iterator[Part]:
    for account in accounts.kept(session):
        name = f"account {account.name} ({account.network})"
        if account.state != "connected":
            yield Part(name, False, f"signed out: {account.state_reason or 'connect it again'}; its posts wait")
        elif not _opens(account.sealed_secret, keys):
            yield Part(name, False, f"sealed with another secret key: put its {KEY_FILE} back, or connect it again")
        elif account.ends_at is not None and account.ends_at - now < SOON:
            yield Part(name, False, f"its sign-in ends on {account.ends_at:%Y-%m-%d}: connect it again before")
        else:
            yield Part(name, True, "connected")


def _reach(session: Session) -> Iterator[Part]:
    """How reading how far posts went goes, where it does not go well."""
    for account, watch in reach.troubled(session):
        why = watch.last_error or "the network gave no reason"
        words = f"could not be read {watch.failures} times in a row: {why}; it is tried again by itself"
        yield Part(f"reach of {account.name} ({account.network})", False, words)


def _opens(sealed: bytes | None, keys: Keys | SecretKeyError) -> bool:
    if isinstance(keys, SecretKeyError):
        return sealed is None
    try:
        if sealed is not None:
            keys.open(sealed)
    except SecretKeyError:
        return False
    return True


def _sources(session: Session, now: datetime) -> Iterator[Part]:
    for known in health.overview(session, now):
        fine = known.health.state not in health.TROUBLE
        yield Part(f"source {known.source.name}", fine, known.health.words)
