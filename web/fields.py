"""Kinds of field that routes take: numbers that a row may have, and texts without what no store can hold."""

from datetime import datetime
from typing import Annotated

from fastapi import Form, Path
from pydantic import AfterValidator

from listeners import watch

LARGEST_ID = 2**31 - 1  # of an INTEGER column in PostgreSQL
COMMENT_LIMIT = 4000  # characters

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def clean(text: str) -> str:
    """`text` without NULs, with lone surrogates replaced and line ends made \\n: PostgreSQL takes neither of the
    former, and browsers send \\r\\n."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def wall_time(day: str, hour: str) -> datetime:
    """What a form's day and hour make together, without a zone. Raises ValueError, also where the hour has one."""
    found = datetime.fromisoformat(f"{day}T{hour}")
    if found.tzinfo is not None:
        raise ValueError("the hour has a zone of its own")
    return found


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


Line = Annotated[str, AfterValidator(_one_line), Form(max_length=320)]
Query = Annotated[str, AfterValidator(_one_line), Form(max_length=2 * watch.LONGEST)]
Comment = Annotated[str, AfterValidator(clean), Form(max_length=COMMENT_LIMIT)]
