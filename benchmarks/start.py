"""How long `liaison --help` takes, against a Python that starts and does nothing. Median of 15, taken in turns."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    liaison = str(Path(sys.executable).with_name("liaison"))
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(seconds([liaison, "--help"]))
        bare.append(seconds([sys.executable, "-c", "pass"]))
    figures = {
        "benchmark": "start",
        "help_s": round(statistics.median(ours), 3),
        "python_s": round(statistics.median(bare), 3),
        "ratio": round(statistics.median(ours) / statistics.median(bare), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
