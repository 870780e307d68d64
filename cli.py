"""The `liaison` command. Arguments are read here; the work is in the rooms.

Rooms are imported inside each command, so that `liaison --help` answers at once. Long, because every command stands
here in one list, as `--help` shows it."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from threading import Event

    import sqlalchemy as sa
    from sqlmodel import Session

    from config.permissions import Action
    from config.secrets import Keys
    from config.settings import Settings
    from config.tables import Person
    from listeners.tables import DataRequest


TEXT = click.File(encoding="utf-8-sig")  # without the mark that Windows puts first
ROOMS = ("config", "networks", "listeners", "sentiment", "posts", "scheduler", "web")


class Failure(click.ClickException):
    """One clear line on stderr, exit status 1."""

    def show(self, file: Any = None) -> None:
        click.echo(f"liaison: {self.format_message()}", file=file or sys.stderr, err=True)


class Moment(click.ParamType[datetime]):
    """An instant with its zone, ISO 8601."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write it as 2026-11-24T08:10:00-05:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no zone; write it as 2026-11-24T08:10:00-05:00 or …Z", param, ctx)
        return moment


class NetworkName(click.ParamType[str]):
    """A network that Liaison knows."""

    name = "network"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from networks.registry import NETWORKS

        if value not in NETWORKS:
            self.fail(f"there is no network {value!r}; there are {', '.join(sorted(NETWORKS))}", param, ctx)
        return str(value)


class ZoneName(click.ParamType[str]):
    """An IANA time zone."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from config import clock

        if value not in clock.zones():
            self.fail(f"{value!r} is no IANA time zone, such as America/New_York", param, ctx)
        return str(value)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="liaison")
def liaison() -> None:
    """Liaison: the social media desk of police community liaison officers.

    \b
    Try it:       liaison demo
    Use it:       liaison run
    What holds:   liaison config
    """


@liaison.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def score(source: Path, target: Path) -> None:
    """Read sentiment, trust and concerns in each line of a JSONL file.

    \b
    Example:
      liaison score posts.jsonl scored.jsonl
    Each line needs `text`; what else is in it comes back as it was written. Works offline and without a database.
    """
    from sentiment.scored_file import score_file

    with clear_errors(), _bar("scoring", "posts") as step:
        counts = score_file(source, target, progress=step)
    click.echo(f"{counts.scored} scored, {counts.errors} with an error, in {target}", err=True)


@liaison.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--posted-at", type=Moment(), help="When they were posted, for a file that does not say.")
@click.option("--columns", default="", help="Another tool's names, as text=Body,posted_at=Created.")
@click.option("--source", "source_name", help="The name of the source they belong to. [default: the file's name]")
def import_(file: Path, posted_at: datetime | None, columns: str, source_name: str | None) -> None:
    """Import mentions from a JSONL or CSV file.

    \b
    Examples:
      liaison import export.csv --columns text=Message,posted_at=Created,author=User
      liaison import posts.jsonl --posted-at 2026-11-24T08:00:00Z
    The same file again adds nothing. Lines that cannot be taken are kept in a side file, as long as mentions.
    """
    from listeners.archive_import import import_file

    with clear_errors(), desk() as (engine, settings, keys), _bar("importing", "lines") as step:
        counts = import_file(
            engine,
            file,
            settings=settings,
            keys=keys,
            now=_now(),
            posted_at=posted_at,
            columns=_columns(columns),
            source_name=source_name,
            progress=step,
        )
    refused = sum(counts.refused.values())
    click.echo(
        f"{counts.read} read: {counts.new} new, {counts.duplicate} duplicate, "
        f"{counts.not_matched} not matched, {refused} refused"
    )
    for reason, number in sorted(counts.refused.items()):
        click.echo(f"  {number} refused: {reason}")
    if counts.side_file is not None:
        click.echo(f"  the refused lines are kept in {counts.side_file}")


@liaison.command()
def analyse() -> None:
    """Score what is waiting, then look for alerts, now. `liaison run` does both by itself.

    \b
    Example:
      liaison analyse
    """
    from scheduler.jobs import alerting, scoring
    from sentiment import feedback, model

    with clear_errors(), desk() as (engine, settings, _keys), _bar("scoring", "mentions") as step:
        reader = feedback.in_use(settings.data_dir / feedback.FOLDER, model.load())
        scored = scoring.score_all(engine, reader, settings, _now, progress=step)
        raised = alerting.look(engine, settings, _now())
    click.echo(f"{scored} scored, {raised} alerts raised")


@liaison.command()
@click.argument("stream", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--alerts", "alerts_to", type=click.Path(dir_okay=False, path_type=Path), help="Write the alerts here.")
@click.option("--counts", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of CSV series.")
@click.option("--alarms", "alarms_to", type=click.Path(dir_okay=False, path_type=Path), help="Write the alarms here.")
@click.option(
    "--sensitivity",
    type=click.Choice(["fewer", "balanced", "more"]),
    default="balanced",
    show_default=True,
    help="How soon it speaks up.",
)
def backtest(
    stream: Path | None, alerts_to: Path | None, counts: Path | None, alarms_to: Path | None, sensitivity: Any
) -> None:
    """What would have been alerted on posts, or on counts, of another time.

    \b
    Examples:
      liaison backtest posts.jsonl --alerts alerts.jsonl
      liaison backtest --counts series/ --alarms alarms.json
    Posts are lines with id, posted_at, text, author and network; series are CSV files with timestamp and value.
    Nothing is stored and nobody is told.
    """
    if (stream is None) != (alerts_to is None) or (counts is None) != (alarms_to is None) or not (stream or counts):
        raise click.UsageError("give posts with --alerts, or --counts with --alarms")
    with clear_errors():
        if counts is not None and alarms_to is not None:
            from sentiment import counts_file

            with _bar("looking", "series") as step:
                found = counts_file.alarms(counts, alarms_to, step)
            click.echo(f"{found} alarms in {alarms_to}", err=True)
        if stream is not None and alerts_to is not None:
            from scheduler import backtest as replaying
            from sentiment import model

            with _bar("replaying", "posts") as step:
                told = replaying.replay(
                    stream, alerts_to, settings=_settings(), reader=model.load(), sensitivity=sensitivity, progress=step
                )
            click.echo(
                f"{told.posts} posts, {told.refused} lines refused, {told.alerts} alerts in {alerts_to}", err=True
            )


@liaison.command()
@click.option("--preview", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
@click.option("--for", "email", help="Whose digest. [default: the first person who gets one]")
@click.option(
    "--edition",
    type=click.Choice(["daily", "weekly", "monthly"]),
    default="daily",
    show_default=True,
    help="Of which period.",
)
def digest(preview: Path, email: str | None, edition: str) -> None:
    """Write a digest as it would be sent now: digest.eml, digest.html, digest.txt and its pictures.

    \b
    Example:
      liaison digest --preview ./digest --for chief@town.example --edition weekly
    """
    from scheduler.jobs import digests
    from sentiment.editions import Edition

    with clear_errors(), desk() as (engine, settings, _keys):
        digests.preview(engine, settings, preview, email, _now(), Edition(edition))
    click.echo(preview / "digest.eml")


@liaison.command()
def doctor() -> None:
    """Look at each part of the installation: fine, or what to do. Exit status 1 where something is to do.

    \b
    Example:
      liaison doctor
    """
    from config import database
    from scheduler import doctor as look

    with clear_errors():
        settings = _settings()
        engine = database.connect(settings.database)
        try:
            parts = look.look(engine, settings, look.keys(settings), _now())
        finally:
            engine.dispose()
    for part in parts:
        click.echo(f"{'OK' if part.fine else 'TO DO'}\t{part.name}\t{part.words}")
    wrong = sum(not part.fine for part in parts)
    if wrong:
        raise Failure(f"{wrong} of {len(parts)} parts need a look")


@liaison.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write a backup into one file, while the desk runs. The secret key is not in it: keep that apart.

    \b
    Example:
      liaison backup /backups/liaison-$(date +%F).tar
    """
    from config import audit, database
    from config import backup as backups

    with clear_errors(), desk(begun=True) as (engine, settings, keys):
        file.parent.mkdir(parents=True, exist_ok=True)
        made = backups.make(engine, settings.data_dir, keys, file, _now())
        with database.writing(engine) as session:
            audit.record(session, _now(), None, "backup.make", "store", {"kind": made.kind, "file": file.name})
    click.echo(f"{file}: {made.kind}, schema {made.revision}, {len(made.files)} files; the secret key is not in it")


