"""Trust and concern heads on the frozen encoder: cross-validated, calibrated, thresholds from the training folds.

Real posts were labelled one by one (labels_police.jsonl, see the model card); our own are in training folds only."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm
from transformers import AutoModel

from sentiment.model import LONGEST_TOKENS, TRUSTS
from sentiment.taxonomy import NEVER_TRACKED
from sentiment.training import corpora, encoder

FOLDS, SEED = 5, 1
PENALTY = 0.01  # inverse strength; few labels, many numbers
BOOTSTRAPS = 2000
FEWEST = 6  # labels that a concern needs for a head
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """Logits = weights @ features + bias, calibration folded in."""

    weights: Array
    bias: Array

    def __call__(self, features: Array) -> Array:
        return features @ self.weights.T + self.bias


def train(data: Path, encoder_file: Path, out: Path) -> None:
    """Fits the heads on all labelled posts; the figures are from cross-validation on the real ones alone."""
    state = torch.load(encoder_file, weights_only=False)
    real, own = corpora.police(data), corpora.written()
    x_real, x_own = (features(state["encoder"], [p.text for p in posts])[:, :384] for posts in (real, own))
    trust_real, trust_own = (np.array([p.trust for p in posts]) for posts in (real, own))
    raised_real, raised_own = (np.array([p.concerns for p in posts]) for posts in (real, own))

    mistrust_said = np.zeros(len(real), bool)
    mistrust_p = np.zeros(len(real))
    concerns_said = np.zeros(raised_real.shape, bool)
    for fold, (training, held) in enumerate(
        StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x_real, trust_real)
    ):
        x = np.vstack([x_real[training], x_own])
        trust_head, trust_at = fit_trust(x, np.concatenate([trust_real[training], trust_own]), fold)
        concern_head, concerns_at = fit_concerns(x, np.vstack([raised_real[training], raised_own]), fold)
        mistrust_p[held] = softmax(trust_head(x_real[held]))[:, 0]
        mistrust_said[held] = mistrust_p[held] >= trust_at
        concerns_said[held] = sigmoid(concern_head(x_real[held])) >= concerns_at
    truth = trust_real == TRUSTS.index("mistrust")
    base = np.full(len(truth), truth.mean())
    figures = {
        **state["figures"],
        "police_n": len(real),
        "mistrust_f1": interval(truth, mistrust_said),
        "concerns_micro_f1": interval(raised_real, concerns_said),
        "mistrust_brier": float(brier_score_loss(truth, mistrust_p)),
        "mistrust_brier_of_base_rate": float(brier_score_loss(truth, base)),
        "never_tracked_f1": interval(
            *(rows[:, [key in NEVER_TRACKED for key in corpora.KEYS]] for rows in (raised_real, concerns_said))
        ),
    }
    x = np.vstack([x_real, x_own])
    trust_head, trust_at = fit_trust(x, np.concatenate([trust_real, trust_own]), FOLDS)
    concern_head, concerns_at = fit_concerns(x, np.vstack([raised_real, raised_own]), FOLDS)
    head = state["head"]
    np.savez(
        out,
        sentiment_weights=padded(head["1.weight"].numpy(), before=True),
        sentiment_bias=head["1.bias"].numpy().astype(np.float32),
        trust_weights=padded(trust_head.weights),
        trust_bias=trust_head.bias.astype(np.float32),
        mistrust_threshold=np.float32(trust_at),
        concern_weights=padded(concern_head.weights),
        concern_bias=concern_head.bias.astype(np.float32),
        concern_thresholds=concerns_at.astype(np.float32),
        concern_keys=np.array(corpora.KEYS),
    )
    out.with_suffix(".json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(json.dumps(figures, indent=1))


def features(weights: dict, texts: list[str]) -> Array:
    """(n, 768): the mean of the last layer's tokens, then its first token; one post a call, as in use."""
    net = AutoModel.from_pretrained(corpora.base_model()).eval()
    net.load_state_dict(weights)
    words = encoder.tokenizer()
    words.enable_truncation(LONGEST_TOKENS)
    rows = []
    with torch.no_grad():
        for text in tqdm(texts, desc="features"):
            ids = torch.tensor([words.encode(text).ids])
            states = net(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            rows.append(torch.cat([states.mean(0), states[0]]).numpy())
    return np.stack(rows).astype(np.float64)


def fit_trust(x: Array, y: npt.NDArray[np.int64], seed: int) -> tuple[Linear, float]:
    """A three-class head, its temperature and class offsets from inner folds, and a threshold at which
    it flags as often as the labels do: the best F1 would flag nearly everything, and officers would stop looking."""
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=3000)
    inner = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    held = np.log(cross_val_predict(model, scaler.transform(x), y, cv=inner, method="predict_proba") + 1e-9)

    def loss(parameters: Array) -> float:
        logits = held * np.exp(parameters[0]) + np.append(parameters[1:], 0.0)
        return float(-np.log(softmax(logits)[np.arange(len(y)), y] + 1e-12).mean())

    scale, *offsets = minimize(loss, np.zeros(3), method="Nelder-Mead").x
    calibrated = softmax(held * np.exp(scale) + np.append(offsets, 0.0))
    model.fit(scaler.transform(x), y)
    found = unscaled(scaler, model.coef_, model.intercept_)
    linear = Linear(found.weights * np.exp(scale), found.bias * np.exp(scale) + np.append(offsets, 0.0))
    return linear, float(np.quantile(calibrated[:, 0], 1 - (y == 0).mean()))


