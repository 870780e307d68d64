"""Runs a command until standard input closes, then ends it: a server never outlives the tests, not even ones that were
killed. Used as `python leash.py COMMAND…`; the status is the command's. Knows nothing of what it runs.
"""

import subprocess
import sys
import threading

_GRACE = 15.0  # seconds between asking a server to stop and killing it


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_stdin() -> None:
        sys.stdin.buffer.read()
        child.terminate()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=end_with_stdin, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
