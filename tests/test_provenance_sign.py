"""Signing: every format round trips through two readers, a changed byte is caught, nothing half made is left."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.media.errors import InputError, UnreadableMedia
from assay.media.extent import Span
from assay.media.limits import Limits
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.context import c2pa_settings
from assay.provenance.issue import ALGORITHMS, Terms, issue_authority, issue_leaf
from assay.provenance.pem import certificate_pem, key_pem, load_key
from assay.provenance.sign import (
    Action,
    Ingredient,
    Manifest,
    SigningError,
    SoftBinding,
    sign_file,
)
from assay.provenance.trust import Trust
from assay.provenance.verification import State, Verification
from assay.provenance.verify import verify
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PICTURES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF", "gif": "GIF", "avif": "AVIF", "heic": "HEIF"}
SOUNDS = {"wav": "pcm_s16le", "mp3": "libmp3lame", "flac": "flac", "m4a": "aac", "opus": "libopus", "ogg": "libopus"}
FILMS = {"mp4": "libx264", "mov": "libx264", "avi": "mpeg4", "webm": "libvpx", "mkv": "libx264", "mpg": "mpeg1video"}
DETACHED = {"opus", "ogg", "webm", "mkv", "mpg"}
BOXES = {"mp4", "mov", "m4a", "avif", "heic"}  # ISO base media: another kind of hard binding
FORMATS = [*PICTURES, *SOUNDS, *FILMS, "svg"]
CREATED = Action(name="c2pa.created", source_type="trainedAlgorithmicMedia")
MADE = Manifest(title="a test", actions=(CREATED,))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return ensure_credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def trust(keys: Credentials) -> Trust:
    return Trust().add(keys.anchor_pem)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a small real file of a format; each is made once."""
    folder = tmp_path_factory.mktemp("samples")

    def give(suffix: str) -> Path:
        path = folder / f"sample.{suffix}"
        if not path.exists():
            path.write_bytes(make(suffix))
        return path

    return give


def make(suffix: str) -> bytes:
    if suffix == "svg":
        marks = "".join(f'<circle cx="{n}" cy="{n * 7 % 90}" r="3"/>' for n in range(90))
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90">{marks}</svg>'.encode()
    return picture(suffix) if suffix in PICTURES else stream(suffix)


def picture(suffix: str) -> bytes:
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    pixels = np.random.default_rng(1).integers(0, 255, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, PICTURES[suffix])
    return out.getvalue()


def stream(suffix: str) -> bytes:
    import av

    out = io.BytesIO()
    shape = {"m4a": "ipod", "mkv": "matroska", "mpg": "mpeg", "opus": "ogg"}.get(suffix, suffix)
    with av.open(out, "w", format=shape) as container:
        if suffix in FILMS:
            video = container.add_stream(FILMS[suffix], rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            for frame in frames():
                container.mux(video.encode(frame))
            container.mux(video.encode())
        else:
            audio = container.add_stream(SOUNDS[suffix], rate=48000)
            audio.layout = "mono"
            resampler = av.AudioResampler(format=audio.format, layout="mono", rate=48000, frame_size=audio.frame_size)
            for frame in (*resampler.resample(tone()), *resampler.resample(None)):
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return out.getvalue()


def frames() -> Iterator[object]:
    import av

    rng = np.random.default_rng(2)
    for number in range(10):
        frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64, 3), np.uint8), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        yield frame.reformat(format="yuv420p")


def tone() -> object:
    import av

    wave = np.random.default_rng(3).integers(-8000, 8000, 24000, np.int16)
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    return frame


def flip(path: Path, original: bytes) -> None:
    """Change one byte of content: one behind the middle of what was there before it was signed."""
    data = bytearray(path.read_bytes())
    middle = len(original) * 2 // 3
    at = data.find(original[middle : middle + 16])
    assert at > 0
    data[at + 4] ^= 1
    path.write_bytes(data)


def failed(verification: Verification) -> set[str]:
    return {code for check in verification.checks if check.outcome == "fail" for code in check.codes}


