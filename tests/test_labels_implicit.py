"""Labels in metadata: content stays, other readers see them, signing leaves them, garbage is borne."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.media.audio import Audio
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.video import Frame
from assay.provenance.certs import ensure_credentials
from assay.provenance.labels import AIGC_KEYS, IPTC_BASE, Aigc, Disclosure, LabelError, read_labels, write_metadata
from assay.provenance.labels.carriers import CARRIERS, READ_ONLY
from assay.provenance.labels.implicit import read_found
from assay.provenance.sign import Action, Manifest, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from hypothesis import given, settings
from hypothesis import strategies as st

PICTURES = ("jpeg", "png", "webp", "gif", "tiff")
SOUNDS = ("wav", "flac", "mp3", "aac", "m4a", "ogg")
FILMS = ("mp4", "mov", "mkv", "webm", "avi")
ORDERS = ("mp4 fast start", "mp4 fragmented", "mp4 dash", "mp4 keys")
EMBEDDABLE = ("jpeg", "png", "webp", "gif", "tiff", "wav", "flac", "mp3", "m4a", "mp4", "mov", "avi")
AIGC = Aigc(
    label="1", content_producer="001191310000MA1FL0000X00001", produce_id="0123456789abcdef", reserved_1="a.b~c"
)
FIELDS = Disclosure(
    source_type=IPTC_BASE + "trainedAlgorithmicMedia",
    aigc=AIGC,
    provider='Bär & Söhne <Labor> "1"',
    system="assay",
    system_version="0.1",
    made=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
    content_id="urn:uuid:8f3c",
)


def film_bytes(path: Path, codec: str, pictures: list[np.ndarray[Any, Any]], **options: str) -> bytes:
    import av

    with av.open(str(path), "w", options=options) as target:
        stream = target.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return path.read_bytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of every container that labels can be written into, and mp4 with its boxes in other orders."""
    rng, folder = np.random.default_rng(7), tmp_path_factory.mktemp("films")
    picture = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    sound = Audio(samples=(0.1 * np.sin(np.arange(24_000) * 0.05)).astype(np.float32)[None], rate=48_000)
    frames = [Frame(index=i, time=i / 25, image=np.roll(picture, i, axis=1)) for i in range(12)]
    made = {name: encode_image(picture, name) for name in ("jpeg", "png", "webp", "tiff")}
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "GIF")
    made["gif"] = buffer.getvalue()
    made |= {name: encode_audio(sound, name) for name in SOUNDS}
    made |= {name: encode_film(frames, sound, name, rate=Fraction(25)) for name in ("mp4", "mov", "mkv", "webm")}
    pictures = [frame.image for frame in frames]
    made["avi"] = film_bytes(folder / "a.avi", "mpeg4", pictures)
    made["mp4 fast start"] = film_bytes(folder / "a.mp4", "libx264", pictures, movflags="faststart")
    made["mp4 fragmented"] = film_bytes(folder / "a.mp4", "libx264", pictures, movflags="frag_keyframe+empty_moov")
    made["mp4 dash"] = film_bytes(folder / "a.mp4", "libx264", pictures, movflags="dash+global_sidx")
    made["mp4 keys"] = film_bytes(folder / "a.mp4", "libx264", pictures, movflags="use_metadata_tags")
    return made


def named(container: str) -> str:
    return container.partition(" ")[0]


def content(data: bytes, container: str) -> Any:
    """The pixels of a picture, the compressed packets of sound and film."""
    if container in PICTURES:
        from PIL import Image

        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).tobytes()
    import av

    with av.open(io.BytesIO(data)) as source:
        return [(packet.stream.index, packet.pts, bytes(packet)) for packet in source.demux() if packet.size]


def suffix(container: str) -> str:
    return {"jpeg": ".jpg", "tiff": ".tif"}.get(container, f".{container}")


def test_every_container_that_can_be_written_is_tried_here(files: dict[str, bytes]) -> None:
    assert {named(name) for name in files} == set(CARRIERS) - READ_ONLY


