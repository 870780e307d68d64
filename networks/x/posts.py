"""What X answers when it is asked for posts: read one by one, so that one that cannot be read does not hide the others.

X is renaming parts of a post; the old names are read too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasChoices, AwareDatetime, BaseModel, Field, ValidationError

from networks.network import Unavailable
from networks.x import words

PRICE = Decimal("0.005")  # dollars for a post that is read
_EPOCH = datetime.fromtimestamp(1_288_834_974.657, UTC)  # of X's ids: milliseconds since then << 22
_GONE = ("not found error", "authorization error")
_GONE_TYPES = ("resource-not-found", "not-authorized-for-resource")
_LANGUAGES = {"in": "id", "iw": "he", "ji": "yi"}  # X's old names for them
_NO_LANGUAGES = ("und", "zxx", "art")


class Link(BaseModel):
    """An address in a text: `url` is what stands there (t.co), `expanded_url` what was written."""

    url: str = ""
    expanded_url: str | None = None
    media_key: str | None = None


class Entities(BaseModel):
    urls: list[Link] | None = None


class Note(BaseModel):
    """All of a text that is longer than 280."""

    text: str
    entities: Entities | None = None


class Reference(BaseModel):
    type: str
    id: str


class Post(BaseModel):
    id: Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
    text: str
    author_id: str | None = None
    conversation_id: str | None = None
    created_at: AwareDatetime | None = None
    lang: str | None = None
    entities: Entities | None = None
    note: Note | None = Field(None, validation_alias=AliasChoices("note_post", "note_tweet"))
    references: list[Reference] | None = Field(
        None, validation_alias=AliasChoices("referenced_posts", "referenced_tweets")
    )

    def links(self) -> Mapping[str, str]:
        """What stands for each t.co address; nothing for a picture's."""
        found = (self.note.entities if self.note is not None else None) or self.entities
        return {
            link.url: "" if link.media_key or words.is_picture(link.expanded_url or "") else link.expanded_url
            for link in (found.urls if found is not None else None) or ()
            if link.expanded_url
        }

    def raw(self) -> str:
        """The whole text, as X holds it."""
        return self.note.text if self.note is not None else self.text

    def said(self) -> str:
        """The whole text, as its author wrote it."""
        return words.expanded(self.raw(), self.links())

    def answers(self) -> str | None:
        """The post that it answers."""
        return next((one.id for one in self.references or () if one.type == "replied_to"), None)

    def at(self) -> datetime:
        """When it was published (UTC); its id tells where X does not."""
        return self.created_at or moment_of(self.id)

    def language(self) -> str | None:
        """Its language as X sees it, if it sees one."""
        code = (self.lang or "").split("-")[0].lower()
        if not code or code in _NO_LANGUAGES or (code.startswith("q") and len(code) == 3):  # qme, qst: no words in it
            return None
        return _LANGUAGES.get(code, code)


class User(BaseModel):
    id: str
    created_at: AwareDatetime | None = None
    protected: bool = False


class _Trouble(BaseModel):
    title: str = ""
    type: str = ""
    resource_id: str | None = None
    value: Any = None

    def gone(self) -> str | None:
        """The id of what is gone, if that is what it says."""
        if self.title.casefold() not in _GONE and self.type.rpartition("/")[2] not in _GONE_TYPES:
            return None
        named = self.resource_id or self.value
        return named if isinstance(named, str) else None


@dataclass(frozen=True)
class Listing:
    """A page of posts. `gone`: ids that X says it does not show; `whole`: nothing was held back or unreadable."""

    posts: Sequence[Post]
    users: Mapping[str, User]
    gone: frozenset[str]
    unread: Sequence[str]
    following: str | None
    whole: bool


def listing(told: Any) -> Listing:
    """Reads X's answer. Raises Unavailable where it is none."""
    if not isinstance(told, dict) or not isinstance(told.get("data", []), list):
        raise Unavailable("X's answer cannot be read")
    posts, unread = [], []
    for one in told.get("data", []):
        try:
            posts.append(Post.model_validate(one))
        except ValidationError as error:
            named = one.get("id") if isinstance(one, dict) else None
            unread.append(f"post {named}: {error.errors()[0]['msg']}")
    try:
        users = [User.model_validate(one) for one in (told.get("includes") or {}).get("users") or ()]
        troubles = [_Trouble.model_validate(one) for one in told.get("errors") or ()]
        following = (told.get("meta") or {}).get("next_token")
    except (ValidationError, AttributeError, TypeError) as error:
        raise Unavailable(f"X's answer cannot be read: {error}") from error
    gone = frozenset(found for found in (one.gone() for one in troubles) if found)
    known = {user.id: user for user in users}
    return Listing(posts, known, gone, unread, str(following) if following else None, not unread and not troubles)


def moment_of(post_id: str) -> datetime:
    """When a post of this id was published, in UTC."""
    return _EPOCH + timedelta(milliseconds=int(post_id) >> 22)


def id_at(moment: datetime) -> int:
    """The lowest id that a post of this moment may have."""
    return max(0, int((moment - _EPOCH) / timedelta(milliseconds=1))) << 22
