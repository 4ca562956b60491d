"""Training a network of the catalogue: corpus -> laundered windows -> folds -> calibration -> ONNX and card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...datasets.corpus import Item, both_labels, file_sha256
from ..audio.frontends import front_end
from ..audio.frontends.interface import RATE
from ..finding import ModelError
from ..model import golden_input
from .audio import folded
from .audio_crops import Crops, Cutting, cut
from .audio_encoded import encoded, thinned
from .audio_figures import metrics, versions
from .audio_loop import judge, teach
from .audio_material import CHAINS, material
from .calibration import calibrate
from .export import Exported, Facts, onnx_scores, publish, sources, traced
from .fit import F64, Progress
from .folds import Folds, run_folder, scores_of_unseen
from .loop import Pace, Run
from .networks import NETWORKS, network_class
from .networks.interface import Halved, Network, Scored, load_weights
from .table import TrainingError, digest

VERSION = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train and how; chains are drawn alike for both classes."""

    model: str
    pace: Pace = field(default_factory=Pace)
    folds: int = 4
    """Models that are trained to be tested on unseen makers and sources, before the one that is kept."""
    laundered: int = 4
    copies: float = 0.5
    spoken: int = 48
    chains: tuple[str, ...] = CHAINS
    encoder: Path | None = None
    """Folder of the self-supervised encoder, for `ssl`."""
    init: Path | None = None
    """Weights to begin with, such as a published checkpoint; random ones if not given."""
    keep_encoder: bool = False
    """Whether only the layers above the encoder are taught: windows are heard once, and an epoch takes seconds."""
    heard: int = 0
    """Windows of a clip as it is, and as many of it laundered, that a kept encoder hears; 0: all."""
    window: float = 0.0
    """Seconds that a network of the kind `Halved` hears at a time; 0: as many as its paper says."""
    resume: bool = False
    """Whether to go on with what an earlier run of the same plan left in the work folder."""
    commit: str = ""


def train_network(
    items: Sequence[Item], plan: Plan, *, out: Path, work: Path | None = None, progress: Progress | None = None
) -> Path:
    """Train `plan.model` on `items`, write `audio-<model>.onnx` and its card into `out`, and return the card's path.

    `work` (`out/work` if not given) keeps windows and checkpoints. Raises `CorpusError` unless both classes are there,
    `ModelError` for an unknown model, `TrainingError` if a fold lacks a class.
    """
    make(plan)  # refuses what does not go together before anything is cut
    tell = progress or (lambda _what, _done: None)
    both_labels(items, "the corpus")
    work = work or out / "work"
    seed = plan.pace.seed
    crops = windows_of(items, plan, work, tell)
    all_items = crops.table.items
    run = checkpoints(work, plan, all_items)
    scores = unseen_scores(crops, plan, run, tell)
    everything = np.arange(len(crops.row))
    last = Run(pace=plan.pace, folder=run / "whole", told=partial(tell, "training on all"))
    network = teach(make(plan), crops, everything, last)
    held, means = versions(crops.table, scores)
    calibration = calibrate(
        means,
        np.array([all_items[i].spoof for i in held]),
        [all_items[i].group for i in held],
        seed=seed,
    )
    tell("writing", 0.9)
    return publish(onnx_of(network, samples_of(plan)), calibration, _facts(plan, crops, scores), out)[1]


def windows_of(items: Sequence[Item], plan: Plan, work: Path, progress: Progress) -> Crops:
    """Return the windows that `plan` trains on, cut into `work`; heard through the encoder if that is kept."""
    seed = plan.pace.seed
    parts = material(items, seed=seed, copies=plan.copies, spoken=plan.spoken, groups=plan.folds)
    cutting = Cutting(size=samples_of(plan), chains=plan.chains, laundered=plan.laundered, seed=seed)
    everything = [item for _, part in parts for item in part]
    crops = cut(everything, cutting, folder=work / "windows", done=partial(progress, "cutting windows"))
    network = make(plan)
    if not (plan.keep_encoder and isinstance(network, Halved)):
        return crops
    return encoded(network, thinned(crops, plan.heard) if plan.heard else crops, work, progress)


def samples_of(plan: Plan) -> int:
    """Return how many samples the network of `plan` hears at a time."""
    return round(plan.window * RATE) or network_class(plan.model).SAMPLES


