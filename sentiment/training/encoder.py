"""Fine-tunes the encoder: its first token learns sentiment, the mean of its tokens stays the original's embedding.

One pass then gives both: a sentiment-tuned mean would forget topics, which concerns and clustering need."""

import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModel

from sentiment.training import corpora

SEED = 7
EPOCHS = 2
BATCH = 32
LONGEST = 72  # tokens, in training
RATE, HEAD_RATE = 8e-5, 1e-3
HOLD_EMBEDDING = 2.0  # weight of (1 - cosine) to the original's mean
Encoded = list[tuple[list[int], int]]


def tokenizer() -> Tokenizer:
    made = Tokenizer.from_file(str(corpora.base_model() / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(LONGEST)
    return made


def train(data: Path, out: Path) -> None:
    """Writes the encoder and its sentiment head, with macro-averaged recall on both halves of the validation part:
    the best step is chosen on the even half, what is reported is measured on the odd half."""
    random.seed(SEED)
    torch.manual_seed(SEED)
    words = tokenizer()

    def encoded(rows: list[tuple[str, int]]) -> Encoded:
        return [
            (found.ids, label) for found, (_, label) in zip(words.encode_batch([t for t, _ in rows]), rows, strict=True)
        ]

    training = encoded(corpora.sentiment(data, "en_train") + corpora.sentiment(data, "es_train"))
    validation = encoded(corpora.sentiment(data, "en_val"))
    choosing, reporting = validation[::2], validation[1::2]
    spanish = encoded(corpora.sentiment(data, "es_val"))
    original = AutoModel.from_pretrained(corpora.base_model(), attn_implementation="sdpa").eval()
    encoder = AutoModel.from_pretrained(corpora.base_model(), attn_implementation="sdpa")
    encoder.embeddings.requires_grad_(False)
    head = nn.Sequential(nn.Dropout(0.1), nn.Linear(384, 3))
    groups = [
        {"params": [p for p in encoder.parameters() if p.requires_grad], "lr": RATE},
        {"params": head.parameters(), "lr": HEAD_RATE},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = EPOCHS * -(-len(training) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / 150) * max(0.02, 1 - step / steps)
    )
    best = 0.0
    bar = tqdm(total=steps, desc="encoder")
    for _ in range(EPOCHS):
        for batch in _shuffled(training):
            ids, mask, labels = _padded(training, batch)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
                with torch.no_grad():
                    held = original(input_ids=ids, attention_mask=mask).last_hidden_state
            drift = 1 - functional.cosine_similarity(_mean(states, mask), _mean(held, mask))
            loss = functional.cross_entropy(head(states[:, 0].float()), labels, label_smoothing=0.05)
            optimiser.zero_grad()
            (loss + HOLD_EMBEDDING * drift.mean()).backward()
            nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            bar.update()
            if bar.n % 1000 == 0 or bar.n == steps:
                found = recall(encoder, head, choosing)
                bar.set_postfix(recall=f"{found:.3f}", drift=f"{drift.mean():.3f}")
                if found > best:
                    best = found
                    figures = {
                        "en_val_chosen_on": found,
                        "en_val_reported": recall(encoder, head, reporting),
                        "en_val_reported_n": len(reporting),
                        "es_val": recall(encoder, head, spanish),
                        "es_val_n": len(spanish),
                        "step": bar.n,
                    }
                    state = {"encoder": encoder.state_dict(), "head": head.state_dict(), "figures": figures}
                    torch.save(state, out.with_suffix(".part"))
                    out.with_suffix(".part").replace(out)


def recall(encoder: nn.Module, head: nn.Module, rows: Encoded) -> float:
    """Macro-averaged recall over the three classes (SemEval-2017 task 4)."""
    encoder.eval()
    head.eval()
    table = np.zeros((3, 3))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        order = sorted(range(len(rows)), key=lambda row: len(rows[row][0]))
        for start in range(0, len(order), 64):
            ids, mask, labels = _padded(rows, order[start : start + 64])
            said = head(encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0].float()).argmax(1)
            np.add.at(table, (labels.numpy(), said.numpy()), 1)
    encoder.train()
    head.train()
    return float((table.diagonal() / table.sum(1)).mean())


def _mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(1) / weights.sum(1)


def _shuffled(rows: Encoded) -> list[list[int]]:
    """Batches of like length, in random order: little padding, little bias."""
    order = list(range(len(rows)))
    random.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), BATCH * 50):
        near = sorted(order[start : start + BATCH * 50], key=lambda row: len(rows[row][0]))
        batches += [near[at : at + BATCH] for at in range(0, len(near), BATCH)]
    random.shuffle(batches)
    return batches


def _padded(rows: Encoded, batch: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest = max(len(rows[row][0]) for row in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for line, row in enumerate(batch):
        tokens = rows[row][0]
        ids[line, : len(tokens)] = torch.tensor(tokens)
        mask[line, : len(tokens)] = 1
    return ids, mask, torch.tensor([rows[row][1] for row in batch])
