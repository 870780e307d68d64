"""Addresses that mail can be sent to, and what is said of others."""

import pytest

from config import mailboxes


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Ana@Riverton.EXAMPLE ", "Ana@riverton.example"),
        ("o'neill+desk@riverton.example", "o'neill+desk@riverton.example"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_kept_as_mail_servers_know_it(given: str, kept: str) -> None:
    assert mailboxes.checked(given) == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ana at riverton", "“ana at riverton” is no e-mail address."),
        ("josé@riverton.example", "No mail can be sent to “josé@riverton.example”: before the @ only letters without"),
    ],
)
def test_what_mail_does_not_reach_is_refused_with_the_reason(given: str, words: str) -> None:
    with pytest.raises(mailboxes.BadAddress, match=words):
        mailboxes.checked(given)