@liaison.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of the desk that is here. Stop liaison run before.")
def restore(file: Path, replace: bool) -> None:
    """Put a backup back, checked whole before anything changes. Needs the secret key that it was made with.

    \b
    Examples:
      liaison restore /backups/liaison-2026-11-24.tar
      liaison restore --replace /backups/liaison-2026-11-24.tar
    """
    from config import backup as backups
    from config import database, secrets

    with clear_errors():
        settings = _settings()
        made = backups.restore(settings.database, settings.data_dir, secrets.load(settings), file, replace=replace)
        engine = database.connect(settings.database)
        database.migrate(engine)
        engine.dispose()
    click.echo(f"restored: the desk as it was on {made.made_at}")


@liaison.group()
def export() -> None:
    """Write out what others may ask for."""


@export.command(name="records")
@click.argument("folder", type=click.Path(path_type=Path))
def export_records(folder: Path) -> None:
    """Write our own posts and the audit log into a BagIt package, a folder that opens in any browser.

    \b
    Example:
      liaison export records /exports/liaison-$(date +%F)
    data/index.html leads to each post's whole story; manifest-sha256.txt proves that nothing was changed since.
    """
    from scheduler import records_package

    with clear_errors(), desk(begun=True) as (engine, settings, keys), _bar("writing", "posts") as step:
        number = records_package.write(engine, settings, keys, folder, _now(), step)
    click.echo(f"{folder}: {number} posts; open {folder / 'data' / 'index.html'}")


@export.command(name="dpia")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_dpia(file: Path) -> None:
    """Write a data-protection impact assessment of this desk, filled from its settings and sources (Markdown).

    \b
    Example:
      liaison export dpia dpia.md
    What only the department can say stands in it as a question. It is in the department's language.
    """
    from config import database, output
    from scheduler import assessment

    with clear_errors(), desk(begun=True) as (engine, settings, _keys):
        with database.reading(engine) as session:
            words = assessment.written(assessment.facts(session, settings, _now()), settings)
        with output.written(file) as out:
            out.write(words)
    click.echo(f"{file}: {words.count(assessment.to_say(settings))} things are for the department to say")


@liaison.group(name="legal-hold")
def legal_hold() -> None:
    """What must be kept whatever its time."""


@legal_hold.command(name="place")
@click.option("--post", "post_id", type=int, help="A post of ours, with the mention that it answers.")
@click.option("--account", "account_id", type=int, help="What went out from an account, and what was said to it.")
@click.option("--alert", "alert_id", type=int, help="An alert, with the mentions that it rests on.")
@click.option("--from", "starts_at", type=Moment(), help="Everything from this time …")
@click.option("--to", "ends_at", type=Moment(), help="… to before this one.")
@click.option("--reason", required=True, help="The case or request, as it should stand in the audit log.")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def legal_hold_place(
    post_id: int | None,
    account_id: int | None,
    alert_id: int | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    reason: str,
    email: str,
) -> None:
    """Place a legal hold on one post, account, alert or period.

    \b
    Examples:
      liaison legal-hold place --alert 12 --reason "Doe v. Town, 26-114" --by sam@town.example
      liaison legal-hold place --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z \\
        --reason "Records request 26-9" --by sam@town.example
    """
    from config import database, legal_holds
    from config.legal_holds import Kind
    from scheduler.jobs import expiry

    given = {Kind.POST: post_id, Kind.ACCOUNT: account_id, Kind.ALERT: alert_id}
    chosen = [kind for kind, number in given.items() if number is not None]
    if (starts_at is None) != (ends_at is None) or len(chosen) + (starts_at is not None) != 1:
        raise click.UsageError("give one of --post, --account, --alert, or --from with --to")
    kind = chosen[0] if chosen else Kind.PERIOD
    period = (starts_at, ends_at) if starts_at is not None and ends_at is not None else None
    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        person = _keeper(session, email)
        if not expiry.is_there(session, kind, given.get(kind)):
            raise Failure(f"there is no {kind.value} {given[kind]}")
        hold = legal_holds.place(session, kind, reason, person, _now(), subject_id=given.get(kind), period=period)
    click.echo(f"legal hold {hold.id} is in force")


@legal_hold.command(name="lift")
@click.argument("hold_id", type=int)
@click.option("--why", required=True, help="As it should stand in the audit log.")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def legal_hold_lift(hold_id: int, why: str, email: str) -> None:
    """Lift a legal hold: what is past its time goes at the next purge, within the hour.

    \b
    Example:
      liaison legal-hold lift 3 --why "The case is closed" --by sam@town.example
    """
    from config import database, legal_holds

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        if legal_holds.lift(session, hold_id, why, _keeper(session, email), _now()) is None:
            raise Failure(f"no legal hold {hold_id} is in force")
    click.echo(f"legal hold {hold_id} is lifted")


@legal_hold.command(name="list")
def legal_hold_list() -> None:
    """List the legal holds in force.

    \b
    Example:
      liaison legal-hold list
    """
    from config import database, legal_holds

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        for hold in legal_holds.in_force(session):
            what = str(hold.subject_id) if hold.starts_at is None else f"{hold.starts_at:%F %R} to {hold.ends_at:%F %R}"
            click.echo(f"{hold.id}\t{hold.kind}\t{what}\t{hold.placed_at:%F}\t{hold.reason}")


@liaison.group(name="own-data")
def own_data() -> None:
    """People who ask for what is kept of their posts to be deleted. Nobody is shown whose it was, or whether there was
    anything; answers to questions and what was said in person name nobody, so they cannot be found."""


@own_data.command(name="open")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def own_data_open(email: str) -> None:
    """Open a request; prints its number and the word that its owner says in public from the account.

    \b
    Example:
      liaison own-data open --by sam@town.example
    """
    from config import database
    from scheduler.jobs import own_data as requests

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        made = requests.open_request(session, _keeper(session, email), _now())
    click.echo(f"{made.id}\t{made.word}\t{made.expires_at:%F %R}")


@own_data.command(name="list")
def own_data_list() -> None:
    """List the last requests: number, the word while it waits, opened, how it ended.

    \b
    Example:
      liaison own-data list
    """
    from config import database
    from listeners import data_requests

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        for one in data_requests.latest(session):
            click.echo(f"{one.id}\t{one.word}\t{one.opened_at:%F %R}\t{one.ended_how or 'waits'}")


