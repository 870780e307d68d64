"""What this installation is set to: environment first, then liaison.toml, then defaults.

Secrets are SecretStr, so they never print; `shown` is what `liaison config` prints."""

import ipaddress
import logging
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from config.permissions import Role

READABLE = 4.5  # contrast of text, WCAG 2.2
SHORTEST_KEY = 16


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like #17573f, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class Department(BaseModel):
    """Whose desk this is."""

    name: str = "Our Police Department"
    time_zone: str = "America/New_York"
    language: str = "en"
    handles: list[str] = Field(default_factory=list)  # our own, shown unmasked in texts
    public_site: str = ""
    accent: str = ""  # "#17573f": the department's own dark colour in place of the green; checked for contrast
    crest: Path | None = None  # an SVG or PNG of the department's, shown in the head of pages and in previews
    residents: dict[str, PositiveInt] = Field(default_factory=dict)  # people who live at a place, by its name
    speaking: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict
    )  # share of residents: es = 0.2

    @field_validator("accent")
    @classmethod
    def _dark_enough(cls, value: str) -> str:
        if value and not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            raise ValueError(f"{value!r} is no colour, such as #17573f")
        if value and contrast(value, "#e9ebe4") < READABLE:
            raise ValueError(f"{value} is too light to be read on our pages; choose a darker one")
        return value.lower()

    @field_validator("crest")
    @classmethod
    def _a_picture(cls, value: Path | None) -> Path | None:
        if value is not None and (value.suffix.lower() not in (".svg", ".png") or not value.is_file()):
            raise ValueError(f"{value} is no SVG or PNG file that can be read")
        return value

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


class SingleSignOn(BaseModel):
    """The department's provider of OpenID Connect. In use once `issuer` is set."""

    issuer: str = ""  # exactly as the provider writes it
    client_id: str = ""
    client_secret: SecretStr | None = None
    name: str = ""  # on the button: "Riverton"
    trust_email: bool = False  # for a provider that gives out only checked addresses and does not say so
    roles_claim: str = ""  # the claim that gives roles; empty: only people who were invited
    roles: dict[str, Role] = Field(default_factory=dict)  # {"desk-officers": "officer"}
    passwords: bool = True  # false: no other way in, but the link of `liaison user break-glass`


