"""Pictures of a post: written anew without location data, described, and part of what is approved."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from config import database
from networks import pictures
from networks.network import Limits, Outgoing, Picture
from posts import drafts
from posts import pictures as kept
from posts.workflow import WrongState
from tests.posts.conftest import Desk
from tests.posts.square import Square
from tests.posts.test_publishing import HOUR, publish

LATITUDE = 40.7128


def photo(size: tuple[int, int] = (640, 480), kind: str = "JPEG", orientation: int = 1) -> bytes:
    """A picture with noise, a location and a comment, as a phone makes it."""
    image = Image.effect_noise(size, 90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "Officer Ortega's phone"
    exif.get_ifd(0x8825)[2] = (LATITUDE, 0.0, 0.0)
    out = io.BytesIO()
    image.save(out, kind, exif=exif, comment=b"taken at home") if kind == "JPEG" else image.save(out, kind, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_pixels_goes_on(kind: str) -> None:
    found = pictures.read(photo(kind=kind))
    assert b"Ortega" not in found.data
    assert b"taken at home" not in found.data
    with Image.open(io.BytesIO(found.data)) as image:
        assert (len(image.getexif()), image.size, image.format) == (0, (640, 480), "JPEG")


def test_a_picture_taken_sideways_stands_upright() -> None:
    found = pictures.read(photo((640, 480), orientation=6))
    assert (found.width, found.height) == (480, 640)


def test_what_is_see_through_stays_so_until_it_must_be_small() -> None:
    image = Image.effect_noise((800, 800), 90).convert("RGBA")
    image.putalpha(120)
    out = io.BytesIO()
    image.save(out, "PNG")
    found = pictures.read(out.getvalue(), "a seal")
    small = pictures.fitted(found, 100_000)
    assert (found.mime, small.mime, small.alt, len(small.data) <= 100_000) == (
        "image/png",
        "image/jpeg",
        "a seal",
        True,
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(8, 1600), st.integers(8, 1600), st.sampled_from([4_000, 60_000, 1_000_000]))
def test_any_picture_fits_in_the_end_and_keeps_its_shape(width: int, height: int, most: int) -> None:
    found = pictures.fitted(pictures.read(photo((width, height))), most, 1000)
    assert len(found.data) <= most
    assert max(found.width, found.height) <= 1000
    if min(found.width, found.height) > 40:
        assert found.width / found.height == pytest.approx(width / height, rel=0.1)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", photo()[:900], b"\xff\xd8\xff" + b"\x00" * 50])
def test_what_is_no_picture_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(pictures.UnreadablePicture, match=r"picture"):
        pictures.read(data)


def test_a_picture_whose_table_of_facts_lies_is_refused_in_words() -> None:
    out, facts = io.BytesIO(), Image.Exif()
    facts[0x0112], facts[0x010F] = 6, "Maker"
    Image.new("RGB", (4, 3)).save(out, "JPEG", exif=facts)
    data = bytearray(out.getvalue())
    data[data.index(b"Exif") + 17] = 0  # the maker's name turns into another fact, which is no text
    with pytest.raises(pictures.UnreadablePicture, match="damaged"):
        pictures.read(bytes(data))


def test_a_picture_that_unpacks_to_gigabytes_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    with pytest.raises(pictures.UnreadablePicture, match=r"too large|million pixels"):
        pictures.read(out.getvalue())


def test_the_limits_ask_for_a_description_and_count_pictures() -> None:
    two = (Picture(b"", "image/jpeg", 1, 1, "A street"), Picture(b"", "image/jpeg", 1, 1, " "))
    outgoing = Outgoing(key="", text="Look", pictures=two)
    assert [problem.message for problem in Limits(20, pictures=4).problems(outgoing)] == [
        "Picture 2 has no description for people who cannot see it."
    ]
    assert [problem.message for problem in Limits(20).problems(Outgoing(key="", text="Look", pictures=two[:1]))] == [
        "This network takes no pictures."
    ]


def test_a_picture_or_its_description_changes_what_is_approved(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        added = kept.add(session, number, desk.officer, pictures.read(photo(), "Coffee cups"), desk.now)
    assert (desk.post(number).state, desk.targets(number)) == ("in_review", [])
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        drafts.approve(session, number, desk.approver, post.content_hash, desk.now)
    square = Square()
    publish(desk, square, desk.now + HOUR)
    assert [[(one.alt, one.data) for one in sent.pictures] for sent in square.posts] == [
        [("Coffee cups", added.data)]
    ] * 2


def test_a_description_is_saved_with_the_post_and_sends_it_back_to_review(desk: Desk) -> None:
    number = desk.handed_in()
    with database.writing(desk.engine) as session:
        added = kept.add(session, number, desk.officer, pictures.read(photo()), desk.now)
        post = drafts.read(session, number)
        drafts.approve(session, number, desk.approver, post.content_hash, desk.now)
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        drafts.save(
            session, number, desk.officer, post.revision, message=post.message, title=post.title,
            category=post.category, language=post.language, concern=None, wordings=dict.fromkeys(desk.accounts),
            descriptions={added.id or 0: "Cups on a table"}, now=desk.now,
        )  # fmt: skip
    with database.reading(desk.engine) as session:
        post = drafts.read(session, number)
        assert ([one.alt for one in drafts.pictures_of(session, post)], post.state) == (
            ["Cups on a table"],
            "in_review",
        )


def test_a_picture_that_was_taken_out_stays_in_the_record(desk: Desk) -> None:
    number = desk.writing()
    with database.writing(desk.engine) as session:
        added = kept.add(session, number, desk.officer, pictures.read(photo()), desk.now)
        kept.take_out(session, number, desk.officer, added.id or 0, desk.now)
    with database.reading(desk.engine) as session:
        assert drafts.pictures_of(session, drafts.read(session, number)) == []
        assert session.get_one(type(added), added.id).data == added.data
    with pytest.raises(WrongState), database.writing(desk.engine) as session:
        kept.take_out(session, number, desk.officer, added.id or 0, desk.now)


@pytest.mark.parametrize(
    ("size", "shape", "focus", "box"),
    [
        ((640, 480), (1, 1), 50, (80, 0, 560, 480)),
        ((640, 480), (1, 1), 100, (160, 0, 640, 480)),
        ((480, 640), (16, 9), 0, (0, 0, 480, 270)),
        ((480, 640), (4, 5), 50, (0, 20, 480, 620)),
        ((1, 4000), (191, 100), 50, (0, 2000, 1, 2001)),
    ],
)
def test_the_largest_part_of_a_shape_is_kept(
    size: tuple[int, int], shape: tuple[int, int], focus: int, box: tuple[int, int, int, int]
) -> None:
    assert pictures.window(*size, shape, focus) == box
