"""Training a network of the catalogue that looks: corpus -> faces and fakes of them -> folds -> calibration -> ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...datasets.corpus import CorpusError, Item
from ..finding import ModelError
from ..model import golden_input
from .calibration import calibrate
from .export import Exported, Facts, onnx_scores, publish, sources, traced
from .eyes import eye_class
from .eyes.interface import Eye, Several, Shown
from .fit import F64, Progress, made, trainable
from .folds import Folds, run_folder, scores_of_unseen
from .loop import Pace, Run
from .table import TrainingError, digest
from .visual_crops import Crops, Cutting, crops_of
from .visual_figures import clean_scores, metrics
from .visual_looking import judge, teach

if TYPE_CHECKING:
    from .redraw import Copiers

VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train and how."""

    model: str
    pace: Pace = field(default_factory=lambda: Pace(epochs=8, batch=16, rate=3e-4))
    folds: int = 2
    """Models that are trained to be tested on people and makers unseen, before the one that is kept."""
    draws: int | None = None
    """Crops an epoch; as many as there are if not given."""
    cutting: Cutting = field(default_factory=Cutting)
    copying: int = 3000
    """Steps of the small networks that draw faces anew; 0 leaves such fakes out."""
    others: bool = True
    """Whether fakes of the corpus are trained on, each fold without the makers that it is tested on."""
    encoder: Path | None = None
    """Folder of an encoder for `encoder-linear` and `encoder-lora`, or safetensors of timm's weights for a backbone."""
    whole: bool = True
    """Whether a last network is taught on all and kept; else the folds' networks are kept, and their mean answers."""
    resume: bool = False
    """Whether to go on with what an earlier run of the same plan left in the work folder."""
    commit: str = ""


def train_network(
    items: Sequence[Item], plan: Plan, *, out: Path, work: Path | None = None, progress: Progress | None = None
) -> Path:
    """Train `plan.model` on the faces of `items`, write `visual-<model>.onnx` and its card into `out`, return the card.

    `work` (`out/work` if not given) keeps crops and checkpoints. Raises `CorpusError` without real faces or without
    fakes to calibrate on, `ModelError` for an unknown model, `TrainingError` if a fold lacks a class.
    """
    eye_class(plan.model)
    tell = progress or (lambda _what, _done: None)
    seen = [item for item in items if item.kind != "audio"]
    if not any(item.spoof for item in seen) or all(item.spoof for item in seen):
        msg = f"expected real faces to train on and fakes to calibrate on, got {len(seen)} pictures and films"
        raise CorpusError(msg)
    work = work or out / "work"
    run = _run_folder(work, plan, seen)
    crops = faces_of(seen, plan, work, tell)
    scores = unseen_scores(crops, plan, run, tell)
    eye = _last(crops, plan, run, tell)
    judged, means = clean_scores(crops, scores)
    calibration = calibrate(
        means, np.array([item.spoof for item in judged]), [item.group for item in judged], seed=plan.pace.seed
    )
    tell("writing", 0.9)
    return publish(onnx_of(eye), calibration, _facts(plan, crops, scores), out)[1]


def _last(crops: Crops, plan: Plan, run: Path, progress: Progress) -> Eye:
    """Return the network that is kept: one taught on all, or those of the folds together."""
    if plan.whole:
        last = Run(pace=plan.pace, folder=run / "whole", told=partial(progress, "training on all"))
        return teach(make(plan), crops, np.flatnonzero(trainable(crops.table, plan)), last, draws=plan.draws)
    eyes = []
    for path in sorted(run.glob("fold-*.pt")):
        eyes.append(make(plan))
        eyes[-1].load_state_dict(torch.load(path, weights_only=True))
    return Several(eyes)


def faces_of(items: Sequence[Item], plan: Plan, work: Path, progress: Progress) -> Crops:
    """Return the crops that `plan` trains on, with copiers taught on the real faces first if the plan has any."""
    folder = work / "faces"
    plain = crops_of(items, _plain(plan.cutting), folder=folder, done=partial(progress, "cutting faces out"))
    if not plan.copying:
        return plain if not plan.cutting.sorts else crops_of(items, plan.cutting, folder=folder)
    copiers = copiers_of(items, plan, work, progress, plain)
    return crops_of(items, plan.cutting, folder=folder, copiers=copiers, done=partial(progress, "making fakes of them"))


def copiers_of(
    items: Sequence[Item], plan: Plan, work: Path, progress: Progress, plain: Crops | None = None
) -> Copiers:
    """Return the small networks that copy faces, taught on the real ones of `items` unless they lie in `work`."""
    from .redraw import Copiers, Lesson, taught

    real = [item.id for item in items if not item.spoof]  # the same for a training that is shown real faces alone
    kept = work / f"copiers-{digest(plan.copying, plan.pace.seed, real)}.pt"
    copiers = Copiers()
    if kept.exists():
        copiers.load_state_dict(torch.load(kept, weights_only=True))
    else:
        plain = plain or crops_of(items, _plain(plan.cutting), folder=work / "faces")
        clean = np.flatnonzero(~plain.table.spoof & (np.array(plain.table.chain) == "none"))
        progress("teaching copiers", 0.0)
        lesson = Lesson(steps=plan.copying, seed=plan.pace.seed)
        copiers = taught([plain.crop(int(number)) for number in clean], lesson)
        torch.save(copiers.state_dict(), kept.with_suffix(".tmp"))
        kept.with_suffix(".tmp").replace(kept)
    return copiers.eval()


