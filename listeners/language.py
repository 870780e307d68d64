"""The language of a short post. Unsure is "und" and counts as in: detection is never a filter.

Identifiers drop dialects, African American English first (Blodgett & O'Connor 2017), so a guess needs to be sure."""

from functools import cache

import regex
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from listeners.watch import UNSURE

LIKELY = ("en", "es", "pt", "fr", "de", "it", "zh", "vi", "ar", "ru", "tl", "ko", "ht", "pl", "so", "hi")
SURE = 0.8
SHORTEST = 12  # letters
_NOISE = regex.compile(r"https?://\S+|[@#][\w.\-]+|[^\p{L}\p{M}\s']")


@cache
def _identifier() -> LanguageIdentifier:
    """Loaded when first needed: it takes most of a second."""
    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages([code for code in LIKELY if code in set(found.labels)])
    return found


def detect(text: str) -> str:
    """ISO 639-1 code, or "und" where the text is too short or the guess unsure."""
    words = _NOISE.sub(" ", text[:2000])
    if sum(map(str.isalpha, words)) < SHORTEST:
        return UNSURE
    code, probability = _identifier().classify(words)
    return str(code) if probability >= SURE else UNSURE