def make(plan: Plan) -> Network:
    """Return the network of `plan` with its seeded random weights, or those it begins with; an encoder is loaded.

    Raises `ModelError` for weights of another network, and where the network cannot do what the plan says.
    """
    kind = network_class(plan.model)
    if (plan.keep_encoder or plan.window) and not issubclass(kind, Halved):
        able = ", ".join(name for name in NETWORKS if issubclass(network_class(name), Halved))
        msg = f"expected one of {able} to keep an encoder or to choose a window, got {plan.model}"
        raise ModelError(msg)
    if plan.keep_encoder and plan.init is None:
        msg = "expected weights to begin with (--init) where the encoder is kept as it is, got none"
        raise ModelError(msg)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.pace.seed)
        if plan.encoder is not None and plan.model == "ssl":
            from .networks.selfsupervised import SelfSupervised, load_encoder

            return SelfSupervised(load_encoder(plan.encoder))
        network = kind()
    if plan.init is not None:
        load_weights(network, plan.init)
    return network


def unseen_scores(crops: Crops, plan: Plan, run: Path, progress: Progress) -> F64:
    """Return the score of every window by a network that heard neither its source nor its maker, `[windows]`."""

    def taught(chosen: NDArray[np.int64], held: NDArray[np.int64], lesson: Run) -> F64:
        return judge(teach(make(plan), crops, chosen, lesson), crops, held, pace=plan.pace)

    split = tuple(folded(crops.table.items, folds=plan.folds, seed=plan.pace.seed))
    folds = Folds(count=len(split), pace=plan.pace, run=run, progress=progress, split=split)
    return scores_of_unseen(crops.table, folds, None, taught)


def checkpoints(work: Path, plan: Plan, items: Sequence[Item]) -> Path:
    """Return the folder of this plan's checkpoints on these items, emptied unless it is to be resumed."""
    pace = plan.pace
    told = (plan.model, pace.epochs, pace.batch, pace.rate, pace.seed, plan.folds, plan.laundered, plan.chains)
    ways = (plan.window, plan.keep_encoder, plan.heard, file_sha256(plan.init) if plan.init else "", str(plan.encoder))
    name = digest(told, ways, [(item.id, item.sha256, item.label, item.maker, item.group) for item in items])
    return run_folder(work / f"{plan.model}-{name}", resume=plan.resume)


def onnx_of(network: Network, samples: int = 0) -> Exported:
    """Return `network` as ONNX: from flat `features` `[n, rows * width]` to `score` `[n, 1]`.

    `samples` is what it hears at a time, its `SAMPLES` if not given. Raises `TrainingError` unless ONNX Runtime
    gives torch's scores to 1e-4 of their size on speech-like noise.
    """
    kind = type(network)
    front = front_end(kind.FRONTEND)
    rng = np.random.default_rng(0)
    sounds = (0.05 * rng.standard_normal((3, samples or kind.SAMPLES))).astype(np.float32)
    features = np.stack([front.features(sound).ravel() for sound in sounds])
    whole = Scored(network.cpu().eval(), width=front.width).eval()
    data = traced(whole, features[:2], ["score"])
    own, golden = _torch_scores(whole, features), golden_input(features.shape[1])
    found = onnx_scores(data, features)
    if not np.allclose(found, own, rtol=1e-4, atol=1e-4):
        msg = f"the exported network gives {found.tolist()}, torch {own.tolist()}: their versions do not fit"
        raise TrainingError(msg)
    return Exported(data=data, inputs=features.shape[1], own=_torch_scores(whole, golden))


def _torch_scores(network: Scored, features: NDArray[np.float32]) -> F64:
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(features)).double().numpy()).reshape(-1)


def _facts(plan: Plan, crops: Crops, scores: F64) -> Facts:
    """Return what the card says of this training."""
    kind, pace, samples = network_class(plan.model), plan.pace, samples_of(plan)
    training: dict[str, Any] = {
        "commit": plan.commit,
        "seed": pace.seed,
        "epochs": pace.epochs,
        "batch": pace.batch,
        "rate": pace.rate,
        "folds": plan.folds,
        "laundered": plan.laundered,
        "chains": list(plan.chains),
        "skipped": len(crops.table.skipped),
        "torch": torch.__version__,
    }
    if plan.init is not None:
        training |= {
            "began with": f"{plan.init.name}, SHA-256 {file_sha256(plan.init)}",
            "encoder kept": plan.keep_encoder,
        }
    return Facts(
        name=f"audio-{plan.model}",
        version=VERSION,
        about=f"synthetic against recorded speech, {plan.model} over {samples / RATE:.2f} s",
        input=f"the front end {kind.FRONTEND} on windows of {samples} samples by detect/audio/gate.py, flat",
        calibration_set="clips of the corpus, clean and laundered, by models blind to their maker and source",
        papers=(kind.PAPER,),
        data=sources(crops.table.items),
        metrics=metrics(crops.table, scores, seed=pace.seed),
        training=training,
        hears={"front_end": kind.FRONTEND, "samples": samples},
    )
