"""Ids, tags, keys and the streams they stand for."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from assay.media.errors import InputError
from assay.provenance.marks import SCHEMES, SHARED_KEY, ExposedKeyWarning, MarkError, codes, load_key, scheme
from assay.provenance.marks.keys import KeyStream
from hypothesis import given, settings
from hypothesis import strategies as st

OTHER = bytes(range(32))
GOLDEN_PERMUTATION = [0, 1, 2, 5, 3, 4, 7, 6]
GOLDEN_UNIFORM = [0.4119744499, 0.3295491394, 0.7584326828]
GOLDEN_SIGNS = [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]
payloads = st.integers(min_value=0, max_value=2**64 - 1)


@settings(max_examples=40, deadline=None)
@given(payload=payloads, key=st.binary(min_size=32, max_size=32), seed=st.integers(0, 2**32 - 1))
def test_any_id_comes_back_through_noise(payload: int, key: bytes, seed: int) -> None:
    symbols = codes.encode(payload, key, "test")
    soft = symbols + np.random.default_rng(seed).normal(0, 0.6, symbols.shape)
    found = codes.decode(soft[None], key, "test")[0]
    assert found is not None
    assert found.payload == payload


@settings(max_examples=25, deadline=None)
@given(payload=payloads, lost=st.permutations(range(codes.SYMBOLS)))
def test_a_third_of_the_symbols_can_be_lost(payload: int, lost: list[int]) -> None:
    soft = codes.encode(payload, SHARED_KEY, "test")
    soft[lost[: codes.SYMBOLS // 3]] = 0.0
    found = codes.decode(soft[None], SHARED_KEY, "test")[0]
    assert found is not None
    assert found.payload == payload


@settings(max_examples=25, deadline=None)
@given(payload=payloads)
def test_another_key_or_scheme_reads_nothing(payload: int) -> None:
    soft = codes.encode(payload, SHARED_KEY, "test")[None]
    assert codes.decode(soft, OTHER, "test") == [None]
    assert codes.decode(soft, SHARED_KEY, "other") == [None]


def test_viterbi_finds_what_trying_every_message_finds() -> None:
    rng = np.random.default_rng(7)
    words = np.array([[number >> bit & 1 for bit in range(8)] for number in range(256)], dtype=np.uint8)
    coded = np.stack([_encode(word) for word in words])
    for _ in range(40):
        soft = coded[rng.integers(256)] + rng.normal(0, 1.4, coded.shape[1])
        best = words[int(np.argmax(coded @ soft))]
        read = codes.viterbi(soft.astype(np.float32).reshape(1, -1, 3))[0, :8]
        assert (read == best).all()


def test_the_paths_tried_after_the_likeliest_are_the_next_best_of_all() -> None:
    rng = np.random.default_rng(8)
    words = np.array([[number >> bit & 1 for bit in range(8)] for number in range(256)], dtype=np.uint8)
    coded = np.stack([_encode(word) for word in words])
    for _ in range(10):
        soft = (coded[rng.integers(256)] + rng.normal(0, 1.4, coded.shape[1])).astype(np.float32)
        ranked = words[np.argsort(-(coded @ soft), kind="stable")]
        assert (codes.alternatives(soft.reshape(-1, 3))[:, :8] == ranked[1 : codes.ALTERNATIVES + 1]).all()


def _encode(word: np.ndarray) -> np.ndarray:
    """The textbook shift register, one bit at a time."""
    register, out = 0, []
    for bit in [*word, *[0] * codes.MEMORY]:
        register = int(bit) << codes.MEMORY | register >> 1
        out += [1.0 - 2.0 * ((register & generator).bit_count() % 2) for generator in codes.GENERATORS]
    return np.array(out)


def test_noise_decodes_to_no_id() -> None:
    noise = np.random.default_rng(1).normal(size=(3000, codes.SYMBOLS))
    assert not any(codes.decode(noise, SHARED_KEY, "test"))


def test_trials_are_counted_in_the_false_alarm() -> None:
    one = (1 + codes.ALTERNATIVES) * 2.0**-32
    assert codes.p_false_alarm(0.0, 1) == one
    assert codes.p_false_alarm(0.0, 1000) == pytest.approx(1000 * one)
    assert codes.p_false_alarm(0.0, 2**40) == 1.0
    assert codes.p_false_alarm(16.0, 1) < 1e-30


def test_the_bound_on_strength_holds_for_fair_signs() -> None:
    rng = np.random.default_rng(3)
    size = np.abs(rng.normal(size=codes.SYMBOLS))
    signs = rng.choice([-1.0, 1.0], size=(20000, codes.SYMBOLS))
    strength = signs @ size / np.linalg.norm(size)
    for level in (1.0, 2.0, 3.0):
        assert (strength >= level).mean() <= np.exp(-(level**2) / 2.0)


@pytest.mark.parametrize("payload", [-1, 2**64])
def test_an_id_of_more_than_64_bits_is_refused(payload: int) -> None:
    with pytest.raises(MarkError, match="64 bits"):
        codes.encode(payload, SHARED_KEY, "test")


def test_streams_are_the_same_for_ever() -> None:
    stream = KeyStream(SHARED_KEY, "golden")
    assert stream.permutation(8).tolist() == GOLDEN_PERMUTATION
    assert stream.uniform(3) == pytest.approx(GOLDEN_UNIFORM, abs=1e-9)
    assert stream.signs(6).tolist() == GOLDEN_SIGNS


def test_streams_of_other_keys_and_labels_differ() -> None:
    first = KeyStream(SHARED_KEY, "a").uniform(200)
    for other in (KeyStream(SHARED_KEY, "b"), KeyStream(OTHER, "a")):
        assert abs(np.corrcoef(first, other.uniform(200))[0, 1]) < 0.3


@pytest.mark.parametrize("text", [OTHER.hex(), base64.b64encode(OTHER).decode()], ids=["hex", "base64"])
def test_a_key_file_holds_hex_or_base64(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text + "\n")
    path.chmod(0o600)
    assert load_key(path) == OTHER


def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(OTHER.hex())
    path.chmod(0o644)
    with pytest.warns(ExposedKeyWarning, match="chmod 600"):
        load_key(path)


@pytest.mark.parametrize("text", ["", "zz" * 32, OTHER.hex()[:-2], "kein Schlüssel"])
def test_what_is_not_a_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises((MarkError, InputError), match="key"):
        load_key(path)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="readable"):
        load_key(tmp_path / "none")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(MarkError, match="32 bytes"):
        KeyStream(b"short", "a")


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_every_scheme_can_be_made_and_knows_its_name(name: str) -> None:
    assert getattr(scheme(name), "name") == name  # noqa: B009


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"assay\.canvas\.1"):
        scheme("nothing")


def test_paths_beside_the_likeliest_save_ids_that_it_loses() -> None:
    rng = np.random.default_rng(11)
    sent = codes.encode(77, SHARED_KEY, "test")
    tries = (sent + rng.normal(0, 1.25, (150, codes.SYMBOLS))).astype(np.float32)
    found = [codes.decode(soft[None], SHARED_KEY, "test")[0] for soft in tries]
    inverse = np.empty_like(tries)
    inverse[:, codes._order(SHARED_KEY, "test")] = tries
    likeliest = codes.viterbi(inverse.reshape(len(tries), codes.STEPS, 3))
    right = np.unpackbits(np.frombuffer((77).to_bytes(8, "big"), dtype=np.uint8)).astype(bool)
    alone = (likeliest[:, :64] == right).all(axis=1).sum()
    assert all(one is None or one.payload == 77 for one in found)
    assert sum(one is not None for one in found) >= alone + 15


def test_noise_gives_no_id(rng: np.random.Generator) -> None:
    noise = rng.normal(size=(400, codes.SYMBOLS)).astype(np.float32)
    assert codes.decode(noise, SHARED_KEY, "test") == [None] * 400
