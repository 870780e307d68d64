"""The commands about what is kept, as an administrator meets them."""

import sqlite3

from tests.config.test_chain import FREE_SQLITE
from tests.test_cli import _folder, run

__all__ = ["_folder"]  # a fixture that holds for each test here


def add(name: str, role: str = "officer") -> None:
    email = f"{name.lower()}@riverton.example"
    made = run("user", "add", "--name", name, "--email", email, "--role", role, "--password", "a bridge over it")
    assert made.exit_code == 0, made.output


def test_verify_records_seals_and_says_where_the_chain_ends() -> None:
    add("Ada")
    add("Eve")
    first = run("verify", "records")
    assert (first.exit_code, first.stdout[:30]) == (0, "2 entries hold; the chain ends")
    head = first.stdout.split()[-1]
    add("Sam")
    assert run("verify", "records", "--head", head).exit_code == 0
    assert run("verify", "records", "--head", "ab" * 32).exit_code == 1


def test_one_changed_byte_is_located_and_the_exit_status_is_one() -> None:
    for name in ("Ada", "Eve", "Sam"):
        add(name)
    assert run("verify", "records").exit_code == 0
    with sqlite3.connect("data/liaison.db") as store:
        for drop in FREE_SQLITE:
            store.execute(drop)
        store.execute("UPDATE audit_entry SET subject = 'person:1' WHERE id = 2")
    found = run("verify", "records")
    assert (found.exit_code, found.stdout) == (1, "2\t2\tthe entry was changed since it was sealed\n")
    assert found.stderr == "liaison: the audit log does not hold in 1 place of 3\n"


def test_a_legal_hold_is_placed_listed_and_lifted_by_an_administrator_only() -> None:
    add("Ada")
    add("Sam", "administrator")
    period = ("--from", "2026-11-01T00:00:00Z", "--to", "2026-11-08T00:00:00Z", "--reason", "Request 26-9")
    assert run("legal-hold", "place", *period, "--by", "ada@riverton.example").exit_code == 1
    assert run("legal-hold", "place", "--post", "1", *period, "--by", "sam@riverton.example").exit_code == 2
    missing = run("legal-hold", "place", "--post", "9", "--reason", "x", "--by", "sam@riverton.example")
    assert (missing.exit_code, missing.stderr) == (1, "liaison: there is no post 9\n")
    placed = run("legal-hold", "place", *period, "--by", "sam@riverton.example")
    assert (placed.exit_code, placed.stdout) == (0, "legal hold 1 is in force\n")
    assert "2026-11-01 00:00 to 2026-11-08 00:00" in run("legal-hold", "list").stdout
    assert run("legal-hold", "lift", "1", "--why", "settled", "--by", "sam@riverton.example").exit_code == 0
    assert run("legal-hold", "list").stdout == ""
    assert run("legal-hold", "lift", "1", "--why", "again", "--by", "sam@riverton.example").exit_code == 1


def test_a_person_s_own_data_goes_without_the_desk() -> None:
    add("Sam", "administrator")
    add("Ada")
    by = ("--by", "sam@riverton.example")
    assert run("own-data", "open", "--by", "ada@riverton.example").exit_code == 1
    opened = run("own-data", "open", *by)
    assert opened.stdout.startswith("1\town-")
    assert run("own-data", "open", *by).exit_code == 0
    account = ("--network", "bluesky", "--account", "did:plc:z72i7hdynmk6r22z27h6tvur", "--proof", "at the counter")
    handle = run("own-data", "checked", "1", *account[:3], "jo.bsky.social", *account[4:], *by)
    assert (handle.exit_code, "no lasting id of an account on Bluesky" in handle.stderr) == (1, True)
    met = run("own-data", "checked", "1", *account, *by)
    assert (met.exit_code, met.stdout) == (0, "what was kept of that account, if anything, is deleted\n")
    assert run("own-data", "checked", "1", *account, *by).exit_code == 1
    assert run("own-data", "checked", "2", "--network", "x", "--proof", "p", "--account", " ", *by).exit_code == 2
    assert run("own-data", "withdraw", "2", *by).exit_code == 0
    assert [line.split("\t")[3] for line in run("own-data", "list").stdout.splitlines()] == ["withdrawn", "checked"]
    with sqlite3.connect("data/liaison.db") as store:
        log = store.execute(
            "SELECT action, detail FROM audit_entry WHERE action LIKE 'own_data%' ORDER BY id"
        ).fetchall()
    assert [action for action, _ in log] == [
        "own_data.open", "own_data.open", "own_data.deleted", "own_data.checked", "own_data.withdraw"
    ]  # fmt: skip
    assert "did:plc" not in str(log)
