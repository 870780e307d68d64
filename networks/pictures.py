"""Pictures: what a person uploads is decoded and written anew, so that no location data and no foreign bytes go on;
and fitted to what a network takes. Pure: bytes in, bytes out."""

import io
import struct
import warnings
from dataclasses import replace

from PIL import Image, ImageOps, UnidentifiedImageError

from networks.network import NetworkError, Picture

LARGEST_UPLOAD = 25_000_000  # bytes
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 4096  # pixels; more than any network shows
_QUALITIES = (90, 82, 74, 66, 58)
# What Pillow raises for bytes that are not what they say: of pixels, and of tables beside them.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, struct.error, TypeError, KeyError, IndexError, ArithmeticError)
SHAPES = {"square": (1, 1), "upright": (4, 5), "wide": (16, 9), "widest": (191, 100)}  # width to height
_READABLE = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


class UnreadablePicture(NetworkError):
    """This is no picture that can be taken; the message says why."""


def read(data: bytes, alt: str = "") -> Picture:
    """Decodes what was uploaded, turns it upright and encodes it anew: JPEG, or PNG where it is see-through.

    Of a moving picture the first frame is kept. Raises UnreadablePicture."""
    if len(data) > LARGEST_UPLOAD:
        raise UnreadablePicture(f"The file is larger than {LARGEST_UPLOAD // 1_000_000} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_READABLE) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise UnreadablePicture(f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels.")
                image = ImageOps.exif_transpose(opened)
    except UnidentifiedImageError as error:
        raise UnreadablePicture("This is no picture we can read; use JPEG, PNG, WebP or GIF.") from error
    except (*_DAMAGED, Image.DecompressionBombError, Warning) as error:
        raise UnreadablePicture("The picture is damaged or far too large.") from error
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if _see_through(image):
        return _picture(_png(image.convert("RGBA")), "image/png", image, alt)
    return _picture(_jpeg(image.convert("RGB"), _QUALITIES[0]), "image/jpeg", image, alt)


def window(width: int, height: int, shape: tuple[int, int], focus: int) -> tuple[int, int, int, int]:
    """The largest part of this shape: left, top, right, bottom in pixels. `focus`: where along the side that is too
    long, from 0 (left or top) to 100 (right or bottom)."""
    across, down = shape
    wide, high = min(width, height * across // down), min(height, width * down // across)
    left, top = (width - wide) * focus // 100, (height - high) * focus // 100
    return left, top, left + max(1, wide), top + max(1, high)


def cropped(picture: Picture, shape: str, focus: int) -> Picture:
    """The part of a picture that `read` made, in one of SHAPES (see `window`)."""
    with Image.open(io.BytesIO(picture.data)) as opened:
        image = opened.crop(window(opened.width, opened.height, SHAPES[shape], focus))
    if picture.mime == "image/png":
        return _picture(_png(image), picture.mime, image, picture.alt)
    return _picture(_jpeg(image, _QUALITIES[0]), picture.mime, image, picture.alt)


def fitted(picture: Picture, most_bytes: int, longest_side: int = LONGEST_SIDE) -> Picture:
    """The picture within so many bytes and pixels: lower quality first, then smaller, until it fits."""
    if len(picture.data) <= most_bytes and max(picture.width, picture.height) <= longest_side:
        return picture
    with Image.open(io.BytesIO(picture.data)) as opened:
        image = opened.copy()
    image.thumbnail((longest_side, longest_side))
    if _see_through(image):
        data = _png(image.convert("RGBA"))
        if len(data) <= most_bytes:
            return _picture(data, "image/png", image, picture.alt)
        paper = Image.new("RGB", image.size, "white")  # JPEG knows no transparency
        paper.paste(image, mask=image.convert("RGBA").getchannel("A"))
        image = paper
    image = image.convert("RGB")
    while True:
        for quality in _QUALITIES:
            data = _jpeg(image, quality)
            if len(data) <= most_bytes:
                return _picture(data, "image/jpeg", image, picture.alt)
        if max(image.size) <= 64:
            raise UnreadablePicture(f"The picture cannot be made smaller than {most_bytes} bytes.")
        image = image.resize((max(1, image.width * 4 // 5), max(1, image.height * 4 // 5)), Image.Resampling.LANCZOS)


def as_jpeg(picture: Picture) -> Picture:
    """The picture as JPEG, on white where it is see-through: some networks take nothing else."""
    if picture.mime == "image/jpeg":
        return picture
    with Image.open(io.BytesIO(picture.data)) as opened:
        solid = Image.new("RGB", opened.size, "white")
        clear = opened.convert("RGBA")
        solid.paste(clear, mask=clear)
        return _picture(_jpeg(solid, 90), "image/jpeg", solid, picture.alt)


def described(picture: Picture, alt: str) -> Picture:
    """The same picture with another description."""
    return replace(picture, alt=alt)


def _see_through(image: Image.Image) -> bool:
    if image.mode in ("RGBA", "LA", "PA"):
        lowest, _ = image.getchannel("A").getextrema()
        return isinstance(lowest, int | float) and lowest < 255
    return "transparency" in image.info


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    _bare(image).save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    _bare(image).save(out, "PNG", optimize=True)
    return out.getvalue()


def _bare(image: Image.Image) -> Image.Image:
    """The pixels and nothing beside them: an encoder would carry comments and text over."""
    return Image.frombytes(image.mode, image.size, image.tobytes())


def _picture(data: bytes, mime: str, image: Image.Image, alt: str) -> Picture:
    return Picture(data, mime, image.width, image.height, alt)
