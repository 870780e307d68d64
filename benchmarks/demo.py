"""The main job from end to end: `liaison demo --once`, its seconds and the memory of it and its children.

Baseline of the same run: importing the libraries that the job needs, which nothing of ours can make quicker."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIBRARIES = "import altair, onnxruntime, pandas, scipy.stats, sqlmodel, tokenizers, transformers, vl_convert"


def main() -> None:
    liaison = str(Path(sys.executable).with_name("liaison"))
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True, stderr=subprocess.DEVNULL)
    imports = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        told = subprocess.run(
            [liaison, "demo", "--once", "--dir", f"{folder}/town"], check=True, capture_output=True, text=True
        )
        whole = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # KiB on Linux; the largest child
    figures = {
        "benchmark": "demo",
        "seconds": round(whole, 1),
        "peak_mb": round(peak),
        "imports_s": round(imports, 1),
        "ratio": round(whole / imports, 2),
        "mentions": json.loads(told.stdout.splitlines()[-1])["mentions"],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
