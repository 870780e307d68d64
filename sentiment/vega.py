"""Vega for browsers: the bundle that vl-convert carries, written to a file once for each of its versions.

Bundling holds Python still for seconds, so it is done by a process of its own: `python -m sentiment.vega FILE`."""

import gzip
import subprocess  # nosec B404
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import vl_convert

VERSION = version("vl-convert-python")
_SNIPPET = "export const embed = vegaEmbed;"  # it has the interpreter, so that nothing is evaluated from text
_LONGEST = 120  # seconds


def bundle(folder: Path) -> Path:
    """The gzipped ES module, made in `folder` if it is not there. Raises CalledProcessError or TimeoutExpired."""
    path = folder / f"vega-{VERSION}.js.gz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "sentiment.vega", path], check=True, timeout=_LONGEST)  # noqa: S603  # nosec B603
    return path


def write(path: Path) -> None:
    """Beside it, then renamed: two that write at once do no harm."""
    made = gzip.compress(vl_convert.javascript_bundle(_SNIPPET).encode(), 9, mtime=0)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
        beside.write(made)
    Path(beside.name).replace(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
