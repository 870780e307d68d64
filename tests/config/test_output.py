"""What commands write: a link, a pipe and what is open stay what they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import output


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with output.written(target) as out:
        out.write("one \ud800")
        assert not target.exists()
    with pytest.raises(ZeroDivisionError), output.written(target) as out:
        out.write(str(1 // 0))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.jsonl", "one \\ud800")]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_leads_to_what_was_written(tmp_path: Path, there: bool) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "out.jsonl", tmp_path / "link"
    link.symlink_to(target)
    if there:
        target.write_text("old")
    with output.written(link) as out:
        out.write("new")
    assert (link.is_symlink(), target.read_text(), list(target.parent.iterdir())) == (True, "new", [target])


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with output.written(pipe) as out:
        out.write("one")
    assert (os.read(reading, 9), pipe.is_fifo(), list(tmp_path.iterdir())) == (b"one", True, [pipe])
    os.close(reading)


@pytest.mark.parametrize("name", ["/proc/self/fd/1", "link", "link to a link"])
def test_what_is_open_already_is_gone_on_with(tmp_path: Path, name: str) -> None:
    """As `liaison score in.jsonl /dev/stdout >> all.jsonl` asks."""
    (tmp_path / "link").symlink_to("/proc/self/fd/1")  # as /dev/stdout is
    (tmp_path / "link to a link").symlink_to("link")
    everything = tmp_path / "all.jsonl"
    everything.write_text("before, ")
    writes = "import sys, pathlib; from config import output\nwith output.written(pathlib.Path(sys.argv[1])) as out:"
    with everything.open("a") as opened:
        subprocess.run(  # nosec B603
            [sys.executable, "-c", f"{writes} out.write('one')", str(tmp_path / name)], stdout=opened, check=True
        )
    assert everything.read_text() == "before, one"
