"""The network that teacher and student share: an encoder and one linear head for all that is read from a post.

Targets are one row of numbers a post, NaN where nobody has said; what makes them is corpora's and teacher's affair."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from sentiment.training.corpora import KEYS

Floats = npt.NDArray[np.float32]
SENTIMENT = slice(0, 3)  # shares that sum to 1, as the next three
TRUST = slice(3, 6)
CONCERNS = slice(6, 6 + len(KEYS))  # yes or no each, as those that follow
RELEVANT = CONCERNS.stop
HELP = RELEVANT + 1
WIDTH = HELP + 1
WEIGHTS = {"sentiment": 1.0, "trust": 2.0, "concerns": 14.0, "relevant": 0.5, "help": 0.3}
"""What each task's loss counts for; concerns are many and rare, so their mean is small."""
EMBEDDING_WEIGHT = 1.0
HALF = "avx512_bf16" in Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else False
"""Whether the machine computes in 16 bits; where it does not, they are a hundred times slower than 32."""


@dataclass(frozen=True)
class Example:
    """A post as tokens, with what is known of it."""

    tokens: list[int]
    targets: Floats  # (WIDTH), NaN where unknown
    embedding: Floats | None = None  # (384), length 1: what the embedding should be
    weight: float = 1.0


class Network(nn.Module):
    """Tokens -> logits (posts, WIDTH), features (posts, 2 x hidden: the tokens' mean, then the first token)."""

    def __init__(self, encoder: nn.Module, hidden: int, embedding: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * hidden, WIDTH)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.embedding = nn.Linear(hidden, embedding) if embedding else None

    def features(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return pooled(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float(), mask)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.features(ids, mask)
        return self.head(self.dropout(found)), found


def pooled(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(posts, 2 x hidden): the mean over a post's tokens, then its first token."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    mean = (states * weights).sum(1) / weights.sum(1)
    return torch.cat([mean, states[:, 0]], dim=1)


def loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted sum over tasks of the mean cross-entropy over the posts whose target is known."""
    total = logits.new_zeros(())
    for name, part in (("sentiment", SENTIMENT), ("trust", TRUST)):
        known = ~torch.isnan(targets[:, part.start])
        if known.any():
            each = -(targets[known, part] * functional.log_softmax(logits[known, part], 1)).sum(1)
            total = total + WEIGHTS[name] * (each * weights[known]).sum() / weights[known].sum()
    for name, first, last in (
        ("concerns", CONCERNS.start, CONCERNS.stop),
        ("relevant", RELEVANT, RELEVANT + 1),
        ("help", HELP, HELP + 1),
    ):
        known = ~torch.isnan(targets[:, first])
        if known.any():
            each = functional.binary_cross_entropy_with_logits(
                logits[known, first:last], targets[known, first:last], reduction="none"
            ).mean(1)
            total = total + WEIGHTS[name] * (each * weights[known]).sum() / weights[known].sum()
    return total


def probabilities(logits: torch.Tensor) -> torch.Tensor:
    """(posts, WIDTH): shares for the first six columns, a probability for each of the rest."""
    return torch.cat(
        [
            functional.softmax(logits[:, SENTIMENT], 1),
            functional.softmax(logits[:, TRUST], 1),
            torch.sigmoid(logits[:, CONCERNS.start :]),
        ],
        dim=1,
    )


def padded(examples: list[Example], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(example.tokens) for example in examples)
    ids = torch.full((len(examples), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for line, example in enumerate(examples):
        ids[line, : len(example.tokens)] = torch.tensor(example.tokens)
        mask[line, : len(example.tokens)] = 1
    return ids, mask


def read(network: Network, examples: list[Example], pad: int, batch: int = 64) -> Floats:
    """Logits (posts, WIDTH) in the order given."""
    network.eval()
    out = np.zeros((len(examples), WIDTH), dtype=np.float32)
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].tokens))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF):
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            logits, _ = network(*padded([examples[row] for row in rows], pad))
            out[rows] = logits.float().numpy()
    return out


def features(network: Network, examples: list[Example], pad: int, batch: int = 64) -> Floats:
    """What the head sees (posts, 2 x hidden), in the order given."""
    network.eval()
    out = np.zeros((len(examples), network.head.in_features), dtype=np.float32)
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].tokens))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF):
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            out[rows] = network.features(*padded([examples[row] for row in rows], pad)).float().numpy()
    return out


def tokenizer(path: Path, longest: int) -> Tokenizer:
    made = Tokenizer.from_file(str(path))
    made.no_padding()
    made.enable_truncation(longest)
    return made
