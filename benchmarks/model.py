"""The model beside VADER and the fp32 transformers pipeline of the same encoder: how fast, how large, how right.

One run, the same posts and cores, one after the other. The two others run in an environment under .bench. With
`--data` (the corpora, which are not in the repository) it measures the test parts; without, the fairness pairs only."""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.scoring import posts
from sentiment import model
from sentiment.text import normalised

HERE = Path(__file__).resolve().parent.parent
BENCH = HERE / ".bench" / "model"
NEEDED = ("torch==2.13.0", "transformers==5.23.0", "onnx==1.23.2", "numpy", "vaderSentiment==3.3.2")
SPEED_POSTS = 2000
GLOOMY = -0.05  # VADER's own border of negative
Columns = dict[str, list[float]]

PIPELINE = """
import json, sys, time
import numpy as np, onnx, torch
from onnx import numpy_helper
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, pipeline

torch.set_num_threads(2)
folder, texts, speed = (json.loads(line) for line in sys.stdin)
graph = onnx.load(folder + "/encoder.onnx").graph
found = {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def exact(name):
    if name in found:
        return found[name].astype(np.float32)
    short = name.removesuffix("_quantized")
    whole, scale = found[short + "_quantized"].astype(np.float32), found[short + "_scale"]
    return (whole - found[short + "_zero_point"].astype(np.float32)) * scale


state = {}
for name in found:
    if name.startswith("network.encoder.") and not name.endswith(("_scale", "_zero_point")):
        plain = name.removeprefix("network.encoder.").removesuffix("_quantized")
        state[plain] = exact(name.removesuffix("_quantized"))
layer = -1
for node in graph.node:
    if node.op_type in ("QAttention", "Attention"):
        layer, at = layer + 1, 0
        weight, bias = exact(node.input[1].removesuffix("_quantized")), exact(node.input[2])
        width = weight.shape[1] // 3
        for part, name in enumerate(("query", "key", "value")):
            chosen = slice(part * width, (part + 1) * width)
            state[f"encoder.layer.{layer}.attention.self.{name}.weight"] = weight[:, chosen].T
            state[f"encoder.layer.{layer}.attention.self.{name}.bias"] = bias[chosen]
    elif node.op_type in ("MatMulInteger", "MatMul") and layer >= 0:
        matrix = next((one for one in node.input if one in found and found[one].ndim == 2), None)
        if matrix is not None:
            place = ("attention.output.dense", "intermediate.dense", "output.dense")[at]
            state[f"encoder.layer.{layer}.{place}.weight"] = exact(matrix.removesuffix("_quantized")).T
            at += 1
words = state["embeddings.word_embeddings.weight"]
config = BertConfig(
    vocab_size=len(words), hidden_size=words.shape[1], num_hidden_layers=layer + 1, num_attention_heads=12,
    intermediate_size=len(state["encoder.layer.0.intermediate.dense.bias"]), pad_token_id=1, layer_norm_eps=1e-12,
    max_position_embeddings=len(state["embeddings.position_embeddings.weight"]),
    type_vocab_size=len(state["embeddings.token_type_embeddings.weight"].reshape(-1, words.shape[1])),
)
net = BertModel(config, add_pooling_layer=False)
kind = "embeddings.token_type_embeddings.weight"
state[kind] = state[kind].reshape(-1, words.shape[1])
net.load_state_dict({key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()})
tokenizer = PreTrainedTokenizerFast(tokenizer_file=folder + "/tokenizer.json", pad_token="<pad>")
tokenizer.model_max_length = 128
tokenizer.model_input_names = ["input_ids", "attention_mask"]
read = pipeline("feature-extraction", model=net.eval(), tokenizer=tokenizer, device="cpu")
options = {"truncation": True, "max_length": 128}
read(speed[:20], tokenize_kwargs=options)
started = time.perf_counter()
for text in speed:
    read(text, tokenize_kwargs=options)
spent = time.perf_counter() - started
rows = []
for text in texts:
    states = np.array(read(text, tokenize_kwargs=options)[0])
    rows.append([*states.mean(0).tolist(), *states[0].tolist()])
print(json.dumps([spent, rows]))
"""
VADER = """
import json, sys, time
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_, texts, speed = (json.loads(line) for line in sys.stdin)
judge = SentimentIntensityAnalyzer()
started = time.perf_counter()
for text in speed:
    judge.polarity_scores(text)
spent = time.perf_counter() - started
print(json.dumps([spent, [judge.polarity_scores(text)["compound"] for text in texts]]))
"""


