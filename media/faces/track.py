"""Linking the faces of successive frames into people, and noticing where a film cuts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sampling import Cuts
from .interface import Face, Sighting, Track

_LEAST = 0.35
"""Smallest likeness at which two sightings are one face; the same box scores 2."""


@dataclass(slots=True)
class _Trail:
    """A face being followed: its last box (centre x, y, width, height), its speed in pixels a second, its age."""

    id: int
    time: float
    box: NDArray[np.float64]
    speed: NDArray[np.float64]
    missed: int = 0

    def expected(self, time: float) -> NDArray[np.float64]:
        """Return the box expected at `time`: it moves on for a quarter second at most, since heads turn back."""
        box = self.box.copy()
        box[:2] += self.speed * min(time - self.time, 0.25)
        return box

    def follow(self, time: float, box: NDArray[np.float64]) -> None:
        """Take the box seen at `time` as the newest."""
        step = time - self.time
        seen = (box[:2] - self.box[:2]) / step if 0 < step <= 0.5 else np.zeros(2)
        self.speed = 0.5 * self.speed + 0.5 * seen
        self.time, self.box, self.missed = time, box, 0


class Linker:
    """Follows faces frame by frame; holds only the newest sighting of each."""

    def __init__(self, *, gap_seconds: float = 1.0, gap_frames: int = 2) -> None:
        """Let a face be unseen for `gap_seconds` or `gap_frames` looks, whichever is longer, and still be the same."""
        self._gap_seconds, self._gap_frames = gap_seconds, gap_frames
        self._trails: list[_Trail] = []
        self._next = 0

    def link(self, time: float, faces: Sequence[Face], *, cut: bool = False) -> list[int]:
        """Return the track id of each of `faces`, seen at `time` seconds; `cut` says that a new scene begins here."""
        if cut:
            self._trails = []
        boxes = [_box(face) for face in faces]
        ids = [-1] * len(faces)
        for trail, number in self._matches(time, boxes):
            trail.follow(time, boxes[number])
            ids[number] = trail.id
        for trail in self._trails:
            trail.missed += trail.id not in ids
        self._trails = [t for t in self._trails if t.missed <= self._gap_frames or time - t.time <= self._gap_seconds]
        for number, box in enumerate(boxes):
            if ids[number] < 0:
                ids[number] = self._next
                self._trails.append(_Trail(self._next, time, box, np.zeros(2)))
                self._next += 1
        return ids

    def _matches(self, time: float, boxes: Sequence[NDArray[np.float64]]) -> list[tuple[_Trail, int]]:
        """Return pairs of trail and face, the likest first, each used once; ties go to the older trail."""
        pairs = sorted(
            (-_likeness(trail.expected(time), box), place, number)
            for place, trail in enumerate(self._trails)
            for number, box in enumerate(boxes)
        )
        taken: set[int] = set()
        used: set[int] = set()
        matched = []
        for unlike, place, number in pairs:
            if -unlike >= _LEAST and place not in taken and number not in used:
                taken.add(place)
                used.add(number)
                matched.append((self._trails[place], number))
        return matched


def track(frames: Iterable[tuple[int, float, Sequence[Face]]], *, cuts: Collection[int] = ()) -> tuple[Track, ...]:
    """Return the tracks through `frames`, each an index, a time in seconds and its faces, in order of time.

    `cuts` are the indices of frames that begin a new scene; no track goes across one.
    """
    linker = Linker()
    found: dict[int, list[Sighting]] = {}
    for index, time, faces in frames:
        for number, face in zip(linker.link(time, faces, cut=index in cuts), faces, strict=True):
            found.setdefault(number, []).append(Sighting(index=index, time=time, face=face))
    return tuple(Track(id=number, sightings=tuple(seen)) for number, seen in sorted(found.items()))


class Scenes(Cuts):
    """Notices hard cuts between pictures in colours, at 32 x 18 pixels."""

    def cut(self, image: NDArray[np.uint8]) -> bool:
        """Return whether `image` (uint8 `[h, w, 3]`) begins a new scene; the first picture does not."""
        import cv2

        small = cv2.resize(image, (32, 18), interpolation=cv2.INTER_AREA)
        return self.step(np.asarray(small, dtype=np.float32).mean(axis=2) / 255.0)


def _box(face: Face) -> NDArray[np.float64]:
    region = face.region
    return np.array([region.left + region.width / 2, region.top + region.height / 2, region.width, region.height])


def _likeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return 0..2: overlap plus nearness, both less where the sizes differ."""
    low = np.maximum(first[:2] - first[2:] / 2, second[:2] - second[2:] / 2)
    high = np.minimum(first[:2] + first[2:] / 2, second[:2] + second[2:] / 2)
    shared = float(np.prod(np.clip(high - low, 0.0, None)))
    areas = float(np.prod(first[2:])), float(np.prod(second[2:]))
    overlap = shared / (areas[0] + areas[1] - shared)
    side = float(np.sqrt(max(areas)))
    near = max(0.0, 1.0 - float(np.linalg.norm(first[:2] - second[:2])) / side)
    return (overlap + near) * float(np.sqrt(min(areas) / max(areas)))
