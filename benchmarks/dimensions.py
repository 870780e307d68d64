"""How well the dimensions of trust (voice, fairness, respect, motives, effectiveness) can be told from posts that voice
mistrust or trust, by two ways that need no training: a few written sentences each, and the concerns that the model
reads.

`trust_dimensions.jsonl` has what one reader found in 160 of our written posts before either way was tried, the main
dimension first; none in 27. An answer is right when it is among a post's. On no page: docs/statistics.md says why."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sentiment import model
from sentiment.model import Reading

DIMENSIONS = ("voice", "fairness", "respect", "motives", "effectiveness")  # Sunshine & Tyler 2003; Jackson & Bradford
SAID_OF = (1.0, 0.5, 0.3)  # of the posts, those with the widest margin: of the others nothing is said
OF_CONCERN = {
    "use_of_force": "respect",
    "bias_fairness": "fairness",
    "accountability": "motives",
    "responsiveness": "effectiveness",
}
Stance = Literal["mistrust", "trust"]
SENTENCES: Mapping[Stance, Mapping[str, Sequence[str]]] = {
    "mistrust": {
        "voice": (
            "Nobody at the department listens to us.",
            "They would not let me tell my side of the story.",
            "They never ask residents before they decide.",
            "My complaint was ignored and nobody gave me an explanation.",
            "No nos escuchan ni nos preguntan nada.",
        ),
        "fairness": (
            "Police treat people differently because of their race.",
            "They only stop Black and brown kids.",
            "One rule for the rich and another for the poor.",
            "Racial profiling by the police again.",
            "Two-tier policing: some groups get away with everything.",
            "Discriminan a la gente por su color.",
        ),
        "respect": (
            "The officer was rude and talked down to me.",
            "They humiliated him in front of his family.",
            "Officers beat a man who was on the ground.",
            "They shoved and insulted us for no reason.",
            "Police brutality, they hurt people.",
            "El policía me insultó y me empujó.",
        ),
        "motives": (
            "The police are corrupt and take bribes.",
            "They lied and covered it up.",
            "They protect their own and nobody is held accountable.",
            "They only care about themselves, not about us.",
            "The report is false and the evidence disappeared.",
            "Son corruptos y se tapan entre ellos.",
        ),
        "effectiveness": (
            "I called the police and nobody came.",
            "They took hours to arrive.",
            "They never solve any burglary.",
            "There are no patrols on our street.",
            "The police do nothing about crime here.",
            "Llamé a la policía y nunca llegaron.",
        ),
    },
    "trust": {
        "voice": (
            "The officer listened to what I had to say.",
            "They let me explain my side.",
            "The chief held a meeting and answered our questions.",
            "They explained what they were doing and why.",
            "Nos escucharon y nos explicaron todo.",
        ),
        "fairness": (
            "The police treat everybody the same.",
            "Officers are fair, whoever you are.",
            "They apply the law equally to everyone.",
            "Tratan a todos por igual.",
        ),
        "respect": (
            "The officer was polite and treated me with respect.",
            "They were kind and patient with my father.",
            "He spoke calmly and treated us like human beings.",
            "El agente fue muy amable y respetuoso.",
        ),
        "motives": (
            "The officers really care about our neighborhood.",
            "They were honest about their mistake.",
            "They do this job because they want to help people.",
            "The department is open and accountable.",
            "De verdad se preocupan por la gente.",
        ),
        "effectiveness": (
            "The police came within minutes.",
            "They caught the thief quickly.",
            "There are more patrols and it feels safer.",
            "They found my stolen car.",
            "Llegaron rápido y lo detuvieron.",
        ),
    },
}
_TRAINING = Path(model.__file__).parent / "training"
_LABELS = Path(__file__).parent / "trust_dimensions.jsonl"


def main() -> None:
    posts = {
        post["id"]: post
        for path in sorted(_TRAINING.glob("written_*.jsonl"))
        for post in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    labels = [json.loads(line) for line in _LABELS.read_text(encoding="utf-8").splitlines()]
    found = [set(label["dimensions"]) for label in labels]
    labelled = [posts[label["id"]] for label in labels]
    read = model.load().read
    readings = [one for one in read([post["text"] for post in labelled]) if one is not None]
    if len(readings) < len(labelled):
        raise ValueError("a labelled post has no words to read")
    commonest = max(sum(key in one for one in found) for key in DIMENSIONS) / len(found)
    by_hand = [_of_concern(dict.fromkeys(post["concerns"], 1.0)) for post in labelled]
    by_model = [_of_concern({key: one.concerns[key] for key in one.raised}) for one in readings]
    print(
        json.dumps(
            {
                "benchmark": "dimensions",
                "posts": len(found),
                "sentences": _nearest(readings, [post["trust"] for post in labelled], found, read),
                "concerns": _right(by_model, found),
                "concerns_as_labelled_by_hand": _right(by_hand, found),
                "baseline_always_the_commonest": round(commonest, 2),
            }
        )
    )


def _of_concern(raised: Mapping[str, float]) -> str | None:
    """What the likeliest of the raised concerns stands for; none where none of the four is raised."""
    likely = max((key for key in raised if key in OF_CONCERN), key=lambda key: raised[key], default=None)
    return OF_CONCERN[likely] if likely is not None else None


def _right(said: Sequence[str | None], found: Sequence[set[str]]) -> dict[str, float]:
    right = [one in its for one, its in zip(said, found, strict=True) if one is not None]
    return {"said": len(right), "right": round(float(np.mean(right)), 2) if right else 0.0}


def _nearest(
    readings: Sequence[Reading],
    stances: Sequence[Stance],
    found: Sequence[set[str]],
    read: Callable[[Sequence[str]], list[Reading | None]],
) -> dict[str, dict[str, float]]:
    """The dimension of the sentence nearest to each post, among those of its stance; with less and less said."""
    vectors = np.array([one.embedding for one in readings])
    middle = vectors.mean(axis=0)
    alike = np.zeros((len(readings), len(DIMENSIONS)))
    for stance, sentences in SENTENCES.items():
        rows = [row for row, its in enumerate(stances) if its == stance]
        for column, key in enumerate(DIMENSIONS):
            near = np.array([one.embedding for one in read(sentences[key]) if one is not None])
            alike[rows, column] = (_centred(vectors[rows], middle) @ _centred(near, middle).T).max(axis=1)
    ordered = np.sort(alike, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    said = [DIMENSIONS[column] for column in alike.argmax(axis=1)]
    return {
        f"said of {share:.0%}": _right(
            [one if wide else None for one, wide in zip(said, margin >= np.quantile(margin, 1 - share), strict=True)],
            found,
        )
        for share in SAID_OF
    }


def _centred(vectors: NDArray[np.float32], middle: NDArray[np.float32]) -> NDArray[np.float32]:
    moved = vectors - middle
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True))


if __name__ == "__main__":
    main()
