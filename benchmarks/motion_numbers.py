"""Numbers of a followed face over time: its texture, what a still picture of it would explain, how it moves.

Of at most three windows of 48 frames each the mean. Before texture is compared, every crop is carried onto the window's
mean mesh (piecewise affine, landmarks smoothed by one frame), so that what is left is the skin's own and the codec's.
Only ratios are kept, since absolute levels depend on the codec. `benchmarks/motion.py` asks what they are worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from assay.media.faces.align import moved, similarity, template
from numpy.typing import NDArray

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
SIDE, WINDOW, WINDOWS = 128, 48, 3
FIVE = ((33, 133), (263, 362), (1,), (61,), (291,))
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149)
OVAL += (150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
CHEEKS = ((116, 117, 118, 101, 36, 205, 207, 187, 123), (345, 346, 347, 330, 266, 425, 427, 411, 352))
FOREHEAD = (67, 109, 10, 338, 297, 299, 337, 151, 108, 69)
MOUTH = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
NOSE = (168, 122, 196, 236, 198, 209, 49, 48, 64, 98, 97, 2, 326, 327, 294, 278, 279, 429, 420, 456, 419, 351)
BONE = (6, 197, 168, 33, 133, 362, 263, 127, 356, 234, 454, 10, 151, 93, 323, 98, 327, 116, 345, 1, 4)
ZONES = ("forehead", "cheeks", "eyes", "mouth", "nose", "rim", "face")
"""Parts of the face; the rim is a ring around its outline, hair and jaw."""
_FAR = np.array([[-40, -40], [64, -40], [168, -40], [168, 64], [168, 168], [64, 168], [-40, 168], [-40, 64]], float)
"""Points around a crop that move with the head."""
SCALES = (0.8, 1.6, 3.2, 6.4)
"""Sigmas, in pixels of a crop, between which the four bands of fineness lie."""
LAGS, FLOWS = (1, 2, 4, 8), (1, 3, 9, 24)
"""Frames between which texture is compared as it lies, and after dense flow."""
HERTZ = ((0, 1), (1, 2), (2, 4), (4, 7), (7, 12.6))
HEAD = ("yaw", "pitch", "roll", "x", "y", "size")


def numbers(times: F64, points: F32, crops: U8) -> dict[str, F64]:
    """Return each set of numbers of a followed face, the mean over windows; there are 16 frames or more."""
    count = len(times)
    starts = [0] if count <= WINDOW else np.linspace(0, count - WINDOW, min(WINDOWS, count // WINDOW)).astype(int)
    rows = [_of_window(*(part[begin : begin + WINDOW] for part in (times, points, crops))) for begin in starts]
    return {name: np.mean([row[name] for row in rows], axis=0) for name in rows[0]}


def _of_window(times: F64, points: F32, crops: U8) -> dict[str, F64]:
    stack, mesh = on_mean_mesh(points, crops)
    parts = zones(mesh)
    change, spread = cells(stack, parts)
    tie = change - spread[..., None]
    left = residuals(stack, parts)
    told = movement(times, points)
    return {
        "texture: shape over lags": np.diff(change, axis=2).ravel(),
        "texture: zones and bands": np.concatenate(
            [(tie[:6] - tie[6:])[:, :, :2].ravel(), (tie[:, 1:] - tie[:, :1])[:, :, 0].ravel()]
        ),
        "texture: change against fineness": tie.ravel(),
        "still picture: what it leaves": left.ravel(),
        "still picture: growth and zones": np.concatenate(
            [np.diff(left, axis=2).ravel(), (left[:6] - left[6:]).ravel()]
        ),
        "movement: all": np.array(list(told.values())),
        "movement: spectra of the head": _some(told, HEAD, kind="spectrum"),
        "movement: spectra of eyes, brows": _some(told, ("eye", "brow"), kind="spectrum"),
        "movement: spectra of lips": _some(told, ("lip", "wide"), kind="spectrum"),
        "movement: how parts go together": _some(told, ("c",), kind="ties"),
        "control: how much the head moves": _some(told, HEAD[:5], kind="sd"),
        "control: how much the lips move": _some(told, ("lip", "wide"), kind="sd"),
    }


def _some(told: Mapping[str, float], names: Sequence[str], *, kind: str) -> F64:
    begin = tuple("sd:" + name for name in names) if kind == "sd" else tuple(name + ":" for name in names)
    return np.array([value for name, value in told.items() if name.startswith(begin)])


def on_mean_mesh(points: F32, crops: U8) -> tuple[F32, F64]:
    """Return grey crops carried onto their mean mesh, `[n, SIDE, SIDE]`, and that mesh, `[468, 2]` in pixels."""
    import cv2
    from scipy.ndimage import gaussian_filter1d
    from scipy.spatial import Delaunay

    five = np.stack([points[:, list(marks), :2].mean(axis=1) for marks in FIVE], axis=1)
    turns = [similarity(one, template(0.15) * SIDE) for one in five]
    smooth = gaussian_filter1d(points[:, :, :2].astype(np.float64), 1.0, axis=0, mode="nearest")
    meshes = np.stack([moved(mesh, turn) for mesh, turn in zip(smooth, turns, strict=True)])
    mean = meshes.mean(axis=0)
    places = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), axis=-1).reshape(-1, 2).astype(np.float32)
    net = Delaunay(np.vstack([mean, _FAR]))
    found = net.find_simplex(places)
    turn = net.transform[found]
    inner = np.einsum("nij,nj->ni", turn[:, :2], places - turn[:, 2])
    share = np.c_[inner, 1.0 - inner.sum(axis=1)].astype(np.float32)
    out = []
    for crop, mesh in zip(crops, meshes, strict=True):
        far = moved(_FAR, similarity(mean[list(BONE)], mesh[list(BONE)]))
        corners = np.vstack([mesh, far]).astype(np.float32)[net.simplices[found]]
        where = np.einsum("ni,nij->nj", share, corners).reshape(SIDE, SIDE, 2)
        grey = (crop @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
        out.append(cv2.remap(grey, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
    return np.stack(out), mean


def zones(mesh: F64) -> list[NDArray[np.bool_]]:
    """Return a mask `[SIDE, SIDE]` for each of `ZONES`."""
    import cv2

    def hull(marks: Sequence[int], *, widen: float = 1.0) -> U8:
        own = mesh[list(marks)]
        around = (own - own.mean(axis=0)) * widen + own.mean(axis=0)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        corners = cv2.convexHull(around.astype(np.float32)).round().astype(np.int32)
        return np.asarray(cv2.fillConvexPoly(mask, corners, 1), np.uint8)

    face, near = hull(OVAL), np.ones((3, 3), np.uint8)
    rim = cv2.dilate(face, near, iterations=9) - cv2.erode(face, near, iterations=2)
    eyes = np.maximum(*(hull(eye, widen=1.25) for eye in EYES))
    cheeks = np.maximum(*(hull(cheek) for cheek in CHEEKS))
    within = np.zeros((SIDE, SIDE), bool)
    within[3:-3, 3:-3] = True
    return [within & (mask > 0) for mask in (hull(FOREHEAD), cheeks, eyes, hull(MOUTH), hull(NOSE), rim, face)]


def bands(stack: F32) -> list[F32]:
    """Return the four bands of fineness of pictures `[n, side, side]`."""
    import cv2

    low = [stack, *(np.stack([cv2.GaussianBlur(one, (0, 0), scale) for one in stack]) for scale in SCALES)]
    return [fine - coarse for fine, coarse in pairwise(low)]


def cells(stack: F32, parts: Sequence[NDArray[np.bool_]]) -> tuple[F64, F64]:
    """Return half the mean square change over each lag `[zone, band, lag]` and the power `[zone, band]`, logs."""
    change, power = np.zeros((len(parts), len(SCALES), len(LAGS))), np.zeros((len(parts), len(SCALES)))
    for number, band in enumerate(bands(stack)):
        squares = (band**2).mean(axis=0)
        power[:, number] = [squares[part].mean() for part in parts]
        for place, wanted in enumerate(LAGS):
            lag = min(wanted, len(band) - 2)
            squares = ((band[lag:] - band[:-lag]) ** 2).mean(axis=0) / 2
            change[:, number, place] = [squares[part].mean() for part in parts]
    return np.log(change + 1e-3), np.log(power + 1e-3)


def residuals(stack: F32, parts: Sequence[NDArray[np.bool_]], *, most: int = 6) -> F64:
    """Return what an earlier frame leaves unexplained of a later one after dense flow, `[zone, band, lag]`, logs.

    It is the residual's power against the later frame's own, in three bands, over `most` pairs for each of `FLOWS`.
    An animated still picture should be explained better, and over longer lags, than a living face.
    """
    import cv2

    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    across, down = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))
    whole = np.clip(stack, 0, 255).astype(np.uint8)

    def band(picture: F32, fine: float, coarse: float) -> F32:
        sharp = cv2.GaussianBlur(picture, (0, 0), fine) if fine else picture
        return np.asarray((sharp - cv2.GaussianBlur(picture, (0, 0), coarse)) ** 2, np.float32)

    out = np.zeros((len(parts), 3, len(FLOWS)))
    for place, wanted in enumerate(FLOWS):
        lag, rows = min(wanted, len(stack) - 1), []
        for begin in np.unique(np.linspace(0, len(stack) - 1 - lag, most).astype(int)):
            way = flow.calc(whole[begin + lag], whole[begin], None)
            where = across + way[..., 0], down + way[..., 1]
            told = cv2.remap(stack[begin], *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            later = stack[begin + lag]
            pairs = [(band(later - told, *edges), band(later, *edges)) for edges in ((0, 1.2), (1.2, 3.0), (3.0, 8.0))]
            rows.append([[np.log((a[m].mean() + 0.02) / (b[m].mean() + 0.05)) for m in parts] for a, b in pairs])
        out[:, :, place] = np.mean(rows, axis=0).T
    return out


def movement(times: F64, points: F32) -> dict[str, float]:
    """Return how head, lips, lids and brows move, of landmarks `[n, 468, 3]`: spectra, spread, what goes together."""
    import cv2

    rate = 1.0 / float(np.median(np.diff(times)))
    shapes = points.astype(np.float64)
    shapes = shapes / np.median(np.linalg.norm(shapes[:, 454] - shapes[:, 234], axis=1))
    rest = shapes[:, BONE].mean(axis=0)
    turns = [_turn(rest, shape[list(BONE)]) for shape in shapes]
    pose = np.array([cv2.Rodrigues(turn)[0].ravel() for turn in turns])
    still = np.array([(s - s[list(BONE)].mean(axis=0)) @ t for s, t in zip(shapes, turns, strict=True)])
    middle = shapes[:, BONE, :2].mean(axis=1)

    def gap(one: int, other: int) -> F64:
        return np.asarray(np.linalg.norm(still[:, one] - still[:, other], axis=1))

    lids = gap(159, 145) / gap(33, 133), gap(386, 374) / gap(263, 362)
    brows = gap(105, 159), gap(334, 386)
    signals = dict(zip(HEAD, (pose[:, 1], pose[:, 0], pose[:, 2], middle[:, 0], middle[:, 1]), strict=False))
    signals |= {
        "size": np.linalg.norm(shapes[:, 454] - shapes[:, 234], axis=1),
        "lip": gap(13, 14),
        "wide": gap(61, 291),
    }
    signals |= {"eye": (lids[0] + lids[1]) / 2, "brow": (brows[0] + brows[1]) / 2}
    told = {f"{name}:{n}": v for name, signal in signals.items() for n, v in enumerate(_spectrum(signal, rate))}
    told |= {f"sd:{name}": float(np.log(signal.std() + 1e-4)) for name, signal in signals.items() if name != "size"}
    steps = {name: np.diff(signal) for name, signal in signals.items()}
    turning = np.abs(np.diff(pose, axis=0)).sum(axis=1)
    pairs = {
        "eyes": tuple(map(np.diff, lids)),
        "brows": tuple(map(np.diff, brows)),
        "lip-head": (np.abs(steps["lip"]), turning),
    }
    for one, other in (
        ("brow", "eye"),
        ("brow", "pitch"),
        ("eye", "pitch"),
        ("lip", "brow"),
        ("x", "roll"),
        ("x", "yaw"),
        ("y", "pitch"),
    ):
        pairs[f"{one}-{other}"] = steps[one], steps[other]
    told |= {f"c:{name}": _tie(*pair) for name, pair in pairs.items()}
    return told | _rigidity(still)


def _rigidity(still: F64) -> dict[str, float]:
    """Return how few ways of moving explain a face whose head is held still, and how jerkily its parts move."""
    first, second = np.diff(still, axis=0), np.diff(still, n=2, axis=0)
    flat = first.reshape(len(first), -1)
    shares = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False) ** 2
    told = {f"pca:{n}": float(np.log(1.0 - shares[:n].sum() / shares.sum() + 1e-6)) for n in (1, 2, 4, 8)}
    for name, marks in (("oval", OVAL), ("eye", EYES[0] + EYES[1]), ("mouth", MOUTH), ("nose", NOSE)):
        power = float((first[:, list(marks)] ** 2).mean())
        told[f"j:{name}"] = float(np.log((second[:, list(marks)] ** 2).mean() / (power + 1e-12)))
        told[f"a:{name}"] = float(np.log(power + 1e-9))
    return told


def _spectrum(signal: F64, rate: float) -> list[float]:
    """Return log shares of power by `HERTZ`, how jerky the signal is, and how seldom it moves."""
    count = np.arange(len(signal))
    signal = signal - np.polyval(np.polyfit(count, signal, 1), count)
    hertz = np.fft.rfftfreq(len(signal), 1.0 / rate)
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) ** 2
    parts = np.array([power[(hertz >= low) & (hertz < high)].sum() for low, high in HERTZ])
    first, second = np.diff(signal), np.diff(signal, n=2)
    jerk = (second**2).mean() / ((first**2).mean() + 1e-12)
    seldom = np.abs(first).mean() / (np.median(np.abs(first)) + 1e-9)
    return [*np.log(parts / parts.sum() + 1e-5), float(np.log(jerk + 1e-6)), float(np.log(seldom + 1e-6))]


def _turn(start: F64, end: F64) -> F64:
    """Return the rotation `[3, 3]` that carries points `start` `[n, 3]` best onto `end` (Kabsch 1976)."""
    left, _, right = np.linalg.svd((end - end.mean(axis=0)).T @ (start - start.mean(axis=0)))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    return np.asarray((left * signs) @ right)


def _tie(one: F64, other: F64) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if min(one.std(), other.std()) > 1e-9 else 0.0
