"""Training the visual detector `visual-residual`: real faces -> self-blends -> residual features -> ONNX and card.

It is trained on real faces and blends of them alone. Fakes by others, where the corpus has any, serve to measure and
to calibrate, never to fit: collected fakes differ from collected reals in size and compression, which would be learned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.corpus import SPOOF, CorpusError, Item
from ...media.errors import AssayError
from .calibration import SILENT, Calibration, calibrate
from .export import Facts, export, sources
from .fit import (
    F64,
    MADE,
    Progress,
    Protocol,
    by_item,
    figures,
    fit,
    interval,
    made,
    trainable,
    unseen_scores,
)
from .portraits import features_of, portraits, washed
from .selfblend import self_blend
from .table import F32, Rows, Table, gather, none

NAME, VERSION = "visual-residual", "2"
READ = "1"
"""Changes with what is read of a face, so that kept features of another time are not taken for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the defaults made the shipped model."""

    seed: int = 1
    strength: float = 3e-5
    laundered: int = 6
    """Laundered versions of a picture's face beside the face itself, each with a blend that went the same way."""
    folds: int = 8
    commit: str = ""
    """Commit of the code, for the card."""
    cache: Path | None = None
    """Folder that keeps features for the next run."""
    chains: tuple[str, ...] = (
        *("none", "jpeg-90", "jpeg-70", "jpeg-50", "webp-70", "half", "resize", "blur", "grain"),
        *("resize+jpeg-70", "screenshot", "h264-crf23", "h264-crf35"),
    )


def train(
    items: Sequence[Item], *, out: Path, settings: Settings | None = None, progress: Progress | None = None
) -> Path:
    """Train on the real faces of `items`, write `visual-residual.onnx` and its card into `out`, return the card's path.

    Raises `CorpusError` without real faces or without fakes to calibrate on, and `MissingExtra` without scikit-learn
    or onnx.
    """
    settings = settings or Settings()
    tell = progress or (lambda _what, _done: None)
    table = examples(items, settings, tell)
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed, others=False)
    scores = unseen_scores(table, protocol, tell)
    tell("fitting", 0.0)
    heads = fit(table, trainable(table, protocol), strength=settings.strength)
    calibrations = calibrations_of(*judged_of(table, scores), seed=settings.seed)
    facts = Facts(
        name=NAME,
        version=VERSION,
        about="blended against untouched faces: residuals, spectra and colours inside, on and outside the outline",
        input="detect/visual/features.py on aligned faces by detect/visual/residual.py",
        calibration_set=calibrations["image"][1],
        calibrations={"video": calibrations["video"]},
        papers=("Shiohara, Yamasaki: Detecting deepfakes with self-blended images, CVPR 2022",),
        data=sources([item for item in table.items if made(item) or not item.spoof]),
        metrics=metrics(table, scores, seed=settings.seed),
        training={
            "commit": settings.commit,
            "seed": settings.seed,
            "strength": settings.strength,
            "chains": list(settings.chains),
        },
    )
    return export(heads, calibrations["image"][0], facts, out)[1]


def calibrations_of(judged: Sequence[Item], means: F64, *, seed: int) -> dict[str, tuple[Calibration, str]]:
    """Return the calibration of each kind of files and what it was learned from: items `judged` and their scores.

    A score says less of a film than of a picture: one line for both would claim too much of films.
    """
    out = {}
    for kind, said in (("image", "pictures"), ("video", "films")):
        rows = [number for number, item in enumerate(judged) if item.kind == kind]
        spoof, groups = np.array([judged[row].spoof for row in rows], bool), [judged[row].group for row in rows]
        known = 0 < spoof.sum() < len(rows)
        line = calibrate(means[rows], spoof, groups, seed=seed) if known else SILENT
        out[kind] = (
            line,
            f"{len({judged[row].id for row in rows})} {said}, fakes by others, by models blind to people and makers",
        )
    return out


def examples(items: Sequence[Item], settings: Settings, progress: Progress) -> Table:
    """Return the features of every real face, of blends of it, and of others' fakes as they are."""
    seen = [item for item in items if item.kind != "audio"]
    if not any(item.spoof for item in seen) or all(item.spoof for item in seen):
        msg = f"expected real faces to train on and fakes to calibrate on, got {len(seen)} pictures and films"
        raise CorpusError(msg)
    order = [one for item in seen for one in ((item,) if item.spoof else (item, _blend_of(item)))]
    tag = (READ, settings.seed, settings.laundered, settings.chains)
    done = partial(progress, "looking at faces")
    return gather(order, partial(_rows, settings=settings), cache=settings.cache, tag=tag, done=done)


def _blend_of(item: Item) -> Item:
    """Return the item of the blends of a real face; it stays in the face's group."""
    return replace(item, id=f"{item.id}+blend", label=SPOOF, maker=f"self-blend{MADE}", process="self-blend")


def _rows(item: Item, *, settings: Settings) -> Rows:
    """Return the features of an item's faces; blends and the faces they are made of go through the same chains."""
    try:
        faces = portraits(item.path, item.kind, item.region)
    except AssayError as error:
        return none(str(error))
    if not faces:
        return none("no face large enough was found")
    seed = int.from_bytes(hashlib.sha256(item.id.removesuffix("+blend").encode()).digest()[:4])
    values: list[F32] = [] if made(item) else [features_of(face) for face in faces]
    chains = ["none"] * len(values)
    if made(item) or not item.spoof:
        for version in range(settings.laundered):
            rng = np.random.default_rng([settings.seed, seed, version])
            face, chain = faces[version % len(faces)], str(rng.choice(settings.chains))
            wash = np.random.default_rng([settings.seed, seed, version, 1])
            shown = self_blend(face, rng) if made(item) else face
            values.append(features_of(washed(shown, chain, wash)))
            chains.append(f"pair {chain}")
    return Rows(values=np.stack(values), chains=tuple(chains))


def judged_of(table: Table, scores: F64) -> tuple[list[Item], F64]:
    """Return real items and others' fakes, each as it is, with the mean score over its frames."""
    clean = np.array([chain == "none" for chain in table.chain])
    positions, means = by_item(table, scores, clean)
    return [table.items[i] for i in positions], means


def metrics(table: Table, scores: F64, *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: on others' fakes, by kind and maker, and on laundered self-blends."""
    items, means = judged_of(table, scores)
    out: dict[str, Any] = {"protocol": "fitted on real faces and self-blends alone; people of a test in no training"}
    out["others"] = figures(items, means) | {"auc_interval": interval(items, means, seed=seed)}
    for kind in ("image", "video"):
        chosen = [i for i, item in enumerate(items) if item.kind == kind]
        out[kind] = figures([items[i] for i in chosen], means[chosen])
    by_maker = {}
    for maker in sorted({item.maker for item in items if item.spoof}):
        chosen = [i for i, item in enumerate(items) if not item.spoof or item.maker == maker]
        by_maker[maker] = figures([items[i] for i in chosen], means[chosen])
    out["by_maker"] = by_maker
    pairs = np.array([chain != "none" for chain in table.chain])
    positions, blended = by_item(table, scores, pairs)
    out["self_blends_laundered"] = figures([table.items[i] for i in positions], blended)
    return out
