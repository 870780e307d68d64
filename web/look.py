"""What makes the desk a department's own, from its settings: its crest, and its colour in place of the green."""

from fastapi import APIRouter, Response

from config.settings import READABLE, contrast
from web.desk import TheDesk
from web.problems import Trouble

router = APIRouter()
DARK_GROUND = "#262b27"  # the lightest ground of the dark theme
TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@router.get("/look.css")
def colours(found: TheDesk) -> Response:
    """The department's colour for both themes; empty where it keeps the green. Seen by everyone, as the pages are."""
    return Response(sheet(found.settings.department.accent), media_type="text/css", headers=_FOR_A_WHILE)


@router.get("/crest")
def crest(found: TheDesk) -> Response:
    """The department's crest; the policy of all pages holds for it too, so an SVG runs nothing."""
    path = found.settings.department.crest
    if path is None:
        raise Trouble(404, "This department shows no crest of its own")
    return Response(path.read_bytes(), media_type=TYPES[path.suffix.lower()], headers=_FOR_A_WHILE)


def sheet(accent: str) -> str:
    """Tokens for an accent: on dark grounds as much lighter as reading asks for. Pure."""
    if not accent:
        return ""
    lighter, strong = _towards(accent, "#ffffff", DARK_GROUND), _mixed(accent, "#000000", 0.3)
    lightest = _mixed(lighter, "#ffffff", 0.35)
    return (
        ":root { "
        f"--accent: light-dark({accent}, {lighter}); --accent-strong: light-dark({strong}, {lightest}); "
        f"--on-accent: light-dark(#ffffff, {_mixed(accent, '#000000', 0.7)}); "
        f"--wash: light-dark({_mixed(accent, '#ffffff', 0.88)}, {_mixed(accent, '#131614', 0.7)}); }}\n"
    )


def _towards(colour: str, light: str, ground: str) -> str:
    """As far towards `light` as text needs to be read on `ground`."""
    return next(
        (mixed for step in range(21) if contrast(mixed := _mixed(colour, light, step / 20), ground) >= READABLE), light
    )


def _mixed(one: str, other: str, share: float) -> str:
    """`share` of the other, the rest of the one."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(first + (second - first) * share):02x}" for first, second in pairs)


_FOR_A_WHILE = {"Cache-Control": "private, max-age=3600"}