@own_data.command(name="checked")
@click.argument("request_id", type=int)
@click.option("--network", required=True, type=NetworkName(), help="Where the account is.")
@click.option("--account", help="Its lasting id. Asked for unseen, or a line of what is piped in; better so.")
@click.option("--proof", required=True, help="How you know that it is theirs; in the audit log, so no names.")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def own_data_checked(request_id: int, network: str, account: str | None, proof: str, email: str) -> None:
    """Delete what is kept of an account whose owner proved it to you otherwise.

    \b
    Example:
      liaison own-data checked 3 --network bluesky --proof "Showed it at the counter" --by sam@town.example
    """
    from config import database
    from scheduler.jobs import own_data as requests

    if account is None:
        account = _asked("The account's lasting id", hidden=True, instead="pipe it in, or give --account")
    if not account.strip() or not proof.strip():
        raise click.UsageError("give the account's id and the proof")
    with clear_errors(), desk() as (engine, _settings, keys), database.writing(engine) as session:
        person = _keeper(session, email)
        row = _data_request(session, request_id)
        requests.checked(session, row, network, account.strip(), keys, person, _now(), proof=proof)
    click.echo("what was kept of that account, if anything, is deleted")


@own_data.command(name="withdraw")
@click.argument("request_id", type=int)
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def own_data_withdraw(request_id: int, email: str) -> None:
    """End a request without anything being deleted.

    \b
    Example:
      liaison own-data withdraw 4 --by sam@town.example
    """
    from config import database
    from scheduler.jobs import own_data as requests

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        requests.withdraw(session, _data_request(session, request_id), _keeper(session, email), _now())
    click.echo(f"request {request_id} is ended")


def _data_request(session: "Session", number: int) -> "DataRequest":
    from listeners.tables import DataRequest

    row = session.get(DataRequest, number)
    if row is None or row.ended_at is not None:
        raise Failure(f"no request {number} waits")
    return row


def _keeper(session: "Session", email: str) -> int:
    from config.permissions import Action

    return _allowed(session, email, Action.KEEP_RECORDS, "may not keep the records; only an administrator can")


@liaison.group()
def verify() -> None:
    """Check that what is kept is what was written."""


@verify.command(name="records")
@click.option("--head", default="", metavar="HASH", help="The end that an earlier check printed: it must be there yet.")
def verify_records(head: str) -> None:
    """Seal what is new in the audit log and walk its whole chain; exit status 1 where it does not hold.

    \b
    Each line on the output is one place: position in the chain, number of the entry, what is wrong.
    Keep the printed end somewhere else: with it, a log that was cut short shows.

    \b
    Examples:
      liaison verify records
      liaison verify records --head 5f1c…
    """
    from scheduler.jobs import records

    with clear_errors(), desk(begun=True) as (engine, _settings, keys):
        verdict = records.walk(engine, keys, head)
    for one in verdict.wrong:
        click.echo(f"{one.position or '-'}\t{one.entry_id or '-'}\t{one.words}")
    if verdict.wrong:
        places = "1 place" if len(verdict.wrong) == 1 else f"{len(verdict.wrong)} places"
        raise Failure(f"the audit log does not hold in {places} of {verdict.sealed}")
    if verdict.of_lost_key:
        click.echo(f"{records.of_lost_key(verdict.of_lost_key)}: up to there the hashes alone are proof")
    click.echo(f"{verdict.sealed} entries hold; the chain ends in {verdict.head or 'nothing yet'}")


@liaison.group()
def key() -> None:
    """The secret key that seals sign-ins and references."""


@key.command(name="rotate")
def key_rotate() -> None:
    """Make a new secret key and seal everything anew with it, while the desk runs. Stopped at any point: run it again.

    \b
    Example:
      liaison key rotate && systemctl restart liaison && liaison key finish
    The key before opens what it sealed until `liaison key finish`. Where the key stands in the environment, first set
    LIAISON_SECRET_KEY to the new one, LIAISON_SECRET_KEY_BEFORE and LIAISON_SECRET_KEY_HASHES to the one before.
    """
    from config import audit, database, key_rotation, secrets
    from scheduler import resealing

    with clear_errors(), desk(begun=True) as (engine, settings, _keys):
        begun = key_rotation.begin(settings)
        keys = secrets.load(settings)
        with _bar("sealing", "things") as step:
            done = resealing.reseal(engine, keys, step)
        with database.writing(engine) as session:
            audit.record(session, _now(), None, "key.rotate", "secret_key", {"begun": begun, "lost": done.lost})
    if done.lost:
        click.echo(f"{done.lost} things open with neither key, as before; liaison doctor names the accounts", err=True)
    click.echo("All is sealed with the new key. Restart liaison everywhere, then run: liaison key finish")


@key.command(name="finish")
def key_finish() -> None:
    """Forget the key before, once nothing is sealed with it any more.

    \b
    Example:
      liaison key finish
    """
    from config import audit, database, key_rotation
    from scheduler import resealing

    with clear_errors(), desk(begun=True) as (engine, settings, keys):
        with database.reading(engine) as session:
            left = resealing.left(session, keys).old if keys.rotating else 0
        if left:
            raise Failure(f"{left} things are sealed with the key before: run liaison key rotate again")
        key_rotation.finish(settings)
        with database.writing(engine) as session:
            audit.record(session, _now(), None, "key.finish", "secret_key")
    click.echo(
        "The key before is forgotten. Keep the new one apart from the backups; older backups need the one before."
    )


@key.command(name="lost")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def key_lost(email: str) -> None:
    """Go on with another key where the desk's own is lost for good: no copy of it anywhere.

    \b
    Example:
      liaison key lost --by sam@town.example
    The key in LIAISON_SECRET_KEY or in the data folder, made if there is none, is the desk's from then on. What the
    lost one sealed stays closed: accounts are connected again, second factors and channels set up again, everybody
    signs in again, API tokens are made again. Who was heard before counts as somebody else, and posts that sources show
    again come in again. The audit log's seals of before hold by their hashes alone, up to where they end now.
    """
    from config import audit, chain, database, key_mark, secrets

    with clear_errors(), _store(begun=True) as (engine, settings):
        with database.reading(engine) as session:
            person = _administrator(session, email)
        keys = secrets.load(settings, begin=True)
        with database.writing(engine) as session:
            if key_mark.wrong(session, settings, keys) is None:
                raise Failure("the key here is the desk's own: nothing is lost")
            key_mark.give_up(session, keys)
            audit.record(session, _now(), person, chain.LOST, "secret_key", chain.lost(session, keys))
    click.echo("The desk goes on with this key: keep a copy of it apart. Restart liaison everywhere.")


@liaison.group(name="database")
def database_() -> None:
    """The store: SQLite in the data folder, or PostgreSQL."""


@database_.command(name="move")
@click.option(
    "--to", "address", envvar="LIAISON_MOVE_TO", show_envvar=True, required=True, help="postgresql://user:…@host/name"
)
def database_move(address: str) -> None:
    """Move everything from SQLite to an empty PostgreSQL database, all of it or nothing.

    \b
    Example:
      LIAISON_MOVE_TO=postgresql://liaison:password@db.town.example/liaison liaison database move
    Stop liaison run before. The file is left as it is; the data folder and the secret key stay where they are.
    """
    from config import database
    from scheduler import moving

    with clear_errors(), desk(begun=True) as (engine, _settings, _keys):
        new = database.connect(address)
        try:
            if new.dialect.name == "postgresql":
                database.migrate(new)
            with _bar("moving", "rows", moving.rows_of(engine)) as step:
                moved = moving.move(engine, new, step)
        finally:
            new.dispose()
    for table in moved:
        if table.rows:
            click.echo(f"{table.rows}\t{table.table}")
    click.echo("Counted on both sides. From now on set LIAISON_DATABASE_URL to that address.", err=True)


@liaison.command()
def policy() -> None:
    """Say what is collected, kept and forbidden, network by network (docs/policy.md).

    \b
    Example:
      liaison policy > policy.md
    """
    from config.settings import Settings
    from networks import policies, registry

    days = Settings.model_fields["retention_days"].default
    click.echo(policies.written(registry.NETWORKS.values(), days), nl=False)


