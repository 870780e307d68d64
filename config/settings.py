"""What this installation is set to: environment first, then liaison.toml, then defaults.

Secrets are SecretStr, so they never print; `shown` is what `liaison config` prints."""

import os
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Department(BaseModel):
    """Whose desk this is."""

    name: str = "Our Police Department"
    time_zone: str = "America/New_York"
    language: str = "en"
    handles: list[str] = Field(default_factory=list)  # our own, shown unmasked in texts
    public_site: str = ""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no IANA time zone, such as America/New_York") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Settings(BaseSettings):
    """Environment names are LIAISON_<FIELD>; nested fields use two underscores (LIAISON_DEPARTMENT__NAME)."""

    model_config = SettingsConfigDict(
        env_prefix="LIAISON_", env_nested_delimiter="__", extra="forbid", toml_file="liaison.toml"
    )

    data_dir: Path = Path("data")
    database_url: SecretStr | None = None  # default: SQLite inside data_dir
    base_url: str = "http://127.0.0.1:8000"
    smtp_url: SecretStr | None = None  # smtp://user:password@host:587, smtps://host, smtp+starttls://host
    mail_from: str = "Liaison <liaison@localhost>"
    secret_key: SecretStr | None = None  # default: a key file, mode 600, inside data_dir
    department: Department = Field(default_factory=Department)
    retention_days: int = Field(default=30, ge=1, le=365)
    late_limit_minutes: int = Field(default=120, ge=1)  # a post later than this is missed, not sent
    alert_escalation_minutes: int = Field(default=60, ge=0)  # until supervisors are told too; 0: never
    fetch_private_addresses: bool = False  # let feeds live on private or loopback addresses
    log_level: str = "INFO"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        toml = TomlConfigSettingsSource(settings_cls, Path(os.environ.get("LIAISON_CONFIG", "liaison.toml")))
        return init_settings, env_settings, toml

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.resolve() / 'liaison.db'}"


@cache
def load() -> Settings:
    """The settings of this process. Raises pydantic.ValidationError naming each wrong field."""
    return Settings()
