"""Training `visual-drawn`: real pictures and films, the same drawn by networks -> CLIP's first blocks -> lines, card.

Fakes by others are never trained on: they measure and calibrate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import SPOOF, CorpusError, Item
from ...media.errors import AssayError, MissingExtra
from ..finding import ModelError
from ..model import golden_input
from ..visual.drawn import SIDE, places, pooled
from .drawn_material import ENLARGERS, SORTS, Way, around, rows_of
from .enlarge import network as enlarger
from .export import Exported, Facts, Frozen, network, publish, sources
from .fit import F64, MADE, Progress, Protocol, auc, figures, fit, interval, made, unseen_scores
from .nuisance import is_marked
from .redraw import Copiers, Lesson, taught
from .seam_figures import view_of
from .selfblend import Pixels
from .table import Rows, Table, digest, gather, none
from .visual import calibrations_of
from .visual_encoder import kept, made_of
from .visual_stages import INPUTS, PAPERS, TOLERANCE

NAME, VERSION = "visual-drawn", "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the defaults made the shipped model."""

    seed: int = 1
    strength: float = 1e-3
    versions: int = 2
    """Coded versions of each piece and of what networks drew of it; every second one bears our mark, both classes."""
    folds: int = 8
    copying: int = 3000
    """Steps of the small networks that draw pieces anew."""
    copied: int = 120
    """Real pictures that those networks learn on."""
    commit: str = ""
    cache: Path | None = None
    encoder: Path | None = None
    """Folder of a CLIP whose first blocks become the encoder; that which lies in the package if not given."""
    codecs: tuple[str, ...] = (
        *("jpeg-90", "jpeg-70", "jpeg-50", "webp-70", "h264-crf23", "h264-crf35", "grain+jpeg-90"),
        *("blur+jpeg-90", "blur+webp-70", "blur+h264-crf28", "blur-2+jpeg-90", "median-3+jpeg-70"),
        *("scale-1.5+jpeg-90", "scale-2+jpeg-70"),
    )
    """Chains for all pieces. Without soft and enlarged real ones a lack of fine detail would stand for drawing."""
    scaled: tuple[str, ...] = (
        *("scale-0.75+jpeg-90", "scale-0.75+jpeg-70", "half+jpeg-90", "half+jpeg-70", "screenshot"),
        *("scale-0.75+h264-crf28", "half+h264-crf23"),
    )
    """Chains that scale down, for pieces with enough around them."""


MOST = 0.95
"""The most, log10, that it says: one eye alone must not reach `likely synthetic`, whatever its set supports."""
READ = "2"
"""Changes with what is read of a piece, so that kept rows of another time are not taken for it."""


def train(
    items: Sequence[Item], *, out: Path, settings: Settings | None = None, progress: Progress | None = None
) -> Path:
    """Train on the real pictures and films of `items`, write `visual-drawn.onnx` and its card into `out`.

    Returns the card's path. Raises `CorpusError` without real items or without fakes to calibrate on, `MissingExtra`
    without the networks that enlarge (extra `makers`).
    """
    settings, tell = settings or Settings(), progress or (lambda _what, _done: None)
    seen = [item for item in items if item.kind != "audio"]
    if not any(item.spoof for item in seen) or all(item.spoof for item in seen):
        msg = f"expected real files to train on and fakes to calibrate on, got {len(seen)} pictures and films"
        raise CorpusError(msg)
    encoder = kept() if settings.encoder is None else made_of(settings.encoder)
    table = examples(seen, settings, encoder, tell)
    scores = unseen(table, settings, tell)
    tell("fitting", 0.0)
    heads = fit(table, taught_on(table), strength=settings.strength)
    clean, coded = versions(table, scores)
    both = clean[0] + coded[0], np.concatenate([clean[1], coded[1]])
    calibrations = {
        kind: (replace(line, highest=min(line.highest, MOST)), f"{said}, as they are and coded once more")
        for kind, (line, said) in calibrations_of(*both, seed=settings.seed).items()
    }
    facts = Facts(
        name=NAME,
        version=VERSION,
        about="drawn or enlarged by a network, not real: lines on the first blocks of CLIP, pieces at their own size",
        input=f"pieces of {SIDE} pixels by detect/visual/drawn.py, 0..1, colours first, flat",
        calibration_set=calibrations["image"][1],
        calibrations={"video": calibrations["video"]},
        papers=(*PAPERS, "Rajan et al.: Aligned datasets improve detection of generated images, ICLR 2025"),
        data=sources([item for item in table.items if made(item) or not item.spoof]),
        metrics=metrics(table, scores, seed=settings.seed),
        training={
            "commit": settings.commit,
            "seed": settings.seed,
            "strength": settings.strength,
            "versions": settings.versions,
            "copying": settings.copying,
            "chains": [*settings.codecs, *settings.scaled],
            "encoder": encoder.about,
        },
        hears={"side": SIDE},
    )
    own = heads.scores(encoder.reader()(golden_input(INPUTS)[:1]))
    exported = Exported(data=network(heads), inputs=INPUTS, own=own, tolerance=TOLERANCE, encoder=encoder)
    return publish(exported, calibrations["image"][0], facts, out)[1]


