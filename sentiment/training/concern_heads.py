"""Concerns are many and rare: a few readings of each post teach the shared head too little of them, and more would
spoil trust. So their rows are those of a logistic regression on what the finished encoder sees."""

from collections.abc import Collection

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from sentiment.training.corpora import KEYS, Labelled
from sentiment.training.network import CONCERNS, Floats, Network

STRENGTH = 0.01  # of the regression (sklearn's C), chosen on the posts that calibrate
REAL = 3.0  # weight of a real post over one of our own,
ALARM = 0.3  # and of one on emergencies: more, and what is said of police in passing is taken for one (chosen likewise)
FEWEST = 3  # labels without which a concern keeps its own row
NONE = (False,) * len(KEYS)


def refit(
    network: Network, posts: list[Labelled], seen: Floats, weights: Floats, concerns: Collection[str] = KEYS
) -> None:
    """Changes the head's rows for these concerns in place. `seen`: features of the posts; a post that nobody read for
    concerns raises none."""
    raised = np.array([post.concerns or NONE for post in posts])
    middle, spread = seen.mean(0), seen.std(0) + 1e-6
    with torch.no_grad():
        for column in np.flatnonzero((raised.sum(0) >= FEWEST) & np.isin(KEYS, list(concerns))):
            fitted = LogisticRegression(C=STRENGTH, max_iter=300)
            fitted.fit((seen - middle) / spread, raised[:, column], sample_weight=weights)
            slope = fitted.coef_[0] / spread
            row = CONCERNS.start + int(column)
            network.head.weight[row] = torch.from_numpy(slope.astype(np.float32))
            network.head.bias[row] = float(fitted.intercept_[0] - slope @ middle)
