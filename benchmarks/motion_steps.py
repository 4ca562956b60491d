"""How films move through what CLIP's picture tower sees, and how what lies beside the face changes over time.

Eight successive frames of a box around the face, which does not move, through all blocks of the tower. Films made by
networks are said to take straighter ways there than filmed ones (after Henaff et al., "Perceptual straightening of
natural videos", Nature Neuroscience 2019, who defined curvature as the angle between successive steps).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from assay.media.faces import Followed
from motion_numbers import LAGS, bands
from motion_stills import frames_of, landmarks_of
from numpy.typing import NDArray

F32, F64, U8 = NDArray[np.float32], NDArray[np.float64], NDArray[np.uint8]
FRAMES, SIDE, SEMANTIC = 8, 224, (7, 10, 12)
PATCH, MOST, BESIDE = 48, 8, 120
"""Side and number of the places beside the face, and frames in which they are watched."""
Tower = Callable[[U8], F32]
"""Pictures `[n, 224, 224, 3]` to tokens before and after each block, `[blocks + 1, n, tokens, width]`, class first."""


def tower(folder: Path) -> Tower:
    """Return CLIP's picture tower in `folder`, as `benchmarks/parts/clip_folder.py` makes it."""
    import torch
    from assay.detect.train.eyes.encoder import load_encoder
    from assay.detect.train.visual_encoder import CLIP

    encoder = load_encoder(folder).eval()
    mean, spread = (torch.tensor(values)[None, :, None, None] for values in CLIP)

    def read(pictures: U8) -> F32:
        whole = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255.0)
        with torch.inference_mode():
            states = encoder(pixel_values=(whole - mean) / spread, output_hidden_states=True).hidden_states
        return np.stack([state.numpy() for state in states])

    return read


def numbers(path: Path, face: Followed, read: Tower | None) -> dict[str, F64]:
    """Return what the tower and the places beside the face tell of the film at `path`; without a tower only these."""
    points = landmarks_of(path, face)[:BESIDE]
    frames = list(frames_of(path, face.times[: len(points)]))
    out = {"control: beside the face": beside(frames, points)}
    if read is not None and len(frames) >= FRAMES:
        box = boxed(frames[:FRAMES], points)
        out |= steps(box, np.concatenate([read(box[:4]), read(box[4:])], axis=1))
    return {name: value for name, value in out.items() if len(value)}


def boxed(frames: list[U8], points: F64) -> U8:
    """Return a box around all places of the face, of each frame, `[n, SIDE, SIDE, 3]`."""
    import cv2

    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    side, middle = float((high - low).max()), (low + high) / 2
    height, width = frames[0].shape[:2]
    left, right = int(max(0, middle[0] - 0.65 * side)), int(min(width, middle[0] + 0.65 * side))
    top, bottom = int(max(0, middle[1] - 0.7 * side)), int(min(height, middle[1] + 0.6 * side))
    cuts = [cv2.resize(f[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for f in frames]
    return np.asarray(cuts, np.uint8)


def steps(box: U8, tokens: F32) -> dict[str, F64]:
    """Return how straight and how even the way of eight frames is, by block, and the class token of some blocks."""
    pixels = box.reshape(1, len(box), -1).astype(np.float32) / 255.0
    bend, even = _way(pixels)
    patches, classes = _way(tokens[:, :, 1:].reshape(*tokens.shape[:2], -1)), _way(tokens[1:, :, 0])
    own = {f"semantic control: class token after block {n}": tokens[n, :, 0].mean(axis=0) for n in SEMANTIC}
    return {
        "CLIP: straighter than pixels": np.concatenate([patches[0], classes[0]]) - bend,
        "CLIP: how straight and even": np.concatenate([*patches, *classes]),
        "control: pixels, how straight and even": np.concatenate([bend, even]),
        **own,
    }


def _way(places: F32) -> tuple[F64, F64]:
    """Return the mean cosine between successive steps and the spread of the steps' log lengths, each `[blocks]`."""
    move = np.diff(places, axis=1)
    length = np.linalg.norm(move, axis=2)
    cosine = (move[:, 1:] * move[:, :-1]).sum(axis=2) / (length[:, 1:] * length[:, :-1] + 1e-9)
    return cosine.mean(axis=1), np.log(length + 1e-6).std(axis=1)


def beside(frames: list[U8], points: F64) -> F64:
    """Return how texture changes over time in places beside the face that stand still, in native pixels.

    The numbers are those of "texture" in the face: shape over lags, and change against fineness. Nothing if the face
    fills the picture.
    """
    import cv2

    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    pad = 0.25 * float((high - low).max())
    height, width = grey[0].shape
    free = [
        (float(grey[0][y : y + PATCH, x : x + PATCH].std()), y, x)
        for y in range(0, height - PATCH + 1, PATCH // 2)
        for x in range(0, width - PATCH + 1, PATCH // 2)
        if x + PATCH < low[0] - pad or x > high[0] + pad or y + PATCH < low[1] - 2 * pad
    ]
    if len(free) < MOST:
        return np.zeros(0)
    chosen = np.unique(np.linspace(0.3 * len(free), len(free) - 1, MOST).astype(int))
    rows = []
    for _, y, x in (sorted(free)[place] for place in chosen):
        row: list[float] = []
        for band in bands(np.stack([one[y : y + PATCH, x : x + PATCH] for one in grey]).astype(np.float32)):
            lags = [float(np.log(((band[lag:] - band[:-lag]) ** 2).mean() / 2 + 1e-3)) for lag in LAGS]
            row += [*np.diff(lags), lags[0] - float(np.log((band**2).mean() + 1e-3))]
        rows.append(row)
    return np.mean(rows, axis=0)