@liaison.command()
def commands() -> None:
    """Print every command with its options and examples, as Markdown (docs/for-administrators/commands.md).

    \b
    Example:
      liaison commands > commands.md
    """
    from config import command_page

    click.echo(command_page.written(liaison), nl=False)


@liaison.command()
def config() -> None:
    """Print the settings in force and where each comes from; secrets are hidden.

    \b
    Example:
      liaison config
    A setting is a variable of the environment (LIAISON_RETENTION_DAYS, LIAISON_DEPARTMENT__NAME) or a line of
    liaison.toml (LIAISON_CONFIG names another file; with - before it, one that may be missing); the variable wins.
    """
    from config import settings

    with clear_errors():
        for one in settings.shown(_settings()):
            click.echo(f"{one.name} = {json.dumps(one.value, ensure_ascii=False)}  # {one.origin}")


@liaison.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0: every one.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen at; 0: a free one."
)
def run(host: str, port: int) -> None:
    """Run the whole desk in one process: pages, listening, scoring, publishing, mail. Ctrl-C drains and stops.

    \b
    Example:
      liaison run --port 8000
    """
    from scheduler import signs
    from scheduler.engine import embedded
    from web import serving

    with clear_errors(), desk() as (engine, settings, keys), serving.listening(host, port) as socket:
        _say_first_run(engine, settings, keys)
        with signs.given(engine, "run"), embedded.running(engine, settings, keys):
            serving.serve(engine, settings, keys, socket)


@liaison.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0: every one.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen at; 0: a free one."
)
def web(host: str, port: int) -> None:
    """Serve the pages and the API only; clocks and workers do the rest. Any number, behind a load balancer.

    \b
    Example:
      liaison web --host 0.0.0.0 --port 8000
    """
    from scheduler import signs
    from web import serving

    with clear_errors(), desk() as (engine, settings, keys), serving.listening(host, port) as socket:
        _say_first_run(engine, settings, keys)
        with signs.given(engine, "web"):
            serving.serve(engine, settings, keys, socket)


@liaison.command()
def clock() -> None:
    """Put what is due into the cluster's queue, on PostgreSQL. Any number: each tick is put once.

    \b
    Example:
      liaison clock
    """
    from scheduler import signs
    from scheduler.engine import cluster, queue, ticking

    with clear_errors(), cluster_desk() as (engine, _settings, _keys):
        cluster.check_clock(engine)
        queue.prepare(engine)
        told = _told_to_stop()
        with signs.given(engine, "clock", outdated=told.set):
            ticking.run(engine, told.wait)


@liaison.command()
@click.option(
    "--queues", default="publish,deliver,listen,analyse,score", show_default=True, help="Which, with commas between."
)
@click.option(
    "--threads",
    default=10,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Jobs at once, in each queue that waits.",
)
def worker(queues: str, threads: int) -> None:
    """Do the cluster's jobs, on PostgreSQL. Any number, on any machines; SIGTERM drains.

    \b
    Examples:
      liaison worker
      liaison worker --queues publish,deliver
      liaison worker --queues score
    Queues: publish (posts go out), deliver (mail, webhooks), listen (sources), analyse (alerts, digests, retention),
    score (the model). Each queue is worked by itself: publishing never waits behind scoring.
    """
    from scheduler import signs
    from scheduler.engine import cluster, queue, rota

    chosen = [name.strip() for name in queues.split(",") if name.strip()]
    wrong = [name for name in chosen if name not in rota.QUEUES]
    if wrong or not chosen:
        raise click.UsageError(f"no such queue: {', '.join(wrong or [queues])}; there are {', '.join(rota.QUEUES)}")
    with clear_errors(), cluster_desk() as (engine, settings, keys):
        queue.prepare(engine)
        told = _told_to_stop()
        with signs.given(engine, "worker", chosen, outdated=told.set):
            ended = cluster.work(engine, settings, keys, chosen, threads, told)
    if not ended:
        os._exit(0)  # calls that would not end in time; their leases end, and others look at them


@liaison.command()
@click.option("--once", is_flag=True, help="Do everything but serve the desk; the last line is one JSON object.")
@click.option("--keep", is_flag=True, help="Open the town as it was left, if it is there: for work on Liaison itself.")
@click.option(
    "--dir",
    "folder",
    default="demo-data",
    type=click.Path(file_okay=False, path_type=Path),
    show_default=True,
    help="Where the town is kept.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0: every one.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen at; 0: a free one."
)
def demo(once: bool, keep: bool, folder: Path, host: str, port: int) -> None:
    """See Liaison do its job in a sample town: 30 days of posts, scored, an alert, a digest, an approved post.

    \b
    Examples:
      liaison demo
      liaison demo --once
      liaison demo --keep
    """
    from scheduler import demo as town

    with clear_errors():
        base_url = f"http://{host}:{port}"
        if keep and not once and town.is_there(folder):
            _serve_demo(*town.again(folder, base_url), host, port)
            return
        told = town.play(folder, base_url=base_url, say=lambda line: click.echo(line, err=True), bar=_bar)
        if once:
            click.echo(json.dumps(told.summary()))
            return
        _serve_demo(told.desk, told.links, host, port)


def _serve_demo(
    found: tuple["sa.Engine", "Settings", "Keys"], links: Sequence[tuple[str, str, str]], host: str, port: int
) -> None:
    from scheduler import signs
    from scheduler.engine import embedded
    from web import serving

    engine, settings, keys = found
    with serving.listening(host, port) as socket:
        click.echo("\nThe desk is open. Sign in as", err=True)
        for name, role, link in links:
            click.echo(f"  {name}, {role}: {link}", err=True)
        click.echo("Each link works once. Ctrl-C stops.\n", err=True)
        with signs.given(engine, "run"), embedded.running(engine, settings, keys):
            serving.serve(engine, settings, keys, socket)


@liaison.group()
def user() -> None:
    """People of the desk."""


@user.command(name="add")
@click.option("--name", required=True, help="As colleagues see it.")
@click.option("--email", required=True, help="What they sign in with.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    help="officer, approver, administrator, analyst or auditor; may be repeated.",
)
@click.option("--time-zone", type=ZoneName(), help="IANA zone of their times. [default: the department's]")
@click.option(
    "--language",
    default="en",
    type=click.Choice(["en", "es"]),
    show_default=True,
    help="Of their pages and mails.",
)
@click.option(
    "--password",
    envvar="LIAISON_USER_PASSWORD",
    help="Asked for unseen, or taken from the environment's LIAISON_USER_PASSWORD; better so.",
)
def user_add(
    name: str, email: str, roles: tuple[str, ...], time_zone: str | None, language: str, password: str | None
) -> None:
    """Add a person.

    \b
    Example:
      liaison user add --name "Ana Ortega" --email ana@town.example --role officer
    """
    from config import audit, database, people
    from config.permissions import Role

    known = [role.value for role in Role]
    wrong = [role for role in roles if role not in known]
    if wrong:
        raise click.UsageError(f"no such role: {', '.join(wrong)}; there are {', '.join(known)}")
    if password is None:
        password = _asked("Password", hidden=True, again=True, instead="set LIAISON_USER_PASSWORD")
    with clear_errors(), desk() as (engine, settings, _keys):
        hashed = people.hash_password(password, (name, email))  # takes its time, so outside the write
        with database.writing(engine) as session:
            person = people.add_person(
                session,
                name=name,
                email=email,
                password=None,
                roles=map(Role, roles),
                time_zone=time_zone or settings.department.time_zone,
                now=_now(),
                language=language,
            )
            person.password_hash = hashed
            audit.record(session, _now(), None, "person.add", f"person:{person.id}", {"roles": list(roles)})
    click.echo(f"{name} can sign in at {settings.base_url}/sign-in")


