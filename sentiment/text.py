"""A post's words as the model reads them; the same in training and in use.

What is not words goes: control and zero-width characters, addresses, handles. Whatever comes in, a string comes out."""

import regex

LONGEST = 4000  # characters; far more than the tokens that the model looks at
_INVISIBLE = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}&&[^\n\t\u200d\ufe0f]]", regex.V1)
_ADDRESS = regex.compile(r"(?:https?://|www\.)\S+", regex.IGNORECASE)
_HANDLE = regex.compile(r"(?<![\w@])@[\w.\-]*\w")
_SPACE = regex.compile(r"\s+")
_SAYS_SOMETHING = regex.compile(r"[\p{L}\p{N}\p{So}\p{Sk}]")


def normalised(text: str) -> str:
    """`text` with invisible characters gone, addresses as "http", handles as "@user", white space folded."""
    visible = _INVISIBLE.sub(" ", text[:LONGEST])
    return _SPACE.sub(" ", _HANDLE.sub("@user", _ADDRESS.sub("http", visible))).strip()


def readable(text: str) -> bool:
    """Whether a normalised text says anything: a letter, a digit or an emoji beside addresses and handles."""
    rest = text.replace("@user", " ").replace("http", " ")
    return _SAYS_SOMETHING.search(rest) is not None