def fit_concerns(x: Array, y: npt.NDArray[np.bool_], seed: int) -> tuple[Linear, Array]:
    """A head a concern (Platt-scaled together from inner folds) and one threshold for all, for the best micro-F1.
    A concern with hardly any label gets a head that never fires."""
    scaler = StandardScaler().fit(x)
    scaled = scaler.transform(x)
    weights, bias = np.zeros((y.shape[1], x.shape[1])), np.full(y.shape[1], -20.0)
    held = np.full(y.shape, -20.0)
    taught = [row for row in range(y.shape[1]) if y[:, row].sum() >= FEWEST]
    for row in taught:
        model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=3000)
        inner = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        held[:, row] = cross_val_predict(model, scaled, y[:, row], cv=inner, method="decision_function")
        model.fit(scaled, y[:, row])
        one = unscaled(scaler, model.coef_, model.intercept_)
        weights[row], bias[row] = one.weights[0], one.bias[0]
    platt = LogisticRegression(C=1e6).fit(held[:, taught].reshape(-1, 1), y[:, taught].ravel())
    scale, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    threshold = best_threshold(y[:, taught].ravel(), sigmoid(held[:, taught].ravel() * scale + offset))
    weights[taught] *= scale
    bias[taught] = bias[taught] * scale + offset
    return Linear(weights, bias), np.full(y.shape[1], threshold)


def unscaled(scaler: StandardScaler, coefficients: Array, intercept: Array) -> Linear:
    weights = coefficients / scaler.scale_
    return Linear(weights, intercept - weights @ scaler.mean_)


def padded(weights: Array, before: bool = False) -> npt.NDArray[np.float32]:
    """Weights on half of the features (the mean, or `before`: the first token) as weights on all 768."""
    blank = np.zeros_like(weights)
    return np.hstack([blank, weights] if before else [weights, blank]).astype(np.float32)


def best_threshold(truth: npt.NDArray[np.bool_], probability: Array) -> float:
    grid = np.arange(0.05, 0.9, 0.01)
    return float(grid[int(np.argmax([f1_score(truth, probability >= at, zero_division=0) for at in grid]))])


def interval(truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> list[float]:
    """F1 (micro over all cells) with its 95% interval: posts drawn again with replacement, 2,000 times."""
    random = np.random.default_rng(SEED)

    def f1(rows: npt.NDArray[np.int64]) -> float:
        right = float((truth[rows] & said[rows]).sum())
        return 2 * right / max(float(truth[rows].sum() + said[rows].sum()), 1.0)

    everyone = np.arange(len(truth))
    again = [f1(random.choice(everyone, len(everyone))) for _ in range(BOOTSTRAPS)]
    return [f1(everyone), *(float(value) for value in np.quantile(again, [0.025, 0.975]))]


def softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def sigmoid(logits: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