@user.command(name="break-glass")
@click.argument("email")
@click.option("--reason", required=True, help="As it should stand in the audit log.")
def user_break_glass(email: str, reason: str) -> None:
    """Print a link that signs a person in once, within an hour, when single sign-on is down and passwords are off.

    \b
    Example:
      liaison user break-glass sam@town.example --reason "The provider is down"
    """
    from datetime import timedelta

    from config import audit, database, people, security_mail, sign_ins

    with clear_errors(), desk() as (engine, settings, keys), database.writing(engine) as session:
        person = _person(session, email)
        number = people.known_id(person)
        security_mail.put(session, person, security_mail.Change.LINK_MADE, settings, _now())
        code = sign_ins.new_code(session, sign_ins.BREAK_GLASS, number, keys, _now(), timedelta(hours=1))
        audit.record(session, _now(), None, "person.break_glass", f"person:{number}", {"reason": reason})
    click.echo(f"{settings.base_url.rstrip('/')}/sign-in/link/{code}")


@user.command(name="reset-second-factor")
@click.argument("email")
@click.option("--reason", required=True, help="As it should stand in the audit log.")
def user_reset_second_factor(email: str, reason: str) -> None:
    """Take a person's second factor away, when phone and recovery codes are lost; they are signed out everywhere.
    Their API tokens and their calendar's address end too.

    \b
    Example:
      liaison user reset-second-factor ana@town.example --reason "New phone; she came to my desk"
    """
    from config import audit, database, people, second_factor, security_mail, sign_ins

    with clear_errors(), desk() as (engine, settings, keys), database.writing(engine) as session:
        person = _person(session, email)
        number = people.known_id(person)
        if not second_factor.remove(session, number):
            raise Failure(f"{email} has no second factor")
        sign_ins.end_all(session, number, keys)
        sign_ins.end_programs(session, number, _now())
        audit.record(session, _now(), None, "second_factor.reset", f"person:{number}", {"reason": reason})
        security_mail.put(session, person, security_mail.Change.FACTOR_RESET, settings, _now())
    click.echo(f"{email} comes in with the password alone now")


@liaison.group()
def account() -> None:
    """Accounts of the department on networks."""


@account.command(name="add")
@click.argument("network", type=NetworkName())
@click.option("--name", required=True, help="As people see it: Riverton PD")
@click.option("--handle", default="", help="Its name there, without the @.")
def account_add(network: str, name: str, handle: str) -> None:
    """Add an account that needs no sign-in, such as one on the practice board.

    \b
    Example:
      liaison account add practice --name "Riverton PD"
    """
    from config import audit, database
    from networks import accounts, registry

    with clear_errors(), desk() as (engine, _settings, keys), database.writing(engine) as session:
        if registry.network(network).sign_in is not None:
            raise Failure(f"{registry.network(network).label} needs a sign-in: liaison account connect {network}")
        added = accounts.add(session, network=network, name=name, handle=handle, secret=None, keys=keys, now=_now())
        detail = {"network": network, "handle": added.handle}
        audit.record(session, _now(), None, "account.add", f"account:{added.id}", detail)
    click.echo(f"account {added.id}: {name} on {network}")


@account.command(name="connect")
@click.argument("network", type=NetworkName())
@click.option("--set", "pairs", multiple=True, help="A field of the sign-in, as handle=rivertonpd.bsky.social")
@click.option("--again", type=int, help="Number of the account that is to be connected again.")
def account_connect(network: str, pairs: tuple[str, ...], again: int | None) -> None:
    """Connect an account: by what is asked here, or on the network's own page, whose code is then asked for.

    A secret is asked for without showing it, or taken from the environment's LIAISON_ACCOUNT_SECRET.

    \b
    Examples:
      liaison account connect bluesky --set handle=rivertonpd.bsky.social
      liaison account connect mastodon --set server=mastodon.social
    """
    from config import database
    from listeners import joined
    from networks import joining, registry
    from networks.network import PageSignIn, PasswordSignIn, Rejected

    with clear_errors(), desk() as (engine, settings, keys):
        sign_in = registry.network(network).sign_in
        if sign_in is None:
            raise Rejected(f"nobody signs in on {registry.network(network).label}")
        given = _columns(",".join(pairs))
        for field in sign_in.fields:
            if field.secret and not given.get(field.name):
                given[field.name] = os.environ.get("LIAISON_ACCOUNT_SECRET", "")
            if field.required and not given.get(field.name):
                instead = "set LIAISON_ACCOUNT_SECRET" if field.secret else f"give --set {field.name}=…"
                given[field.name] = _asked(field.label, hidden=field.secret, instead=instead)
        private = settings.fetch_private_addresses
        if isinstance(sign_in, PasswordSignIn):
            signed = sign_in.connect(given, private)
        elif isinstance(sign_in, PageSignIn):
            departure = sign_in.begin(given, "urn:ietf:wg:oauth:2.0:oob", joining.new_state(), private)
            click.echo(f"Open {departure.url}\nand say yes there with the department's account.", err=True)
            code = _asked("The code it shows", instead="run this at one")
            signed = sign_in.finish(departure.kept, code.strip(), private)
        with database.writing(engine) as session:
            kept, is_new = joined.keep(session, network, signed, None, keys, _now(), account_id=again)
        click.echo(f"account {kept.id}: {kept.name} (@{kept.handle}) is connected{'' if is_new else ' again'}")


@account.command(name="list")
def account_list() -> None:
    """List the accounts and how they are.

    \b
    Example:
      liaison account list
    """
    from config import database
    from networks import accounts

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        for found in accounts.kept(session):
            why = f": {found.state_reason}" if found.state_reason else ""
            handle = f"@{found.handle}" if found.handle else "-"
            click.echo(f"{found.id}\t{found.network}\t{found.name}\t{handle}\t{found.state}{why}")


@account.command(name="test")
@click.argument("account_id", type=int)
def account_test(account_id: int) -> None:
    """Ask the network who we are there.

    \b
    Example:
      liaison account test 2
    """
    from listeners import joined

    with clear_errors(), desk() as (engine, settings, keys):
        found = joined.test(engine, account_id, None, keys, settings, _now())
        click.echo(f"account {account_id}: the network knows us as @{found.handle}")


@liaison.command()
@click.argument("network", type=NetworkName())
@click.option("--text-file", required=True, type=TEXT, help="The text; - reads it from input.")
def limits(network: str, text_file: Any) -> None:
    """Say whether a network would take a text, counted as it counts, as JSON.

    \b
    Example:
      liaison limits bluesky --text-file post.txt
    """
    from networks import registry
    from networks.network import Outgoing, Rejected

    with clear_errors():
        held = registry.network(network).limits
        if held is None:
            raise Rejected(f"nothing is published on {registry.network(network).label} yet")
        outgoing = Outgoing(key="", text=text_file.read().removesuffix("\n"))
        used, problems = held.used(outgoing), [problem.message for problem in held.problems(outgoing)]
        told = {"network": network, "length": used, "limit": held.length, "remaining": held.length - used}
        click.echo(json.dumps({**told, "valid": not problems, "problems": problems}, ensure_ascii=False))


@liaison.group()
def source() -> None:
    """Where mentions come from."""


