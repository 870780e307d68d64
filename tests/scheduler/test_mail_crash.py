"""The short form of `python -m benchmarks.digest crash`: a sender of mail killed with SIGKILL loses nothing."""

from pathlib import Path

import pytest

from benchmarks import mail_crash


@pytest.mark.long
def test_three_kills_lose_no_mail_and_double_none_without_a_reason(empty_store: Path) -> None:
    found = mail_crash.run(kills=3, mails=40, seed=3, empty=empty_store)
    assert (found.mails, found.missing, found.unexplained) == (40, 0, 0)
    assert found.acceptances >= 40
