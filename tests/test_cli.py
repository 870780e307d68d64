"""The `liaison` command as a newcomer meets it."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from types import MappingProxyType

import pytest
from click.testing import CliRunner, Result

import cli
from config import clock, settings
from networks import practice, registry
from networks.network import Field, PasswordSignIn, SignedIn

PASSWORD = ("--password", "correct horse battery")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that was begun; what begins one is the demo's and tests/scheduler/test_run.py's to show."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copy(empty_store, tmp_path / "data" / "liaison.db")
    settings.load.cache_clear()


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli.liaison, arguments, input=given)


@pytest.mark.parametrize("command", [[], *([name] for name in sorted(cli.liaison.commands))])
def test_every_command_says_what_it_is_for(command: list[str]) -> None:
    told = run(*command, "--help")
    assert told.exit_code == 0
    assert told.stdout.startswith("Usage: ")


def test_arguments_that_make_no_sense_end_with_two() -> None:
    assert run("import", "nowhere.jsonl").exit_code == 2
    assert run("import").exit_code == 2
    unknown = run("account", "add", "frendster", "--name", "PD")
    assert (unknown.exit_code, "there are archive, bluesky" in unknown.stderr) == (2, True)


def test_an_import_tells_what_became_of_each_line_and_again_adds_nothing(tmp_path: Path) -> None:
    lines = [
        json.dumps({"text": "Thank you officers", "posted_at": "2026-11-20T10:00:00Z", "id": 1}),
        json.dumps({"text": "no zone", "posted_at": "2026-11-20T10:00:00"}),
        "not json",
    ]
    (tmp_path / "export.jsonl").write_text("\n".join(lines))
    told = run("import", "export.jsonl")
    assert told.exit_code == 0, told.output
    assert "3 read: 1 new, 0 duplicate, 0 not matched, 2 refused" in told.stdout
    assert "1 refused: not JSON" in told.stdout
    assert "1 refused: time has no zone" in told.stdout
    again = run("import", "export.jsonl")
    assert "3 read: 0 new, 1 duplicate" in again.stdout


def test_a_missing_column_is_one_clear_line_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("Body,Created\nhello,2026-11-20T10:00:00Z\n")
    told = run("import", "export.csv")
    assert told.exit_code == 1
    assert told.stderr.strip().splitlines()[-1] == (
        "liaison: export.csv has no column text, posted_at; it has Body, Created. map it with --columns, as text=Body"
    )
    mapped = run("import", "export.csv", "--columns", "text=Body,posted_at=Created")
    assert "1 read: 1 new" in mapped.stdout


def test_secrets_are_hidden_in_what_config_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_SMTP_URL", "smtp://desk:hidden-word@mail.example")
    told = run("config")
    assert "smtp_url" in told.stdout
    assert "hidden-word" not in told.output


def test_config_says_where_each_setting_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "liaison.toml"
    monkeypatch.setenv("LIAISON_CONFIG", "liaison.toml")
    file.write_text('retention_days = 20\n[department]\nname = "Riverton PD"\nlanguage = "en"\n')
    monkeypatch.setenv("LIAISON_DEPARTMENT__LANGUAGE", "es")
    told = run("config").stdout.splitlines()
    for line in (
        f"retention_days = 20  # {file}",
        f'department.name = "Riverton PD"  # {file}',
        'department.language = "es"  # LIAISON_DEPARTMENT__LANGUAGE',
        "late_limit_minutes = 120  # default",
    ):
        assert line in told


def test_a_file_of_settings_that_is_no_toml_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_CONFIG", "liaison.toml")
    (tmp_path / "liaison.toml").write_text("retention_days = \n")
    told = run("config")
    assert (told.exit_code, told.stderr) == (
        1,
        "liaison: liaison.toml is not TOML: Invalid value (at line 1, column 18)\n",
    )


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_RETENTION_DAYS", "many")
    told = run("config")
    assert told.exit_code == 1
    assert "setting retention_days" in told.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TRUSTED_PROXIES", "127.0.0.1", 'a list is written as JSON, such as ["127.0.0.1"]'),
        ("DEPARTMENT__HANDLES", "riverton", 'a list is written as JSON, such as ["127.0.0.1"]'),
        ("DATABASE_URL", "postgres://desk:hidden-word@db.example/liaison", "such as sqlite:////srv/liaison.db or post"),
        ("DATABASE_URL", "postgresql://desk:hidden-word@db.example:abc/liaison", "this is no address of a database"),
        ("DATABASE_URL", "hidden-word", "setting database_url"),
        ("LOG_LEVEL", "verbose", "'verbose' is no level, such as DEBUG, INFO or WARNING"),
    ],
)
def test_a_setting_that_cannot_be_read_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"LIAISON_{name}", value)
    told = run("source", "list")
    assert (told.exit_code, words in told.stderr, told.stderr.count("\n")) == (1, True, 1), told.stderr
    assert "hidden-word" not in told.output


def test_a_move_to_no_database_is_one_clear_line() -> None:
    told = run("database", "move", "--to", "garbage")
    assert (told.exit_code, told.stderr.count("\n")) == (1, 1), told.stderr
    assert "this is no address of a database" in told.stderr


def test_a_number_or_a_text_that_no_store_holds_is_one_clear_line() -> None:
    many = run("source", "test", "99999999999999999999")
    assert (many.exit_code, many.stderr.startswith("liaison: a number or a time is too large (")) == (1, True)
    added = run("user", "add", "--name", "Ana", "--email", "ana@town.example", "--role", "officer", *PASSWORD)
    assert added.exit_code == 0, added.output
    odd = run("hold", "on", "--by", "ana@town.example", "--reason", "\udcff")
    assert (odd.exit_code, odd.stderr) == (1, "liaison: a text cannot be written as utf-8 (character 1)\n")


def test_a_time_in_no_calendar_is_one_clear_line(tmp_path: Path) -> None:
    added = run("user", "add", "--name", "Ana", "--email", "ana@town.example", "--role", "officer", *PASSWORD)
    assert added.exit_code == 0, added.output
    assert run("account", "add", "practice", "--name", "Riverton PD").exit_code == 0
    (tmp_path / "post.txt").write_text("Coffee with officers at nine.")
    told = run(
        "post", "queue", "--by", "ana@town.example", "--account", "1", "--text-file", "post.txt",
        "--at", "9999-12-31T23:59",
    )  # fmt: skip
    assert (told.exit_code, told.stderr) == (1, "liaison: That day is in no calendar.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("backup", "desk.tar"),
        ("verify", "records"),
        ("export", "records", "records"),
        ("export", "dpia", "dpia.md"),
        ("key", "rotate"),
        ("key", "finish"),
        ("key", "lost", "--by", "sam@town.example"),
        ("database", "move", "--to", "postgresql://nobody@127.0.0.1:1/none"),
        ("doctor",),
    ],
)
def test_where_no_desk_is_nothing_is_done_nor_made(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    told = run(*words)
    assert (told.exit_code, f"there is no desk in {elsewhere}/data/liaison.db" in told.output) == (1, True), told.output
    assert list(elsewhere.iterdir()) == []


def test_a_damaged_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "data" / "liaison.db").write_bytes(b"this is no database at all, though it is long enough " * 40)
    told = run("source", "list")
    assert told.exit_code == 1
    assert "restore a backup" in told.stderr
    assert "Traceback" not in told.output


def test_an_account_that_needs_a_sign_in_is_not_added_without_and_one_that_needs_none_is_in_the_log() -> None:
    told = run("account", "add", "bluesky", "--name", "Riverton PD")
    assert (told.exit_code, told.stderr) == (
        1,
        "liaison: Bluesky needs a sign-in: liaison account connect bluesky\n",
    )
    assert run("account", "list").stdout == ""
    assert run("account", "add", "practice", "--name", "Riverton PD").exit_code == 0
    with sqlite3.connect("data/liaison.db") as store:
        logged = store.execute("SELECT subject, detail FROM audit_entry WHERE action = 'account.add'").fetchall()
    assert [(subject, json.loads(detail)) for subject, detail in logged] == [
        ("account:1", {"network": "practice", "handle": ""})
    ]


def test_a_hold_without_a_reason_is_one_clear_line() -> None:
    added = run("user", "add", "--name", "Ana", "--email", "ana@town.example", "--role", "officer", *PASSWORD)
    assert added.exit_code == 0, added.output
    told = run("hold", "on", "--by", "ana@town.example", "--reason", " ")
    assert (told.exit_code, told.stderr.startswith("liaison: Say why, in a few words")) == (1, True)


def test_a_post_is_queued_by_one_and_approved_by_another(tmp_path: Path) -> None:
    for name, role in (("Ana", "officer"), ("Lucas", "approver")):
        added = run(
            "user", "add", "--name", name, "--email", f"{name.lower()}@town.example", "--role", role,
            "--password", "correct horse battery",
        )  # fmt: skip
        assert added.exit_code == 0, added.output
    assert run("account", "add", "practice", "--name", "Riverton PD").exit_code == 0
    (tmp_path / "post.txt").write_text("Coffee with officers at nine.", encoding="utf-8-sig")
    queued = run(
        "post", "queue", "--by", "ana@town.example", "--account", "1", "--text-file", "post.txt",
        "--at", "2036-11-24T09:00", "--zone", "UTC",
    )  # fmt: skip
    assert queued.stdout == "post 1 waits for approval\n", queued.output
    with sqlite3.connect(tmp_path / "data" / "liaison.db") as store:
        assert store.execute("select message from post").fetchall() == [("Coffee with officers at nine.",)]
    own = run("post", "approve", "1", "--by", "ana@town.example")
    assert (own.exit_code, own.stderr.strip()) == (1, "liaison: ana@town.example is no approver")
    assert run("post", "approve", "1", "--by", "lucas@town.example").stdout == "post 1 is approved\n"
    assert run("hold", "on", "--by", "ana@town.example", "--reason", "wait").exit_code == 0
    assert run("hold", "off", "--by", "ana@town.example").exit_code == 1
    assert run("hold", "off", "--by", "lucas@town.example").exit_code == 0


def test_a_post_is_queued_to_come_again_or_to_the_next_slot(tmp_path: Path) -> None:
    assert run(
        "user", "add", "--name", "Ana", "--email", "ana@town.example", "--role", "officer",
        "--password", "correct horse battery",
    ).exit_code == 0  # fmt: skip
    assert run("account", "add", "practice", "--name", "Riverton PD").exit_code == 0
    (tmp_path / "post.txt").write_text("Coffee with officers at nine.")
    queue = ("post", "queue", "--by", "ana@town.example", "--account", "1", "--text-file", "post.txt")
    soon = clock.now() + timedelta(days=30)
    every = ("--every", "FREQ=WEEKLY;BYDAY=TU", "--at", f"{soon:%Y-%m-%d}T09:00")
    assert run(*queue, *every).stdout == "post 1 waits for approval\n"
    listed = run("post", "list")
    assert (listed.stdout, listed.stderr.splitlines()) == (
        "", [
            "nothing went out since yesterday or goes out within 7 days",
            "1 post has no time, as what a series sends again and again",
        ],
    )  # fmt: skip
    for more, code, words in (
        (("--next-slot",), 1, "no free slot within twelve weeks"),
        ((), 2, "give --at or --next-slot"),
        (("--at", "2016-11-25T09:00", "--zone", "UTC"), 1, "2016-11-25 09:00 (UTC) is already past"),
        (("--at", "2036-11-25T09:00", "--category", "gossip"), 2, "there is no kind of post called gossip"),
        (("--at", "2036-11-25T09:00", "--zone", "Mars/Base"), 2, "no IANA time zone"),
        (("--at", f"{soon:%Y-%m-%d}T09:00", "--every", "FREQ=HOURLY"), 1, "daily at most"),
    ):
        refused = run(*queue, *more)
        assert (refused.exit_code, words in refused.stderr) == (code, True), refused.output


def test_only_writers_queue_posts_and_only_for_accounts_that_are_here(tmp_path: Path) -> None:
    for name, role in (("Ana", "officer"), ("Olu", "auditor")):
        run(
            "user", "add", "--name", name, "--email", f"{name.lower()}@town.example", "--role", role,
            "--password", "correct horse battery",
        )  # fmt: skip
    run("account", "add", "practice", "--name", "Riverton PD")
    (tmp_path / "post.txt").write_text("Coffee with officers at nine.")
    (tmp_path / "latin.txt").write_bytes("Café a las nueve.".encode("latin-1"))
    for who, more, words in (
        ("olu", (), "olu@town.example may not write posts"),
        ("ana", ("--account", "999"), "There is no account 999 here."),
        ("ana", ("--text-file", "latin.txt"), "the text is not UTF-8 (byte 4); save it as UTF-8 and try again"),
    ):
        refused = run(
            "post", "queue", "--by", f"{who}@town.example", "--account", "1", "--text-file", "post.txt",
            "--at", "2036-11-25T09:00", *more,
        )  # fmt: skip
        assert (refused.exit_code, refused.stderr) == (1, f"liaison: {words}\n")
    assert run("post", "list", "--days", "366").stdout == ""


def test_a_source_listens_by_an_account_that_is_here() -> None:
    refused = run("source", "add", "mastodon", "--name", "Ours", "--account", "77")
    assert (refused.exit_code, refused.stderr) == (1, "liaison: there is no account 77\n")
    run("account", "add", "practice", "--name", "Board")
    search = ("source", "add", "x", "--kind", "search", "--name", "X", "--set", "query=elm")
    elsewhere = run(*search, "--account", "1")
    assert (elsewhere.exit_code, elsewhere.stderr) == (1, "liaison: account 1 is on Practice board, not on X\n")
    assert run("source", "list").stdout == ""


def test_a_text_is_held_against_a_network_s_limits(tmp_path: Path) -> None:
    (tmp_path / "post.txt").write_text("🇲🇽" * 301 + "\n", encoding="utf-8")
    told = run("limits", "bluesky", "--text-file", "post.txt")
    assert json.loads(told.stdout) == {
        "network": "bluesky", "length": 301, "limit": 300, "remaining": -1, "valid": False,
        "problems": ["The text is 1 character too long; the limit is 300."],
    }  # fmt: skip
    (tmp_path / "post.txt").write_text("Hi", encoding="utf-8-sig")  # as Windows saves it
    for given, text_file in ((None, "post.txt"), ("\ufeffHi", "-")):
        told = run("limits", "bluesky", "--text-file", text_file, given=given)
        assert json.loads(told.stdout)["length"] == 2
    nowhere = run("limits", "feed", "--text-file", "post.txt")
    assert (nowhere.exit_code, nowhere.stderr) == (1, "liaison: nothing is published on News and feeds yet\n")


def test_a_digest_is_shown_for_who_is_here_and_it_is_said_who_is_not() -> None:
    def refused(*more: str) -> str:
        told = run("digest", "--preview", "digest", *more)
        assert told.exit_code == 1
        return told.stderr.strip()

    nobody = "liaison: nobody gets a digest yet; "
    assert refused() == nobody + "add a person with `liaison user add`"
    run("user", "add", "--name", "Ana", "--email", "ana@town.example", "--role", "officer", *PASSWORD)
    assert refused("--for", "nobody@town.example") == "liaison: nobody here has the e-mail nobody@town.example"
    with sqlite3.connect("data/liaison.db") as store:
        store.execute("update person set digest_hour = null")
    assert refused() == nobody + "name somebody with --for"
    assert run("digest", "--preview", "digest", "--for", "ana@town.example").exit_code == 0


def test_an_account_is_not_looked_for_at_a_private_address(tmp_path: Path) -> None:
    for network, field in (
        ("mastodon", "server=127.0.0.1:9"),
        ("bluesky", "handle=a.test,app_password=b,service=127.0.0.1:9"),
    ):
        told = run("account", "connect", network, "--set", field)
        assert (told.exit_code, told.stderr) == (
            1, "liaison: 127.0.0.1 is a private address (127.0.0.1); set fetch_private_addresses if that is meant\n"
        )  # fmt: skip


def test_a_secret_is_taken_from_the_environment_or_asked_for_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def connect(given: Mapping[str, str], allow_private: bool) -> SignedIn:
        seen.append(given["app_password"])
        return SignedIn("id-1", given["handle"], "Riverton PD", {}, given["app_password"])

    fields = (Field("handle", "Handle"), Field("app_password", "App password", secret=True))
    gate = replace(practice.NETWORK, name="gate", kinds=(), sign_in=PasswordSignIn(fields, connect))
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "gate": gate}))
    told = run("account", "connect", "gate", "--set", "handle=rpd.example", given="typed-unseen\n")
    assert told.stdout == "account 1: Riverton PD (@rpd.example) is connected\n", told.output
    assert "typed-unseen" not in told.output
    monkeypatch.setenv("LIAISON_ACCOUNT_SECRET", "from-the-environment")
    again = run("account", "connect", "gate", "--set", "handle=rpd.example", "--again", "1")
    assert again.stdout == "account 1: Riverton PD (@rpd.example) is connected again\n", again.output
    assert seen == ["typed-unseen", "from-the-environment"]
    assert run("account", "list").stdout == "1\tgate\tRiverton PD\t@rpd.example\tconnected\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("user", "add", "--name", "Ana", "--email", "ana@town.example", "--role", "officer"),
            "Password|set LIAISON_USER_PASSWORD",
        ),
        (
            ("account", "connect", "bluesky", "--set", "handle=rpd.example"),
            "App password|set LIAISON_ACCOUNT_SECRET",
        ),
        (
            ("account", "connect", "bluesky"),
            "Handle|give --set handle=…",
        ),
        (
            ("own-data", "checked", "1", "--network", "x", "--proof", "seen", "--by", "sam@town.example"),
            "The account's lasting id|pipe it in, or give --account",
        ),
    ],
)
def test_without_a_terminal_what_would_be_asked_for_is_one_clear_line(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    told = subprocess.run(
        [sys.executable, Path(cli.__file__), *arguments],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        start_new_session=True,
    )  # fmt: skip
    what, _, instead = words.partition("|")
    told_of = f"liaison: {what} is missing, and there is no terminal to ask for it at: {instead}\n"
    assert (told.returncode, told.stdout, told.stderr) == (1, "", told_of)


def test_a_password_is_taken_from_the_environment_or_from_what_is_piped_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(name: str, given: str | None = None) -> Result:
        address = f"{name.lower()}@town.example"
        return run("user", "add", "--name", name, "--email", address, "--role", "officer", given=given)

    monkeypatch.setattr(cli, "_is_terminal", lambda _hidden: False)
    piped = add("Ana", "correct horse battery\n")
    assert (piped.exit_code, "correct" in piped.output) == (0, False), piped.output
    monkeypatch.setenv("LIAISON_USER_PASSWORD", "short")
    assert add("Ben").exit_code == 1
    monkeypatch.setenv("LIAISON_USER_PASSWORD", "staple correct battery")
    assert add("Ben").exit_code == 0


def test_an_account_without_a_handle_has_none_in_the_list() -> None:
    run("account", "add", "practice", "--name", "Riverton PD")
    assert run("account", "list").stdout == "1\tpractice\tRiverton PD\t-\tconnected\n"


@pytest.mark.long
def test_the_demo_does_the_whole_job(tmp_path: Path) -> None:
    told = run("demo", "--once")
    assert told.exit_code == 0, told.output
    summary = json.loads(told.stdout.splitlines()[-1])
    assert list(summary) == ["mentions", "scored", "alerts", "published", "digest", "seconds"]
    assert summary["mentions"] == summary["scored"] == 617
    assert summary["alerts"] >= 1
    assert summary["published"] == 1
    mail = BytesParser(policy=policy.default).parsebytes(Path(summary["digest"]).read_bytes())
    assert mail["To"] == "Dana Okafor <dana.okafor@riverton.example>"
    with sqlite3.connect(tmp_path / "demo-data" / "liaison.db") as store:
        board = store.execute("select text from practice_post where account_id is not null").fetchall()
        fared = store.execute("select age_hours, views, replies from target_reach order by age_hours").fetchall()
        kept = store.execute("select count(*) from mention where sealed_reference is null and shown").fetchone()
        raised = store.execute(
            "select round((julianday(alert.raised_at) - julianday(min(posted_at))) * 24, 1) from alert"
            " join alert_mention on alert_id = alert.id join mention on mention_id = mention.id"
            " where alert.place_id = (select id from place where name = 'Elm Street') group by alert.id"
        ).fetchall()
        mails = store.execute(
            "select count(*) > 0, max(julianday('now') - julianday(min(created_at, due_at))) * 24 < 1"
            " from outbox_message where state = 'waiting'"
        ).fetchone()
    assert mails == (1, 1)  # a desk that is minutes old has no mail that has stood for an hour
    assert len(raised) == 1
    assert raised[0][0] <= 6
    assert summary["alerts"] - 1 <= 4
    assert len(board) == 3
    assert "Elm Street" in board[0][0]
    assert fared == [(24, None, 3), (168, None, 1)]
    assert kept == (0,)


def test_the_demo_never_touches_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    told = run("demo", "--once", "--dir", "mine")
    assert told.exit_code == 1
    assert "name another folder" in told.stderr
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
