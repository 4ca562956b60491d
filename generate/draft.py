"""Making drafts: consent is asked first, then the engine runs; what comes back is in memory and cannot save itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..media.asset import Asset
from ..media.audio import Audio
from ..media.decode import decode_audio, decode_image, stream_frames
from ..media.errors import InputError
from ..media.video import Film, Frame
from .consent import ConsentBook, file_sha256
from .interface import Draft, Scope, Source

if TYPE_CHECKING:
    from ..media.image import Still
    from .face import FaceEngine, Who


def clone_voice(
    text: str,
    reference: Path,
    *,
    subject: str,
    book: ConsentBook,
    purpose: str,
    now: datetime,
    seed: int,
    engine: str = "hibari-world",
) -> Draft:
    """Return speech that says `text` in the voice of `subject`, as it sounds in the file `reference`.

    Raises `ConsentError`, before anything is made, unless `subject` consents to have this very file cloned for
    `purpose`; `InputError`, `UnreadableMedia` or `NothingToExamine` if the file is no sound.
    """
    source = Source(path=reference, relationship="inputTo", subject=subject, sha256=file_sha256(reference))
    _clear((source,), Scope.VOICE_CLONE, book, purpose, now)
    from .voice import VoiceRequest, voice_engine

    maker = voice_engine(engine)
    audio = maker.speak(VoiceRequest(text=text, reference=decode_audio(_opened(source)), seed=seed))
    return Draft(
        media=audio,
        scope=Scope.VOICE_CLONE,
        purpose=purpose,
        source_type="trainedAlgorithmicMedia" if maker.trained else "algorithmicMedia",
        engine=f"{maker.name}/{maker.version}",
        actions=("c2pa.created",),
        sources=(source,),
        settings={"seed": str(seed)},
    )


def swap_face(
    target: Path,
    source: Path,
    *,
    face_of: str,
    footage_of: tuple[str, ...],
    book: ConsentBook,
    purpose: str,
    now: datetime,
    engine: str = "landmark-swap",
    who: Who = "largest",
) -> Draft:
    """Return the picture or film `target` with the face that the picture `source` shows on whom `who` means.

    `face_of` is whose face is put in, `footage_of` everybody who can be recognised in `target`. A film is made frame
    by frame, when it is published. Raises `ConsentError`, before anything is made, unless each of them consents to
    `purpose` with that very file; `GenerationError` if there is no face to put in or to replace.
    """
    face = Source(path=source, relationship="componentOf", subject=face_of, sha256=file_sha256(source))
    sha256 = file_sha256(target)
    people = tuple(Source(path=target, relationship="parentOf", subject=one, sha256=sha256) for one in footage_of)
    if not people:
        msg = "a face swap needs to know whose footage it changes: name everybody who can be recognised in it"
        raise InputError(msg)
    _clear((*people, face), Scope.FACE_SWAP, book, purpose, now)
    from .face import engine as face_engine

    maker = face_engine(engine)
    given = decode_image(_opened(face))
    return Draft(
        media=_swapped(_opened(people[0]), given, maker, who),
        scope=Scope.FACE_SWAP,
        purpose=purpose,
        source_type="compositeWithTrainedAlgorithmicMedia" if maker.trained else "compositeSynthetic",
        engine=f"{maker.name}/{maker.version}",
        actions=("c2pa.opened", "c2pa.placed", "c2pa.edited"),
        sources=(*people, face),
        settings={"who": str(who)},
    )


def _clear(sources: tuple[Source, ...], scope: Scope, book: ConsentBook, purpose: str, now: datetime) -> None:
    """Raise `ConsentError` unless everybody consents to this use of these files."""
    for source in sources:
        book.require(source.subject, scope, purpose=purpose, source_sha256=source.sha256, now=now)


def _opened(source: Source) -> Asset:
    """Return the file, which must be the one that was consented to."""
    asset = Asset.open(source.path)
    if asset.sha256 != source.sha256:
        msg = f"{str(source.path)!r} changed while it was read: try again"
        raise InputError(msg)
    return asset


def _swapped(target: Asset, given: Still, maker: FaceEngine, who: Who) -> Still | Film:
    if target.image is not None:
        if target.image.frames > 1:
            msg = f"expected one picture or a film, got {target.image.frames} pictures in a {target.container.name}"
            raise InputError(msg)
        return maker.swap_still(decode_image(target), given, who=who)
    if target.video is None or target.video.rate is None:
        msg = f"expected a picture or a film with a frame rate to put a face into, got {target.kind}"
        raise InputError(msg)

    def frames() -> Iterator[Frame]:
        return maker.swap_film(stream_frames(target), given, who=who)

    audio = None if target.audio is None else _from_first_frame(decode_audio(target), target.audio.start)
    return Film(frames=frames, rate=target.video.rate, audio=audio)


def _from_first_frame(audio: Audio, start: float) -> Audio:
    """Return `audio`, which began `start` seconds after the first frame, as it sounds from the first frame on."""
    shift = round(start * audio.rate)
    samples = np.pad(audio.samples, ((0, 0), (shift, 0))) if shift >= 0 else audio.samples[:, -shift:]
    return Audio(samples=np.ascontiguousarray(samples), rate=audio.rate)
