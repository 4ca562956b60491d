"""One look at a file that all detectors share: decoded once, in one pass, when first asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .asset import Asset, Kind
from .audio import Audio, mono_blocks
from .crop import Crop, Place, crop_of
from .decode import stream_frames, stream_mono
from .errors import AssayError
from .faces import Face, Followed, Mesh, Scenes, Track, finder, follow, mesher, track
from .image import Still
from .keeping import Kept
from .limits import Limits
from .sampling import Passing, Sampling
from .survey import Survey, Watcher, survey_file, survey_film
from .video import Film, Frame

FOLLOWED_SIDE = 1280
"""Pixels: the longer side to which the frames are scaled in which a face is followed."""

_T = TypeVar("_T")


class View:
    """A file, or media in memory, as detectors see it. Everything is made when first asked for, and then kept.

    Asking raises what decoding raises: `UnreadableMedia`, `LimitExceeded`, `WorkerFailed`, `NothingToExamine`.
    `timings` says how many seconds all that is kept took to make; `notes` what decoding changed or passed over, so far.
    Threads may share it: they wait for each other where they want the same.
    """

    def __init__(
        self, *, kind: Kind, asset: Asset | None, decoded: Survey | None, limits: Limits, sampling: Sampling
    ) -> None:
        """Use `View.open` or `View.of`."""
        self.kind, self.asset = kind, asset
        self._limits, self._sampling = limits, sampling
        self._decoded = decoded
        self._failure: AssayError | None = None
        self._kept = Kept()
        self._begun = threading.Event()
        self._film: Film | None = None
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls, source: str | os.PathLike[str] | Asset, *, limits: Limits | None = None, sampling: Sampling | None = None
    ) -> View:
        """Return a view of a file. Raises as `Asset.open`; decodes nothing yet."""
        limits = limits or Limits()
        asset = source if isinstance(source, Asset) else Asset.open(source, limits=limits)
        return cls(kind=asset.kind, asset=asset, decoded=None, limits=limits, sampling=sampling or Sampling())

    @classmethod
    def of(cls, media: Still | Audio | Film, *, limits: Limits | None = None, sampling: Sampling | None = None) -> View:
        """Return a view of media in memory, which has no file and no asset."""
        limits, sampling = limits or Limits(), sampling or Sampling()
        kind: Kind = "image" if isinstance(media, Still) else "audio" if isinstance(media, Audio) else "video"
        if isinstance(media, Still):
            decoded = Survey(still=media, notes=media.notes)
        elif isinstance(media, Audio):
            decoded = Survey(audio=media, seconds=media.seconds)
        else:
            decoded = survey_film(media, sampling=sampling)
        view = cls(kind=kind, asset=None, decoded=decoded, limits=limits, sampling=sampling)
        view._film = media if isinstance(media, Film) else None
        return view

    @property
    def still(self) -> Still | None:
        """The picture; `None` for sound and film."""
        return self._all().still if self.kind == "image" else None

    @property
    def audio(self) -> Audio | None:
        """The sound at its own rate and channels; `None` if there is none. Raises if there is one but it is broken."""
        return None if self.kind == "image" else self._part("sound").audio

    def listen(self, rate: int, *, block_seconds: float = 10.0) -> Iterator[Audio]:
        """Yield the whole sound, mono at `rate` hertz, block by block: of any length, in little memory; none without.

        What was decoded already is used; else, or if `Sampling.audio_seconds` cut it short, the file is read for it.
        """
        if self.kind == "image" or (self.asset is not None and self.asset.audio is None):
            return
        held = self._part("sound").audio if self._begun.is_set() or self._decoded is not None else None
        most = self._sampling.film_audio_seconds if self.kind == "video" else self._sampling.audio_seconds
        if self.asset is None or (held is not None and held.seconds < most):
            if held is not None:
                yield from mono_blocks(held, rate, seconds=block_seconds)
            return
        jobs = stream_mono(
            self.asset, rate=rate, block_seconds=block_seconds, limits=self._limits, on_note=lambda _note: None
        )
        with closing(cast("Generator[Audio]", jobs)):
            yield from jobs

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Frames spread over the film; empty for sound and pictures."""
        return self._part("film").frames if self.kind == "video" else ()

    @property
    def run(self) -> tuple[Frame, ...]:
        """Frames from the first on without a gap, as many as `Sampling.run_frames` asks for."""
        return self._part("film").run if self.kind == "video" else ()

    def watch(self, see: Callable[[Frame], None], *, passing: Passing) -> float:
        """Show `see` the frames that `passing` names, in order, and return the seconds that they stand for.

        They go by in the pass in which the view decodes if it has not done so yet, in one of their own if it has;
        whoever wants that watches first. Raises as `frames`.
        """
        if self.kind != "video":
            return 0.0
        with self._lock:  # a thread that decodes already does not show us what goes by: it is waited for
            first = self._decoded is None and self.asset is not None
            if first:
                self._all(watcher=(see, passing))
        if first:
            self._part("film")
        else:
            for frame in self._anew(max_side=passing.max_side):
                if passing.shows(frame.time):
                    see(frame)
        return passing.seconds_of(self._all().seconds or 0.0)

    def _anew(self, *, max_side: int | None) -> Iterator[Frame]:
        """Yield every frame of the film in a pass of its own."""
        if self.asset is None:
            yield from self._film.frames() if self._film is not None else ()
            return
        frames = stream_frames(self.asset, limits=self._limits, max_side=max_side, on_note=lambda _note: None)
        with closing(cast("Generator[Frame]", frames)):
            yield from frames

    @property
    def scenes(self) -> int:
        """How many scenes hard cuts divide the film into; 0 for sound and pictures."""
        return self._all().scenes if self.kind == "video" else 0

    @property
    def frame_count(self) -> int:
        """Frames that the film has, as decoded; 0 for sound and pictures."""
        return self._all().count if self.kind == "video" else 0

    @property
    def frame_rate(self) -> Fraction | None:
        """Average frames a second; `None` for sound and pictures, or if nothing says."""
        return self._all().rate if self.kind == "video" else None

    @property
    def seconds(self) -> float | None:
        """Length in seconds, as decoded; `None` for a picture."""
        return None if self.kind == "image" else self._all().seconds

    @property
    def audio_start(self) -> float:
        """Seconds after the first frame at which the first sample sounds (negative: before it)."""
        return self._all().audio_start if self.kind == "video" else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What decoding changed or passed over, as far as it was done."""
        return () if self._decoded is None else self._decoded.notes

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces of the picture, largest first; for a film, those of the first sampled frame that has any."""
        return next((faces for faces in self.frame_faces if faces), ())

    @property
    def frame_faces(self) -> tuple[tuple[Face, ...], ...]:
        """The faces of each sampled frame (of the picture, for a still), largest first."""
        images = self._images()
        return self._kept.once("faces", lambda: tuple(self._found(image) for image in images))

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The faces of a film, followed through the sampled frames; empty for pictures and sound."""
        if self.kind != "video":
            return ()
        faces = self.frame_faces
        return self._kept.once("tracks", lambda: self._tracked(faces))

    @property
    def meshes(self) -> tuple[Mesh | None, ...]:
        """The dense landmarks of each crop, in the order of `crops`; `None` where none fit."""
        places = self._places()
        return self._kept.once("meshes", lambda: tuple(mesher().mesh(image, face) for image, face, _ in places))

    def crops(self, size: int, *, margin: float = 0.15) -> tuple[Crop, ...]:
        """Return every face upright, `size` pixels a side: of a picture in the order of `faces`, of a film by track."""
        places = self._places()
        return self._kept.once(
            f"crops {size} {margin:g}", lambda: tuple(crop_of(found, size, margin) for found in places)
        )

    @property
    def followed(self) -> Followed | None:
        """The largest face through every frame of a stretch near the film's beginning; `None` if none can be followed.

        It is shared by all who measure movement and colour over time. The frames are decoded anew, as far as needed
        and at most `FOLLOWED_SIDE` pixels a side, and dropped one by one: a film of any length takes the same memory.
        """
        if self.kind != "video":
            return None
        return self._kept.once("followed", self._follow)

    def _follow(self) -> Followed | None:
        with closing(cast("Generator[Frame]", self._anew(max_side=FOLLOWED_SIDE))) as frames:
            return follow(frames, finder=finder(), mesher=mesher())

    def _images(self) -> Sequence[NDArray[np.uint8]]:
        if self.kind == "image":
            return [] if self.still is None else [self.still.pixels]
        return [frame.image for frame in self.frames]

    def _found(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        return tuple(finder().find(image)[: self._limits.faces])

    def _tracked(self, faces: Sequence[tuple[Face, ...]]) -> tuple[Track, ...]:
        scenes = Scenes()
        cuts = {frame.index for frame in self.frames if scenes.cut(frame.image)}
        seen = [(frame.index, frame.time, found) for frame, found in zip(self.frames, faces, strict=True)]
        return track(seen, cuts=cuts)

    def _places(self) -> list[Place]:
        """Return every face with the picture it is in and where that is."""
        if self.kind == "image":
            return [(self._images()[0], face, {}) for face in self.faces]
        tracks, images = self.tracks, {frame.index: frame.image for frame in self.frames}
        return [
            (images[seen.index], seen.face, {"index": seen.index, "time": seen.time, "track": one.id})
            for one in tracks
            for seen in one.sightings
        ]

    def _part(self, name: str) -> Survey:
        decoded = self._all()
        error = decoded.errors.get(name)
        if error is not None:
            raise error.with_traceback(None)
        return decoded

    def _all(self, *, watcher: Watcher | None = None) -> Survey:
        """Decode, once, shown to `watcher`; a file that failed fails again in the same way without another try."""
        with self._lock:
            self._begun.set()
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if self._decoded is None and self.asset is not None:
                try:
                    with self._kept.timed("decode"):
                        self._decoded = survey_file(
                            self.asset, limits=self._limits, sampling=self._sampling, watcher=watcher
                        )
                except AssayError as error:
                    self._failure = error
                    raise
            return self._decoded or Survey()

    def shared(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what `make` returned when it was first asked for under `name`: for what several detectors need."""
        return self._kept.once(name, make, stage=False)

    def known(self, name: str) -> object | None:
        """Return what `shared` keeps under `name`, or `None` if nobody asked for it."""
        return self._kept.known(name)

    @property
    def timings(self) -> dict[str, float]:
        """Seconds that everything took that is kept, by name."""
        return self._kept.timings

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of the view's own work: `decode`, `faces`, `tracks`, `meshes`, crops, `followed`, as far as done."""
        return self._kept.stages

    def spent(self) -> float:
        """Return the seconds of `stages` that the calling thread did: the rest of its time was its own."""
        return self._kept.spent()

    def wait_for_decoding(self, seconds: float | None = None) -> bool:
        """Wait until somebody begins to decode, so that it is his watcher who sees the film; whether that happened."""
        return self._begun.wait(seconds)


__all__ = ["Crop", "Sampling", "View"]
