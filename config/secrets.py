"""Secrets of an installation: sealing (Fernet) and keyed hashes (BLAKE2b), from one secret key.

The key comes from LIAISON_SECRET_KEY or from a file of mode 600 in the data folder, made on first use.
Whoever loses it loses accounts' sign-ins and the links back to mentions; nothing else."""

import base64
import os
import stat
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.settings import Settings

KEY_FILE = "secret.key"


class SecretKeyError(Exception):
    """The secret key is missing, unreadable, or not the one that sealed this."""


@dataclass(frozen=True)
class Keys:
    """Seals and hashes with keys derived from the one secret. Never printed."""

    _fernet: Fernet = field(repr=False)
    _hash_key: bytes = field(repr=False)

    def seal(self, text: str) -> bytes:
        """`text` encrypted and signed (Fernet: AES-128-CBC with HMAC-SHA256)."""
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass"))

    def open(self, sealed: bytes) -> str:
        """What was sealed. Raises SecretKeyError if another key sealed it or it was altered."""
        try:
            return self._fernet.decrypt(sealed).decode("utf-8", "surrogatepass")
        except InvalidToken as error:
            raise SecretKeyError("this was sealed with another secret key, or altered since") from error

    def hash(self, kind: str, value: str) -> bytes:
        """16 bytes that stand for `value`, the same each time, not reversible without the key (keyed BLAKE2b).
        `kind` keeps hashes of different things apart: mention, author, token, subject."""
        return blake2b(
            value.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._hash_key,
            person=kind.encode()[:16],
        ).digest()


def derive(secret: str) -> Keys:
    """Keys from any secret text, by HKDF-SHA256 (RFC 5869)."""

    def key(purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=b"liaison", info=purpose).derive(secret.encode())

    return Keys(Fernet(base64.urlsafe_b64encode(key(b"seal"))), key(b"hash"))


def for_tests() -> Keys:
    """Keys that are the same in every run; for tests and back-tests only."""
    return derive("not a secret: tests only")


def load(settings: Settings) -> Keys:
    """The installation's keys; makes the key file on first use. Raises SecretKeyError with what to do."""
    if settings.secret_key is not None:
        return derive(settings.secret_key.get_secret_value())
    return derive(_key_file(settings.data_dir / KEY_FILE))


def _key_file(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Fernet.generate_key().decode()
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        if not path.exists():
            beside.touch(mode=0o600)
            beside.write_text(fresh, encoding="ascii")
            try:
                os.link(beside, path)  # the first of several processes wins; nobody reads half a key
            except FileExistsError:
                pass
            finally:
                beside.unlink()
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SecretKeyError(f"{path} can be read by others; run: chmod 600 {path}")
        secret = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SecretKeyError(f"cannot read or make the key file {path}: {error.strerror}") from error
    if not secret:
        raise SecretKeyError(f"{path} is empty; put the key back from a backup, or remove it to start anew")
    return secret