@source.command(name="add")
@click.argument("network", type=NetworkName())
@click.option("--name", required=True, help="As the desk shows it.")
@click.option("--kind", help="A way to listen there. [default: the network's first]")
@click.option("--set", "pairs", multiple=True, help="A setting of the source, as url=https://ledger.example/feed.xml")
@click.option("--account", type=int, help="Number of the account to listen by, where one is needed.")
@click.option("--every", type=click.IntRange(5), help="Seconds between two looks. [default: the network's own]")
def source_add(
    network: str, name: str, kind: str | None, pairs: tuple[str, ...], account: int | None, every: int | None
) -> None:
    """Add a source; a running desk begins with it within seconds.

    \b
    Examples:
      liaison source add feed --name "Riverton Ledger" --set url=https://ledger.example/feed.xml
      liaison source add bluesky --kind everything --name "All of Bluesky"
      liaison source add x --kind search --name "X" --account 2 --set 'query="Riverton police"'
    """
    from config import audit, database
    from listeners import sources
    from networks import registry

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        found = registry.network(network)
        chosen = _pairs(pairs) | ({"kind": kind} if kind else {})
        usual = next((one.every_seconds for one in found.kinds if kind in (None, one.name)), 300)
        added = sources.add(
            session,
            network=network,
            name=name,
            settings=chosen,
            every_seconds=every or usual,
            now=_now(),
            account_id=account,
        )
        detail = {"name": name, "subject": sources.subject(added)}
        audit.record(session, _now(), None, "source.add", f"source:{added.id}", detail)
    how = "read as it happens" if added.streamed else f"looked at every {every or usual} s"
    click.echo(f"source {added.id}: {name}, {how}")


@source.command(name="list")
@click.option("--gaps", default=1, show_default=True, type=click.IntRange(0), help="So many of each one's latest gaps.")
def source_list(gaps: int) -> None:
    """List the sources, how they are, and what they missed.

    \b
    Example:
      liaison source list --gaps 3
    """
    from config import database
    from listeners import health

    with clear_errors(), desk() as (engine, settings, _keys), database.reading(engine) as session:
        for known in health.overview(session, _now()):
            found, said = known.source, known.health
            click.echo(f"{found.id}\t{found.network}\t{found.name}\t{said.state}\t{said.words}")
            for gap in known.gaps[:gaps]:
                words = health.in_words(gap, lambda moment: moment.astimezone(settings.department.zone))
                click.echo(f"\t{words}")


@source.command(name="test")
@click.argument("source_id", type=int)
def source_test(source_id: int) -> None:
    """Ask a source what it would bring now; nothing is stored.

    \b
    Example:
      liaison source test 4
    """
    from config import database
    from listeners import polling
    from listeners.tables import Source
    from networks.network import Rejected

    with clear_errors(), desk() as (engine, settings, keys):
        with database.reading(engine) as session:
            known = session.get(Source, source_id)
        if known is None:
            raise Rejected(f"there is no source {source_id}; liaison source list shows them")
        page = polling.ask(engine, source_id, settings, keys)
        newest = max((one.posted_at for one in page.mentions), default=None)
        when = f", the newest of {newest.astimezone(settings.department.zone):%Y-%m-%d %H:%M %Z}" if newest else ""
        waiting = "1 post waits" if len(page.mentions) == 1 else f"{len(page.mentions)} posts wait"
        click.echo(f"source {source_id}: {known.name} answers; {waiting}{when}")
        for reason in page.refused:
            click.echo(f"  not readable: {reason}")


@source.command(name="switch")
@click.argument("source_id", type=int)
@click.argument("to", type=click.Choice(["on", "off"]))
def source_switch(source_id: int, to: str) -> None:
    """Switch a source on or off; where it was is kept, so nothing is lost in between.

    \b
    Example:
      liaison source switch 4 off
    """
    from config import audit, database
    from listeners import sources
    from networks.network import Rejected

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        if sources.switch(session, source_id, to == "on", _now()) is None:
            raise Rejected(f"source {source_id} is not there, or comes in by hand")
        audit.record(session, _now(), None, f"source.{to}", f"source:{source_id}")
    click.echo(f"source {source_id} is {to}")


@liaison.group()
def rule() -> None:
    """Watch rules: which public posts are about us."""


@rule.command(name="add")
@click.argument("query")
@click.option("--name", help="As the desk shows it. [default: the rule itself]")
def rule_add(query: str, name: str | None) -> None:
    """Add a watch rule.

    \b
    Example:
      liaison rule add '("river rd" OR elm) police NOT minneapolis near:"Old Town"' --name "Old Town"
    """
    from sqlalchemy.exc import IntegrityError

    from config import audit, database
    from listeners import rules

    named = name or query[:120]
    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        try:
            added = rules.add(session, named, query)
        except IntegrityError as error:
            raise Failure(f"there is a watch rule called {named!r} already") from error
        audit.record(session, _now(), None, "rule.add", f"rule:{added.id}", {"query": query})
    click.echo(f"rule {added.id}: {added.name}")


@rule.command(name="try")
@click.argument("query")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 30), help="How far back.")
def rule_try(query: str, days: int) -> None:
    """Count what a rule would have matched of the last days; shows no words, adds nothing.

    \b
    Example:
      liaison rule try '"river rd" police' --days 14
    """
    from datetime import timedelta

    from config import database
    from listeners import rules

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        tried = rules.tried(session, query, _now() - timedelta(days=days))
    click.echo(f"it matches {tried.matched} of the {tried.of} posts that came in during the last {days} days")


@rule.command(name="list")
def rule_list() -> None:
    """List the watch rules.

    \b
    Example:
      liaison rule list
    """
    from config import database
    from listeners import rules

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        for found in rules.all_rules(session):
            click.echo(f"{found.id}\t{found.name}\t{'on' if found.enabled else 'off'}\t{found.query}")


@liaison.group()
def place() -> None:
    """Places of the town, found in what people write."""


@place.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def place_import(file: Path) -> None:
    """Import places from a table (CSV) or GeoJSON.

    \b
    Columns or properties: name, other_names (with ; between them), kind (neighbourhood, street, landmark), within.
    The same file again changes nothing.

    \b
    Example:
      liaison place import streets.csv
    """
    from config import audit, database
    from listeners import place_files

    with clear_errors(), desk() as (engine, _settings, _keys):
        rows, refused = place_files.read(file.read_bytes(), file.name)
        with database.writing(engine) as session:
            taken = place_files.store(session, rows, refused)
            detail = {"new": taken.new, "changed": taken.changed, "refused": len(taken.refused)}
            audit.record(session, _now(), None, "place.import", "places", detail)
    click.echo(f"{taken.new} new, {taken.changed} changed, {taken.same} as they were, {len(taken.refused)} refused")
    for reason in taken.refused:
        click.echo(f"  {reason}")


@liaison.group()
def post() -> None:
    """Posts of the department."""


@post.command(name="list")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366), help="How far ahead.")
def post_list(days: int) -> None:
    """List what went out and what goes out, from a day ago on.

    \b
    Example:
      liaison post list --days 14
    """
    from datetime import timedelta

    from config import database
    from posts import queue

    with clear_errors(), desk() as (engine, settings, _keys), database.reading(engine) as session:
        zone = settings.department.zone
        rows = queue.going_out(session, _now() - timedelta(days=1), _now() + timedelta(days=days))
        for row in rows:
            click.echo(f"{row.post_id}\t{row.due_at.astimezone(zone):%Y-%m-%d %H:%M %Z}\t{row.state}\t{row.title}")
        timeless = queue.without_time(session)
    if not rows:
        click.echo(
            f"nothing went out since yesterday or goes out within {days} day{'' if days == 1 else 's'}", err=True
        )
    if timeless:
        number = "1 post has" if timeless == 1 else f"{timeless} posts have"
        click.echo(f"{number} no time, as what a series sends again and again", err=True)


