"""Training the picture detector `visual-face`: what CLIP's first blocks make of a face, read by lines.

Films are neither trained on nor judged: on collected films such lines are at chance (docs/detectors.md). The corpus'
fakes are trained on, since blends alone teach nothing about pictures that are generated whole; whatever is tested, its
makers and its people were left out. Every version is there once more under our own generators' mark, both classes
alike: else it would decide where the face should. Directions in which it moves the numbers can be taken out as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import CorpusError, Item
from ...media.errors import AssayError
from ..model import golden_input
from ..visual.faces import flat, shown
from .calibration import calibrate
from .export import Exported, Facts, Frozen, network, publish, sources
from .fit import F64, Heads, Progress, Protocol, by_item, figures, fit, interval, unseen_scores
from .nuisance import MARKED, is_marked, without_mark
from .portraits import portraits, washed
from .table import F32, Rows, Table, gather, none
from .visual_crops import crop_of
from .visual_encoder import MARGIN, SIDE, kept, made_of

NAME, VERSION = "visual-face", "2"
PAPERS = (
    "Radford et al.: Learning transferable visual models from natural language supervision, ICML 2021",
    "Ojha et al.: Towards universal fake image detectors that generalize across generative models, CVPR 2023",
)
INPUTS = 3 * SIDE**2
TOLERANCE = 0.01
"""How far scores may differ between machines: sums in single precision, seven blocks deep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the defaults made the shipped model."""

    seed: int = 1
    strength: float = 1e-3
    laundered: int = 2
    """Laundered versions of each face beside the face itself; the draw does not know the class."""
    blind: int = 0
    """Directions in which our mark moves the numbers that are taken out. Marked versions of both classes are enough."""
    folds: int = 8
    commit: str = ""
    cache: Path | None = None
    encoder: Path | None = None
    """Folder of a CLIP whose first blocks become the encoder; that which lies in the package if not given."""
    chains: tuple[str, ...] = (
        *("jpeg-90", "jpeg-70", "jpeg-50", "webp-70", "half", "resize", "blur", "grain"),
        *("resize+jpeg-70", "screenshot"),
    )


def train(
    items: Sequence[Item], *, out: Path, settings: Settings | None = None, progress: Progress | None = None
) -> Path:
    """Train on the pictures of `items`, write `visual-face.onnx` and its card into `out`, return the card's path.

    Raises `CorpusError` without real or without fake pictures.
    """
    settings = settings or Settings()
    tell = progress or (lambda _what, _done: None)
    seen = [item for item in items if item.kind == "image"]
    if not any(item.spoof for item in seen) or all(item.spoof for item in seen):
        msg = f"expected real and fake pictures to train on, got {len(seen)} pictures of one class"
        raise CorpusError(msg)
    encoder = kept() if settings.encoder is None else made_of(settings.encoder)
    table = looked_at(seen, settings, tell, encoder)
    unmoved = without_mark(table, directions=settings.blind)
    table = replace(table, values=(table.values @ unmoved).astype(np.float32))
    scores = unseen_scores(table, Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed), tell)
    tell("fitting", 0.0)
    heads = fit(table, np.ones(len(table.item), bool), strength=settings.strength)
    heads = replace(heads, weights=unmoved @ heads.weights)
    judged, means = versions(table, scores)
    calibration = calibrate(
        means, np.array([item.spoof for item in judged]), [item.group for item in judged], seed=settings.seed
    )
    facts = Facts(
        name=NAME,
        version=VERSION,
        about="manipulated or generated against real faces in pictures: lines on the first blocks of CLIP",
        input="faces by detect/visual/faces.py, 0..1, colours first, flat",
        calibration_set=f"{len(judged)} pictures, clean and laundered, by lines blind to their people and makers",
        papers=PAPERS,
        data=sources(seen),
        metrics=metrics(table, scores, seed=settings.seed),
        training={
            "commit": settings.commit,
            "seed": settings.seed,
            "strength": settings.strength,
            "chains": list(settings.chains),
            "mark_directions_taken_out": settings.blind,
            "encoder": encoder.about,
        },
        hears={"side": SIDE, "margin": MARGIN},
    )
    return publish(_behind(heads, encoder), calibration, facts, out)[1]


def _behind(heads: Heads, encoder: Frozen) -> Exported:
    """Return the lines as a network that stands behind the encoder."""
    own = heads.scores(encoder.reader()(golden_input(INPUTS)[:1]))
    return Exported(data=network(heads), inputs=INPUTS, own=own, tolerance=TOLERANCE, encoder=encoder)


def looked_at(items: Sequence[Item], settings: Settings, tell: Progress, encoder: Frozen) -> Table:
    """Return the rows of the pictures' largest faces: as they are and laundered, and the same marked first."""
    tag = (NAME, encoder.card()["sha256"], settings.seed, settings.laundered, settings.chains)
    read = encoder.reader()
    plain, marked = (
        gather(
            items,
            partial(_rows, settings=settings, read=read, mark=mark),
            cache=settings.cache,
            tag=(*tag, MARKED) if mark else tag,
            done=partial(tell, "looking at marked faces" if mark else "looking at faces"),
        )
        for mark in (False, True)
    )
    return replace(
        plain,
        values=np.concatenate([plain.values, marked.values]),
        item=np.concatenate([plain.item, marked.item]),
        chain=plain.chain + marked.chain,
        skipped=plain.skipped + marked.skipped,
    )


