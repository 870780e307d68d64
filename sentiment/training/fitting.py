"""The training loop: batches of like length, a checkpoint that a run goes on from, the same batches for a seed."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from sentiment.training.network import EMBEDDING_WEIGHT, HALF, Example, Network, loss, padded

WARM = 0.06  # share of the steps over which the rate rises


@dataclass(frozen=True)
class Course:
    """How a network is trained."""

    steps: int
    rate: float
    head_rate: float
    batch: int = 32
    seed: int = 7
    decay: float = 0.01
    save_every: int = 50
    layer_decay: float = 1.0  # rate of a layer over that of the one above it
    averaged_from: float = 1.0  # share of the steps after which weights are averaged; 1: the last ones are kept
    average: float = 0.995  # what of the average stays at each step


def fit(
    network: Network,
    examples: Sequence[Example],
    course: Course,
    pad: int,
    name: str,
    checkpoint: Path | None = None,
    watch: Callable[[int], None] | None = None,
    watch_every: int = 0,
) -> None:
    """Trains `network` in place; goes on from `checkpoint` where one is there, and removes it at the end."""
    torch.manual_seed(course.seed)
    optimiser = torch.optim.AdamW(groups(network, course), weight_decay=course.decay)
    warm = max(1, int(course.steps * WARM))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warm) * max(0.02, 1 - step / course.steps)
    )
    done = 0
    mean: dict[str, torch.Tensor] = {}
    if checkpoint is not None and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"])
        done, mean = saved["step"], saved["mean"]
    batches = planned([len(example.tokens) for example in examples], course)
    network.train()
    bar = tqdm(total=course.steps, initial=done, desc=name, mininterval=10)
    started = time.monotonic()
    for step in range(done, course.steps):
        rows = [examples[row] for row in batches[step]]
        ids, mask = padded(rows, pad)
        targets = torch.from_numpy(np.stack([row.targets for row in rows]))
        weights = torch.tensor([row.weight for row in rows])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF):
            logits, features = network(ids, mask)
        total = loss(logits.float(), targets, weights)
        if network.embedding is not None:
            held = [line for line, row in enumerate(rows) if row.embedding is not None]
            if held:
                wanted = torch.from_numpy(np.stack([rows[line].embedding for line in held]))  # type: ignore[arg-type]
                half = features.shape[1] // 2
                near = functional.cosine_similarity(network.embedding(features[held, :half].float()), wanted)
                total = total + EMBEDDING_WEIGHT * (1 - near).mean()
        optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step >= course.averaged_from * course.steps:
            _average(mean, network, course.average)
        bar.update()
        bar.set_postfix(
            loss=f"{float(total.detach()):.3f}", minutes=f"{(time.monotonic() - started) / 60:.1f}", refresh=False
        )
        if checkpoint is not None and (step + 1) % course.save_every == 0:
            state = {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "random": torch.get_rng_state(),
                "step": step + 1,
                "mean": mean,
            }
            part = checkpoint.with_suffix(".part")
            torch.save(state, part)
            part.replace(checkpoint)
        if watch is not None and watch_every and (step + 1) % watch_every == 0:
            watch(step + 1)
            network.train()
    if mean:
        network.load_state_dict(mean, strict=False)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    network.eval()


def _average(mean: dict[str, torch.Tensor], network: Network, stays: float) -> None:
    """Moves `mean` a little toward the network's weights of now."""
    for name, values in network.named_parameters():
        if not values.requires_grad:
            continue
        if name in mean:
            mean[name].lerp_(values.detach(), 1 - stays)
        else:
            mean[name] = values.detach().clone()


def groups(network: Network, course: Course) -> list[dict]:
    """Parameters that learn, with their rates: heads fast, an encoder's lower layers slower if asked."""
    layers = network.encoder.encoder.layer
    found: list[dict] = []
    for depth, layer in enumerate(layers):
        rate = course.rate * course.layer_decay ** (len(layers) - 1 - depth)
        found.append({"params": [p for p in layer.parameters() if p.requires_grad], "lr": rate})
    inside = {id(p) for layer in layers for p in layer.parameters()}
    heads = {id(p): p for part in (network.head, network.embedding) if part is not None for p in part.parameters()}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in inside and id(p) not in heads]
    found.append({"params": list(heads.values()), "lr": course.head_rate})
    if rest:
        found.append({"params": rest, "lr": course.rate * course.layer_decay ** len(layers)})
    return found


def planned(lengths: list[int], course: Course) -> list[list[int]]:
    """The rows of each step: like lengths together, in random order, each row once before any comes again."""
    chance = random.Random(course.seed)
    batches: list[list[int]] = []
    while len(batches) < course.steps:
        order = list(range(len(lengths)))
        chance.shuffle(order)
        around: list[list[int]] = []
        for start in range(0, len(order), course.batch * 40):
            near = sorted(order[start : start + course.batch * 40], key=lambda row: lengths[row])
            around += [near[at : at + course.batch] for at in range(0, len(near), course.batch)]
        chance.shuffle(around)
        batches += around
    return batches[: course.steps]