def examples(items: Sequence[Item], settings: Settings, encoder: Frozen, progress: Progress) -> Table:
    """Return the rows of `items` as they are and coded, and of fakes of the real ones, each sort an item of its own."""
    for name in ENLARGERS:
        enlarger(name)  # what is missing is said before anything is taught
    copiers = copiers_of(items, settings, progress) if settings.copying else None
    way = Way(
        codecs=settings.codecs,
        scaled=settings.scaled,
        versions=settings.versions,
        seed=settings.seed,
        copiers=copiers,
        read=encoder.reader(),
    )
    told = (settings.seed, settings.versions, settings.codecs, settings.scaled)
    tag = (NAME, READ, encoder.card()["sha256"], *told, _copied(items, settings) if copiers else "")

    def rows(item: Item) -> Rows:
        try:
            return rows_of(item, way)
        except (MissingExtra, ModelError):
            raise
        except AssayError as error:
            return none(str(error))

    return _by_sort(gather(items, rows, cache=settings.cache, tag=tag, done=partial(progress, "looking at pieces")))


def _by_sort(table: Table) -> Table:
    """Return the table with an item of its own for each sort of fake that training made of a real item."""
    sorts = np.array([chain.split("|")[0] for chain in table.chain])
    items, item = list(table.items), table.item.copy()
    for sort in SORTS:
        for number in np.unique(table.item[sorts == sort]):
            item[(sorts == sort) & (table.item == number)] = len(items)
            real = table.items[number]
            items.append(replace(real, id=f"{real.id}+{sort}", label=SPOOF, maker=f"{sort}{MADE}", process=sort))
    chain = tuple(one.split("|")[1] for one in table.chain)
    return replace(table, items=tuple(items), item=item, chain=chain)


def copiers_of(items: Sequence[Item], settings: Settings, progress: Progress) -> Copiers:
    """Return small networks that copy pictures, taught on pieces of real ones unless they lie in the cache."""
    import torch

    reals = _shown(items, settings)
    place = None if settings.cache is None else settings.cache / f"copiers-{_copied(items, settings)}.pt"
    if place is not None and place.exists():
        copiers = Copiers()
        copiers.load_state_dict(torch.load(place, weights_only=True))
        return copiers.eval()
    shown: list[Pixels] = []
    for number, item in enumerate(reals):
        progress("looking for pieces to copy", number / len(reals))
        try:
            shown += [around(image, corner).pixels for image, corner, _ in places(view_of(item))]
        except AssayError:
            continue
    if not shown:
        msg = f"expected real pictures or films of at least {SIDE} pixels a side, got none"
        raise CorpusError(msg)
    progress("teaching networks to copy", 0.0)
    copiers = taught(shown, Lesson(steps=settings.copying, seed=settings.seed))
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        torch.save(copiers.state_dict(), place.with_suffix(".tmp"))
        place.with_suffix(".tmp").replace(place)
    return copiers