def tests(data: Path | None) -> list[dict[str, Any]]:
    """Posts with what they are: {part, text, mistrust?, sentiment?}. The pairs are always there."""
    rows: list[dict[str, Any]] = []
    training = HERE / "sentiment" / "training"
    for path in sorted(training.glob("pairs_*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            pair = json.loads(line)
            if pair["kind"] == "variety":
                found = ((name, text) for name, text in pair["texts"].items())
                rows += [
                    {"part": f"pairs: {name}", "text": text, "mistrust": pair["trust"] == "mistrust"}
                    for name, text in found
                ]
    if data is not None:
        from sentiment.training import corpora

        rows += [
            {"part": "posts about policing", "text": post.text, "mistrust": post.trust == 0}
            for post in corpora.police(data)[1]
        ]
        for name, part in (("en_val", "English sentiment"), ("es_val", "Spanish sentiment")):
            held = corpora.sentiment(data, name)
            held = held[1::2] if name == "en_val" else held
            rows += [{"part": part, "text": post.text, "sentiment": post.sentiment} for post in held]
    return rows


def others(script: str, texts: list[str], speed: list[str]) -> list[Any]:
    """[seconds for `speed`, what it says of `texts`], from a process of its own."""
    python = BENCH / "bin" / "python"
    if not python.exists():
        venv.create(BENCH, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *NEEDED], check=True, stdout=sys.stderr)
    lines = "\n".join(json.dumps(one) for one in (str(model.WEIGHTS), texts, speed))
    quiet = {**os.environ, "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [str(python), "-c", script], input=lines, capture_output=True, text=True, check=True, env=quiet
    )
    found: list[Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def scores(rows: list[dict[str, Any]], flagged: list[bool], mood: list[int]) -> dict[str, float]:
    """F1 of the mistrust flag, or macro-averaged recall of sentiment, by part."""
    out: dict[str, float] = {}
    for part in dict.fromkeys(row["part"] for row in rows):
        of = [line for line, row in enumerate(rows) if row["part"] == part]
        if "mistrust" in rows[of[0]]:
            truth = np.array([rows[line]["mistrust"] for line in of])
            said = np.array([flagged[line] for line in of])
            out[part] = round(2 * float((truth & said).sum()) / max(float(truth.sum() + said.sum()), 1.0), 3)
        else:
            truth = np.array([rows[line]["sentiment"] for line in of])
            right = truth == np.array([mood[line] for line in of])
            out[part] = round(float(np.mean([right[truth == one].mean() for one in range(3)])), 3)
    return out


def _read(readings: list[model.Reading | None]) -> tuple[list[bool], list[int]]:
    flagged = [reading is not None and reading.mistrust for reading in readings]
    mood = [
        1 if reading is None else int(np.argmax([reading.sentiment[key] for key in model.SENTIMENTS]))
        for reading in readings
    ]
    return flagged, mood


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, help="folder of the corpora")
    rows = tests(asked.parse_args().data)
    texts = [normalised(row["text"]) for row in rows]
    speed = posts(SPEED_POSTS)
    reader = model.load()
    reader.read(speed[:20])
    started = time.perf_counter()
    reader.read(speed)
    quick = SPEED_POSTS / (time.perf_counter() - started)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ours = scores(rows, *_read(reader.read(texts)))
    spent, features = others(PIPELINE, texts, speed[: SPEED_POSTS // 5])
    exact: npt.NDArray[np.float32] = np.array(features, dtype=np.float32)
    same = [model.interpret(row, reader.heads) for row in exact]
    slow = SPEED_POSTS // 5 / spent
    spent, compounds = others(VADER, texts, speed)
    lexicon_flags = [compound <= GLOOMY for compound in compounds]
    lexicon_mood = [0 if value <= GLOOMY else 2 if value >= -GLOOMY else 1 for value in compounds]
    figures: list[tuple[str, float, dict[str, float]]] = [
        ("ours", quick, ours),
        ("fp32 pipeline of the same encoder", slow, scores(rows, *_read(list(same)))),
        ("VADER", SPEED_POSTS / spent, scores(rows, lexicon_flags, lexicon_mood)),
    ]
    for name, speed_of, right in figures:
        line = {"benchmark": "model", "which": name, "posts_a_second": round(speed_of), **right}
        print(json.dumps(line | ({"memory_mb": round(memory)} if name == "ours" else {})))


if __name__ == "__main__":
    main()