@pytest.mark.parametrize(
    "name", [*PICTURES, *SOUNDS, *FILMS, "mp4 fast start", "mp4 fragmented", "mp4 dash", "mp4 keys"]
)
def test_labels_come_back_and_the_content_stays(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    container = named(name)
    out = write_metadata(files[name], container, fields=FIELDS)
    assert content(out, container) == content(files[name], container)
    path = tmp_path / "no suffix"
    path.write_bytes(out)
    labels = {label.rule: label for label in read_labels(path)}
    assert labels["iptc"].fields["DigitalSourceType"] == FIELDS.source_type
    assert labels["iptc"].says == labels["gb45438"].says == "synthetic"
    assert {key: labels["gb45438"].fields[key] for key in AIGC_KEYS} == json.loads(AIGC.to_json())
    if container != "wav" or "xmp" in labels["sb942"].fields["carrier"]:
        assert labels["sb942"].fields["AIProvider"] == FIELDS.provider
        assert labels["sb942"].fields["AIMade"] == "2026-11-22T08:30:00+00:00"


@pytest.mark.parametrize("name", [*PICTURES, *SOUNDS, *FILMS, "mp4 fragmented"])
def test_writing_again_replaces_and_does_not_pile_up(name: str, files: dict[str, bytes]) -> None:
    container = named(name)
    once = write_metadata(files[name], container, fields=FIELDS)
    other = Disclosure(
        source_type=IPTC_BASE + "compositeSynthetic", aigc=Aigc(label="2", content_producer="p", produce_id="q")
    )
    twice = write_metadata(once, container, fields=other)
    back = {thing.key: thing.value for thing in read_found(twice, container)}
    assert back["DigitalSourceType"] == other.source_type
    assert json.loads(back["AIGC"])["Label"] == "2"
    assert {thing.value for thing in read_found(twice, container) if thing.key == "DigitalSourceType"} == {
        other.source_type
    }
    if container not in ("tiff",):  # its old directory stays behind as dead bytes
        again = write_metadata(once, container, fields=FIELDS)
        assert len(again) == len(once)
    assert back["AIProvider"] == FIELDS.provider


def test_other_programs_read_the_labels(files: dict[str, bytes]) -> None:
    import av
    from PIL import Image

    for container in ("jpeg", "png", "webp", "tiff"):  # Pillow does not show a GIF's
        picture = Image.open(io.BytesIO(write_metadata(files[container], container, fields=FIELDS)))
        picture.load()
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or picture.tag_v2[700]
        text = packet.decode() if isinstance(packet, bytes) else packet
        assert FIELDS.source_type in text, container
        assert "ContentProducer" in text, container
    for container in ("mp3", "flac", "m4a", "mp4", "mov"):
        with av.open(io.BytesIO(write_metadata(files[container], container, fields=FIELDS))) as source:
            assert json.loads(source.metadata["AIGC"]) == json.loads(AIGC.to_json()), container
            assert source.metadata["DigitalSourceType"] == FIELDS.source_type, container
    with av.open(io.BytesIO(write_metadata(files["ogg"], "ogg", fields=FIELDS))) as source:
        assert source.streams.audio[0].metadata["AIGC"] == AIGC.to_json()
    with av.open(io.BytesIO(write_metadata(files["wav"], "wav", fields=FIELDS))) as source:
        assert source.metadata["AIGC"] == AIGC.to_json()


@pytest.mark.parametrize("container", EMBEDDABLE)
def test_labels_survive_signing_and_the_signature_holds(
    container: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    credentials = ensure_credentials(tmp_path / "certs")
    plain, signed = tmp_path / f"plain{suffix(container)}", tmp_path / f"signed{suffix(container)}"
    plain.write_bytes(write_metadata(files[container], container, fields=FIELDS))
    made = Manifest(actions=(Action(name="c2pa.created", source_type="trainedAlgorithmicMedia"),))
    sign_file(plain, signed, made, credentials)
    assert verify(signed, trust=Trust(anchors_pem=(credentials.anchor_pem,))).state is State.TRUSTED
    assert read_labels(signed) == read_labels(plain)
    assert len(read_labels(signed)) == 3
    assert content(signed.read_bytes(), container) == content(files[container], container)


def test_other_metadata_survives() -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:mine="urn:mine#"'
        ' mine:a="&lt;1"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' Iptc4xmpExt:DigitalSourceType="{IPTC_BASE}digitalCapture">'
        '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Zürich</rdf:li></rdf:Alt></dc:title>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    info.add_text("Author", "somebody")
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    old = read_found(buffer.getvalue(), "png")
    assert [thing.value for thing in old] == [IPTC_BASE + "digitalCapture"]
    out = Image.open(io.BytesIO(write_metadata(buffer.getvalue(), "png", fields=FIELDS)))
    text = out.info["XML:com.adobe.xmp"]
    assert "Zürich" in text
    assert 'mine:a="&lt;1"' in text
    assert "digitalCapture" not in text
    assert out.info["Author"] == "somebody"


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"<x:xmpmeta", id="cut off"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', id="entities"),
        pytest.param(b"<a>" * 500 + b"</a>" * 500, id="nested deep"),
        pytest.param(b"<a/>", id="no RDF"),
    ],
)
def test_a_broken_packet_is_not_dropped_in_silence(packet: bytes) -> None:
    data = encode_image(np.zeros((8, 8, 3), np.uint8), "jpeg", metadata={"xmp": packet})
    assert read_found(data, "jpeg") == []
    with pytest.raises(LabelError, match="XMP"):
        write_metadata(data, "jpeg", fields=FIELDS)


