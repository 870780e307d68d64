"""A new secret key in place of one that may be known to others: begun here, carried through by scheduler.resealing,
finished here. Hashes stay with the first secret: those that are stored could not be made anew."""

from cryptography.fernet import Fernet

from config import secrets
from config.secrets import SecretKeyError, Secrets
from config.settings import Settings


def begin(settings: Settings) -> bool:
    """Makes a new key that seals from now on; the present one still opens. False: that was done already, and goes on.
    Raises SecretKeyError where the key is in the environment, which only its owner can change."""
    if settings.secret_key is not None:
        if settings.secret_key_before is None:
            raise SecretKeyError(
                "the secret key is in the environment: set LIAISON_SECRET_KEY to a new one, and "
                "LIAISON_SECRET_KEY_BEFORE to the present one; LIAISON_SECRET_KEY_HASHES too, if it is not set yet"
            )
        if settings.secret_key_hashes is None:
            raise SecretKeyError(
                "set LIAISON_SECRET_KEY_HASHES to the key before, and leave it so for good: hashes are made with it"
            )
        return False
    path = secrets.path(settings)
    present = secrets.read(path)
    if present.before is not None:
        return False
    fresh = Fernet.generate_key().decode()
    secrets.write(path, Secrets(fresh, before=present.present, hashes=present.hashes or present.present))
    return True


def finish(settings: Settings) -> None:
    """The key before opens no more. Raises SecretKeyError where nothing was begun."""
    if settings.secret_key is not None:
        raise SecretKeyError("the secret key is in the environment: take LIAISON_SECRET_KEY_BEFORE away there")
    path = secrets.path(settings)
    present = secrets.read(path)
    if present.before is None:
        raise SecretKeyError("there is no key before: liaison key rotate makes a new one")
    secrets.write(path, Secrets(present.present, hashes=present.hashes))