@post.command(name="queue")
@click.option("--by", "email", required=True, help="The e-mail of the author.")
@click.option("--account", "accounts", multiple=True, type=int, required=True, help="Account number; may be repeated.")
@click.option("--text-file", required=True, type=TEXT, help="The text; - reads it from input.")
@click.option(
    "--at", "at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), help="Wall time, as 2035-03-06T09:00."
)
@click.option("--next-slot", is_flag=True, help="Instead of --at: the next free weekly slot of its accounts.")
@click.option("--every", metavar="RULE", help="Let it come again from --at on: FREQ=WEEKLY;BYDAY=TU (RFC 5545).")
@click.option("--category", default="general", show_default=True, help="What kind of post it is.")
@click.option("--zone", help="IANA zone of that wall time. [default: the department's]")
@click.option("--title", default="", help="As the desk shows it. [default: its first line]")
def post_queue(
    email: str,
    accounts: tuple[int, ...],
    text_file: Any,
    at: datetime | None,
    next_slot: bool,
    every: str | None,
    category: str,
    zone: str | None,
    title: str,
) -> None:
    """Write a post and hand it in for approval, to go out at a wall time once approved.

    \b
    Examples:
      liaison post queue --by ana@town.example --account 1 --text-file post.txt --at 2035-03-06T09:00
      liaison post queue --by ana@town.example --account 1 --text-file coffee.txt \\
        --at 2035-03-06T09:00 --every "FREQ=WEEKLY;BYDAY=TU"
    """
    from config import database
    from config.permissions import Action
    from posts import drafts, likeness, series, slots, workflow
    from posts.categories import KINDS

    with clear_errors(), desk() as (engine, settings, _keys), database.writing(engine) as session:
        author = _allowed(session, email, Action.WRITE_POSTS, "may not write posts")
        if category not in KINDS:
            raise click.UsageError(f"there is no kind of post called {category}; there are {', '.join(KINDS)}")
        where = ZoneName().convert(zone, None, None) if zone else settings.department.time_zone
        if next_slot and (free := slots.next_free(session, accounts, _now(), category)) is not None:
            at, where = free
        if at is None:
            if next_slot:
                raise Failure("no free slot within twelve weeks; give --at")
            raise click.UsageError("give --at or --next-slot")
        if workflow.instant(at, where) <= _now():
            raise Failure(f"{at:%Y-%m-%d %H:%M} ({where}) is already past: nothing was queued")
        text = text_file.read().strip()
        made = drafts.create(
            session,
            author,
            text,
            accounts,
            _now(),
            title=title or text.splitlines()[0][:80] if text else "",
            category=category,
        )
        number = made.id or 0
        if every:
            series.begin(session, number, every, at, where, author, _now())
        else:
            drafts.schedule(session, number, author, at, where, _now())
        for words in likeness.warnings(session, likeness.said_by(session, made), _now()):
            click.echo(f"note: {words}", err=True)
        drafts.submit(session, number, author, _now(), base_url=settings.base_url)
    click.echo(f"post {number} waits for approval")


@post.command(name="approve")
@click.argument("post_id", type=int)
@click.option("--by", "email", required=True, help="The e-mail of the approver; never the author.")
def post_approve(post_id: int, email: str) -> None:
    """Approve a post as it stands now.

    \b
    Example:
      liaison post approve 12 --by lucas@town.example
    """
    from config import database
    from config.permissions import Action
    from posts import drafts, workflow

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        approver = _allowed(session, email, Action.APPROVE_POSTS, "is no approver")
        post = drafts.approve(session, post_id, approver, drafts.read(session, post_id).content_hash, _now())
        waits = post.state == workflow.PostState.IN_REVIEW
    click.echo(f"post {post_id} waits for the next step of its approval" if waits else f"post {post_id} is approved")


@liaison.group()
def train() -> None:
    """What the model learns from this desk."""


@train.command(name="feedback")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
@click.option("--undo", is_flag=True, help="Take the last refit back.")
def train_feedback(email: str, undo: bool) -> None:
    """Refit the model's heads to officers' corrections, if nothing gets worse by it.

    \b
    Only corrections that the source's policy lets train (never X's), and only the heads: the encoder stays as shipped.
    A refit goes on from the one in use, and learns from each correction once.
    Examples:
      liaison train feedback --by sam@town.example
      liaison train feedback --by sam@town.example --undo
    """
    from config import audit, database
    from sentiment import feedback, model

    with clear_errors(), desk() as (engine, settings, _keys):
        folder = settings.data_dir / feedback.FOLDER
        with database.reading(engine) as session:
            person = _administrator(session, email)
        shipped, now = model.load(), _now()
        if undo:
            now_used = feedback.undo(folder, shipped)
            if now_used is None:
                raise Failure("there is no refit to take back; the model is as shipped")
            told, words = {"in_use": now_used}, "model.undo"
        else:
            learned = feedback.learned_until(folder, shipped)
            with database.reading(engine) as session:
                corrected, left = feedback.gather(session, learned)
            for reason, number in sorted(left.items()):
                click.echo(f"{number} corrections are left out: {reason}", err=True)
            try:
                made = feedback.refit(feedback.in_use(folder, shipped), corrected, shipped=shipped.heads)
            except feedback.NotBetter as refused:
                raise Failure(str(refused)) from refused
            for name, was in made.before.items():
                click.echo(f"{name}: {was:.3f} -> {made.after[name]:.3f}")
            kept = feedback.keep(folder, shipped, made.heads, learned | dict.fromkeys(made.used, now))
            told, words = {"in_use": kept, **made.used}, "model.feedback"
        with database.writing(engine) as session:
            audit.record(session, _now(), person, words, "model", told)
    number = told["in_use"]
    click.echo(f"refit {number} is in use from now on" if number else "the model is as shipped again")
    click.echo("What was read before stays as it was; liaison rescore begin reads it anew.", err=True)


@train.command(name="drift")
def train_drift() -> None:
    """Say whether what the model reads in this week's posts is spread as in the three weeks before.

    \b
    Example:
      liaison train drift
    """
    from config import database
    from sentiment import drift

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        found = drift.drifts(session, _now())
    if not found:
        click.echo(f"too few posts to tell: a week needs {drift.FEWEST}")
    for one in found:
        click.echo(
            f"{one.signal}\tmean {one.before:.2f} -> {one.now:.2f}\tstability index {one.index:.3f}\t{one.words}"
        )


@liaison.group()
def rescore() -> None:
    """Read anew, with the model in use, the mentions that an older model read."""


@rescore.command(name="begin")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def rescore_begin(email: str) -> None:
    """Begin: the running desk does it by itself, newest first, while nothing new waits. Officers' corrections hold.

    \b
    Example:
      liaison rescore begin --by sam@town.example
    Stopped or killed at any point it goes on where it was. Counts and figures follow with each batch.
    """
    from config import audit, database
    from sentiment import feedback, model, rescoring

    with clear_errors(), desk() as (engine, settings, _keys):
        reader = feedback.in_use(settings.data_dir / feedback.FOLDER, model.load())
        with database.writing(engine) as session:
            person = _administrator(session, email)
            begun = rescoring.begin(session, reader.name, person, _now())
            audit.record(session, _now(), person, "model.rescore", "model", {"model": begun.model, "of": begun.of})
    click.echo(f"{begun.of} mentions are read anew with {begun.model}; see liaison rescore status")


@rescore.command(name="status")
def rescore_status() -> None:
    """Say how far it is.

    \b
    Example:
      liaison rescore status
    """
    from config import database
    from sentiment import rescoring

    with clear_errors(), desk() as (engine, _settings, _keys), database.reading(engine) as session:
        found = rescoring.progress(session)
    if found is None:
        click.echo("nothing was read anew yet")
        return
    how = {"": "under way", "replaced": "given up for another model"}.get(found.outcome, found.outcome)
    click.echo(f"{found.done} of {found.of} read anew with {found.model}: {how}")


