"""E-mail addresses as they are kept: each can be written to, whatever mail servers stand in between."""

from email_validator import EmailNotValidError, validate_email


def _(message: str) -> str:
    """Marks a sentence for the catalogue; pages translate it."""
    return message


class BadAddress(ValueError):
    """What was given is no address, or none that mail reaches. `sentence`: what a page translates, with the place
    %(given)s in it."""

    def __init__(self, sentence: str, given: str) -> None:
        super().__init__(sentence % {"given": given})
        self.sentence = sentence


def checked(given: str) -> str:
    """The address, its domain as mail servers know it (IDNA). Raises BadAddress, also for one that asks every server on
    the way for SMTPUTF8 (RFC 6531)."""
    try:
        found = validate_email(given.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise BadAddress(_("“%(given)s” is no e-mail address."), given.strip()) from error
    if found.ascii_email is None:
        sentence = _("No mail can be sent to “%(given)s”: before the @ only letters without accents are possible.")
        raise BadAddress(sentence, given.strip())
    return found.ascii_email


def reached(address: str) -> bool:
    """Whether mail can be sent to what is kept as an address."""
    try:
        checked(address)
    except BadAddress:
        return False
    return True
