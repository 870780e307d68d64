"""X: posts come in by import until we sign in there; what a post of ours may hold is known already.

Looked up 2026-11: 280 by weight, 4 pictures; deletions are to be followed within 24 hours, and nothing that was
collected there may train a model."""

from networks.network import Network, Policy
from networks.x.words import LIMITS

NETWORK = Network(
    name="x",
    label="X",
    policy=Policy(
        deletion_hours=24, corrections_may_train=False, notes="Deletions within 24 hours; nothing of it trains a model."
    ),
    limits=LIMITS,
)