def test_a_camera_original_is_told_as_captured(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(write_metadata(files["jpeg"], "jpeg", fields=Disclosure(source_type=IPTC_BASE + "digitalCapture")))
    assert [(label.rule, label.says) for label in read_labels(path)] == [("iptc", "captured")]


def test_the_aigc_object_is_found_in_comments_of_other_writers(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[270] = json.dumps({"AIGC": {"Label": "3", "ContentProducer": "x"}})
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    (label,) = read_labels(tmp_path / "a.jpg")
    assert (label.rule, label.says, label.fields["Label"]) == ("gb45438", "suspected", "3")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"produce_id": "has space"}, id="space"),
        pytest.param({"content_producer": 'quo"te'}, id="quotation mark"),
        pytest.param({"reserved_1": "back\\slash"}, id="backslash"),
        pytest.param({"propagate_id": "ümlaut"}, id="not ASCII"),
        pytest.param({"content_producer": ""}, id="no producer"),
        pytest.param({"label": "4"}, id="no such label"),
    ],
)
def test_what_the_chinese_standard_forbids_is_refused(wrong: dict[str, str]) -> None:
    values: dict[str, Any] = {"label": "1", "content_producer": "p", "produce_id": "q", **wrong}
    with pytest.raises(LabelError):
        Aigc(**values)


def test_a_source_type_out_of_the_vocabulary_is_refused() -> None:
    with pytest.raises(LabelError, match="vocabulary"):
        Disclosure(source_type="http://example.com/madeUp")


@pytest.mark.parametrize("container", ["heif", "avif", "mpeg", "nonsense"])
def test_what_cannot_hold_a_label_says_so(container: str) -> None:
    with pytest.raises(LabelError, match="cannot be written"):
        write_metadata(b"data", container, fields=FIELDS)


def test_avif_items_are_read() -> None:
    from assay.provenance.labels.xmp import merge_packet

    data = encode_image(np.zeros((16, 16, 3), np.uint8), "avif", metadata={"xmp": merge_packet(None, FIELDS)})
    assert {thing.key: thing.value for thing in read_found(data, "avif")} == FIELDS.values()


def test_no_media_has_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for data in (b"", b"0123456789", b"text"):
        path.write_bytes(data)
        assert read_labels(path) == ()


def test_a_long_film_is_not_read_whole(tmp_path: Path, files: dict[str, bytes]) -> None:
    labelled = write_metadata(files["mp4"], "mp4", fields=FIELDS)
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        place = labelled.index(b"moov") - 4
        file.write(labelled[:place])
        file.write(b"\0\0\0\1mdat" + (16 + (3 << 30)).to_bytes(8, "big"))
        file.seek(3 << 30, 1)  # a hole of 3 GiB
        file.write(labelled[place:])
    start = time.perf_counter()
    assert len(read_labels(path)) == 3
    assert time.perf_counter() - start < 0.5


@settings(max_examples=400, deadline=5000)
@given(data=st.data())
def test_mutated_files_give_labels_or_an_error_of_ours(data: st.DataObject, files: dict[str, bytes]) -> None:
    name = data.draw(st.sampled_from(sorted(files)))
    container = named(name)
    source = bytearray(write_metadata(files[name], container, fields=FIELDS))
    head = min(len(source), 4000)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, head - 1)) if data.draw(st.booleans()) else data.draw(st.integers(-head, -1))
        source[place] = data.draw(st.sampled_from([0, 1, 127, 128, 255, source[place] ^ 1]))
    cut = data.draw(st.integers(1, len(source)) | st.just(len(source)))
    mutant = bytes(source[:cut])
    assert isinstance(read_found(mutant, container), list)
    try:
        out = write_metadata(mutant, container, fields=FIELDS)
    except LabelError:
        return
    assert {thing.key for thing in read_found(out, container)} >= set(FIELDS.values())


@settings(max_examples=200, deadline=2000)
@given(st.sampled_from(sorted(CARRIERS)), st.binary(max_size=300))
def test_random_bytes_behind_any_magic_are_borne(container: str, tail: bytes) -> None:
    magic = {
        "jpeg": b"\xff\xd8\xff\xe1",
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "gif": b"GIF89a",
        "tiff": b"II*\0",
        "webp": b"RIFF\0\0\0\0WEBP",
        "wav": b"RIFF\0\0\0\0WAVE",
        "mp3": b"ID3\4\0\0\0\0\2\0",
        "flac": b"fLaC",
        "ogg": b"OggS\0\2",
        "mp4": b"\0\0\0\x10ftypisom\0\0\0\0",
        "mkv": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67",
    }
    assert isinstance(read_found(magic.get(container, b"") + tail, container), list)
