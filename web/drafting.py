"""What the Compose form and the API hold of a post, read from a form, from JSON or from the store, and written back.

The rules of writing, approval and time are posts.drafts; here is only the way in and out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from networks.pictures import SHAPES
from web.fields import LARGEST_ID, clean

MESSAGE_LIMIT = 100_000  # characters; more than any network takes
CATEGORIES = ("general", "safety", "urgent", "event", "answer", "you_said_we_did", "success_story", "recruiting")
DAY = r"^(\d{4}-\d{2}-\d{2})?$"
HOUR = r"^(\d{2}:\d{2}(:\d{2})?)?$"
Words = Annotated[str, StringConstraints(max_length=MESSAGE_LIMIT), AfterValidator(clean)]
Number = Annotated[int, Field(ge=1, le=LARGEST_ID)]
OptionName = Annotated[str, StringConstraints(pattern="^[a-z_]{1,40}$")]
OptionValue = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True), AfterValidator(clean)]
Alt = Annotated[str, StringConstraints(max_length=4000, strip_whitespace=True), AfterValidator(clean)]


class DraftIn(BaseModel):
    """A post as it is sent to us. `own` maps an account to its own wording; none: it follows the message. `options`
    maps an account to what it chose of its network's own. `alts` maps a picture to what it shows. `day` and `hour` are
    wall time in the department's zone, both or neither; `was`: the time that stood there when whoever writes began, so
    that only a change of theirs changes it. `asked`: approvers asked by name. `link` and `campaign`: an
    address to put at the end of the message, with where visits come from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message": "Officers are on Elm Street today.",
                    "accounts": [1, 2],
                    "own": {"2": "On Elm Street today."},
                    "day": "2026-12-07",
                    "hour": "09:00",
                }
            ]
        }
    )

    title: Annotated[str, StringConstraints(max_length=120, strip_whitespace=True), AfterValidator(clean)] = ""
    message: Words = ""
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] = "en"
    category: Annotated[str, StringConstraints(pattern=f"^({'|'.join(CATEGORIES)})$")] = "general"
    concern: Annotated[str, StringConstraints(max_length=64)] = ""
    accounts: Annotated[list[Number], Field(max_length=100)] = Field(default_factory=list)
    own: dict[Number, Words | None] = Field(default_factory=dict)
    options: dict[Number, dict[OptionName, OptionValue]] = Field(default_factory=dict)
    alts: dict[Number, Alt] = Field(default_factory=dict)
    day: Annotated[str, StringConstraints(pattern=DAY)] = ""
    hour: Annotated[str, StringConstraints(pattern=HOUR)] = ""
    was: Annotated[str, StringConstraints(pattern=r"^([0-9-]{10}T[0-9:]{5})?$")] | None = None
    reply_to: Number | Literal[""] | None = None
    asked: Annotated[list[Number], Field(max_length=20)] = Field(default_factory=list)
    link: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(clean)] = ""
    campaign: Annotated[str, StringConstraints(max_length=120, strip_whitespace=True), AfterValidator(clean)] = ""
    revision: Annotated[int, Field(ge=0, le=LARGEST_ID)] = 0

    @property
    def reply_to_id(self) -> int | None:
        return self.reply_to or None

    @property
    def wordings(self) -> dict[int, str | None]:
        """The own wordings of the accounts chosen; an empty one follows the message."""
        return {account: (self.own.get(account) or "").strip() or None for account in self.accounts}

    def wall_time(self) -> datetime | None:
        """Day and hour together, without a zone; none when both are empty. Raises ValueError for one without the other
        and for a day that is in no calendar."""
        if not self.day and not self.hour:
            return None
        if not self.day or not self.hour:
            raise ValueError("day and hour belong together")
        return datetime.fromisoformat(f"{self.day}T{self.hour}")

    @property
    def moment(self) -> str:
        """Day and hour as `was` writes them; empty without."""
        return f"{self.day}T{self.hour[:5]}" if self.day and self.hour else ""


@dataclass(frozen=True)
class Draft:
    """A post as the form shows it."""

    id: int | None = None
    revision: int = 0
    title: str = ""
    message: str = ""
    language: str = "en"
    category: str = "general"
    concern: str = ""
    accounts: tuple[int, ...] = ()
    own: Mapping[int, str | None] = field(default_factory=dict)
    options: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    alts: Mapping[int, str] = field(default_factory=dict)
    day: str = ""
    hour: str = ""
    was: str | None = ""
    reply_to: int | None = None
    asked: tuple[int, ...] = ()


def shown(given: DraftIn, post_id: int | None, revision: int) -> Draft:
    """What was sent, to be shown again."""
    return Draft(
        id=post_id,
        revision=revision,
        title=given.title,
        message=given.message,
        language=given.language,
        category=given.category,
        concern=given.concern,
        accounts=tuple(given.accounts),
        own=given.wordings,
        options=given.options,
        alts=given.alts,
        day=given.day,
        hour=given.hour,
        was=given.was,
        reply_to=given.reply_to_id,
        asked=tuple(given.asked),
    )


@dataclass(frozen=True)
class Cut:
    """Which part of a picture is wanted: a shape of networks.pictures.SHAPES, or empty for the whole; and where."""

    shape: str
    focus: int  # 0 to 100


async def cuts(request: Request) -> dict[int, Cut]:
    """A dependency that reads the form's `shape_<picture>` and `focus_<picture>`; what is no number is the middle."""
    form = await request.form()
    found = {}
    for name, value in form.multi_items():
        number = name.removeprefix("shape_")
        if number != name and number.isdecimal() and len(number) < 10 and value in ("", *SHAPES):
            focus = str(form.get(f"focus_{number}", ""))
            found[int(number)] = Cut(str(value), min(int(focus), 100) if focus.isdecimal() and len(focus) < 5 else 50)
    return found


async def from_form(request: Request) -> DraftIn:
    """A dependency that reads the form's fields, `variant_<account>`, `option_<account>_<name>` and `alt_<picture>`
    among them. Raises RequestValidationError when a field is not what our own page sends."""
    form = await request.form()
    values: dict[str, object] = {}
    own: dict[str, str] = {}
    alts: dict[str, str] = {}
    options: dict[str, dict[str, str]] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str):
            continue
        if name.startswith("variant_"):
            own[name.removeprefix("variant_")] = value
        elif name.startswith("alt_"):
            alts[name.removeprefix("alt_")] = value
        elif name.startswith("option_"):
            account, _, option = name.removeprefix("option_").partition("_")
            options.setdefault(account, {})[option] = value
        elif name not in ("accounts", "asked"):
            values[name] = value
    for name in ("accounts", "asked"):
        values[name] = [value for value in form.getlist(name) if isinstance(value, str)]
    try:
        return DraftIn.model_validate({**values, "own": own, "options": options, "alts": alts})
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error
