"""Calibration and thresholds, folded into the linear heads that are shipped beside the encoder.

All of it is fitted on what networks said of posts that they had not seen (folds of the real posts), and on the even
half of the sentiment validation; nothing here looks at a test part."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax

from sentiment.taxonomy import NEVER_TRACKED
from sentiment.training.corpora import KEYS, Labelled
from sentiment.training.measuring import Array, best_threshold
from sentiment.training.network import CONCERNS, HELP, RELEVANT, SENTIMENT, TRUST, WIDTH, Floats, Network

FEWEST = 8  # labels that a concern needs for an offset of its own


def fitted(
    network: Network,
    trust_rows: Sequence[tuple[Labelled, Floats]],
    mood_rows: Sequence[tuple[Labelled, Floats]],
    shares: Array,
    out: Path,
) -> dict[str, float]:
    """Writes the heads; gives the thresholds. Rows are posts with logits (WIDTH) from a network that never saw them.
    `shares`: how often each trust is said in all real posts that are no test; a few hundred posts that calibrate hold
    more or less of it by chance, and are weighted to these."""
    scale, offset = np.ones(WIDTH), np.zeros(WIDTH)
    logits = np.stack([row for _, row in trust_rows]).astype(np.float64)
    trust = np.array([post.trust for post, _ in trust_rows])
    weighted = shares[trust] / (np.bincount(trust, minlength=3) / len(trust))[trust]
    scale[TRUST], offset[TRUST] = _shares(logits[:, TRUST], trust, weighted)
    moods = np.stack([row for _, row in mood_rows]).astype(np.float64)[:, SENTIMENT]
    mood = np.array([post.sentiment for post, _ in mood_rows])
    # Each class counts alike in each language: macro-averaged recall is what sentiment is judged by.
    tongue = np.array([post.language for post, _ in mood_rows])
    weights = np.ones(len(mood))
    for language in set(tongue.tolist()):
        of = tongue == language
        weights[of] = of.sum() / (3 * np.bincount(mood[of], minlength=3))[mood[of]]
    scale[SENTIMENT], offset[SENTIMENT] = _shares(moods, mood, weights)
    raised = np.array([post.concerns for post, _ in trust_rows])
    scale[CONCERNS], offset[CONCERNS] = _yes_no(logits[:, CONCERNS], raised)
    for column, said in ((RELEVANT, "relevant"), (HELP, "help")):
        known = [row for row, (post, _) in enumerate(trust_rows) if getattr(post, said) is not None]
        truth = np.array([[bool(getattr(trust_rows[row][0], said))] for row in known])
        if known and FEWEST <= truth.sum() <= len(truth) - FEWEST:
            scale[[column]], offset[[column]] = _yes_no(logits[known][:, [column]], truth)
    calibrated = logits * scale + offset
    mistrust = softmax(calibrated[:, TRUST], axis=1)[:, 0]
    concern = expit(calibrated[:, CONCERNS])
    never = [row for row, key in enumerate(KEYS) if key in NEVER_TRACKED]
    tracked = [row for row, key in enumerate(KEYS) if key not in NEVER_TRACKED]
    concern_at = np.zeros(len(KEYS))
    concern_at[tracked] = best_threshold(concern[:, tracked])
    concern_at[never] = best_threshold(concern[:, never])
    thresholds = {
        "mistrust": best_threshold(mistrust, weighted),
        "concerns": float(concern_at[tracked[0]]),
        "never_tracked": float(concern_at[never[0]]),
    }
    weights_of = network.head.weight.detach().numpy() * scale[:, None]
    bias_of = network.head.bias.detach().numpy() * scale + offset
    if network.embedding is None:
        raise ValueError("the network has no embedding")
    np.savez(
        out,
        **{
            key: np.asarray(value, dtype=np.float32)
            for key, value in {
                "sentiment_weights": weights_of[SENTIMENT],
                "sentiment_bias": bias_of[SENTIMENT],
                "trust_weights": weights_of[TRUST],
                "trust_bias": bias_of[TRUST],
                "concern_weights": weights_of[CONCERNS],
                "concern_bias": bias_of[CONCERNS],
                "relevant_weights": weights_of[RELEVANT],
                "relevant_bias": bias_of[RELEVANT],
                "help_weights": weights_of[HELP],
                "help_bias": bias_of[HELP],
                "embedding_weights": network.embedding.weight.detach().numpy(),
                "embedding_bias": network.embedding.bias.detach().numpy(),
                "mistrust_threshold": thresholds["mistrust"],
                "concern_thresholds": concern_at,
            }.items()
        },
        concern_keys=np.array(KEYS),
    )
    return thresholds


def _shares(logits: Array, truth: Array, weights: Array) -> tuple[float, Array]:
    """A scale and class offsets (the last 0) that make shares likely, a little held to doing nothing."""

    def loss(parameters: Array) -> float:
        found = softmax(logits * np.exp(parameters[0]) + np.append(parameters[1:], 0.0), axis=1)
        likely = np.log(found[np.arange(len(truth)), truth] + 1e-12)
        return float(-(weights * likely).mean() + 1e-3 * (parameters**2).sum())

    scale, *offsets = minimize(loss, np.zeros(3), method="Nelder-Mead").x
    return float(np.exp(scale)), np.append(offsets, 0.0)


def _yes_no(logits: Array, truth: Array) -> tuple[float, Array]:
    """One scale for all columns, an offset for each that has labels enough and the common one for the rest."""
    often = truth.sum(0) >= FEWEST

    def loss(parameters: Array) -> float:
        offsets = np.where(often, parameters[1] + parameters[2:], parameters[1])
        at = logits * np.exp(parameters[0]) + offsets
        return float((np.logaddexp(0, at) - truth * at).sum() / len(truth) + 0.01 * (parameters[2:] ** 2).sum())

    found = minimize(loss, np.zeros(2 + logits.shape[1]), method="L-BFGS-B").x
    return float(np.exp(found[0])), np.where(often, found[1] + found[2:], found[1])
