"""Runs every benchmark, each in a process of its own, and prints one JSON line each: `make bench ARGS="demo start"`."""

import subprocess
import sys

ALL = (
    "start",
    "intake",
    "scoring",
    "demo",
    "publishing",
    "listening",
    "flowing",
    "digest",
    "cluster",
    "api",
    "web",
)
BY_NAME = ("model", "trends", "ten_million", "heard", "dimensions", "languages")  # long, or in need of the corpora


def main(names: list[str]) -> int:
    """Runs the named benchmarks, or all; the number of those that failed."""
    unknown = [name for name in names if name not in (*ALL, *BY_NAME)]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join((*ALL, *BY_NAME))}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or ALL:
        print(f"benchmarks.{name} …", file=sys.stderr)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