def _shown(items: Sequence[Item], settings: Settings) -> list[Item]:
    """Return the real items that copiers learn on: pictures where there are any."""
    reals = [item for item in items if not item.spoof and item.kind == "image"] or [i for i in items if not i.spoof]
    return sorted(reals, key=lambda item: digest("copied", item.id))[: settings.copied]


def _copied(items: Sequence[Item], settings: Settings) -> str:
    """Return a name for the copiers that these items and settings make."""
    shown = [(one.id, one.sha256) for one in _shown(items, settings)]
    return digest(NAME, settings.copying, settings.seed, shown)


def taught_on(table: Table) -> NDArray[np.bool_]:
    """Return which rows are trained on: coded ones of real items and of fakes that training made."""
    wanted = np.array([not item.spoof or made(item) for item in table.items])
    return np.asarray(wanted[table.item] & (np.array(table.chain) != "none"))


def unseen(table: Table, settings: Settings, progress: Progress) -> F64:
    """Return the score of every row by lines that saw neither its people nor, ever, a fake by others, `[rows]`."""
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed, others=False)
    return unseen_scores(table, protocol, progress, usable=taught_on(table))


def versions(table: Table, scores: F64) -> tuple[tuple[list[Item], F64], tuple[list[Item], F64]]:
    """Return real items and others' fakes with a score each as they are, and with one each coded once more."""
    chains = np.array(table.chain)
    others = np.array([not made(item) for item in table.items])[table.item]
    marked = np.array([is_marked(chain) for chain in table.chain])
    coded = others & (chains != "none") & ~marked
    return by_pieces(table, scores, chains == "none"), by_pieces(table, scores, coded)


def by_pieces(table: Table, scores: F64, chosen: NDArray[np.bool_]) -> tuple[list[Item], F64]:
    """Return the items of the `chosen` rows and the score of each, pooled over those rows as in scanning."""
    positions = np.unique(table.item[chosen]).tolist()
    pool = [pooled(scores[chosen & (table.item == position)].tolist()) for position in positions]
    return [table.items[position] for position in positions], np.array(pool)


def metrics(table: Table, scores: F64, *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: on others' fakes as they are and coded, by maker, and on own fakes."""
    out: dict[str, Any] = {"protocol": "fakes by others never trained on; people of a test in no training"}
    (items, means), coded = versions(table, scores)
    chains = np.array(table.chain)
    marked = np.array([is_marked(chain) for chain in table.chain])
    for name, some, values in (("as they are", items, means), ("coded", *coded)):
        for kind in ("image", "video"):
            rows = [k for k, item in enumerate(some) if item.kind == kind]
            chosen = [some[k] for k in rows]
            out[f"{kind}, {name}"] = figures(chosen, values[rows])
            if len({item.spoof for item in chosen}) == 2:
                out[f"{kind}, {name}"]["auc_interval"] = interval(chosen, values[rows], seed=seed)
    out["by_maker"] = {}
    for maker, kind in sorted({(item.maker, item.kind) for item in items if item.spoof}):
        rows = [k for k, i in enumerate(items) if i.kind == kind and (not i.spoof or i.maker == maker)]
        out["by_maker"][f"{maker} ({kind})"] = figures([items[k] for k in rows], means[rows])
    for sort in SORTS:
        own = [k for k, i in enumerate(table.items) if (not i.spoof) or i.process == sort]
        out[f"{sort}, coded"] = figures(*by_pieces(table, scores, table.rows(own) & (chains != "none") & ~marked))
    real = ~table.spoof & (chains != "none")
    if (real & marked).any():
        pair = [by_pieces(table, scores, real & mark)[1] for mark in (~marked, marked)]
        labels = np.repeat([False, True], [len(values) for values in pair])
        out["our_mark_on_reals_auc"] = round(auc(labels, np.concatenate(pair)), 4)
    return out
