"""A small honest reader: it looks for a few words, says the same of the same text, and has no batch effects."""

from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection

import numpy as np

from config import database
from sentiment import scoring
from sentiment.model import Reading
from tests.sentiment.street import ZONE

CONCERN_WORDS = {"speeding": "traffic_safety", "drugs": "drugs", "school": "youth_schools"}


class WordReader:
    name = "words-1"

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        return [self._read(text.casefold()) for text in texts]

    def _read(self, text: str) -> Reading | None:
        if not any(letter.isalpha() for letter in text):
            return None
        mistrust = 0.9 if "useless" in text else 0.1
        trust = 0.8 if "thank" in text else 0.05
        negative = 0.7 if "useless" in text else 0.2
        positive = 0.7 if "thank" in text else 0.1
        raised = tuple(concern for word, concern in CONCERN_WORDS.items() if word in text)
        return Reading(
            sentiment={"negative": negative, "neutral": max(0.0, 1 - negative - positive), "positive": positive},
            trust={"mistrust": mistrust, "neither": max(0.0, 1 - mistrust - trust), "trust": trust},
            concerns={concern: 0.9 if concern in raised else 0.02 for concern in CONCERN_WORDS.values()},
            mistrust=mistrust > 0.5,
            never_tracked="protest" in text,
            raised=raised,
            embedding=np.full(384, 384**-0.5, dtype=np.float32),
        )


def read_all(say: Connection, url: str, now: datetime) -> None:
    """Scores all that is pending, a few at a time, saying so after each batch: work for a test to kill."""
    engine = database.connect(url)
    while scoring.score_pending(engine, WordReader(), now, zone=ZONE, limit=7):
        say.send_bytes(b".")
