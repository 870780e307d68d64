import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment import model
from sentiment.taxonomy import CONCERNS
from sentiment.text import normalised, readable

READER = model.load()
POSTS = [
    "They never come when we call. Useless.",
    "Thank you to the officers who helped my mother home last night!",
    "Road closed at the bridge until noon.",
    "Gracias a los oficiales que vinieron a la escuela",
    "😡😡😡",
]


def test_a_score_does_not_depend_on_what_else_is_read() -> None:
    together = READER.read(POSTS * 8)
    for number, text in enumerate(POSTS):
        (alone,) = READER.read([text])
        among = together[number + len(POSTS)]
        assert alone is not None
        assert among is not None
        assert alone.trust == among.trust
        assert alone.concerns == among.concerns
        assert np.array_equal(alone.embedding, among.embedding)


def test_what_is_said_twice_is_read_once_and_stands_twice() -> None:
    first, other, again = READER.read(["Thanks, officer!", "The lights are out again", "Thanks,  officer!"])
    assert first is not None and first is again
    assert other is not None and other is not first


def test_plain_cases_are_read_as_a_person_would() -> None:
    angry, thankful, news, *_ = READER.read(POSTS)
    assert angry is not None
    assert thankful is not None
    assert news is not None
    assert angry.mistrust
    assert thankful.trust["trust"] == max(thankful.trust.values())
    assert thankful.sentiment["positive"] == max(thankful.sentiment.values())
    assert not news.mistrust


def test_near_words_are_near_and_far_ones_far() -> None:
    near, other, far = (
        reading.embedding
        for reading in READER.read(
            ["Cars are speeding past the school", "People drive too fast by the school", "Free tacos after mass"]
        )
        if reading is not None
    )
    assert near @ other > 0.5 > near @ far


@pytest.mark.parametrize("text", ["", "   ", "@user", "https://example.org/x", "\u200b\u200d\ufe0f", "\x00\x00", "…!?"])
def test_where_there_are_no_words_there_is_no_score(text: str) -> None:
    assert READER.read([text]) == [None]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=400))
def test_whatever_is_written_gives_a_score_or_none(text: str) -> None:
    (reading,) = READER.read([text])
    if reading is not None:
        assert sum(reading.trust.values()) == pytest.approx(1, abs=1e-5)
        assert set(reading.concerns) <= set(CONCERNS)
        assert float(np.linalg.norm(reading.embedding)) == pytest.approx(1, abs=1e-4)
        assert 0 <= reading.relevant <= 1
        assert 0 <= reading.help <= 1


NASTY = [
    "\u202eeno on emac ecilop\u202c nobody came",  # right to left
    "n\u200bo\u200bbody c\u200bame",  # zero width
    "no\x00body came\x00",
    "https://example.org/a https://example.org/b",
    "👮🏽‍♀️🚓🔥" * 50,
    "a" * 100_000,
    "\ud800 lone surrogate",
    "Ничего не делают", "什么都不做", "لا يفعلون شيئا", "כלום", "कुछ नहीं", "ไม่มีใครมา", "Τίποτα",
    "何もしない", "아무것도",
]  # fmt: skip


def test_tricks_and_other_scripts_are_read_alike_alone_and_among_others() -> None:
    together = READER.read(NASTY + POSTS)
    for text, among in zip(NASTY, together, strict=False):
        (alone,) = READER.read([text])
        assert (alone is None) == (among is None)
        if alone is not None and among is not None:
            assert alone.trust == among.trust


def test_heads_without_relevance_or_help_say_so_by_their_defaults() -> None:
    wide = np.ones(768, dtype=np.float32)
    heads = model.Heads(
        sentiment=(np.zeros((3, 768), np.float32), np.zeros(3, np.float32)),
        trust=(np.zeros((3, 768), np.float32), np.log(np.array([2.0, 1.0, 1.0], np.float32))),
        concerns=(np.zeros((1, 768), np.float32), np.array([3.0], np.float32)),
        keys=("drugs",),
        mistrust_threshold=0.5,
        concern_thresholds=np.array([0.5], np.float32),
    )
    plain = model.interpret(wide, heads)
    assert (plain.relevant, plain.help) == (1.0, 0.0)
    assert plain.trust["mistrust"] == pytest.approx(0.5)
    assert plain.mistrust and plain.raised == ("drugs",)
    told = model.interpret(wide, replace(heads, relevant=(wide, -768.0), help=(np.zeros(768, np.float32), -40.0)))
    assert told.relevant == pytest.approx(0.5)
    assert told.help < 1e-12


def test_an_embedding_of_its_own_is_projected_from_the_mean_of_the_tokens() -> None:
    features = np.concatenate([np.arange(384), np.zeros(384)]).astype(np.float32)
    turned = np.roll(np.eye(384, dtype=np.float32), 1, axis=1)
    heads = replace(READER.heads, embedding=(turned, np.zeros(384, np.float32)))
    wanted = np.roll(np.arange(384), -1) / np.linalg.norm(np.arange(384))
    assert np.allclose(model.interpret(features, heads).embedding, wanted, atol=1e-6)


def test_a_megabyte_is_read_by_its_beginning() -> None:
    long, short = READER.read(["speeding cars " * 80_000, "speeding cars " * 200])
    assert long is not None
    assert short is not None
    assert long.concerns == short.concerns


def test_invisible_characters_addresses_and_handles_do_not_change_what_is_read() -> None:
    assert normalised("No\u202e trust\x00 in @RivertonPD. See https://a.example/b ") == "No trust in @user. See http"
    assert readable("👮") and not readable("@user http")


def test_an_altered_file_is_noticed_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(model.WEIGHTS, folder)
    content = bytearray((folder / "encoder.onnx").read_bytes())
    content[1000] ^= 1
    (folder / "encoder.onnx").write_bytes(bytes(content))
    with pytest.raises(model.ModelDamaged, match="git checkout"):
        model.load(folder)


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(model.WEIGHTS, folder)
    (folder / "heads.npz").unlink()
    with pytest.raises(model.ModelDamaged, match=r"heads\.npz"):
        model.load(folder)