def _plain(cutting: Cutting) -> Cutting:
    return Cutting(versions=1, chains=("none",), sorts=(), sides=cutting.sides, seed=cutting.seed)


def make(plan: Plan) -> Eye:
    """Return the network of `plan` with its seeded random weights; given weights are loaded. Raises `ModelError`."""
    kind: Any = eye_class(plan.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.pace.seed)
        if plan.encoder is None:
            eye: Eye = kind()
        elif plan.model.startswith("encoder"):
            from .eyes.encoder import load_encoder

            eye = kind(load_encoder(plan.encoder))
        elif hasattr(kind, "load"):
            eye = kind()
            eye.load(plan.encoder)  # type: ignore[operator]
        else:
            msg = f"the network {plan.model} takes no weights from outside, got {plan.encoder}: leave --encoder out"
            raise ModelError(msg)
    return eye


def unseen_scores(crops: Crops, plan: Plan, run: Path, progress: Progress) -> F64:
    """Return the score of every crop by a network that saw neither its people nor its maker, `[crops]`.

    The network of each fold is kept in `run` beside its scores.
    """

    def taught(chosen: NDArray[np.int64], held: NDArray[np.int64], lesson: Run) -> F64:
        eye = teach(make(plan), crops, chosen, lesson, draws=plan.draws)
        scores = judge(eye, crops, held, batch=plan.pace.batch, device=plan.pace.device)
        torch.save(eye.state_dict(), lesson.folder.with_suffix(".pt"))
        return scores

    folds = Folds(count=plan.folds, pace=plan.pace, run=run, progress=progress)
    return scores_of_unseen(crops.table, folds, trainable(crops.table, plan), taught)


def _run_folder(work: Path, plan: Plan, items: Sequence[Item]) -> Path:
    """Return the folder of this plan's checkpoints on these items, emptied unless it is to be resumed."""
    pace = plan.pace
    told = (plan.model, pace.epochs, pace.batch, pace.rate, pace.seed, plan.folds, plan.draws, plan.others)
    name = digest(told, plan.cutting, plan.copying, str(plan.encoder), [(item.id, item.sha256) for item in items])
    return run_folder(work / f"{plan.model}-{name}", resume=plan.resume)


def onnx_of(eye: Eye) -> Exported:
    """Return `eye` as ONNX: from flat `features` `[n, 3 * side * side]` to `score` `[n, 1]` and `map` `[n, h, w]`.

    Raises `TrainingError` unless ONNX Runtime gives torch's scores to 1e-4 of their size on noise.
    """
    inputs = 3 * eye.SIDE**2
    features = np.random.default_rng(0).random((3, inputs), dtype=np.float32)
    whole = Shown(eye.cpu().eval()).eval()
    data = traced(whole, features[:2], ["score", "map"])
    own, golden = _torch_scores(whole, features), golden_input(inputs)
    found = onnx_scores(data, features)
    if not np.allclose(found, own, rtol=1e-4, atol=1e-4):
        msg = f"the exported network gives {found.tolist()}, torch {own.tolist()}: their versions do not fit"
        raise TrainingError(msg)
    return Exported(data=data, inputs=inputs, own=_torch_scores(whole, golden))


def _torch_scores(network: Shown, features: NDArray[np.float32]) -> F64:
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(features))[0].double().numpy()).reshape(-1)


def _facts(plan: Plan, crops: Crops, scores: F64) -> Facts:
    """Return what the card says of this training."""
    kind, pace = eye_class(plan.model), plan.pace
    training: dict[str, Any] = {
        "commit": plan.commit,
        "seed": pace.seed,
        "epochs": pace.epochs,
        "batch": pace.batch,
        "rate": pace.rate,
        "draws": plan.draws,
        "folds": plan.folds,
        "others": plan.others,
        "whole": plan.whole,
        "copying": plan.copying,
        "chains": list(plan.cutting.chains),
        "sorts": list(plan.cutting.sorts),
        "skipped": len(crops.table.skipped),
        "torch": torch.__version__,
    }
    return Facts(
        name=f"visual-{plan.model}",
        version=VERSION,
        about=f"manipulated or generated against real faces, {plan.model}",
        input=f"faces by detect/visual/faces.py, {kind.SIDE} pixels, margin {kind.MARGIN}, 0..1, colours first, flat",
        calibration_set="pictures and films as they are, fakes by others, by models blind to people and makers",
        papers=(kind.PAPER,),
        data=sources([item for item in crops.table.items if plan.others or made(item) or not item.spoof]),
        metrics=metrics(crops, scores, seed=pace.seed),
        training=training,
        hears={"side": kind.SIDE, "margin": kind.MARGIN},
    )
