from hypothesis import given
from hypothesis import strategies as st

from web.changes import Piece, between


def test_what_came_and_what_went_is_told_apart_from_what_stayed() -> None:
    assert between("Officers come on Monday.", "Officers come on Tuesday.") == (
        Piece("same", "Officers come on "),
        Piece("gone", "Monday"),
        Piece("new", "Tuesday"),
        Piece("same", "."),
    )


def test_changes_with_only_blanks_between_them_are_shown_as_one() -> None:
    assert between("one two three", "uno dos tres") == (Piece("gone", "one two three"), Piece("new", "uno dos tres"))


def test_the_same_text_has_no_changes() -> None:
    assert between("Same.", "Same.") == (Piece("same", "Same."),)


_texts = st.text(alphabet="ab .\nñ🙂", max_size=30)


@given(_texts, _texts)
def test_the_pieces_give_back_both_texts(before: str, after: str) -> None:
    pieces = between(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after