def _rows(item: Item, *, settings: Settings, read: Callable[[F32], F32], mark: bool) -> Rows:
    """Return what is read of the largest face, as it is and laundered; with `mark`, of the picture marked first."""
    seed = int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:4])
    try:
        faces = portraits(item.path, item.kind, item.region, seed if mark else None)
    except AssayError as error:
        return none(str(error))
    if not faces:
        return none("no face large enough was found")
    rng = np.random.default_rng([settings.seed, seed])
    chains = ("none", *map(str, rng.choice(settings.chains, settings.laundered, replace=False)))
    values = read(flat([shown(crop_of(washed(faces[0], chain, rng)), SIDE, MARGIN) for chain in chains]))
    if mark:
        chains = (MARKED, *(f"{MARKED}+{chain}" for chain in chains[1:]))
    return Rows(values=values, chains=chains)


def versions(table: Table, scores: F64) -> tuple[list[Item], F64]:
    """Return a score for each picture as it is, and one for it laundered."""
    clean, laundered, _ = _sorts(table)
    first, second = by_item(table, scores, clean), by_item(table, scores, laundered)
    return [table.items[i] for i in first[0] + second[0]], np.concatenate([first[1], second[1]])


def _sorts(table: Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are pictures as they are, which are laundered, and which bear our mark."""
    clean = np.array([chain == "none" for chain in table.chain])
    marked = np.array([is_marked(chain) for chain in table.chain])
    return clean, ~clean & ~marked, marked


def metrics(table: Table, scores: F64, *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: clean, laundered, marked, by maker, and with the classes shuffled."""
    out: dict[str, Any] = {"protocol": "each picture by lines that saw neither its people nor its maker"}
    for name, rows in zip(("clean", "laundered", "marked"), _sorts(table), strict=True):
        positions, means = by_item(table, scores, rows)
        items = [table.items[i] for i in positions]
        out[name] = figures(items, means) | {"auc_interval": interval(items, means, seed=seed)}
        if name == "clean":
            makers = sorted({item.maker for item in items if item.spoof})
            chosen = {one: [k for k, i in enumerate(items) if not i.spoof or i.maker == one] for one in makers}
            out["by_maker"] = {one: figures([items[k] for k in ks], means[ks]) for one, ks in chosen.items()}
            order = np.random.default_rng(seed).permutation(len(items))
            labels = [replace(items[k], label=items[j].label, maker=items[j].maker) for k, j in enumerate(order)]
            out["control_shuffled_after"] = figures(labels, means)
            real = np.sort(means[[not item.spoof for item in items]])
            out["decision_point"] = {"false_alarms": 0.02, "score": round(float(np.quantile(real, 0.98)), 4)}
    return out
