import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import secrets
from config.settings import Settings

KEYS = secrets.for_tests()


@given(st.text())
def test_what_is_sealed_opens_to_the_same_text(text: str) -> None:
    assert KEYS.open(KEYS.seal(text)) == text


def test_another_key_does_not_open_it() -> None:
    sealed = secrets.derive("one").seal("at://post/1")
    with pytest.raises(secrets.SecretKeyError):
        secrets.derive("two").open(sealed)


def test_a_hash_is_the_same_each_time_and_differs_by_kind_and_key() -> None:
    assert KEYS.hash("author", "did:plc:1") == KEYS.hash("author", "did:plc:1")
    others = {KEYS.hash("mention", "did:plc:1"), secrets.derive("two").hash("author", "did:plc:1")}
    assert KEYS.hash("author", "did:plc:1") not in others


def test_the_key_file_is_made_once_for_its_owner_alone(settings: Settings) -> None:
    first = secrets.load(settings, begin=True)
    path = settings.data_dir / secrets.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secrets.load(settings, begin=True).hash("author", "x") == first.hash("author", "x")
    assert [found.name for found in settings.data_dir.iterdir()] == [secrets.KEY_FILE]


def test_a_key_file_that_others_can_read_is_refused_with_the_cure(settings: Settings) -> None:
    secrets.load(settings, begin=True)
    path: Path = settings.data_dir / secrets.KEY_FILE
    path.chmod(0o644)
    with pytest.raises(secrets.SecretKeyError, match=f"chmod 600 {path}"):
        secrets.load(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_what_root_makes_and_rewrites_is_the_services(settings: Settings, tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    secrets.load(settings, begin=True)
    path = secrets.path(settings)
    made = [(one.stat().st_uid, one.stat().st_gid) for one in (path, path.parent)]
    assert made == [(4711, 4712), (4711, 4712)]
    os.chown(path, 4713, 4714)
    secrets.write(path, secrets.Secrets("a new one"))
    assert (path.stat().st_uid, path.stat().st_gid) == (4713, 4714)


def test_a_rewritten_key_file_keeps_its_mode(settings: Settings) -> None:
    secrets.load(settings, begin=True)
    path = secrets.path(settings)
    path.chmod(0o400)
    secrets.write(path, secrets.Secrets("a new one"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_keys_never_show_in_their_repr() -> None:
    assert repr(KEYS) == "Keys()"
