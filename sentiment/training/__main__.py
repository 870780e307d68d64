"""`python -m sentiment.training all`: each step, skipped where its output is there."""

import argparse
from pathlib import Path


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m sentiment.training", description=__doc__)
    reader.add_argument("step", choices=["encoder", "heads", "export", "all"])
    reader.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    reader.add_argument("--work", type=Path, default=Path(".cache/training"), help="folder for what steps hand on")
    reader.add_argument("--again", action="store_true", help="repeat a step whose output is there")
    asked = reader.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    # PyTorch takes seconds to import: only the steps that run import it.
    from sentiment.training import encoder, export, heads

    encoder_file, heads_file = asked.work / "encoder.pt", asked.work / "heads.npz"
    if asked.step in ("encoder", "all") and (asked.again or not encoder_file.exists()):
        encoder.train(asked.data, encoder_file)
    if asked.step in ("heads", "all") and (asked.again or not heads_file.exists()):
        heads.train(asked.data, encoder_file, heads_file)
    if asked.step in ("export", "all"):
        export.write(asked.data, encoder_file, heads_file)


if __name__ == "__main__":
    main()
