from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import Settings, SettingsFileError


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "liaison.toml"
    written.write_text('retention_days = 20\nbase_url = "https://desk.example"\n[department]\nname = "Riverton PD"\n')
    monkeypatch.setenv("LIAISON_CONFIG", str(written))
    monkeypatch.setenv("LIAISON_RETENTION_DAYS", "10")
    found = Settings()
    assert (found.retention_days, found.base_url, found.department.name) == (10, "https://desk.example", "Riverton PD")
    assert found.late_limit_minutes == 120


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_SMTP_URL", "smtp://desk:hidden-word@mail.example")
    found = Settings()
    assert "hidden-word" not in found.model_dump_json() + repr(found)


def test_a_wrong_time_zone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_DEPARTMENT__TIME_ZONE", "America/Riverton")
    with pytest.raises(ValidationError, match="America/Riverton"):
        Settings()


def test_a_misspelt_setting_in_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "liaison.toml"
    written.write_text("retention_day = 20\n")
    monkeypatch.setenv("LIAISON_CONFIG", str(written))
    with pytest.raises(ValidationError, match="retention_day"):
        Settings()


def test_a_file_that_is_named_and_missing_is_refused_unless_it_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for missing in (tmp_path / "liaisn.toml", tmp_path):
        monkeypatch.setenv("LIAISON_CONFIG", str(missing))
        with pytest.raises(SettingsFileError, match=f"LIAISON_CONFIG names {missing}, and no such file is there"):
            Settings()
    monkeypatch.setenv("LIAISON_CONFIG", f"-{tmp_path}/liaison.toml")
    assert Settings().retention_days == 30
    (tmp_path / "liaison.toml").write_text("retention_days = 20\n")
    assert Settings().retention_days == 20


def test_the_store_is_sqlite_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).database == f"sqlite:///{tmp_path}/liaison.db"


def test_an_empty_secret_key_in_the_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "liaison.toml"
    written.write_text('secret_key = ""\n')
    monkeypatch.setenv("LIAISON_CONFIG", str(written))
    assert Settings().secret_key is None


def test_an_empty_variable_is_as_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "liaison.toml"
    written.write_text('smtp_url = ""\n[department]\nname = "Riverton PD"\n')
    monkeypatch.setenv("LIAISON_CONFIG", str(written))
    for name in ("SECRET_KEY", "SECRET_KEY_BEFORE", "SECRET_KEY_HASHES", "SMTP_URL", "DATABASE_URL", "RETENTION_DAYS"):
        monkeypatch.setenv(f"LIAISON_{name}", "")
    monkeypatch.setenv("LIAISON_DEPARTMENT__NAME", "")
    found = Settings()
    assert (found.secret_key, found.secret_key_before, found.secret_key_hashes) == (None, None, None)
    assert (found.smtp_url, found.database_url, found.retention_days) == (None, None, 30)
    assert found.department.name == "Riverton PD"


@pytest.mark.parametrize("key", [" ", "fifteen letters"])
def test_a_secret_key_that_could_be_guessed_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_SECRET_KEY", key)
    with pytest.raises(ValidationError, match="16 letters or more"):
        Settings()
