"""The acts: each does one thing with the real machinery and returns what the page tells of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...detect.preview import preview_of
from ...eval.voice_quality import similarity
from ...generate import Draft, clone_voice, publish, swap_face
from ...generate.voice.hibari import HibariSynthesiser
from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_audio, decode_image
from ...media.encode import encode_image
from ...media.view import View
from ...provenance.marks import read_marks
from ...provenance.recover import recover
from ...provenance.verify import verify
from .cast import Cast, Member
from .stage import PURPOSE, Damaged, Look, Stage, Work

SENTENCE = "I have never said this sentence, and nobody should believe that I did."
# The largest file that the page carries so that it can be played.
PLAYED_BYTES = 6 * 1024**2


def clone(cast: Cast, stage: Stage, name: str) -> Work:
    """Clone the first voice and publish it."""
    voice = cast.voices[0]
    with stage.act("clone a voice"):
        draft = clone_voice(
            SENTENCE,
            voice.path,
            subject=voice.people[0],
            book=stage.book,
            purpose=PURPOSE,
            now=stage.now,
            seed=stage.seed,
        )
        work = _published(draft, "A voice that says what it never said", (voice,), stage.out / name, stage)
    with stage.act("judge the clone"):
        return replace(work, figures=_likeness(draft, voice))


def _likeness(draft: Draft, voice: Member) -> tuple[tuple[str, str], ...]:
    """Return how alike clone and speaker sound to an encoder that took no part, beside the un-cloned synthesiser."""
    reference = decode_audio(Asset.open(voice.path))
    plain = HibariSynthesiser().say(SENTENCE, seed=0)
    if not isinstance(draft.media, Audio) or plain is None:
        return ()
    cloned, before = similarity(reference, draft.media), similarity(reference, plain)
    said = f"{cloned:.2f} to the speaker (cosine of d-vectors, 1 is the same); the synthesiser alone has {before:.2f}"
    return (("likeness", said),)


def swap_photo(cast: Cast, stage: Stage, name: str) -> Work:
    """Put the second person's face into the first portrait and publish it."""
    with stage.act("swap a face in a photo"):
        return _swap(cast, cast.portraits[0], "A photo with another's face", stage.out / name, stage)


def swap_film(cast: Cast, stage: Stage, name: str) -> Work:
    """Put a portrait's face into the first film and publish it, with its sound."""
    with stage.act("swap a face in a film"):
        return _swap(cast, cast.films[0], "A film with another's face", stage.out / name, stage)


def _swap(cast: Cast, target: Member, title: str, out: Path, stage: Stage) -> Work:
    source = _other(cast, target)
    draft = swap_face(
        target.path,
        source.path,
        face_of=source.people[0],
        footage_of=target.people,
        book=stage.book,
        purpose=PURPOSE,
        now=stage.now,
        who="left" if target in cast.films else "largest",
    )
    return _published(draft, title, (target, source), out, stage)


def _other(cast: Cast, target: Member) -> Member:
    """Return a portrait of somebody who is not the first person of `target`."""
    return next(member for member in reversed(cast.portraits) if member.people[0] != target.people[0])


def _published(draft: Draft, title: str, sources: tuple[Member, ...], out: Path, stage: Stage) -> Work:
    published = publish(
        draft,
        out,
        book=stage.book,
        credentials=stage.credentials,
        trust=stage.trust,
        store=stage.store,
        ledger=stage.ledger,
        now=stage.now,
        rng=stage.rng,
    )
    captions = ("what was there", "whose face went in") if len(sources) > 1 else ("the voice",)
    looks = tuple(look(member.path, caption) for member, caption in zip(sources, captions, strict=True))
    return Work(title=title, sources=looks, made=look(out, "what was made of it"), published=published)


def look(path: Path, caption: str) -> Look:
    """Return how a file appears on the page; a sound or film small enough can be played there."""
    view = View.open(path)
    playable = view.kind != "image" and path.stat().st_size <= PLAYED_BYTES and path.suffix in _PLAYED
    return Look(
        name=path.name,
        caption=caption,
        preview=preview_of(view),
        media=path.read_bytes() if playable else None,
        mime=_PLAYED.get(path.suffix, ""),
    )


_PLAYED = {".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".mp4": "video/mp4"}


def strip(work: Work, stage: Stage) -> Damaged:
    """Re-encode the published photo as a platform would, which drops its manifest, and recover it by the mark."""
    with stage.act("strip a manifest and recover it"):
        still = decode_image(Asset.open(work.published.path))
        path = stage.out / "stripped-photo.jpg"
        path.write_bytes(encode_image(still.pixels, "jpeg", quality=80))
        marks = read_marks(View.open(path))
        return Damaged(
            look=look(path, "re-encoded as JPEG 80: no manifest, no metadata"),
            done="stripped copy",
            verification=verify(path, trust=stage.trust),
            recovered=recover(path, marks, stage.store, trust=stage.trust),
            mark_id=", ".join(f"{mark.payload:016x}" for mark in marks if mark.payload is not None),
        )


def tamper(work: Work, stage: Stage) -> Damaged:
    """Change one byte in the middle of the published sound."""
    with stage.act("tamper with a file"):
        data = bytearray(work.published.path.read_bytes())
        data[len(data) // 2] ^= 0x04
        path = stage.out / "tampered-voice.wav"
        path.write_bytes(data)
        return Damaged(
            look=look(path, "one bit of one sample flipped"),
            done="tampered copy",
            verification=verify(path, trust=stage.trust),
        )
