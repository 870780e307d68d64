"""How the language of short posts is told: right, unsure (which counts as in) and wrong, beside the same library asked
without our limits. Posts of the validation parts of research corpora (`--data`, the folder of sentiment/), which
nothing was tuned on, and our own pairs in varieties of English."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import py3langid

from listeners import language
from listeners.watch import UNSURE

OURS = Path(__file__).parents[1] / "sentiment" / "training"
LANGUAGES = ("en", "es", "pt", "fr", "ar")


def texts(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def pairs() -> Iterator[tuple[str, list[str]]]:
    """Texts by variety."""
    by_variety: dict[str, list[str]] = {}
    for path in sorted(OURS.glob("pairs_*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                pair = json.loads(line)
                for variety, text in pair["texts"].items() if pair["kind"] == "variety" else ():
                    by_variety.setdefault(variety, []).append(text)
    yield from sorted(by_variety.items())


def told(name: str, code: str, posts: list[str]) -> dict[str, object]:
    ours = Counter(language.detect(post) for post in posts)
    plain = Counter(py3langid.classify(post)[0] for post in posts)
    number = len(posts)
    return {
        "benchmark": "languages",
        "posts_of": name,
        "posts": number,
        "right": round(ours[code] / number, 3),
        "unsure": round(ours[UNSURE] / number, 3),
        "wrong": round(1 - (ours[code] + ours[UNSURE]) / number, 3),
        "library_alone_wrong": round(1 - plain[code] / number, 3),
    }


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = asked.parse_args().data
    for code in LANGUAGES:
        print(json.dumps(told(code, code, texts(data / "sentiment" / f"{code}_val.jsonl"))), flush=True)
    for variety, posts in pairs():
        print(json.dumps(told(f"our pairs, {variety}", "es" if variety == "es" else "en", posts)), flush=True)


if __name__ == "__main__":
    main()
