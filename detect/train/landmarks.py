"""Training LRNet: films -> landmarks over time and fakes of them -> folds -> calibration -> ONNX with its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ...datasets.corpus import CorpusError, Item
from ...media.errors import InputError
from ..model import golden_input
from .calibration import calibrate
from .export import Exported, Facts, publish, sources
from .fit import F64, Progress, made, trainable
from .folds import Folds, run_folder, scores_of_unseen
from .landmarks_fakes import FAKES
from .landmarks_material import F32, Tracks, Windows, series_of_film, spreads, tracks_of
from .loop import Run, learn
from .networks.lrnet import INPUTS, LRNet, to_onnx, torch_scores
from .table import digest
from .visual_figures import clean_scores, metrics
from .visual_looking import Changed, balance
from .visual_networks import Plan

MODEL, VERSION = "lrnet", "1"
DRAWS = 4096
"""Windows an epoch, if a plan does not tell: a film has few windows, but as many stretches as frames."""


class Together(LRNet):
    """Networks that were taught on different people: the mean of what their branches say."""

    def __init__(self, networks: Sequence[LRNet]) -> None:
        """Ask all of `networks`."""
        super().__init__()
        del self.landmarks, self.differences
        self.networks = nn.ModuleList(networks)

    def branches(self, features: Tensor) -> Tensor:
        """Return the mean log odds of each branch."""
        told = [network.branches(features) for network in self.networks if isinstance(network, LRNet)]
        return torch.stack(told).mean(dim=0)


def train_network(
    items: Sequence[Item],
    plan: Plan,
    *,
    out: Path,
    work: Path | None = None,
    progress: Progress | None = None,
    series_of: Callable[[Item], F32] = series_of_film,
) -> Path:
    """Train LRNet on the films of `items`, write `visual-lrnet.onnx` and its card into `out`, return the card.

    `work` (`out/work` if not given) keeps landmarks and checkpoints. Raises `CorpusError` without real films or without
    fakes to calibrate on, `InputError` for a plan with weights from outside, `TrainingError` if a fold lacks a class.
    """
    if plan.encoder is not None:
        msg = f"the network {MODEL} takes no weights from outside, got {plan.encoder}: leave --encoder out"
        raise InputError(msg)
    tell = progress or (lambda _what, _done: None)
    films = [item for item in items if item.kind == "video"]
    if not any(item.spoof for item in films) or all(item.spoof for item in films):
        msg = f"expected real films to train on and faked ones to calibrate on, got {len(films)} films"
        raise CorpusError(msg)
    work = work or out / "work"
    run = _run_folder(work, plan, films)
    following = partial(tell, "following faces")
    tracks = tracks_of(films, series_of, folder=work / "landmarks", done=following)
    scores = unseen_scores(tracks, plan, run, tell)
    network = _last(tracks, plan, run, tell)
    judged, means = clean_scores(tracks, scores)
    spoof, groups = np.array([item.spoof for item in judged]), [item.group for item in judged]
    if spoof.all() or not spoof.any():
        told = f"{int(spoof.sum())} faked of {len(judged)}"
        msg = f"expected real and faked films with a whole window to calibrate on, got {told}"
        raise CorpusError(msg)
    calibration = calibrate(means, spoof, groups, seed=plan.pace.seed)
    tell("writing", 0.9)
    own = torch_scores(network, golden_input(INPUTS))
    exported = Exported(data=to_onnx(network), inputs=INPUTS, own=own)
    return publish(exported, calibration, _facts(plan, tracks, scores), out)[1]


def taught(tracks: Tracks, chosen: NDArray[np.int64], plan: Plan, run: Run) -> LRNet:
    """Return a network taught on windows drawn from the films of the rows numbered `chosen`, ready."""
    network = made_network(plan).standardised(*spreads(tracks, chosen))
    pace = run.pace
    batch = min(pace.batch, len(chosen))
    count = max(1, (plan.draws or DRAWS) // batch) * batch
    sampler = Changed(balance(tracks, chosen), count=count, seed=pace.seed)
    learn(network, Windows(tracks, chosen, seed=pace.seed), sampler, replace(run, pace=replace(pace, batch=batch)))
    return network


def made_network(plan: Plan) -> LRNet:
    """Return a network with the plan's seeded random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.pace.seed)
        return LRNet()


def judge(network: LRNet, tracks: Tracks, chosen: NDArray[np.int64]) -> F64:
    """Return the scores of the windows numbered `chosen`, `[len(chosen)]`."""
    loader = DataLoader(Windows(tracks, chosen), batch_size=64)
    scores = [torch_scores(network, windows.numpy()) for windows, _ in loader]
    return np.concatenate(scores) if scores else np.zeros(0)


def unseen_scores(tracks: Tracks, plan: Plan, run: Path, progress: Progress) -> F64:
    """Return the score of every window by a network that saw neither its people nor its maker, `[windows]`.

    The network of each fold is kept in `run` beside its scores.
    """

    def teach(chosen: NDArray[np.int64], held: NDArray[np.int64], lesson: Run) -> F64:
        network = taught(tracks, chosen, plan, lesson)
        torch.save(network.state_dict(), lesson.folder.with_suffix(".pt"))
        return judge(network, tracks, held)

    folds = Folds(count=plan.folds, pace=plan.pace, run=run, progress=progress)
    return scores_of_unseen(tracks.table, folds, trainable(tracks.table, plan), teach)


def _last(tracks: Tracks, plan: Plan, run: Path, progress: Progress) -> LRNet:
    """Return the network that is kept: one taught on all, or those of the folds together."""
    if plan.whole:
        last = Run(pace=plan.pace, folder=run / "whole", told=partial(progress, "training on all"))
        return taught(tracks, np.flatnonzero(trainable(tracks.table, plan)), plan, last)
    networks = []
    for path in sorted(run.glob("fold-*.pt")):
        networks.append(LRNet())
        networks[-1].load_state_dict(torch.load(path, weights_only=True))
    return Together(networks)


def _run_folder(work: Path, plan: Plan, items: Sequence[Item]) -> Path:
    """Return the folder of this plan's checkpoints on these items, emptied unless it is to be resumed."""
    told = (MODEL, VERSION, plan.pace.epochs, plan.pace.batch, plan.pace.rate, plan.pace.seed, plan.folds, plan.draws)
    name = digest(told, plan.others, tuple(FAKES), [(item.id, item.sha256, item.label) for item in items])
    return run_folder(work / f"{MODEL}-{name}", resume=plan.resume)


def _facts(plan: Plan, tracks: Tracks, scores: F64) -> Facts:
    """Return what the card says of this training."""
    pace = plan.pace
    return Facts(
        name=f"visual-{MODEL}",
        version=VERSION,
        about="faked against real films by 68 landmarks over 60 frames, LRNet",
        input="windows by detect/visual/landmarks.py, aligned each for itself: x and y of 68 landmarks of 60 frames",
        calibration_set="films as they are, fakes by others, by networks blind to people and makers",
        papers=(LRNet.PAPER,),
        data=sources([item for item in tracks.table.items if plan.others or made(item) or not item.spoof]),
        metrics=metrics(tracks, scores, seed=pace.seed),
        training={
            "commit": plan.commit,
            "seed": pace.seed,
            "epochs": pace.epochs,
            "batch": pace.batch,
            "rate": pace.rate,
            "draws": plan.draws or DRAWS,
            "folds": plan.folds,
            "others": plan.others,
            "whole": plan.whole,
            "sorts": list(FAKES),
            "skipped": len(tracks.table.skipped),
            "torch": torch.__version__,
        },
    )
