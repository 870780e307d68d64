"""The student as int8 ONNX: what int8 costs, layer by layer, and where it costs too much, that layer stays exact."""

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from onnx.external_data_helper import set_external_data
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from torch import nn

from sentiment.training.network import Floats, Network

HEADS = 12
OPSET = 17
ENOUGH = 0.99  # mean cosine of int8 features to exact ones, centred; below it layers are mended
FOUND_BEFORE = ("layer.4/output/dense/MatMul", "layer.5/output/dense/MatMul")
"""What looking at the outputs of all layers found to matter: tried first, as a search over everything takes long."""
MOST_MENDED = 3  # layers; each costs a tenth of the speed

LOWER, UPPER = "lower.bin", "upper.bin"
SMALL = 1024  # bytes up to which weights stay in the graph
ALIGNED = 64
_LAYER = re.compile(r"/layer\.|^Attention_|^Gelu_AddBias_")

# The exporter's own notes of which file each node comes from would make the same weights give other bytes elsewhere.


class Features(nn.Module):
    """(1, tokens) ids and mask -> (1, 768): the mean of the last layer's tokens, then its first token."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.network.features(input_ids, attention_mask)


def write(network: Network, tokens: Sequence[list[int]], out: Path) -> dict[str, object]:
    """Writes the int8 encoder to `out` and, beside it, the weights of the word pieces and of the layers above them;
    gives what int8 costs on `tokens`, before and after mending."""
    with tempfile.TemporaryDirectory() as folder:
        exact, fused, trial = (Path(folder) / name for name in ("exact.onnx", "fused.onnx", "trial.onnx"))
        _export(network, exact)
        _fuse(exact, fused)
        truth = features(fused, tokens)
        names = _inner(fused)

        def cost(left: Sequence[str]) -> float:
            _quantise(fused, trial, left)
            return alike(features(trial, tokens), truth)

        plain = cost([])
        left = [name for name in names if name.endswith(FOUND_BEFORE)] if plain < ENOUGH else []
        reached = cost(left) if left else plain
        gains = {}
        if reached < ENOUGH:
            left, reached = [], plain
            gains = {name: cost([name]) - plain for name in names}
        for name in sorted(gains, key=lambda one: -gains[one])[:MOST_MENDED]:
            if reached >= ENOUGH:
                break
            left.append(name)
            reached = cost(left)
        _quantise(fused, out, left)
        _apart(out)
        agreement = alike(features(out, tokens), truth)
    return {
        "posts": len(tokens),
        "cosine_before_mending": round(plain, 5),
        "cosine": round(agreement, 5),
        "gain_by_layer": {name: round(gain, 5) for name, gain in gains.items()},
        "left_exact": left,
        "bytes": sum(path.stat().st_size for path in (out, *(out.parent / name for name in (LOWER, UPPER)))),
    }


def _apart(path: Path) -> None:
    """Moves the graph's weights into two files: word pieces are never tuned, so their file stays the same and a later
    model is half as large in git."""
    graph = onnx.load(str(path))
    above = {name for node in graph.graph.node if _LAYER.search(node.name) for name in node.input}
    parts: dict[str, bytearray] = {LOWER: bytearray(), UPPER: bytearray()}
    for weights in graph.graph.initializer:
        content = numpy_helper.to_array(weights).tobytes()
        if len(content) < SMALL:
            continue
        name = UPPER if weights.name in above else LOWER
        weights.raw_data = content
        set_external_data(weights, name, offset=len(parts[name]), length=len(content))
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        parts[name] += content + bytes(-len(content) % ALIGNED)
    for name, content in parts.items():
        (path.parent / name).write_bytes(content)
    path.write_bytes(graph.SerializeToString())


def session(path: Path) -> Callable[[list[int]], Floats]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    running = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )

    def run(tokens: list[int]) -> Floats:
        ids = np.asarray([tokens], dtype=np.int64)
        found: Floats = running.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        return found

    return run


def features(path: Path, tokens: Sequence[list[int]]) -> Floats:
    run = session(path)
    return np.stack([run(one) for one in tokens])


def alike(ours: Floats, truth: Floats) -> float:
    """Mean cosine, the mean of the exact ones taken off: what all posts share would hide the loss."""
    middle = truth.mean(0)
    a, b = ours - middle, truth - middle
    return float(np.mean((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 1e-9)))


def _export(network: Network, path: Path) -> None:
    network.encoder.set_attn_implementation("eager")
    ids = torch.tensor([[0, 9, 10, 11, 12, 2]])
    torch.onnx.export(
        Features(network.eval()),
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["features"],
        dynamic_axes={"input_ids": {1: "tokens"}, "attention_mask": {1: "tokens"}},
        opset_version=OPSET,
        dynamo=False,
    )


def _fuse(exact: Path, out: Path) -> None:
    """Attention and GELU as one operator each. Sum and normalisation stay two: as one they are four times slower."""
    wanted = FusionOptions("bert")
    wanted.enable_gelu_approximation = False
    wanted.enable_skip_layer_norm = False
    wanted.enable_bias_skip_layer_norm = False
    wanted.enable_embed_layer_norm = False
    made = optimizer.optimize_model(
        str(exact), model_type="bert", num_heads=HEADS, hidden_size=384, optimization_options=wanted, opt_level=0
    )
    made.save_model_to_file(str(out))


def _inner(path: Path) -> list[str]:
    """The multiplications that may stay exact: of attention's output and of both feed-forward parts."""
    return [node.name for node in onnx.load(str(path)).graph.node if node.op_type in ("MatMul", "Attention")]


def _quantise(exact: Path, out: Path, left: Sequence[str]) -> None:
    quantize_dynamic(
        exact,
        out,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,  # 7 bits: with 8, processors without VNNI overflow, and read otherwise than those with it
        nodes_to_exclude=list(left),
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    graph = onnx.load(str(out))
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.input, *graph.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(graph, str(out))