class Settings(BaseSettings):
    """Environment names are LIAISON_<FIELD>; nested fields use two underscores (LIAISON_DEPARTMENT__NAME). An
    empty one is as unset."""

    model_config = SettingsConfigDict(
        env_prefix="LIAISON_",
        env_nested_delimiter="__",
        env_ignore_empty=True,  # compose files and units write NAME= for what is not set
        extra="forbid",
        toml_file="liaison.toml",
    )

    data_dir: Path = Path("data")
    database_url: SecretStr | None = None  # default: SQLite inside data_dir
    base_url: str = "http://127.0.0.1:8000"
    smtp_url: SecretStr | None = None  # smtp://user:password@host:587, smtps://host, smtp+starttls://host
    mail_from: str = "Liaison <liaison@localhost>"
    secret_key: SecretStr | None = None  # default: a key file, mode 600, inside data_dir
    secret_key_before: SecretStr | None = None  # while the key in the environment is changed: still opens
    secret_key_hashes: SecretStr | None = None  # once it was changed: the first one, with which hashes are made
    department: Department = Field(default_factory=Department)
    retention_days: int = Field(default=30, ge=1, le=365)
    context_days: int = Field(default=0, ge=0, le=3650)  # posts' words that led to an action stay with it; 0: never
    records_years: int | None = Field(default=None, ge=1, le=100)  # own posts go after; none: kept for ever
    late_limit_minutes: int = Field(default=120, ge=1)  # a post later than this is missed, not sent
    alert_escalation_minutes: int = Field(default=60, ge=0)  # until supervisors are told too; 0: never
    public_actions: bool = False  # show the public what was done about its concerns, at /said-and-done
    public_transparency: bool = False  # tell the public what is collected, and what was done, at /transparency
    privacy_contact: str = ""  # where people ask for their own data: an address of mail or of a page, shown to them
    public_events: bool = False  # show the public a page and a calendar file of announced events, at /events/…
    single_sign_on: SingleSignOn = Field(default_factory=SingleSignOn)
    trusted_proxies: list[str] = Field(default_factory=list)  # our own, whose X-Forwarded-For says who asks
    fetch_private_addresses: bool = False  # let feeds live on private or loopback addresses
    log_level: str = "INFO"

    @field_validator("smtp_url", "secret_key_before", "secret_key_hashes")
    @classmethod
    def _none_if_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @field_validator("secret_key")
    @classmethod
    def _no_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or value.get_secret_value() == "":  # as the file writes what is not set
            return None
        if len(value.get_secret_value().strip()) < SHORTEST_KEY:
            raise ValueError(
                f"a secret key has {SHORTEST_KEY} letters or more: python -c 'import secrets; "
                "print(secrets.token_urlsafe(32))' makes one; the one in use until now goes on as "
                "LIAISON_SECRET_KEY_BEFORE and LIAISON_SECRET_KEY_HASHES"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _a_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from config import database  # needs SQLAlchemy, which only this setting wants here

            database.parsed(value.get_secret_value())
        return value

    @field_validator("log_level")
    @classmethod
    def _a_level(cls, value: str) -> str:
        if value.upper() not in logging.getLevelNamesMapping():
            raise ValueError(f"{value!r} is no level, such as DEBUG, INFO or WARNING")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for one in value:
            try:
                ipaddress.ip_network(one)
            except ValueError as error:
                raise ValueError(f"{one!r} is no address or network, such as 127.0.0.1 or 10.0.0.0/24") from error
        return value

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
        return init_settings, env_settings, _file(settings_cls)

    @property
    def mail_domain(self) -> str:
        """Of our own address: what our Message-IDs end with."""
        return self.mail_from.rpartition("@")[2].rstrip("> ") or "localhost"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.resolve() / 'liaison.db'}"


class SettingsFileError(ValueError):
    """The file of settings is not there or no TOML; the message says where."""


@dataclass(frozen=True)
class Shown:
    """One setting in force: its name (department.time_zone), its value fit for JSON with secrets hidden, and where it
    comes from: a variable's name, the file, or "default"."""

    name: str
    value: Any
    origin: str


@cache
def load() -> Settings:
    """The settings of this process. Raises pydantic.ValidationError naming each wrong field, SettingsFileError."""
    return Settings()


def shown(settings: Settings) -> list[Shown]:
    """What is in force, in the order of the fields, each part of a group by itself."""
    variables = {name for name, _ in _leaves(EnvSettingsSource(Settings)(), Settings)}
    written = {name for name, _ in _leaves(_file(Settings)(), Settings)}

    def origin(name: str) -> str:
        if name in variables:
            return f"LIAISON_{name.replace('.', '__').upper()}"
        return str(_path().resolve()) if name in written else "default"

    return [Shown(name, value, origin(name)) for name, value in _leaves(settings.model_dump(mode="json"), Settings)]


def _path() -> Path:
    """As in a systemd unit, `-` before the name is for a file that may be missing. Raises SettingsFileError where
    one is missing that must be there: the defaults would hold unseen."""
    named = os.environ.get("LIAISON_CONFIG") or "-liaison.toml"
    path = Path(named.removeprefix("-")).expanduser()
    if not named.startswith("-") and (not path.exists() or path.is_dir()):
        raise SettingsFileError(f"LIAISON_CONFIG names {named}, and no such file is there")
    return path


def _file(settings_cls: type[BaseSettings]) -> TomlConfigSettingsSource:
    try:
        return TomlConfigSettingsSource(settings_cls, _path())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFileError(f"{_path()} is not TOML: {error}") from error


def _leaves(found: Mapping[str, Any], model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Each setting by its whole name; a group is one with a model of its own."""
    for name, value in found.items():
        group = model.model_fields[name].annotation if name in model.model_fields else None
        if isinstance(group, type) and issubclass(group, BaseModel) and isinstance(value, Mapping):
            yield from ((f"{name}.{part}", held) for part, held in _leaves(value, group))
        else:
            yield name, value
