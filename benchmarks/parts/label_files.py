"""Files for the lint's matrix: what `publish` writes, and the same file made without one element of its label."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from assay.generate.claim import claim
from assay.generate.consent import ConsentBook, Terms, file_sha256
from assay.generate.finish import STYLE, VISIBLE, Stamp, disclosure
from assay.generate.interface import Draft, Scope, Source
from assay.generate.publish import publish
from assay.media.audio import Audio
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.fingerprint import fingerprint
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View
from assay.provenance.certs import make_authority, make_leaf
from assay.provenance.durable import Store
from assay.provenance.labels import Disclosure, Plate, Shown, audible_notice, plate, write_metadata
from assay.provenance.marks import SHARED_KEY, audio_scheme, image_scheme, video_scheme
from assay.provenance.sign import sign_file
from assay.provenance.trust import Trust

CONTAINERS = {"jpg": "jpeg", "png": "png", "webp": "webp", "wav": "wav", "flac": "flac", "mp3": "mp3", "m4a": "m4a"}
CONTAINERS |= {"mp4": "mp4", "mov": "mov"}
SIZES = {"image": (512, 512), "video": (352, 288)}


@dataclass(frozen=True, kw_only=True)
class Removal:
    """One element taken away: what must fail then, (rule, element), and in which kinds of media it exists.

    `fields` changes the disclosure, `aigc` replaces text in the AIGC object; else the workshop knows the `name`.
    """

    name: str
    fails: frozenset[tuple[str, str]]
    kinds: tuple[str, ...] = ("image", "audio", "video")
    fields: dict[str, Any] | None = None
    aigc: tuple[str, str] | None = None


def kind_of(suffix: str) -> str:
    """Return the kind of media in files that end in `suffix`."""
    return "audio" if suffix in ("wav", "flac", "mp3", "m4a") else "video" if suffix in ("mp4", "mov") else "image"


class Workshop:
    """Keys, consents and a draft of each kind of media; makes published files and files that lack one element."""

    def __init__(self, folder: Path) -> None:
        """Set all up in `folder`."""
        self.folder, self.now = folder, datetime.now(UTC).replace(microsecond=0)
        make_authority(folder / "certs", organisation="Bench", now=self.now - timedelta(days=1))
        self.credentials = make_leaf(folder / "certs", organisation="Bench", now=self.now - timedelta(days=1))
        self.trust = Trust().add(self.credentials.anchor_pem)
        self.book = ConsentBook(folder / "book")
        self.source = folder / "alice.png"
        self.source.write_bytes(encode_image(self.photograph, "png"))
        terms = Terms(
            subject="alice",
            scopes=(Scope.FACE_SWAP, Scope.VOICE_CLONE),
            purpose="bench",
            references=(file_sha256(self.source),),
            expires=self.now + timedelta(days=1),
            statement="yes",
        )
        self.book.grant(terms, now=self.now)
        self._encoded: dict[tuple[str, str], bytes] = {}

    @cached_property
    def photograph(self) -> np.ndarray:
        """A public-domain photograph."""
        from skimage.data import astronaut

        return np.ascontiguousarray(astronaut())

    @cached_property
    def voice(self) -> Audio:
        """Seven seconds that move as speech does: harmonics of a gliding pitch, in syllables, with breath."""
        rate, rng = 24_000, np.random.default_rng(7)
        moment = np.arange(7 * rate) / rate
        phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * moment)) / rate
        tones = sum(np.sin(order * phase) / order for order in range(1, 25))
        syllables = np.clip(np.sin(2 * np.pi * 3.1 * moment) + 0.6, 0, None)
        sound = 0.1 * syllables * (tones + 0.3 * rng.standard_normal(moment.size))
        return Audio(samples=sound[None].astype(np.float32), rate=rate)

    def media(self, kind: str) -> Still | Audio | Film:
        """Return what is published of that kind."""
        if kind == "audio":
            return self.voice
        if kind == "image":
            return Still(pixels=self.photograph)

        def frames() -> Iterator[Frame]:
            for index in range(30):
                part = self.photograph[index : index + 288, 64 + index : 416 + index]
                yield Frame(index=index, time=index / 12, image=part)

        return Film(frames=frames, rate=Fraction(12))

    def draft(self, kind: str) -> Draft:
        """Return a draft of that kind, with consent."""
        source = Source(path=self.source, relationship="inputTo", subject="alice", sha256=file_sha256(self.source))
        return Draft(
            media=self.media(kind),
            scope=Scope.VOICE_CLONE if kind == "audio" else Scope.FACE_SWAP,
            purpose="bench",
            source_type="trainedAlgorithmicMedia",
            engine="bench/1",
            actions=("c2pa.created",),
            sources=(source,),
            settings={},
        )

    def published(self, suffix: str) -> Path:
        """Return a file that `publish` wrote."""
        out = self.folder / f"published.{suffix}"
        store = Store(self.folder / "store.sqlite")
        given: dict[str, Any] = {"book": self.book, "credentials": self.credentials, "trust": self.trust}
        rng = np.random.default_rng(zlib.crc32(suffix.encode()))
        publish(self.draft(kind_of(suffix)), out, **given, store=store, now=self.now, rng=rng)
        return out

    def without(self, removal: Removal, suffix: str) -> Path:
        """Return a file made as `publish` makes it, but for one element."""
        kind, container = kind_of(suffix), CONTAINERS[suffix]
        draft = self.draft(kind)
        stamp = Stamp(container=container, payload=0x1234567890ABCDEF, key=SHARED_KEY, made=self.now)
        change = removal.name if removal.name.startswith(("visible", "audible", "mark")) else ""
        data = self._encoded.setdefault((change, suffix), b"") or self._encode(change, suffix, stamp)
        self._encoded[change, suffix] = data
        fields = disclosure(draft, stamp, _shown(change, kind))
        data = write_metadata(data, container, fields=replace(fields, **(removal.fields or {})))
        data = _tampered(data, removal, fields, container)
        plain, out = self.folder / f"plain.{suffix}", self.folder / f"without.{suffix}"
        plain.write_bytes(data)
        if removal.name == "manifest stripped":
            return plain
        manifest = claim(draft, stamp, (), fingerprint(View.open(plain)))
        sign_file(plain, out, manifest, self.credentials, replace_existing=True)
        if removal.name == "manifest broken":
            _break(out)
        return out

    def _encode(self, change: str, suffix: str, stamp: Stamp) -> bytes:
        kind, container, marked = kind_of(suffix), CONTAINERS[suffix], change != "mark removed"
        media: Any = self.media(kind)
        if isinstance(media, Audio):
            sound = audible_notice(media)
            lead = sound.samples.shape[1] - media.samples.shape[1]
            cut = {"audible notice cut off": lead, "audible notice cut in half": lead // 2}.get(change, 0)
            sound = Audio(samples=sound.samples[:, cut:], rate=sound.rate)
            return encode_audio(audio_scheme().embed(sound, stamp.payload, stamp.key) if marked else sound, container)
        if isinstance(media, Still):
            drawn = _plate(change, "image")
            pixels = media.pixels if drawn is None else drawn.apply(media.pixels)
            return encode_image(image_scheme().embed(pixels, stamp.payload, stamp.key) if marked else pixels, container)
        frames: Iterator[Frame] = _labelled(media, change)
        embedded = video_scheme().embed(frames, stamp.payload, stamp.key) if marked else frames
        return encode_film(embedded, media.audio, container, rate=media.rate)


def _plate(change: str, kind: str) -> Plate | None:
    """Return the label that is put on, `None` where it is taken away."""
    wide, tall = SIZES[kind]
    if change == "visible text blanked":
        return None
    if change == "visible text too small":  # made for a picture of six tenths of the size
        return plate(wide * 6 // 10, tall * 6 // 10, VISIBLE, style=STYLE)
    drawn = plate(wide, tall, "AI MODIFIED" if change == "visible text in English alone" else VISIBLE, style=STYLE)
    if change == "visible text too faint":  # grey on grey
        colour = np.where(drawn.colour > 128, np.float32(150), np.float32(105))
        return replace(drawn, cover=np.ones_like(drawn.cover), colour=colour)
    return drawn


def _shown(change: str, kind: str) -> Shown | None:
    """Return what the metadata tells of the label; that of one that was taken away stays."""
    if kind == "audio":
        return None
    drawn = _plate(change, kind) or _plate("", kind)
    return None if drawn is None else Shown.of(drawn, size=SIZES[kind])


def _labelled(film: Film, change: str) -> Iterator[Frame]:
    drawn = _plate(change, "video")
    for frame in film.frames():
        bare = drawn is None or (change == "visible text shown 1 s" and frame.time >= 1.0)
        yield frame if drawn is None or bare else replace(frame, image=drawn.apply(frame.image))


def _tampered(data: bytes, removal: Removal, fields: Disclosure, container: str) -> bytes:
    """Return `data` with values in its metadata overwritten, length for length, which no writer of ours would do."""
    pairs: list[tuple[str, str]] = []
    if removal.aigc is not None and fields.aigc is not None:
        told = fields.aigc.to_json()
        pairs.append((told, told.replace(*removal.aigc)))
    if removal.name == "IPTC type missing":
        pairs.append((fields.source_type, ""))
    for old, new in pairs:
        before = data
        for escape in (str, lambda text: text.replace('"', "&quot;")):
            data = data.replace(escape(old).encode(), escape(new).ljust(len(escape(old))).encode())
        if data == before:
            msg = f"{old} is not in the {container} file"
            raise ValueError(msg)
    return _summed(data) if container == "png" and pairs else data


def _summed(data: bytes) -> bytes:
    """Return a PNG with the check sums of its chunks made anew."""
    out, here = bytearray(data), 8
    while here + 12 <= len(out):
        end = here + 8 + int.from_bytes(out[here : here + 4], "big")
        out[end : end + 4] = zlib.crc32(out[here + 4 : end]).to_bytes(4, "big")
        here = end + 4
    return bytes(out)


def _break(path: Path) -> None:
    """Change the time in the metadata, which the signature covers: the file stays readable."""
    data = path.read_bytes()
    stamp = b"+00:00"
    if stamp not in data:
        msg = f"{path.name} holds no time"
        raise ValueError(msg)
    data = data.replace(stamp, b"+01:00")
    path.write_bytes(_summed(data) if path.suffix == ".png" else data)
