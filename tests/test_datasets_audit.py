"""Planted confounds and leaks are found, one by one, and a clean set passes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.audit import Audit, Facts, clustered, confounds, facts_of, leaks, measures, near_duplicates
from assay.datasets.audit.look import looked
from assay.datasets.audit.strength import area
from assay.datasets.corpus import CorpusError, Item, file_sha256
from assay.media.audio import Audio
from assay.media.encode import encode_audio, encode_image
from assay.media.fingerprint import fingerprint
from assay.media.image import Still

RATE = 16_000
COUNT = 80
GROUPS = 20


def _item(number: int, *, path: Path = Path("nowhere"), **more: object) -> Item:
    spoof = number % 2 == 1
    base = Item(
        id=f"item-{number}",
        path=path,
        sha256="",
        label="spoof" if spoof else "bona fide",
        maker="a maker" if spoof else "",
        group=f"group {number // 2 % GROUPS}",
    )
    return replace(base, **({"groups": ()} | more))  # type: ignore[arg-type]


def _sound(rng: np.random.Generator, *, seconds: float = 0.6, rate: int = RATE) -> np.ndarray:
    """Return a tone with noise whose level and pitch vary as widely as speakers do."""
    time = np.arange(int(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * rng.uniform(100, 400) * time) * (1 + np.sin(2 * np.pi * 4 * time))
    return (rng.uniform(0.05, 0.3) * tone + 0.01 * rng.normal(size=time.size)).astype(np.float32)


def _audited(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Audit:
    """Audit a set in which `change` happens to the spoofs alone."""
    rng = np.random.default_rng(8)
    items = [_item(number) for number in range(COUNT)]
    facts = []
    for item in items:
        samples = _sound(rng, seconds=float(rng.uniform(0.5, 0.8)))
        samples = change(samples, rng) if item.spoof else samples
        facts.append(measures(Audio(samples=np.clip(samples, -1, 1).astype(np.float32)[None], rate=RATE)))
    return confounds(items, facts)


def _lowpassed(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(samples)
    spectrum[int(spectrum.size * 0.55) :] = 0
    return np.fft.irfft(spectrum, samples.size) + 1e-9 * rng.normal(size=samples.size)


CONFOUNDS: dict[str, tuple[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]]] = {
    "loudness": ("level", lambda x, _: x * 0.3),
    "silence before": ("silence before", lambda x, r: np.concatenate([np.zeros(int(r.uniform(1500, 4000))), x])),
    "silence after": ("silence after", lambda x, r: np.concatenate([x, np.zeros(int(r.uniform(1500, 4000)))])),
    "length": ("length", lambda x, _: np.concatenate([x, x])),
    "bandwidth": ("bandwidth", _lowpassed),
    "resolution": ("resolution", lambda x, _: np.round(x * 128) / 128),
    "noise floor": ("noise floor", lambda x, r: x + 0.05 * r.normal(size=x.size)),
    "offset": ("offset", lambda x, _: x + 0.02),
}


@pytest.mark.parametrize("planted", CONFOUNDS)
def test_a_planted_confound_is_found_and_named(planted: str) -> None:
    fact, change = CONFOUNDS[planted]
    audit = _audited(change)
    assert not audit.clean
    named = [one.fact for one in audit.facts if one.guilty]
    assert f"measured: {fact}" in named
    assert audit.together.value > 0.9


def test_a_clean_set_passes() -> None:
    audit = _audited(lambda samples, _: samples)
    assert audit.clean
    assert audit.together.low < 0.5 < audit.together.high
    assert audit.shuffled.low < 0.5 < audit.shuffled.high


def test_shuffled_labels_come_out_at_chance_even_on_a_confounded_set() -> None:
    audit = _audited(CONFOUNDS["loudness"][1])
    assert audit.shuffled.low < 0.5 < audit.shuffled.high


@pytest.mark.parametrize(
    ("planted", "guilty"), [("rate", "declared: sample rate"), ("codec", "declared: container is mp3")]
)
def test_a_confound_in_the_headers_is_found(planted: str, guilty: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    items = []
    for number in range(40):
        spoof = number % 2 == 1
        rate = 24_000 if planted == "rate" and spoof else RATE
        container = "mp3" if planted == "codec" and spoof else "wav"
        path = tmp_path / f"{number}.{container}"
        path.write_bytes(encode_audio(Audio(samples=_sound(rng, rate=rate)[None], rate=rate), container))
        items.append(_item(number, path=path))
    looks = looked(items, prints=False)
    audit = confounds(items, [one.facts for one in looks if one.facts is not None])
    assert guilty in [one.fact for one in audit.facts if one.guilty]
    assert audit.declared is not None
    assert audit.declared.value > 0.95


def test_pictures_give_away_quality_size_and_progressive_coding(tmp_path: Path) -> None:
    from io import BytesIO

    from PIL import Image

    pixels = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
    facts = {}
    for name, options in {"fine": {"quality": 95}, "coarse": {"quality": 30, "progressive": True}}.items():
        data = BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", **options)
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(data.getvalue())
        facts[name] = facts_of(str(path)).values
    assert facts["fine"]["declared: coding"] == "baseline"
    assert facts["coarse"]["declared: coding"] == "progressive"
    assert facts["coarse"]["declared: quantiser"] > facts["fine"]["declared: quantiser"]  # type: ignore[operator]
    assert facts["coarse"]["measured: block edges"] > facts["fine"]["measured: block edges"]  # type: ignore[operator]
    assert facts["fine"]["measured: width"] == 160


def test_too_few_groups_and_missing_facts_are_said() -> None:
    items = [_item(number, group="one") for number in range(10)]
    facts = [Facts(values={"measured: level": float(number)}) for number in range(10)]
    with pytest.raises(CorpusError, match="as many groups"):
        confounds(items, facts)
    with pytest.raises(CorpusError, match="expected facts for each of 10 items, got 3"):
        confounds(items, facts[:3])
    with pytest.raises(CorpusError, match="facts that differ"):
        confounds([_item(number) for number in range(40)], [Facts(values={"a": 1.0})] * 40)


def test_the_area_agrees_with_scikit_learn(rng: np.random.Generator) -> None:
    from sklearn.metrics import roc_auc_score

    scores, spoof = rng.integers(0, 9, 200), rng.random(200) < 0.4
    found = area(scores, spoof, [str(i // 4) for i in range(200)])
    assert found.value == pytest.approx(roc_auc_score(spoof, scores), abs=1e-12)
    assert found.low < found.value < found.high


def _split(items: list[Item], *, where: Callable[[int], str]) -> list[Item]:
    return [replace(item, split=where(number)) for number, item in enumerate(items)]


def test_a_split_by_groups_is_clean() -> None:
    items = _split(
        [_item(number) for number in range(COUNT)], where=lambda n: "test" if n // 2 % GROUPS < 5 else "train"
    )
    found = leaks(items)
    assert found.clean
    assert found.contaminated == {"test": 0.0, "train": 0.0}


def test_a_person_on_both_sides_is_found_even_as_the_second_face() -> None:
    items = _split([_item(number, group=f"own {number}") for number in range(4)], where=lambda n: "train")
    items.append(_item(9, group="own 9", groups=("own 9", "own 2"), split="test"))
    found = leaks(items)
    assert [(leak.sort, leak.what, leak.sides) for leak in found.found] == [("group", "own 2", ("test", "train"))]
    assert found.contaminated == {"test": 1.0, "train": 0.25}


def test_a_copy_on_both_sides_and_one_file_under_two_labels_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"the same bytes")
    digest = file_sha256(path)
    pair = [
        _item(0, group="a", sha256=digest, split="train"),
        _item(1, group="b", sha256=digest, split="test"),
    ]
    assert {leak.sort for leak in leaks(pair).found} == {"copy", "two labels"}


def _scene(seed: int) -> np.ndarray:
    """Return a made picture with shapes, so that it has something to be recognised by."""
    import cv2

    rng = np.random.default_rng(seed)
    picture = np.full((240, 320, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(25):
        centre, axes = (int(rng.integers(320)), int(rng.integers(240))), tuple(int(a) for a in rng.integers(8, 60, 2))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, rng.integers(0, 255, 3).tolist(), -1)
    return picture


def test_a_picture_in_another_size_and_encoding_on_the_other_side_is_found(tmp_path: Path) -> None:
    import cv2

    pictures = [_scene(seed) for seed in range(12)]
    pictures.append(np.asarray(cv2.resize(pictures[3], (200, 150), interpolation=cv2.INTER_AREA), np.uint8))
    items = []
    for number, pixels in enumerate(pictures):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(encode_image(pixels, "jpeg", quality=40 if number == 12 else 95))
        items.append(_item(number, path=path, group=f"own {number}", split="test" if number >= 8 else "train"))
    looks = looked(items, jobs=1)
    near = near_duplicates([one.print for one in looks])
    assert [(one.first, one.second) for one in near] == [(3, 12)]
    (leak,) = leaks(items, near=near).found
    assert leak.sort == "near-duplicate"
    assert leak.items == ("item-3", "item-12")
    together = clustered(items, near)
    assert together[3].group == together[12].group
    assert len({item.group for item in together}) == 12


def test_a_recording_at_another_rate_is_a_near_duplicate_and_another_one_is_not() -> None:
    rng = np.random.default_rng(1)
    first, other = (_phrase(rng) for _ in range(2))
    from assay.media.audio import resample

    again = Audio(samples=np.asarray(0.5 * resample(first, RATE, 11_025), np.float32)[None], rate=11_025)
    sounds = [Audio(samples=x[None], rate=RATE) for x in (first, other)] + [again]
    near = near_duplicates([fingerprint(sound) for sound in sounds])
    assert [(one.first, one.second) for one in near] == [(0, 2)]


def _phrase(rng: np.random.Generator) -> np.ndarray:
    """Return four seconds of syllables of different pitch, timbre and length."""
    parts = []
    while sum(part.size for part in parts) < 4 * RATE:
        time = np.arange(int(rng.uniform(0.08, 0.3) * RATE)) / RATE
        pitch = rng.uniform(90, 300)
        tones = sum(rng.random() * np.sin(2 * np.pi * pitch * k * time) for k in range(1, 12))
        parts += [0.05 * np.hanning(time.size) * tones, np.zeros(int(rng.uniform(0, 0.1) * RATE))]
    return np.concatenate(parts)[: 4 * RATE].astype(np.float32)


def test_flat_pictures_resemble_nothing() -> None:
    flat = [fingerprint(Still(pixels=np.full((64, 64, 3), grey, np.uint8))) for grey in (100, 101)]
    assert near_duplicates(flat) == ()


def test_an_unreadable_file_is_told_and_not_dropped(tmp_path: Path) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF....WAVE")
    (one,) = looked([_item(0, path=path)])
    assert one.facts is None
    assert "does not open" in one.why


def _corpus(folder: Path, *, louder: float) -> Path:
    """Write a plain corpus of 40 sounds by as many people; spoofs are `louder` times as loud."""
    rng = np.random.default_rng(6)
    for number in range(40):
        spoof = number % 2 == 1
        place = folder / ("fake/maker" if spoof else "real") / f"person-{number}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        samples = 0.02 * rng.uniform(0.8, 1.2) * rng.normal(size=8000) * (louder if spoof else 1.0)
        sound = Audio(samples=np.clip(samples, -1, 1).astype(np.float32)[None], rate=RATE)
        place.write_bytes(encode_audio(sound, "wav"))
    return folder


@pytest.mark.parametrize(("louder", "code"), [(1.0, 0), (4.0, 1)])
def test_the_verb_says_guilty_and_ends_with_one_only_where_something_is(
    louder: float, code: int, tmp_path: Path, run: Callable[..., object]
) -> None:
    said = run("data", "audit", "--jobs", 1, _corpus(tmp_path / "corpus", louder=louder))
    assert said.code == code, said.out  # type: ignore[attr-defined]
    assert ("GUILTY      measured: level" in said.out) == (code == 1)  # type: ignore[attr-defined]
    assert "audio: 40 files looked at, 0 could not be read" in said.out  # type: ignore[attr-defined]


def test_a_look_travels_from_the_process_that_looked(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_image(_scene(1), "jpeg"))
    (one,) = looked([_item(1, path=path)], prints=False, jobs=1)
    assert one.facts is not None
    there = copy.deepcopy(one)  # by the same road as a pool of processes
    assert dict(there.facts.values) == dict(one.facts.values)
