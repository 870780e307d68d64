"""Secrets of an installation: sealing (Fernet) and keyed hashes (BLAKE2b), from one secret key.

The key comes from LIAISON_SECRET_KEY or from a file of mode 600 in the data folder, made for a new desk only. A new one
may seal while the one before still opens (config.key_rotation); hashes are always made with the first, for nobody could
make those that are stored anew.
Whoever loses it loses accounts' sign-ins and the links back to mentions; nothing else."""

import base64
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config import owners
from config.settings import Settings

KEY_FILE = "secret.key"


class SecretKeyError(Exception):
    """The secret key is missing, unreadable, or not the one that sealed this."""


class NoKey(SecretKeyError):
    """There is no secret key where this process looks."""


@dataclass(frozen=True)
class Keys:
    """Seals and hashes with keys derived from secrets. Never printed. `_again` reads them anew: another process may
    have begun to seal with a new one."""

    _fernet: Fernet = field(repr=False)
    _hash_key: bytes = field(repr=False)
    _before: Fernet | None = field(default=None, repr=False)
    _again: Callable[[], "Keys"] | None = field(default=None, repr=False, compare=False)

    @property
    def rotating(self) -> bool:
        """Whether what another key sealed is still opened."""
        return self._before is not None

    def seal(self, text: str) -> bytes:
        """`text` encrypted and signed (Fernet: AES-128-CBC with HMAC-SHA256)."""
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass"))

    def open(self, sealed: bytes) -> str:
        """What was sealed. Raises SecretKeyError if another key sealed it or it was altered."""
        for fernet in (self._fernet, self._before):
            if fernet is not None and _opens(fernet, sealed):
                return fernet.decrypt(sealed).decode("utf-8", "surrogatepass")
        if self._again is not None:
            return self._again().open(sealed)
        raise SecretKeyError("this was sealed with another secret key, or altered since")

    def seals(self, text: str) -> list[bytes]:
        """`text` sealed by the present key, and by the one before while that still opens: whoever opens all of them
        opens whatever these keys do."""
        return [fernet.encrypt(text.encode()) for fernet in (self._fernet, self._before) if fernet is not None]

    def is_present(self, sealed: bytes) -> bool:
        """Whether the present key sealed it, and not the one before."""
        return _opens(self._fernet, sealed)

    def hash(self, kind: str, value: str) -> bytes:
        """16 bytes that stand for `value`, the same each time, not reversible without the key (keyed BLAKE2b).
        `kind` keeps hashes of different things apart: mention, author, token, subject."""
        return blake2b(
            value.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._hash_key,
            person=kind.encode()[:16],
        ).digest()


@dataclass(frozen=True)
class Secrets:
    """The secrets of an installation: `present` seals, `before` still opens, `hashes` is what hashes are made with."""

    present: str = field(repr=False)
    before: str | None = field(default=None, repr=False)
    hashes: str | None = field(default=None, repr=False)  # none: the present one

    def keys(self) -> Keys:
        before = _fernet(self.before) if self.before is not None else None
        return Keys(_fernet(self.present), _derived(self.hashes or self.present, b"hash"), before)


def derive(secret: str) -> Keys:
    """Keys from any secret text, by HKDF-SHA256 (RFC 5869)."""
    return Secrets(secret).keys()


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"liaison", info=purpose).derive(secret.encode())


def _fernet(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(secret, b"seal")))


def _opens(fernet: Fernet, sealed: bytes) -> bool:
    try:
        fernet.decrypt(sealed)
    except InvalidToken:
        return False
    return True


def for_tests() -> Keys:
    """Keys that are the same in every run; for tests and back-tests only."""
    return derive("not a secret: tests only")


def load(settings: Settings, *, begin: bool = False) -> Keys:
    """The installation's keys. `begin`: makes the key file where there is none, for a new desk (config.key_mark knows
    whether it is one). Raises SecretKeyError with what to do."""
    if settings.secret_key is not None:
        given = (settings.secret_key_before, settings.secret_key_hashes)
        before, hashes = (one.get_secret_value() if one is not None else None for one in given)
        return Secrets(settings.secret_key.get_secret_value(), before, hashes).keys()
    file = path(settings)
    if begin:
        _begin(file)
    return replace(read(file).keys(), _again=lambda: read(file).keys())


def path(settings: Settings) -> Path:
    """Where the key file is, if the key is not in the environment."""
    return (settings.data_dir / KEY_FILE).resolve()


def read(path: Path) -> Secrets:
    """The key file: the present secret in its first line, then lines "before …" and "hashes …" where there are such.
    Raises SecretKeyError."""
    first, *others = _key_file(path).splitlines()
    named = dict(line.split(" ", 1) for line in others if " " in line)
    return Secrets(first, named.get("before"), named.get("hashes"))


def write(path: Path, secrets: Secrets) -> None:
    """Puts the file in place of the one that is there, whole or not at all; its owner and mode stay."""
    lines = [secrets.present]
    lines += [f"before {secrets.before}"] if secrets.before is not None else []
    lines += [f"hashes {secrets.hashes}"] if secrets.hashes is not None else []
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        beside.touch(mode=0o600)
        with beside.open("w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
            owners.give(beside, like=path)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SecretKeyError(f"cannot write the key file {path}: {error.strerror}") from error


def _begin(path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        if not path.exists():
            owners.folder(path.parent)
            beside.touch(mode=0o600)
            owners.give(beside, like=path.parent)
            beside.write_text(Fernet.generate_key().decode(), encoding="ascii")
            try:
                os.link(beside, path)  # the first of several processes wins; nobody reads half a key
            except FileExistsError:
                pass
            finally:
                beside.unlink()
    except OSError as error:
        raise SecretKeyError(f"cannot make the key file {path}: {error.strerror}") from error


def _key_file(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SecretKeyError(f"{path} can be read by others; run: chmod 600 {path}")
        secret = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise NoKey(
            f"there is no secret key at {path}: put this desk's key file there, or set LIAISON_SECRET_KEY or "
            "LIAISON_DATA_DIR as the desk has them"
        ) from error
    except OSError as error:
        raise SecretKeyError(f"cannot read the key file {path}: {error.strerror}") from error
    if not secret:
        raise SecretKeyError(f"{path} is empty; put this desk's key back into it, or remove it if there was none")
    return secret