@rescore.command(name="stop")
@click.option("--by", "email", required=True, help="The e-mail of an administrator.")
def rescore_stop(email: str) -> None:
    """Give it up; what was read anew stays so.

    \b
    Example:
      liaison rescore stop --by sam@town.example
    """
    from config import audit, database
    from sentiment import rescoring

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        person = _administrator(session, email)
        if not rescoring.stop(session, _now()):
            raise Failure("nothing is being read anew")
        audit.record(session, _now(), person, "model.rescore_stop", "model")
    click.echo("stopped; liaison rescore begin goes on with the rest")


@liaison.group()
def hold() -> None:
    """Stop all outgoing posts, or let them go on."""


@hold.command(name="on")
@click.option("--by", "email", required=True, help="The e-mail of who places it.")
@click.option("--reason", required=True, help="Why, as everybody at the desk sees it.")
def hold_on(email: str, reason: str) -> None:
    """Place a hold: no post goes out until it is lifted; each keeps its place.

    \b
    Example:
      liaison hold on --by ana@town.example --reason "An officer was hurt"
    """
    from config import database, holds
    from config.permissions import Action

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        holds.place(session, _allowed(session, email, Action.PLACE_HOLD, "may not place a hold"), reason, _now())
    click.echo("Hold is on: nothing goes out until it is lifted.")


@hold.command(name="off")
@click.option("--by", "email", required=True, help="The e-mail of who lifts it: an approver.")
def hold_off(email: str) -> None:
    """Lift the hold.

    \b
    Example:
      liaison hold off --by lucas@town.example
    """
    from config import database, holds
    from config.permissions import Action

    with clear_errors(), desk() as (engine, _settings, _keys), database.writing(engine) as session:
        person = _allowed(session, email, Action.LIFT_HOLD, "may not lift a hold; only an approver can")
        holds.lift(session, person, _now())
    click.echo("Hold is off.")


def _now() -> datetime:
    from config import clock as time

    return time.now()


def _settings() -> "Settings":
    from config import settings

    return settings.load()


@contextmanager
def desk(*, begun: bool = False) -> Iterator[tuple["sa.Engine", "Settings", "Keys"]]:
    """The installation: its store brought up to date, its settings, its keys. `begun`: only if it is there, for what
    would do nothing on a new one but say that it is done."""
    from config import key_mark

    with _store(begun=begun) as (engine, settings):
        yield engine, settings, key_mark.keys(engine, settings)


@contextmanager
def _store(*, begun: bool = False) -> Iterator[tuple["sa.Engine", "Settings"]]:
    """`desk`, whatever its keys."""
    from config import database, logs

    settings = _settings()
    logs.set_up(settings.log_level)
    if begun:
        database.refuse_none(settings.database)
    engine = database.connect(settings.database)
    try:
        database.migrate(engine)
        yield engine, settings
    finally:
        engine.dispose()


@contextmanager
def cluster_desk() -> Iterator[tuple["sa.Engine", "Settings", "Keys"]]:
    """`desk`, where it stands on PostgreSQL."""
    from scheduler.engine import queue

    queue.refuse_sqlite(_settings())
    with desk() as found:
        yield found


def _told_to_stop() -> "Event":
    """Set by SIGTERM or Ctrl-C."""
    import signal
    from threading import Event

    told = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    return told


def _person(session: "Session", email: str) -> "Person":
    from config import people

    found = people.by_email(session, email)
    if found is None:
        raise Failure(f"nobody here has the e-mail {email}")
    return found


def _allowed(session: "Session", email: str, action: "Action", otherwise: str) -> int:
    """The number of somebody who is here and has that right. Raises Failure with these words after the address."""
    from config import people
    from config.permissions import may

    person = _person(session, email)
    number = people.known_id(person)
    if not person.active or not may(people.roles_of(session, number), action):
        raise Failure(f"{email} {otherwise}")
    return number


def _administrator(session: "Session", email: str) -> int:
    from config.permissions import Action

    return _allowed(session, email, Action.MANAGE, "is no administrator")


def _say_first_run(engine: "sa.Engine", settings: "Settings", keys: "Keys") -> None:
    """Prints a one-time code while there is nobody yet."""
    from datetime import timedelta

    from config import database, people, sign_ins

    with database.writing(engine) as session:
        if people.all_people(session):
            return
        code = sign_ins.new_code(session, "first_run", None, keys, _now(), timedelta(hours=24))
    click.echo(f"Nobody is here yet. Open {settings.base_url}/first-run and give this code: {code}", err=True)


def _columns(text: str) -> dict[str, str]:
    return _pairs([pair for pair in text.split(",") if pair.strip()])


def _pairs(pairs: Sequence[str]) -> dict[str, str]:
    if any("=" not in pair for pair in pairs):
        raise click.UsageError(f"{', '.join(pairs)!r}: write pairs as name=value")
    return {name.strip(): value.strip() for name, _, value in (pair.partition("=") for pair in pairs)}


@contextmanager
def _bar(label: str, unit: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr; what it yields moves it on by a number of steps."""
    from tqdm import tqdm

    with tqdm(desc=label, unit=f" {unit}", total=total, file=sys.stderr, mininterval=0.5) as bar:

        def step(number: int) -> None:
            bar.update(number)

        yield step


def _asked(label: str, *, hidden: bool = False, again: bool = False, instead: str) -> str:
    """What a person is asked for at a terminal; without one, a line of what is piped in. `again`: to be typed twice;
    `instead`: how else to give it. Raises Failure where nothing is given."""
    if _is_terminal(hidden):
        return str(click.prompt(label, hide_input=hidden, confirmation_prompt=again, err=True))
    line = sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""
    if not line.strip():
        raise Failure(f"{label} is missing, and there is no terminal to ask for it at: {instead}")
    return line


def _is_terminal(hidden: bool) -> bool:
    """Whether somebody can be asked: what is hidden is read from the terminal itself, whatever is piped in."""
    if sys.stdin is not None and sys.stdin.isatty():
        return True
    if not hidden:
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turns what may go wrong outside our code, and the errors that our rooms define, into one clear line."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except click.ClickException:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Failure(f"setting {where}: {first['msg']}") from error
    except SettingsError as error:
        raise Failure(f'{error}; in the environment a list is written as JSON, such as ["127.0.0.1"]') from error
    except DatabaseError as error:
        raise Failure(_database_words(str(error.orig))) from error
    except OSError as error:
        raise Failure(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}") from error
    except UnicodeDecodeError as error:
        raise Failure(f"the text is not UTF-8 (byte {error.start + 1}); save it as UTF-8 and try again") from error
    except UnicodeEncodeError as error:
        raise Failure(f"a text cannot be written as {error.encoding} (character {error.start + 1})") from error
    except OverflowError as error:
        raise Failure(f"a number or a time is too large ({error})") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ROOMS:  # its message is made for people
            raise Failure(str(error)) from error
        raise


def _database_words(cause: str) -> str:
    advice = {
        "locked": "another program keeps the database busy; close it and try again",
        "full": "the disk is full; make room and try again. What was committed is kept",
        "readonly": "the database cannot be written; check who owns its file and folder",
        "read-only": "the database cannot be written; check who owns its file and folder",
        "unable to open": "the database file cannot be opened; check LIAISON_DATA_DIR and its permissions",
        "malformed": "the database file is damaged; restore a backup",
        "not a database": "the database file is damaged or something else; restore a backup",
        "connection": "the database server cannot be reached; check LIAISON_DATABASE_URL",
    }
    words = next((advice[sign] for sign in advice if sign in cause.lower()), "the database refused")
    return f"{words} ({cause.strip().splitlines()[0] if cause.strip() else 'no reason given'})"


def main() -> None:
    """The console command."""
    liaison()


if __name__ == "__main__":
    main()