def other_reader(path: Path, keys: Credentials, sidecar: Path | None) -> str:
    """What c2pa-python says by itself."""
    import c2pa

    settings = c2pa_settings(keys.anchor_pem, limits=Limits())
    store = sidecar.read_bytes() if sidecar else None
    with (
        c2pa.Context.from_dict(settings) as context,
        path.open("rb") as file,
        c2pa.Reader("application/octet-stream" if sidecar else "", file, store, context=context) as reader,
    ):
        return str(reader.get_validation_state())


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_signed_file_is_trusted_by_both_readers_until_a_byte_changes(
    suffix: str, sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    source = sample(suffix)
    signed = sign_file(source, tmp_path / f"out.{suffix}", MADE, keys)
    assert (signed.sidecar is not None) == (suffix in DETACHED)
    found = verify(signed.path, trust=trust)
    assert (found.state, failed(found)) == (State.TRUSTED, set())
    assert found.facts["manifest"] == signed.label
    if suffix != "svg":  # which the library does not know by its bytes
        assert other_reader(signed.path, keys, signed.sidecar) == "Trusted"
    flip(signed.path, source.read_bytes())
    changed = verify(signed.path, trust=trust)
    kind = "bmffHash" if suffix in BOXES else "dataHash"
    assert changed.state is State.INVALID
    assert failed(changed) == {f"assertion.{kind}.mismatch"}


@pytest.mark.parametrize("suffix", [one for one in FORMATS if one != "svg"])
def test_a_copy_without_the_manifest_is_absent_not_invalid(
    suffix: str, sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    signed = sign_file(sample(suffix), tmp_path / f"out.{suffix}", MADE, keys)
    copy = tmp_path / f"copy.{suffix}"
    copy.write_bytes(again(signed.path, suffix))
    found = verify(copy, trust=trust)
    assert found.state is State.ABSENT
    assert "says nothing about the file" in found.checks[0].sentence


def again(path: Path, suffix: str) -> bytes:
    """Decode and encode once more, as every platform does."""
    import av
    import pillow_heif
    from PIL import Image

    out = io.BytesIO()
    if suffix in PICTURES:
        pillow_heif.register_heif_opener()
        with Image.open(path) as image:
            image.convert("RGB").save(out, PICTURES[suffix])
        return out.getvalue()
    with av.open(path) as old:
        for _ in old.decode():
            pass
    return stream(suffix)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_signs(algorithm: str, sample: Callable[[str], Path], tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority = issue_authority("Example", now=now, algorithm=algorithm)
    leaf = issue_leaf(authority, organisation="Example", now=now, terms=Terms(algorithm=algorithm))
    anchor = certificate_pem(authority.certificate)
    keys = Credentials(
        chain_pem=certificate_pem(leaf.certificate),
        key_pem=key_pem(leaf.key, None),
        anchor_pem=anchor,
        algorithm=algorithm,
    )
    signed = sign_file(sample("jpg"), tmp_path / "out.jpg", MADE, keys)
    assert verify(signed.path, trust=Trust().add(anchor)).state is State.TRUSTED


def test_all_that_a_manifest_says_is_read_back(
    sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    when = dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    manifest = Manifest(
        generator="Example",
        version="7",
        title="a title",
        actions=(
            Action(name="c2pa.created", source_type="compositeWithTrainedAlgorithmicMedia", when=when),
            Action(name="c2pa.placed", description="the face"),
            Action(name="c2pa.watermarked.unbound", parameters={"com.example.scheme": "stdm"}),
        ),
        ingredients=(
            Ingredient(path=sample("png"), relationship="componentOf", title="face"),
            Ingredient(path=sample("wav"), relationship="inputTo"),
        ),
        soft_bindings=(SoftBinding(alg="com.example.mark", value="00ff", span=Span(start=0.5, end=2.0)),),
        training_mining={"cawg.ai_training": "notAllowed"},
        assertions={"com.example.consent": {"ids": ["one"]}},
    )
    facts = verify(sign_file(sample("jpg"), tmp_path / "out.jpg", manifest, keys).path, trust=trust).facts
    assert facts["claim_generator"] == "Example/7"
    assert facts["title"] == "a title"
    assert [action["action"] for action in facts["actions"]] == [action.name for action in manifest.actions]
    assert facts["actions"][0]["source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert facts["actions"][0]["when"] == "2026-11-22T11:00:00Z"
    assert [(one["title"], one["relationship"]) for one in facts["ingredients"]] == [
        ("face", "componentOf"),
        ("sample.wav", "inputTo"),
    ]
    scope = {"timespan": {"start": 500, "end": 2000}}
    assert facts["soft_bindings"] == [{"alg": "com.example.mark", "value": "00ff", "scope": scope}]
    assert facts["training_mining"] == {"cawg.ai_training": "notAllowed"}
    assert "com.example.consent" in facts["assertions"]


@pytest.mark.parametrize("suffix", ["jpg", "opus"])
def test_a_manifest_that_is_there_already_becomes_the_parent(
    suffix: str, sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    first = sign_file(sample(suffix), tmp_path / f"first.{suffix}", MADE, keys)
    edited = Manifest(actions=(Action(name="c2pa.opened"), Action(name="c2pa.edited")))
    second = sign_file(first.path, tmp_path / f"second.{suffix}", edited, keys)
    found = verify(second.path, trust=trust)
    assert found.state is State.TRUSTED
    parent = found.facts["ingredients"][0]
    assert (parent["relationship"], parent["state"], parent["manifest"]) == ("parentOf", "trusted", first.label)
    with pytest.raises(SigningError, match=r"carries a manifest already"):
        sign_file(first.path, tmp_path / f"third.{suffix}", MADE, keys)


def test_without_actions_a_file_is_opened_as_it_is(
    sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    found = verify(sign_file(sample("png"), tmp_path / "out.png", Manifest(), keys).path, trust=trust)
    assert [action["action"] for action in found.facts["actions"]] == ["c2pa.opened"]
    assert found.facts["ingredients"][0]["state"] == "absent"


def test_a_sidecar_can_be_asked_for_and_refused(
    sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    signed = sign_file(sample("mp3"), tmp_path / "out.mp3", MADE, keys, sidecar="always")
    assert signed.sidecar is not None
    alone = verify(signed.path, trust=trust)
    assert (alone.state, "when it is named" in alone.checks[0].sentence) == (State.ABSENT, True)
    assert verify(signed.path, trust=trust, sidecar=signed.sidecar).state is State.TRUSTED
    assert verify(signed.path, trust=trust, sidecar=signed.manifest_bytes).state is State.TRUSTED
    with pytest.raises(SigningError, match="cannot be put into"):
        sign_file(sample("ogg"), tmp_path / "out.ogg", MADE, keys, sidecar="never")


def test_nothing_is_overwritten_unless_asked(
    sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    path = tmp_path / "one.jpg"
    path.write_bytes(sample("jpg").read_bytes())
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists"):
        sign_file(path, path, MADE, keys)
    assert path.read_bytes() == before
    sign_file(path, path, MADE, keys, replace_existing=True)
    assert verify(path, trust=trust).state is State.TRUSTED


def test_a_failure_leaves_nothing_behind(sample: Callable[[str], Path], keys: Credentials, tmp_path: Path) -> None:
    stranger = ensure_credentials(tmp_path / "keys")
    mixed = Credentials(
        chain_pem=keys.chain_pem, key_pem=stranger.key_pem, anchor_pem=keys.anchor_pem, algorithm="es256"
    )
    foreign = Credentials(
        chain_pem=keys.chain_pem, key_pem=keys.key_pem, anchor_pem=stranger.anchor_pem, algorithm="es256"
    )
    folder = tmp_path / "out"
    folder.mkdir()
    for bad in (mixed, foreign):
        for suffix in ("jpg", "ogg"):
            with pytest.raises(SigningError):
                sign_file(sample(suffix), folder / f"out.{suffix}", MADE, bad)
    with pytest.raises(SigningError, match="time stamp authority"):
        sign_file(sample("jpg"), folder / "out.jpg", MADE, keys, timestamp_url="http://127.0.0.1:9/")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"plain text", b"\0" * 100])
def test_what_is_no_media_is_not_signed(content: bytes, keys: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableMedia, match="expected"):
        sign_file(path, tmp_path / "out.mp4", MADE, keys)


@pytest.mark.parametrize(
    ("build", "match"),
    [
        pytest.param(lambda: Action(name="c2pa.made"), "expected a C2PA action", id="unknown action"),
        pytest.param(lambda: Action(name="c2pa.created"), "needs a source_type", id="created without source"),
        pytest.param(lambda: Action(name="c2pa.edited", source_type="magic"), "digitalSourceType", id="source type"),
        pytest.param(lambda: Action(name="c2pa.watermarked.bound"), "relatedAssertions", id="bound to nothing"),
        pytest.param(
            lambda: Action(name="c2pa.edited", when=dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - that is the fault
            "time zone",
            id="time without zone",
        ),
        pytest.param(lambda: Manifest(actions=(Action(name="c2pa.edited"),)), "first action", id="first action"),
        pytest.param(lambda: Manifest(training_mining={"ai": "no"}), "training and mining", id="training"),
        pytest.param(lambda: Manifest(assertions={"c2pa.own": {}}), "label under your own", id="label"),
        pytest.param(
            lambda: Manifest(actions=(CREATED, Action(name="c2pa.placed"))).definition(),
            "componentOf ingredient",
            id="placed nothing",
        ),
        pytest.param(
            lambda: Manifest(actions=(CREATED,), assertions={"com.example.big": "x" * 2**20}).definition(),
            "below",
            id="too large",
        ),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_not_built(build: Callable[[], object], match: str) -> None:
    with pytest.raises(SigningError, match=match):
        build()


def test_a_key_that_stays_in_its_token_signs_through_a_callback(
    sample: Callable[[str], Path], keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    private = load_key(keys.key_pem, None, "the key")
    assert isinstance(private, ec.EllipticCurvePrivateKey)

    def token(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def broken(_: bytes) -> bytes:
        msg = "the token was pulled out"
        raise OSError(msg)

    apart = replace(keys, key_pem=b"", sign=token)
    assert verify(sign_file(sample("jpg"), tmp_path / "out.jpg", MADE, apart).path, trust=trust).state is State.TRUSTED
    with pytest.raises(SigningError, match="pulled out") as caught:
        sign_file(sample("png"), tmp_path / "out.png", MADE, replace(keys, key_pem=b"", sign=broken))
    assert isinstance(caught.value.__cause__, OSError)
    assert not (tmp_path / "out.png").exists()
